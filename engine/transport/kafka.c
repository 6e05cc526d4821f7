/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kafka by an idempotent producer: a record is delivered when the brokers have reported it on all
 * in-sync replicas. The host is the key, so that what one host reports stays in order.
 */
#include <errno.h>

#include "base/err.h"
#include "kafka_producer.h"

static const struct setting_key keys[KAFKA_KEY_COUNT] = {
	{ "brokers", SETTING_TEXTS, .required = true, .doc = "HOST:PORT of some brokers" },
	{ "topic", SETTING_TEXT, .fallback = "spoor.alerts", .doc = "topic of the records" },
	{ "key", SETTING_CHOICE, .fallback = "host", .choices = "host event none",
	  .doc = "what is kept in order: the host, the name of the event, or nothing" },
	{ "compression", SETTING_CHOICE, .fallback = "zstd", .choices = "none gzip snappy lz4 zstd",
	  .doc = "of what is sent" },
	{ "linger", SETTING_DURATION, .fallback = "5ms",
	  .doc = "wait so long for a fuller message" },
	{ "security", SETTING_CHOICE, .fallback = "plaintext",
	  .choices = "plaintext ssl sasl_plaintext sasl_ssl", .doc = "the brokers' listener" },
	{ "sasl_mechanism", SETTING_CHOICE, .fallback = "SCRAM-SHA-512",
	  .choices = "PLAIN SCRAM-SHA-256 SCRAM-SHA-512",
	  .doc = "for sasl_plaintext and sasl_ssl" },
	{ "sasl_user", SETTING_TEXT, .doc = "its user" },
	{ "sasl_password", SETTING_SECRET, .doc = "its password" },
	{ "options", SETTING_PAIRS, .doc = "more of librdkafka's producer properties" },
	TLS_KEY_ROWS,
};

/* What would break delivery if it could be set from outside. */
static const char *const reserved[] = { "enable.idempotence",	 "acks",
					"request.required.acks", "bootstrap.servers",
					"metadata.broker.list",	 "transactional.id",
					"message.timeout.ms" };

static int check_options(const struct transport_settings *settings, struct err *err)
{
	const struct setting_value *options = &settings->values[KAFKA_OPTIONS];

	for (uint32_t i = 0; i < options->count; i++)
		for (size_t n = 0; n < ARRAY_SIZE(reserved); n++)
			if (str_equal(options->pairs[i].key, str_of(reserved[n]))) {
				err_set(err, -EINVAL, "%s cannot be changed", reserved[n]);
				err_hint(err, "delivery rests on it");
				return -EINVAL;
			}
	return 0;
}

static int check_security(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	int64_t security = setting_number(settings, KAFKA_SECURITY);
	bool sasl = security == KAFKA_SASL_PLAIN || security == KAFKA_SASL_SSL;
	bool ssl = security == KAFKA_SSL || security == KAFKA_SASL_SSL;

	*key = KAFKA_SASL_USER;
	if (sasl != (setting_text(settings, KAFKA_SASL_USER) != NULL)) {
		err_set(err, -EINVAL, "security: %s %s", settings->values[KAFKA_SECURITY].text.data,
			sasl ? "needs a sasl_user" : "knows no sasl_user");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < TLS_KEY_COUNT; i++) {
		const struct setting_value *value = &settings->values[KAFKA_TLS + i];

		*key = KAFKA_TLS + i;
		if (value->given && (i == TLS_SERVER_NAME || i == TLS_FINGERPRINTS))
			return err_set(err, -EINVAL, "librdkafka has no %s",
				       keys[KAFKA_TLS + i].name);
		if (value->given && !ssl) {
			err_set(err, -EINVAL, "%s needs TLS", keys[KAFKA_TLS + i].name);
			err_hint(err, "security: ssl or sasl_ssl");
			return -EINVAL;
		}
	}
	return 0;
}

static int kafka_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	const struct setting_value *brokers = &settings->values[KAFKA_BROKERS];

	*key = KAFKA_BROKERS;
	for (uint32_t i = 0; i < brokers->count; i++)
		if (!brokers->texts[i].len ||
		    memchr(brokers->texts[i].data, '/', brokers->texts[i].len)) {
			err_set(err, -EINVAL, "'%.*s' is no broker", (int)brokers->texts[i].len,
				brokers->texts[i].data);
			err_hint(err, "a list of HOST:PORT, such as kafka1.example.org:9092");
			return -EINVAL;
		}
	int r = check_security(settings, key, err);

	if (r < 0)
		return r;
	r = tls_check(settings->values + KAFKA_TLS, key, err);
	*key += r < 0 ? KAFKA_TLS : 0;
	if (r < 0)
		return r;
	*key = KAFKA_OPTIONS;
	return check_options(settings, err);
}

const struct transport transport_kafka = {
	.name = "kafka",
	.doc = "Kafka, by an idempotent producer",
	.format = "json",
	.keys = keys,
	.key_count = KAFKA_KEY_COUNT,
	.batch_records = 1000,
	.batch_bytes = 4 * 1024 * 1024,
	.missing = kafka_missing,
	.check = kafka_check,
	.open = kafka_open,
	.send = kafka_send,
	.close = kafka_close,
};
