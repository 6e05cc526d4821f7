/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What receivers say in the bodies of their answers: hostile input, read strictly. An answer that
 * is not what the receiver's documentation promises proves nothing: its records are sent again.
 */
#ifndef TRANSPORT_ANSWERS_H
#define TRANSPORT_ANSWERS_H

#include "http.h"

/* Elasticsearch and OpenSearch `_bulk`, 2xx: a result for each item. */
void bulk_answer(const struct http_answer *answer, const struct http_part *part,
		 struct transport_batch *batch);

struct hec_answer {
	bool read; /* it is an answer of HEC's */
	int64_t code;
	bool has_ack, has_invalid;
	int64_t ack, invalid; /* ackId, invalid-event-number */
};
/* Splunk HEC, any status. */
void hec_answer_read(struct str body, struct hec_answer *out);
/* Results of a request that was not accepted; resend_all: do not trust invalid-event-number. */
bool hec_failed(const struct http_answer *answer, const struct http_part *part, bool resend_all,
		const char *why);
/*
 * {"acks":{"7":true}}: calls `acknowledged` for each that is true. False if it is no such answer.
 */
bool hec_acks_read(struct str body, void (*acknowledged)(void *ctx, uint64_t ack), void *ctx);

/* OTLP/HTTP logs, JSON or protobuf, 2xx: how many records were rejected; -1: not understood. */
int64_t otlp_rejected(struct str body, bool protobuf, char *why, size_t size);

#endif
