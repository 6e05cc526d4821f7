/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kafka against librdkafka's mock cluster, read back by its consumer: key, headers, time, order;
 * brokers that fail, are slow, go away and come back.
 */
#include "outlets.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

enum { RECORDS = 200, API_PRODUCE = 0 };

static rd_kafka_t *host; /* the client that the cluster lives in */
static rd_kafka_mock_cluster_t *cluster;
static char brokers[256];

static int cluster_start(void **state)
{
	char why[256];

	(void)state;
	host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
	cluster = host ? rd_kafka_mock_cluster_new(host, 3) : NULL;
	if (!cluster)
		return -1;
	snprintf(brokers, sizeof(brokers), "brokers=%s", rd_kafka_mock_cluster_bootstraps(cluster));
	return 0;
}

static int cluster_stop(void **state)
{
	(void)state;
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(host);
	return 0;
}

/* ---- reading back ------------------------------------------------------------------------ */

static rd_kafka_t *consumer_open(const char *topic)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];

	rd_kafka_conf_set(conf, "bootstrap.servers", strchr(brokers, '=') + 1, why, sizeof(why));
	rd_kafka_conf_set(conf, "group.id", topic, why, sizeof(why));
	rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", why, sizeof(why));
	rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);

	assert_non_null(consumer);
	rd_kafka_topic_partition_list_add(topics, topic, 0);
	rd_kafka_topic_partition_list_set_offset(topics, topic, 0, RD_KAFKA_OFFSET_BEGINNING);
	assert_int_equal(rd_kafka_assign(consumer, topics), 0);
	rd_kafka_topic_partition_list_destroy(topics);
	return consumer;
}

static void header_is(const rd_kafka_message_t *message, const char *name, const char *expected)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t size;

	assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
	assert_int_equal(rd_kafka_header_get_last(headers, name, &value, &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(value, expected, size);
}

/* Every record is there, in order, as it was sent; how many came twice. */
static unsigned read_back(const char *topic, unsigned count)
{
	rd_kafka_t *consumer = consumer_open(topic);
	unsigned next = 1, twice = 0, empty = 0;

	while (next <= count && empty < 100) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
		char expected[64];

		empty += !message;
		if (!message || message->err) {
			if (message)
				rd_kafka_message_destroy(message);
			continue;
		}
		unsigned number = (unsigned)strtoul((char *)message->payload + 6, NULL, 10);

		if (number < next)
			twice++;
		else
			assert_int_equal(number, next++);
		snprintf(expected, sizeof(expected), "{\"n\":\"%06u\"}", number);
		assert_int_equal(message->len, strlen(expected));
		assert_memory_equal(message->payload, expected, message->len);
		assert_int_equal(message->key_len, 32);
		snprintf(expected, sizeof(expected), "id-%u", number);
		header_is(message, "id", expected);
		header_is(message, "event", "shm_probe");
		header_is(message, "format", "json");
		header_is(message, "host", "host-a");
		assert_true(rd_kafka_message_timestamp(message, NULL) == 1789899072345);
		rd_kafka_message_destroy(message);
	}
	assert_int_equal(next, count + 1);
	rd_kafka_consumer_close(consumer);
	rd_kafka_destroy(consumer);
	return twice;
}

/* ---- tests ------------------------------------------------------------------------------- */

static struct transport_record *open_topic(struct outlet *outlet, const char *topic, char *setting)
{
	snprintf(setting, 64, "topic=%s", topic);
	rd_kafka_mock_topic_create(cluster, topic, 1, 3);
	outlet_must_open(outlet, "kafka", NULL, SETTINGS(brokers, setting));
	return records_make("{\"n\":\"%06u\"}", 1, RECORDS);
}

static void test_delivers(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	char setting[64];
	struct transport_record *records = open_topic(&outlet, "plain", setting);

	assert_true(outlet_deliver(&outlet, records, RECORDS, 50, 10000, 20, &tally));
	assert_int_equal(tally.done, RECORDS);
	assert_int_equal(tally.retried, 0);
	outlet_close(&outlet);
	assert_int_equal(read_back("plain", RECORDS), 0);
	records_free(records, RECORDS);
}

/* Errors that pass, and one that does not. */
static void test_errors(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	struct transport_batch batch;
	char setting[64];
	struct transport_record *records = open_topic(&outlet, "errors", setting);

	rd_kafka_mock_push_request_errors(
		cluster, API_PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
		RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
	assert_true(outlet_deliver(&outlet, records, RECORDS, 50, 10000, 20, &tally));
	assert_int_equal(tally.done, RECORDS);
	read_back("errors", RECORDS);
	rd_kafka_mock_push_request_errors(cluster, API_PRODUCE, 1,
					  RD_KAFKA_RESP_ERR_INVALID_RECORD);
	outlet_once(&outlet, records, 1, &batch, 5000);
	assert_int_equal(records[0].result, DELIVERY_REFUSED);
	outlet_close(&outlet);
	records_free(records, RECORDS);
}

/* The brokers are away: nothing counts as delivered, and all of it is once they are back. */
static void test_away(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	struct transport_batch batch;
	char setting[64];
	struct transport_record *records = open_topic(&outlet, "away", setting);

	assert_true(outlet_deliver(&outlet, records, 20, 20, 10000, 20, &tally));
	for (int i = 1; i <= 3; i++)
		rd_kafka_mock_broker_set_down(cluster, i);
	assert_true(outlet_once(&outlet, records + 20, 20, &batch, 500) < 0);
	for (int i = 20; i < 40; i++)
		assert_int_equal(records[i].result, DELIVERY_RETRY);
	assert_true(batch.answer[0]);
	for (int i = 1; i <= 3; i++)
		rd_kafka_mock_broker_set_up(cluster, i);
	assert_true(outlet_deliver(&outlet, records + 20, RECORDS - 20, 50, 10000, 30, &tally));
	assert_int_equal(tally.done, RECORDS - 20);
	outlet_close(&outlet);
	read_back("away", RECORDS);
	records_free(records, RECORDS);
}

/* Reports that come too late: the records are purged and sent again, none is lost. */
static void test_slow(void **state)
{
	(void)state;
	struct outlet outlet;
	struct outlet_tally tally;
	struct transport_batch batch;
	char setting[64];
	struct transport_record *records = open_topic(&outlet, "slow", setting);

	for (int i = 1; i <= 3; i++)
		rd_kafka_mock_broker_set_rtt(cluster, i, 700);
	outlet_once(&outlet, records, RECORDS, &batch, 300);
	assert_int_equal(records[0].result, DELIVERY_RETRY);
	for (int i = 1; i <= 3; i++)
		rd_kafka_mock_broker_set_rtt(cluster, i, 0);
	assert_true(outlet_deliver(&outlet, records, RECORDS, RECORDS, 10000, 30, &tally));
	assert_int_equal(tally.done, RECORDS);
	outlet_close(&outlet);
	read_back("slow", RECORDS);
	records_free(records, RECORDS);
}

static void test_settings(void **state)
{
	(void)state;
	outlet_must_refuse("kafka", NULL, "is no broker", SETTINGS("brokers=http://h:9092"));
	outlet_must_refuse("kafka", NULL, "cannot be changed",
			   SETTINGS("brokers=h", "options=acks: 0"));
	outlet_must_refuse("kafka", NULL, "does not take",
			   SETTINGS("brokers=h", "options=no.such: 0"));
	outlet_must_refuse("kafka", NULL, "needs a sasl_user",
			   SETTINGS("brokers=h", "security=sasl_ssl"));
	outlet_must_refuse("kafka", NULL, "needs TLS",
			   SETTINGS("brokers=h", "ca_file=/etc/passwd"));
	outlet_must_refuse("kafka", NULL, "has no fingerprints",
			   SETTINGS("brokers=h", "security=ssl", "fingerprints=AA"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivers), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_away),	 cmocka_unit_test(test_slow),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, cluster_start, cluster_stop);
}
