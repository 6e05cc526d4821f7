/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of answers of Elasticsearch, Splunk and OTLP receivers. Whatever comes, every record
 * has one of the results there are, a reason is text, and an answer that is none delivers nothing.
 */
#include <stdint.h>

#include "touch.h"
#include "transport/answers.h"

enum { RECORDS = 4 };

static struct transport_record records[RECORDS];
static struct transport_batch batch = { .records = records, .count = RECORDS };
static const struct http_part part = { records, RECORDS };

static void start(void)
{
	memset(records, 0, sizeof(records));
	memset(batch.answer, 0, sizeof(batch.answer));
}

static void check_results(void)
{
	CHECK(memchr(batch.answer, 0, sizeof(batch.answer)));
	for (int i = 0; i < RECORDS; i++) {
		CHECK(records[i].result <= DELIVERY_REFUSED);
		CHECK(!records[i].why || strlen(records[i].why) < sizeof(batch.answer));
	}
}

static void count_ack(void *ctx, uint64_t ack)
{
	(void)ack;
	(*(unsigned *)ctx)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_answer answer = { 200, { (const char *)data, (uint32_t)len } };
	struct hec_answer said;
	unsigned acks = 0;
	char why[64];

	start();
	bulk_answer(&answer, &part, &batch);
	check_results();
	hec_answer_read(answer.body, &said);
	answer.status = 400;
	for (int all = 0; all < 2; all++) {
		start();
		if (hec_failed(&answer, &part, all, "no"))
			check_results();
		else
			CHECK(records[0].result == DELIVERY_RETRY);
	}
	if (!hec_acks_read(answer.body, count_ack, &acks))
		CHECK(acks == 0);
	for (int protobuf = 0; protobuf < 2; protobuf++) {
		CHECK(otlp_rejected(answer.body, protobuf, why, sizeof(why)) >= -1);
		CHECK(memchr(why, 0, sizeof(why)));
	}
	return 0;
}
