/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a RELP receiver says. A frame read is in the input, its parts are where they must be, and it
 * reads the same when less than it is there: more to come, never another frame.
 */
#include <errno.h>
#include <stdint.h>

#include "touch.h"
#include "transport/relp_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *at = (const char *)data;

	while (len) {
		struct relp_frame frame, less;
		long taken = relp_frame_read(at, len, &frame);

		CHECK(taken == -EPROTO || (taken >= 0 && (size_t)taken <= len));
		if (taken <= 0)
			return 0;
		CHECK(at[taken - 1] == '\n' && frame.data.len <= RELP_DATA_MAX);
		CHECK(frame.data.data >= at && frame.data.data + frame.data.len < at + taken);
		CHECK(relp_code(frame.data) <= 999);
		for (long cut = 0; cut < MIN(taken, 64); cut++)
			CHECK(relp_frame_read(at, (size_t)cut, &less) == 0);
		at += taken;
		len -= (size_t)taken;
	}
	return 0;
}
