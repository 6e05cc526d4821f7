/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elasticsearch, Loki, Datadog, GELF and OTLP against strict fakes, which check every header and
 * body they get and answer with what the real ones can answer.
 */
#include "outlets.h"

#include <ctype.h>
#include <jansson.h>
#include <time.h>

#include "../support/fake_http.h"

enum { RECORDS = 20 };

struct scripted {
	unsigned status;
	const char *headers, *body;
};

/* A receiver with a script: reply n is for request n, the last for all that follow. */
struct script {
	struct fake_http *fake;
	const char *path, *type, *auth_name, *auth;
	void (*check)(struct script *script, const struct fake_request *request);
	const struct scripted *replies;
	unsigned reply_count, taken;
	bool gzip;
	unsigned seen[RECORDS + 1]; /* how often each record came */
	unsigned last_count;	    /* of the last request */
};

static void complain(struct script *script, const char *what)
{
	fake_http_complain(script->fake, what);
}

static void handle(void *ctx, const struct fake_request *request, struct fake_reply *reply)
{
	struct script *script = ctx;
	const char *type = fake_header(request, "Content-Type");
	const char *auth = script->auth_name ? fake_header(request, script->auth_name) : NULL;
	unsigned n = MIN(script->taken, script->reply_count - 1);

	script->taken++;
	if (strcmp(request->method, "POST") != 0 || strcmp(request->target, script->path) != 0)
		complain(script, "method or path");
	if (!type || strcmp(type, script->type) != 0)
		complain(script, "Content-Type");
	if (script->auth_name && (!auth || strcmp(auth, script->auth) != 0))
		complain(script, "authentication");
	if (request->gzip != script->gzip)
		complain(script, "compression");
	script->check(script, request);
	reply->status = script->replies[n].status;
	reply->headers = script->replies[n].headers;
	snprintf(reply->body, sizeof(reply->body), "%s", script->replies[n].body);
}

static void saw(struct script *script, const char *id)
{
	unsigned long number = id && !strncmp(id, "id-", 3) ? strtoul(id + 3, NULL, 10) : 0;

	if (number < 1 || number > RECORDS)
		complain(script, "an id that was not sent");
	else
		script->seen[number]++;
	script->last_count++;
}

/* Opens the transport at the fake's port; settings[0] is replaced by the URL. */
static void start(struct script *script, struct outlet *outlet, const char *name,
		  const char *format, const char **settings)
{
	static char url[64];

	script->fake = fake_http_start(handle, script);
	snprintf(url, sizeof(url), "url=http://127.0.0.1:%u", fake_http_port(script->fake));
	settings[0] = url;
	outlet_must_open(outlet, name, format, settings);
}

static void stop(struct script *script, struct outlet *outlet)
{
	outlet_close(outlet);
	assert_string_equal(fake_http_complaint(script->fake), "");
	fake_http_stop(script->fake);
}

/* ---- Elasticsearch ----------------------------------------------------------------------- */

/* {"create":{"_id":"id-7"}} LF document LF, and nothing else */
static void check_bulk(struct script *script, const struct fake_request *request)
{
	const char *at = request->body, *end;

	script->last_count = 0;
	while (*at) {
		json_t *action, *document;

		end = strchr(at, '\n');
		if (!end) {
			complain(script, "the last line has no end");
			return;
		}
		action = json_loadb(at, (size_t)(end - at), 0, NULL);
		json_t *create = json_object_get(action, "create");

		if (json_object_size(action) != 1 || json_object_size(create) != 1)
			complain(script, "action");
		saw(script, json_string_value(json_object_get(create, "_id")));
		json_decref(action);
		at = end + 1;
		end = strchr(at, '\n');
		document = end ? json_loadb(at, (size_t)(end - at), 0, NULL) : NULL;
		if (!json_is_object(document))
			complain(script, "document");
		json_decref(document);
		if (!end)
			return;
		at = end + 1;
	}
}

#define BULK_PATH "/logs-spoor.alerts-default/_bulk?filter_path=errors,items.*.status,items.*.error"
#define OK_ITEM	  "{\"create\":{\"status\":201}}"

static struct script bulk_script(void)
{
	return (struct script){ .path = BULK_PATH,
				.type = "application/x-ndjson",
				.auth_name = "Authorization",
				.auth = "ApiKey aWQ6a2V5",
				.check = check_bulk,
				.gzip = true };
}

/* Done, there already, busy, refused, too large: each item counts for itself. */
static void test_bulk_items(void **state)
{
	(void)state;
	static const struct scripted replies[] = {
		{ 200, NULL,
		  "{\"errors\":true,\"items\":[" OK_ITEM
		  ",{\"create\":{\"status\":409,\"error\":{\"type\":"
		  "\"version_conflict_engine_exception\"}}},{\"create\":{\"status\":429,\"error\":"
		  "{\"type\":\"es_rejected_execution_exception\"}}},{\"create\":{\"status\":400,"
		  "\"error\":{\"type\":\"document_parsing_exception\",\"reason\":\"no such field\"}}},"
		  "{\"create\":{\"status\":503}}]}" },
		{ 200, NULL, "{\"errors\":false}" },
	};
	struct script script = bulk_script();
	struct outlet outlet;
	struct transport_batch batch;
	const char *settings[] = { NULL, "token=aWQ6a2V5", NULL };
	struct transport_record *records = records_make("{\"n\":%u}", 1, 5);

	script.replies = replies;
	script.reply_count = ARRAY_SIZE(replies);
	start(&script, &outlet, "elasticsearch", NULL, settings);
	assert_int_equal(outlet_once(&outlet, records, 5, &batch, 5000), 0);
	assert_int_equal(records[0].result, DELIVERY_DONE);
	assert_int_equal(records[1].result, DELIVERY_DONE);
	assert_int_equal(records[2].result, DELIVERY_RETRY);
	assert_int_equal(records[3].result, DELIVERY_REFUSED);
	assert_int_equal(records[4].result, DELIVERY_RETRY);
	assert_string_equal(records[2].why, "item status 429: es_rejected_execution_exception");
	assert_string_equal(records[3].why, "item status 400: no such field");
	assert_string_equal(records[4].why, "item status 503: no reason given");
	/* Without items nothing was wrong. */
	assert_int_equal(outlet_once(&outlet, records, 5, &batch, 5000), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(records[i].result, DELIVERY_DONE);
	stop(&script, &outlet);
	records_free(records, 5);
}

/* An answer that is not one proves nothing. */
static void test_bulk_nonsense(void **state)
{
	(void)state;
	static const struct scripted replies[] = {
		{ 200, NULL, "" },
		{ 200, NULL, "{\"errors\":false,\"items\":[" OK_ITEM "]}" },
		{ 200, NULL, "{\"errors\":true}" },
		{ 200, NULL, "{\"errors\":true,\"items\":[7,{},[]]}" },
		{ 200, NULL, "<html>welcome</html>" },
		{ 200, NULL,
		  "{\"errors\":false,\"items\":[" OK_ITEM "," OK_ITEM ",{\"create\":{}}]}" },
		{ 404, NULL, "{\"error\":\"no such index\"}" },
		{ 401, NULL, "aWQ6a2V5 is wrong" },
	};
	struct script script = bulk_script();
	struct outlet outlet;
	struct transport_batch batch;
	const char *settings[] = { NULL, "token=aWQ6a2V5", NULL };
	struct transport_record *records = records_make("{\"n\":%u}", 1, 3);

	script.replies = replies;
	script.reply_count = ARRAY_SIZE(replies);
	start(&script, &outlet, "elasticsearch", NULL, settings);
	for (unsigned i = 0; i < ARRAY_SIZE(replies); i++) {
		outlet_once(&outlet, records, 3, &batch, 5000);
		assert_int_equal(records[2].result, DELIVERY_RETRY);
		assert_true(batch.answer[0]);
		assert_null(strstr(batch.answer, "aWQ6a2V5"));
	}
	stop(&script, &outlet);
	records_free(records, 3);
}

/* ---- Loki -------------------------------------------------------------------------------- */

static void check_value(struct script *script, json_t *value)
{
	const char *time = json_string_value(json_array_get(value, 0));
	json_t *line = json_array_get(value, 1), *meta = json_array_get(value, 2);

	if (json_array_size(value) != 3 || !time || strlen(time) != 19 ||
	    strspn(time, "0123456789") != 19 || !json_is_string(line) || !json_is_object(meta))
		complain(script, "a value");
	saw(script, json_string_value(json_object_get(meta, "alert_id")));
}

static void check_loki(struct script *script, const struct fake_request *request)
{
	json_t *root = json_loads(request->body, JSON_REJECT_DUPLICATES, NULL), *stream, *value;
	const char *tenant = fake_header(request, "X-Scope-OrgID");
	size_t i, n;

	script->last_count = 0;
	if (!json_array_size(json_object_get(root, "streams")))
		complain(script, "no streams");
	if (!tenant || strcmp(tenant, "team-a") != 0)
		complain(script, "tenant");
	json_array_foreach(json_object_get(root, "streams"), i, stream)
	{
		json_t *labels = json_object_get(stream, "stream");

		if (json_object_size(labels) != 4 ||
		    !json_is_string(json_object_get(labels, "severity")) ||
		    !json_is_string(json_object_get(labels, "job")) ||
		    !json_is_string(json_object_get(labels, "host")) ||
		    !json_is_string(json_object_get(labels, "env")))
			complain(script, "labels");
		json_array_foreach(json_object_get(stream, "values"), n, value)
			check_value(script, value);
	}
	json_decref(root);
}

static void test_loki(void **state)
{
	(void)state;
	static const struct scripted replies[] = {
		{ 429, "Retry-After: 2\r\n", "ingestion rate limit exceeded" },
		{ 400, NULL, "entry too far behind" },
		{ 204, NULL, "" },
	};
	struct script script = { .path = "/loki/api/v1/push",
				 .type = "application/json",
				 .auth_name = "Authorization",
				 .auth = "Bearer glc_secret",
				 .check = check_loki,
				 .gzip = true,
				 .replies = replies,
				 .reply_count = ARRAY_SIZE(replies) };
	struct outlet outlet;
	struct transport_batch batch;
	const char *settings[] = { NULL, "token=glc_secret", "tenant=team-a", "labels=env: prod",
				   NULL };
	struct transport_record *records = records_make("{\"quote\":\"\\\"%u\"}", 1, RECORDS);

	start(&script, &outlet, "loki", NULL, settings);
	outlet_once(&outlet, records, RECORDS, &batch, 5000);
	assert_int_equal(records[0].result, DELIVERY_RETRY);
	assert_int_equal(batch.retry_after_ms, 2000);
	outlet_once(&outlet, records, RECORDS, &batch, 5000);
	assert_int_equal(records[0].result, DELIVERY_TOO_LARGE); /* find the one to blame */
	outlet_once(&outlet, records, RECORDS, &batch, 5000);
	for (int i = 0; i < RECORDS; i++) {
		assert_int_equal(records[i].result, DELIVERY_DONE);
		assert_int_equal(script.seen[i + 1], 3);
	}
	stop(&script, &outlet);
	records_free(records, RECORDS);
}

/* ---- Datadog ----------------------------------------------------------------------------- */

static void check_datadog(struct script *script, const struct fake_request *request)
{
	json_t *root = json_loads(request->body, JSON_REJECT_DUPLICATES, NULL), *log;
	size_t i;

	script->last_count = 0;
	if (!json_array_size(root) || json_array_size(root) > 1000)
		complain(script, "no array of at most 1000");
	json_array_foreach(root, i, log)
	{
		const char *tags = json_string_value(json_object_get(log, "ddtags"));

		if (!json_is_string(json_object_get(log, "ddsource")) ||
		    !json_is_string(json_object_get(log, "service")) ||
		    !json_is_string(json_object_get(log, "hostname")) ||
		    !json_is_string(json_object_get(log, "status")) || !tags ||
		    strcmp(tags, "env:prod,team:a") != 0 ||
		    !(json_is_integer(json_object_get(log, "n")) ||
		      json_is_string(json_object_get(log, "message"))))
			complain(script, "a log");
		saw(script, json_string_value(json_object_get(log, "alert_id")));
	}
	json_decref(root);
}

static void test_datadog(void **state)
{
	(void)state;
	static const struct scripted replies[] = {
		{ 403, NULL, "{\"errors\":[{\"detail\":\"dd-key is invalid\"}]}" },
		{ 413, NULL, "" },
		{ 408, NULL, "" },
		{ 202, NULL, "{}" },
	};
	struct script script = { .path = "/api/v2/logs",
				 .type = "application/json",
				 .auth_name = "DD-API-KEY",
				 .auth = "dd-key",
				 .check = check_datadog,
				 .gzip = true,
				 .replies = replies,
				 .reply_count = ARRAY_SIZE(replies) };
	static const int expected[] = { DELIVERY_RETRY, DELIVERY_TOO_LARGE, DELIVERY_RETRY,
					DELIVERY_DONE };
	struct outlet outlet;
	struct transport_batch batch;
	const char *settings[] = { NULL, "token=dd-key", "tags=env:prod", "tags=team:a", NULL };
	struct transport_record *records = records_make("{\"n\":%u}", 1, 3);

	free((char *)records[2].bytes.data);
	records[2].bytes = str_of(strdup("text that is no JSON"));
	start(&script, &outlet, "datadog", NULL, settings);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		outlet_once(&outlet, records, 3, &batch, 5000);
		for (int n = 0; n < 3; n++)
			assert_int_equal(records[n].result, expected[i]);
		assert_null(strstr(batch.answer, "dd-key"));
	}
	stop(&script, &outlet);
	records_free(records, 3);
}

/* ---- GELF -------------------------------------------------------------------------------- */

static void check_gelf(struct script *script, const struct fake_request *request)
{
	json_t *root = json_loads(request->body, JSON_REJECT_DUPLICATES, NULL);

	if (strcmp(json_string_value(json_object_get(root, "version")), "1.1") != 0)
		complain(script, "not one GELF message");
	saw(script, json_string_value(json_object_get(root, "_alert_id")));
	json_decref(root);
}

static void test_gelf(void **state)
{
	(void)state;
	static const struct scripted replies[] = { { 202, NULL, "" },
						   { 500, NULL, "" },
						   { 202, NULL, "" } };
	struct script script = { .path = "/gelf",
				 .type = "application/json",
				 .check = check_gelf,
				 .replies = replies,
				 .reply_count = ARRAY_SIZE(replies) };
	struct outlet outlet;
	struct outlet_tally tally;
	const char *settings[] = { NULL, NULL };
	struct transport_record *records = records_make(
		"{\"version\":\"1.1\",\"host\":\"h\",\"short_message\":\"s\",\"_alert_id\":\"id-%u\"}",
		1, RECORDS);

	start(&script, &outlet, "gelf-http", NULL, settings);
	assert_true(outlet_deliver(&outlet, records, RECORDS, RECORDS, 5000, 10, &tally));
	assert_int_equal(tally.done, RECORDS);
	assert_int_equal(tally.retried, RECORDS - 1); /* nothing overtook the one that failed */
	for (int i = 1; i <= RECORDS; i++)
		assert_int_equal(script.seen[i], i == 2 ? 2 : 1);
	assert_int_equal(fake_http_connections(script.fake), 1);
	stop(&script, &outlet);
	records_free(records, RECORDS);
}

/* ---- OTLP -------------------------------------------------------------------------------- */

static void check_otlp(struct script *script, const struct fake_request *request)
{
	json_t *root = json_loads(request->body, JSON_REJECT_DUPLICATES, NULL), *logs;
	size_t i;

	script->last_count = 0;
	if (json_object_size(root) != 1)
		complain(script, "not one export request");
	json_array_foreach(json_object_get(root, "resourceLogs"), i, logs)
		saw(script, json_string_value(json_object_get(logs, "id")));
	json_decref(root);
}

#define OTLP_RECORD "{\"resourceLogs\":[{\"id\":\"id-%u\"}]}"

static struct script otlp_script(void)
{
	return (struct script){
		.path = "/v1/logs", .type = "application/json", .check = check_otlp, .gzip = true
	};
}

static void test_otlp(void **state)
{
	(void)state;
	static const struct scripted replies[] = {
		{ 503, "Retry-After: 3\r\n", "" },
		{ 200, NULL, "{\"partialSuccess\":{}}" },
		{ 200, NULL, "not JSON" },
		{ 200, NULL,
		  "{\"partialSuccess\":{\"rejectedLogRecords\":\"2\",\"errorMessage\":\"too\\nold\"}}" },
		{ 200, NULL, "{}" },
	};
	static const int expected[] = { DELIVERY_RETRY, DELIVERY_DONE, DELIVERY_RETRY,
					DELIVERY_REFUSED };
	struct script script = otlp_script();
	struct outlet outlet;
	struct transport_batch batch;
	const char *settings[] = { NULL, NULL };
	struct transport_record *records = records_make(OTLP_RECORD, 1, 5);

	script.replies = replies;
	script.reply_count = ARRAY_SIZE(replies);
	start(&script, &outlet, "otlp", "otlp", settings);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		outlet_once(&outlet, records, 5, &batch, 5000);
		assert_int_equal(script.last_count, 5);
		for (int n = 0; n < 5; n++)
			assert_int_equal(records[n].result, expected[i]);
	}
	assert_non_null(strstr(batch.answer, "2 of 5 records rejected: too old"));
	/* After a rejection the next go one by one, so that it is known which. */
	outlet_once(&outlet, records, 5, &batch, 5000);
	assert_int_equal(script.last_count, 1);
	assert_int_equal(script.taken, ARRAY_SIZE(expected) + 5);
	stop(&script, &outlet);
	records_free(records, 5);
}

static void check_nothing(struct script *script, const struct fake_request *request)
{
	script->last_count = (unsigned)request->len;
}

/* Protobuf requests add up when they stand one after the other; the answer is protobuf too. */
static void test_otlp_protobuf(void **state)
{
	(void)state;
	static const struct scripted replies[] = {
		{ 200, NULL, "" },
		{ 200, NULL,
		  "\x0a\x07\x08\x01\x12\x03"
		  "bad" },
		{ 200, NULL, "\x0a\x7f" },
	};
	static const int expected[] = { DELIVERY_DONE, DELIVERY_REFUSED, DELIVERY_RETRY };
	struct script script = otlp_script();
	struct outlet outlet;
	struct transport_batch batch;
	const char *settings[] = { NULL, NULL };
	struct transport_record *records = records_make("\x0a\x04\x12\x02%02u", 1, 2);

	script.type = "application/x-protobuf";
	script.check = check_nothing;
	script.replies = replies;
	script.reply_count = ARRAY_SIZE(replies);
	start(&script, &outlet, "otlp", "otlp-protobuf", settings);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		outlet_once(&outlet, records, 1, &batch, 5000);
		assert_int_equal(records[0].result, expected[i]);
	}
	stop(&script, &outlet);
	records_free(records, 2);
}

/* ---- what is refused before anything is sent --------------------------------------------- */

static void test_settings(void **state)
{
	(void)state;
	static const struct {
		const char *name, *format, *text, *settings[4];
	} rows[] = {
		{ "loki", NULL, "cannot be a label", { "url=http://h", "labels=a-b: c" } },
		{ "loki", NULL, "cannot be a label", { "url=http://h", "labels=host: c" } },
		{ "elasticsearch",
		  NULL,
		  "no name of an index",
		  { "url=http://h", "index=Alerts" } },
		{ "elasticsearch", NULL, "does not end in /_bulk", { "url=http://h/x" } },
		{ "otlp", "json", "not OTLP", { "url=http://h" } },
		{ "gelf-http", NULL, "unknown scheme", { "url=ftp://h" } },
		{ "gelf-http", NULL, "port", { "url=http://h:99999" } },
		{ "gelf-http", NULL, "fragment", { "url=http://h/#x" } },
		{ "gelf-http", NULL, "space", { "url=http://h/a b" } },
		{ "gelf-http", NULL, "https", { "url=http://h", "ca_file=/etc/passwd" } },
		{ "gelf-http", NULL, "concurrency", { "url=http://h", "concurrency=65" } },
		{ "gelf-http", NULL, "not understood", { "url=http://h", "statuses=404: maybe" } },
		{ "gelf-http", NULL, "control", { "url=http://h", "headers=X: a\r\nY: b" } },
		{ "gelf-http", NULL, "name of a header", { "url=http://h", "headers=X Y: a" } },
		{ "gelf-http", NULL, "needs a user", { "url=http://h", "password=x" } },
		{ "gelf-http",
		  NULL,
		  "belong together",
		  { "url=https://h", "certificate_file=/etc/passwd" } },
		{ "gelf-http",
		  NULL,
		  "cannot use the certificate",
		  { "url=https://h", "certificate_file=/etc/passwd", "key_file=/etc/passwd" } },
		{ "gelf-http", NULL, "fingerprint", { "url=https://h", "fingerprints=AA:BB" } },
		{ "splunk-hec", NULL, "UUID", { "url=http://h", "channel=x" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		outlet_must_refuse(rows[i].name, rows[i].format, rows[i].text, rows[i].settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bulk_items),    cmocka_unit_test(test_bulk_nonsense),
		cmocka_unit_test(test_loki),	      cmocka_unit_test(test_datadog),
		cmocka_unit_test(test_gelf),	      cmocka_unit_test(test_otlp),
		cmocka_unit_test(test_otlp_protobuf), cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
