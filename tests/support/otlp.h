/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP's protobuf read back by its schema (opentelemetry-proto 1.x, logs and common), strictly:
 * unknown fields, wrong wire types, lengths that do not add up and invalid UTF-8 are refused.
 */
#ifndef SUPPORT_OTLP_H
#define SUPPORT_OTLP_H

#include "base/buf.h"

/* Appends an export request as its JSON mapping. False: it is none. */
bool otlp_decode(struct buf *out, struct str bytes);
/* The same JSON, but for which escapes strings are written with. */
bool otlp_same(const struct buf *a, const struct buf *b);

#endif
