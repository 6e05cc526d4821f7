/* SPDX-License-Identifier: Apache-2.0 */
/* Twin of kafka_producer.c for builds without librdkafka. */
#include <errno.h>

#include "base/err.h"
#include "kafka_producer.h"

int kafka_open(const struct transport_settings *settings, struct transport_state **out,
	       struct err *err)
{
	(void)settings, (void)out;
	err_set(err, -ENOSYS, "Kafka is not in this build");
	err_hint(err, "install librdkafka-dev and build again without KAFKA=0");
	return -ENOSYS;
}

int kafka_send(struct transport_state *state, struct transport_batch *batch)
{
	(void)state, (void)batch;
	return -ENOSYS;
}

void kafka_close(struct transport_state *state, uint64_t deadline)
{
	(void)state, (void)deadline;
}

const char *kafka_missing(void)
{
	return "not in this build: KAFKA=0";
}
