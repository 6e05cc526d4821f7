/* SPDX-License-Identifier: Apache-2.0 */
/* Graylog's GELF by HTTP: a message a request, answered by 202. */
#include "http.h"
#include "library.h"

static const struct setting_key keys[] = {
	HTTP_KEY_ROWS("http://HOST:12201; without a path /gelf", "none"),
};

static void body_write(void *own, struct buf *out, const struct http_part *part)
{
	(void)own;
	buf_str(out, part->records[0].bytes);
}

static const struct http_receiver receiver = {
	.path = "/gelf",
	.content_type = "application/json",
	.token_header = "Authorization: Bearer %s",
	.records = 1,
	.body = body_write,
};

static int gelf_open(const struct transport_settings *settings, struct transport_state **out,
		     struct err *err)
{
	return http_only_open(settings, &receiver, out, err);
}

const struct transport transport_gelf_http = {
	.name = "gelf-http",
	.doc = "Graylog, GELF messages by HTTP",
	.format = "gelf",
	.keys = keys,
	.key_count = HTTP_KEY_COUNT,
	.batch_records = 100,
	.batch_bytes = 1024 * 1024,
	.missing = library_missing,
	.check = http_check,
	.open = gelf_open,
	.send = http_only_send,
	.close = http_only_close,
};
