/* SPDX-License-Identifier: Apache-2.0 */
/* OpenTelemetry logs as JSON, an export request a line: what its file exporter writes as well. */
#include "encode/otlp.h"

static void otlp_json_write(struct buf *out, const struct event *event,
			    const struct format_options *options)
{
	otlp_write(out, event, options, false);
	buf_char(out, '\n');
}

const struct format format_otlp = {
	.name = "otlp",
	.doc = "OpenTelemetry logs (OTLP 1.x) as JSON",
	.media_type = "application/json",
	.write = otlp_json_write,
};
