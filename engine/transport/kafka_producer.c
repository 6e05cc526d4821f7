/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka's producer. A batch is handed to it and its delivery reports are awaited; what is not
 * reported when the time is over is purged, so that nothing of it is sent behind our back, and the
 * producer is made anew: it has lost its sequence.
 */
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/err.h"
#include "kafka_producer.h"
#include "library.h"
#include "moment.h"

#define KAFKA_FUNCTIONS(X) \
	X(rd_kafka_conf_destroy) \
	X(rd_kafka_conf_new) \
	X(rd_kafka_conf_set) \
	X(rd_kafka_conf_set_dr_msg_cb) \
	X(rd_kafka_conf_set_error_cb) \
	X(rd_kafka_conf_set_log_cb) \
	X(rd_kafka_conf_set_opaque) \
	X(rd_kafka_destroy_flags) \
	X(rd_kafka_err2str) \
	X(rd_kafka_fatal_error) \
	X(rd_kafka_header_add) \
	X(rd_kafka_headers_destroy) \
	X(rd_kafka_headers_new) \
	X(rd_kafka_new) \
	X(rd_kafka_poll) \
	X(rd_kafka_producev) \
	X(rd_kafka_purge)

struct kafka {
#define X(name) __typeof__(name) *name;
	KAFKA_FUNCTIONS(X)
#undef X
};

static const char *const names[] = {
#define X(name) #name,
	KAFKA_FUNCTIONS(X)
#undef X
};

_Static_assert(sizeof(struct kafka) == sizeof(names), "a pointer for each name");

enum { POLL_STEP_MS = 100, PURGE_MS = 1000 };

struct transport_state {
	const struct transport_settings *settings;
	const struct kafka *lib;
	rd_kafka_t *producer; /* NULL: to be made anew */
	uint32_t outstanding; /* records without a report */
	char said[256];	      /* the last error, of the client or a broker */
};

static const struct kafka *load(struct err *err)
{
	static const struct library library = { "librdkafka.so.1", "librdkafka1", names,
						ARRAY_SIZE(names) };
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct kafka functions;
	static bool loaded;

	pthread_mutex_lock(&lock);
	loaded = loaded || library_load(&library, (void **)&functions, err) == 0;
	const struct kafka *found = loaded ? &functions : NULL;

	pthread_mutex_unlock(&lock);
	return found;
}

/* ---- reports -------------------------------------------------------------------------------- */

static enum delivery_result result_of(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR: return DELIVERY_DONE;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE: return DELIVERY_TOO_LARGE;
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_MSG: return DELIVERY_REFUSED;
	default: return DELIVERY_RETRY;
	}
}

static void record_result(struct transport_state *state, struct transport_record *record,
			  rd_kafka_resp_err_t code)
{
	record->result = result_of(code);
	record->why = record->result == DELIVERY_DONE ? NULL : state->lib->rd_kafka_err2str(code);
}

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *ctx)
{
	struct transport_state *state = ctx;

	(void)producer;
	state->outstanding -= state->outstanding > 0;
	record_result(state, message->_private, message->err);
	if (message->err && message->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
	    message->err != RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		snprintf(state->said, sizeof(state->said), "%s",
			 state->lib->rd_kafka_err2str(message->err));
}

static void on_error(rd_kafka_t *producer, int code, const char *reason, void *ctx)
{
	struct transport_state *state = ctx;

	(void)producer, (void)code;
	snprintf(state->said, sizeof(state->said), "%s", reason);
}

/* librdkafka would print to stderr; what matters comes as an error. */
static void on_log(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
	(void)producer, (void)level, (void)facility, (void)text;
}

/* ---- the producer ------------------------------------------------------------------------ */

struct property {
	const char *name, *value;
};

static int set(const struct transport_state *state, rd_kafka_conf_t *conf, const char *name,
	       const char *value, struct err *err)
{
	char why[256] = "";

	if (!value ||
	    state->lib->rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return 0;
	err_set(err, -EINVAL, "librdkafka does not take %s: %s", name, why);
	return -EINVAL;
}

static int set_tls(const struct transport_state *state, rd_kafka_conf_t *conf, struct err *err)
{
	const struct setting_value *tls = state->settings->values + KAFKA_TLS;
	const struct property rows[] = {
		{ "ssl.ca.location", tls[TLS_CA_FILE].text.data },
		{ "ssl.certificate.location", tls[TLS_CERTIFICATE_FILE].text.data },
		{ "ssl.key.location", tls[TLS_KEY_FILE].text.data },
		{ "ssl.key.password", tls[TLS_KEY_PASSWORD].text.data },
		{ "enable.ssl.certificate.verification",
		  tls[TLS_VERIFY].number ? "true" : "false" },
		{ "ssl.endpoint.identification.algorithm",
		  tls[TLS_VERIFY].number ? "https" : "none" },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
		r = set(state, conf, rows[i].name, rows[i].value, err);
	return r;
}

static int set_sasl(const struct transport_state *state, rd_kafka_conf_t *conf, struct err *err)
{
	const struct transport_settings *settings = state->settings;
	const struct property rows[] = {
		{ "sasl.mechanism", setting_text(settings, KAFKA_SASL_MECHANISM) },
		{ "sasl.username", setting_text(settings, KAFKA_SASL_USER) },
		{ "sasl.password", setting_text(settings, KAFKA_SASL_PASSWORD) },
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
		r = set(state, conf, rows[i].name, rows[i].value, err);
	return r;
}

/* Delivery owns retries and deadlines, so messages do not time out here. */
static int set_all(const struct transport_state *state, rd_kafka_conf_t *conf, struct err *err)
{
	const struct transport_settings *settings = state->settings;
	const struct setting_value *values = settings->values;
	struct buf brokers = { 0 };
	char linger[24];
	int r = 0;

	for (uint32_t i = 0; i < values[KAFKA_BROKERS].count; i++) {
		buf_str(&brokers, i ? STR(",") : STR(""));
		buf_str(&brokers, values[KAFKA_BROKERS].texts[i]);
	}
	snprintf(linger, sizeof(linger), "%lld", (long long)values[KAFKA_LINGER].number);
	const struct property rows[] = {
		{ "bootstrap.servers", buf_cstr(&brokers) },
		{ "client.id", "spoor" },
		{ "enable.idempotence", "true" },
		{ "message.timeout.ms", "0" },
		{ "linger.ms", linger },
		{ "compression.codec", setting_text(settings, KAFKA_COMPRESSION) },
		{ "partitioner", "murmur2_random" }, /* as Java's clients */
		{ "security.protocol", setting_text(settings, KAFKA_SECURITY) },
		{ "socket.keepalive.enable", "true" },
		{ "reconnect.backoff.max.ms", "2000" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
		r = set(state, conf, rows[i].name, rows[i].value, err);
	buf_free(&brokers);
	int64_t security = setting_number(settings, KAFKA_SECURITY);

	if (r == 0 && (security == KAFKA_SSL || security == KAFKA_SASL_SSL))
		r = set_tls(state, conf, err);
	if (r == 0 && (security == KAFKA_SASL_PLAIN || security == KAFKA_SASL_SSL))
		r = set_sasl(state, conf, err);
	for (uint32_t i = 0; i < values[KAFKA_OPTIONS].count && r == 0; i++)
		r = set(state, conf, values[KAFKA_OPTIONS].pairs[i].key.data,
			values[KAFKA_OPTIONS].pairs[i].value.data, err);
	return r;
}

static int producer_make(struct transport_state *state, struct err *err)
{
	const struct kafka *lib = state->lib;
	rd_kafka_conf_t *conf = lib->rd_kafka_conf_new();
	char why[256] = "";
	int r = set_all(state, conf, err);

	if (r == 0) {
		lib->rd_kafka_conf_set_opaque(conf, state);
		lib->rd_kafka_conf_set_dr_msg_cb(conf, on_report);
		lib->rd_kafka_conf_set_error_cb(conf, on_error);
		lib->rd_kafka_conf_set_log_cb(conf, on_log);
		state->producer = lib->rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
		r = state->producer ? 0 : -EINVAL;
		if (r < 0)
			err_set(err, r, "librdkafka does not start: %s", why);
	}
	if (r < 0)
		lib->rd_kafka_conf_destroy(conf);
	return r;
}

static void producer_drop(struct transport_state *state)
{
	if (state->producer)
		state->lib->rd_kafka_destroy_flags(state->producer, 0);
	state->producer = NULL;
}

int kafka_open(const struct transport_settings *settings, struct transport_state **out,
	       struct err *err)
{
	const struct kafka *lib = load(err);
	autoclean(freep) struct transport_state *state = lib ? calloc(1, sizeof(*state)) : NULL;

	if (!state)
		return lib ? err_set(err, -ENOMEM, "out of memory") : err->code;
	state->settings = settings;
	state->lib = lib;
	int r = producer_make(state, err);

	if (r < 0)
		return r;
	*out = take(state);
	return 0;
}

void kafka_close(struct transport_state *state, uint64_t deadline)
{
	(void)deadline; /* nothing is left: send waits for all reports */
	if (!state)
		return;
	producer_drop(state);
	free(state);
}

const char *kafka_missing(void)
{
	return library_missing();
}

/* ---- sending ----------------------------------------------------------------------------- */

static void add_header(const struct kafka *lib, rd_kafka_headers_t *headers, const char *name,
		       struct str value)
{
	if (value.len)
		lib->rd_kafka_header_add(headers, name, -1, value.data, (ssize_t)value.len);
}

static rd_kafka_headers_t *make_headers(const struct transport_state *state,
					const struct transport_record *record)
{
	rd_kafka_headers_t *headers = state->lib->rd_kafka_headers_new(6);
	char sequence[24];
	uint8_t severity = MIN(record->severity, (uint8_t)SEVERITY_CRITICAL);

	snprintf(sequence, sizeof(sequence), "%llu", (unsigned long long)record->sequence);
	add_header(state->lib, headers, "id", record->id);
	add_header(state->lib, headers, "event", record->event);
	add_header(state->lib, headers, "severity", str_of(severity_names[severity]));
	add_header(state->lib, headers, "sequence", str_of(sequence));
	add_header(state->lib, headers, "host", state->settings->host_name);
	add_header(state->lib, headers, "format", str_of(state->settings->format));
	return headers;
}

static rd_kafka_resp_err_t produce(struct transport_state *state, struct transport_record *record)
{
	int64_t choice = setting_number(state->settings, KAFKA_KEY);
	struct str key = choice == KAFKA_KEY_HOST    ? record->key
			 : choice == KAFKA_KEY_EVENT ? record->event
						     : (struct str){ 0 };
	rd_kafka_headers_t *headers = make_headers(state, record);
	/* The record outlives its report, so nothing is copied. */
	rd_kafka_resp_err_t code = state->lib->rd_kafka_producev(
		state->producer, RD_KAFKA_V_TOPIC(setting_text(state->settings, KAFKA_TOPIC)),
		RD_KAFKA_V_VALUE((void *)record->bytes.data, (size_t)record->bytes.len),
		RD_KAFKA_V_KEY((void *)key.data, (size_t)key.len),
		RD_KAFKA_V_TIMESTAMP((int64_t)(record->time / 1000000)),
		RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(record), RD_KAFKA_V_END);

	if (code)
		state->lib->rd_kafka_headers_destroy(headers);
	return code;
}

/* Hands over all records; those the client itself does not take have their result at once. */
static void produce_all(struct transport_state *state, struct transport_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		rd_kafka_resp_err_t code;

		while ((code = produce(state, &batch->records[i])) ==
			       RD_KAFKA_RESP_ERR__QUEUE_FULL &&
		       moment_left_ms(batch->deadline))
			state->lib->rd_kafka_poll(state->producer, POLL_STEP_MS);
		if (!code) {
			state->outstanding++;
			continue;
		}
		record_result(state, &batch->records[i], code);
		snprintf(state->said, sizeof(state->said), "%s",
			 state->lib->rd_kafka_err2str(code));
		if (batch->records[i].result == DELIVERY_RETRY)
			return; /* later ones must not overtake it */
	}
}

static void await_reports(struct transport_state *state, uint64_t deadline)
{
	int left;

	while (state->outstanding && (left = moment_left_ms(deadline)) > 0)
		state->lib->rd_kafka_poll(state->producer, MIN(left, POLL_STEP_MS));
}

static bool all_told(const struct transport_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		if (batch->records[i].result == DELIVERY_RETRY)
			return false;
	return true;
}

int kafka_send(struct transport_state *state, struct transport_batch *batch)
{
	struct err err = { 0 };
	char fatal[256];

	if (!state->producer && producer_make(state, &err) < 0) {
		batch_answer(batch, "%s", err.message);
		return err.code;
	}
	state->said[0] = 0;
	produce_all(state, batch);
	await_reports(state, batch->deadline);
	bool late = state->outstanding > 0;

	if (late) {
		state->lib->rd_kafka_purge(state->producer,
					   RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		await_reports(state, moment_in_ms(PURGE_MS));
	}
	if (late || state->lib->rd_kafka_fatal_error(state->producer, fatal, sizeof(fatal)))
		producer_drop(state);
	state->outstanding = 0;
	if (all_told(batch))
		return 0;
	batch_answer(batch, "%s",
		     state->said[0] ? state->said : "no report from the brokers in time");
	return -EIO;
}
