/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of receivers. One that is read has its parts, and is shown without what is secret. */
#include <stdint.h>

#include "base/err.h"
#include "touch.h"
#include "transport/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = { (const char *)data, (uint32_t)len };
	struct err err = { 0 };
	struct url url;
	char out[512];

	if (url_parse(text, "http https tcp udp unix", &url, &err) < 0) {
		CHECK(err.message[0]);
		return 0;
	}
	CHECK(url.local ? url.path[0] == '/' : url.host[0] != 0);
	CHECK(url_shown(&url, out, sizeof(out)) == out);
	CHECK(url.local || (!strchr(out, '@') && !strchr(out, '?')));
	url_parameter(&url, "tag", out, sizeof(out));
	url_unknown_parameter(&url, "tag requireAck", out, sizeof(out));
	return 0;
}
