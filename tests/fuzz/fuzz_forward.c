/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Fluent Forward receiver says. A message read lies in the input, and with a byte less there
 * is more to come.
 */
#include <errno.h>
#include <stdint.h>

#include "touch.h"
#include "transport/forward_message.h"

static void check_inside(struct str text, const char *at, long len)
{
	CHECK(!text.len || (text.data >= at && text.data + text.len <= at + len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *at = (const char *)data;

	while (len) {
		struct forward_message message, less;
		long taken = forward_message_read(at, len, &message);

		CHECK(taken == -EPROTO || (taken >= 0 && (size_t)taken <= len));
		if (taken <= 0)
			return 0;
		check_inside(message.ack, at, taken);
		check_inside(message.nonce, at, taken);
		check_inside(message.salt, at, taken);
		check_inside(message.reason, at, taken);
		check_inside(message.host, at, taken);
		check_inside(message.digest, at, taken);
		CHECK(message.kind != FORWARD_ACK || message.ack.data);
		long cut = forward_message_read(at, (size_t)taken - 1, &less);

		CHECK(cut == 0 || (cut == -EPROTO && taken >= FORWARD_MESSAGE_MAX));
		at += taken;
		len -= (size_t)taken;
	}
	return 0;
}
