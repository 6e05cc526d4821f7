/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert as an OpenTelemetry log record in an export request of its own (LogsData), as JSON and
 * as protobuf from one description. Requests can be merged: the bytes of protobuf ones one after
 * the other are a request; of JSON ones what stands between `{"resourceLogs":[` and `]}`.
 */
#ifndef ENCODE_OTLP_H
#define ENCODE_OTLP_H

#include "encode/facts.h"

/* Appends it, without an end of line. */
void otlp_write(struct buf *out, const struct event *event, const struct format_options *options,
		bool protobuf);

#endif
