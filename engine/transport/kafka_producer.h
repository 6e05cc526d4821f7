/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the Kafka transport that knows librdkafka. kafka_none.c is its twin for builds
 * without (`make KAFKA=0`, or no librdkafka-dev).
 */
#ifndef TRANSPORT_KAFKA_PRODUCER_H
#define TRANSPORT_KAFKA_PRODUCER_H

#include "batch.h"
#include "tls.h"

enum kafka_key {
	KAFKA_BROKERS,
	KAFKA_TOPIC,
	KAFKA_KEY,
	KAFKA_COMPRESSION,
	KAFKA_LINGER,
	KAFKA_SECURITY,
	KAFKA_SASL_MECHANISM,
	KAFKA_SASL_USER,
	KAFKA_SASL_PASSWORD,
	KAFKA_OPTIONS,
	KAFKA_TLS,
	KAFKA_KEY_COUNT = KAFKA_TLS + TLS_KEY_COUNT
};
enum kafka_key_choice { KAFKA_KEY_HOST, KAFKA_KEY_EVENT, KAFKA_KEY_NONE };
enum kafka_security { KAFKA_PLAIN, KAFKA_SSL, KAFKA_SASL_PLAIN, KAFKA_SASL_SSL };

/* As the transport's functions of these names. */
int kafka_open(const struct transport_settings *settings, struct transport_state **out,
	       struct err *err);
int kafka_send(struct transport_state *state, struct transport_batch *batch);
void kafka_close(struct transport_state *state, uint64_t deadline);
const char *kafka_missing(void);

#endif
