/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenTelemetry logs as protobuf, an export request a record and nothing behind it: requests one
 * after the other are one request, so a batch is their concatenation.
 */
#include "encode/otlp.h"

static void otlp_protobuf_write(struct buf *out, const struct event *event,
				const struct format_options *options)
{
	otlp_write(out, event, options, true);
}

const struct format format_otlp_protobuf = {
	.name = "otlp-protobuf",
	.doc = "OpenTelemetry logs (OTLP 1.x) as protobuf",
	.media_type = "application/x-protobuf",
	.binary = true,
	.write = otlp_protobuf_write,
};
