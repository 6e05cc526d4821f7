/* SPDX-License-Identifier: Apache-2.0 */
/* Splunk HEC, with indexer acknowledgement late and lost, refused events, a webhook's signature. */
#include "outlets.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <time.h>

#include "../support/fake_http.h"

enum { RECORDS = 30, REQUESTS_MAX = 64 };

/* An indexer: requests are acknowledged when they have been asked about often enough. */
struct splunk {
	struct fake_http *fake;
	const char *token, *channel;
	unsigned asked_before_true; /* how often an ack is false first */
	unsigned lose_until;	    /* requests up to this one are never acknowledged */
	unsigned refuse;	    /* number of the record that is invalid */
	bool acks, indexed_without_ack;
	unsigned requests, questions;
	unsigned asked[REQUESTS_MAX];
	char seen_channel[64];
	unsigned seen[RECORDS + 1];
};

static void complain(struct splunk *splunk, const char *what)
{
	fake_http_complain(splunk->fake, what);
}

/* Takes one event of the body; false if it is invalid. */
static bool take_event(struct splunk *splunk, json_t *event)
{
	const char *id = json_string_value(
		json_object_get(json_object_get(event, "fields"), "alert_id"));
	json_t *time = json_object_get(event, "time");
	unsigned long number = id && !strncmp(id, "id-", 3) ? strtoul(id + 3, NULL, 10) : 0;

	if (!json_is_number(time) || !json_is_object(json_object_get(event, "event")) ||
	    !json_is_string(json_object_get(event, "host")) || number < 1 || number > RECORDS)
		complain(splunk, "an envelope");
	if (number && number == splunk->refuse)
		return false;
	if (number <= RECORDS)
		splunk->seen[number]++;
	return true;
}

static void answer_events(struct splunk *splunk, const struct fake_request *request,
			  struct fake_reply *reply)
{
	size_t at = 0;
	unsigned n = 0;

	while (at < request->len && request->body[at] != 0) {
		json_error_t error;
		json_t *event = json_loadb(request->body + at, request->len - at,
					   JSON_DISABLE_EOF_CHECK, &error);

		if (!event) {
			complain(splunk, "the body is no JSON");
			return;
		}
		bool fine = take_event(splunk, event);

		json_decref(event);
		if (!fine) {
			reply->status = 400;
			snprintf(
				reply->body, sizeof(reply->body),
				"{\"text\":\"Invalid data format\",\"code\":6,\"invalid-event-number\":%u}",
				n);
			return;
		}
		at += (size_t)error.position;
		at += strspn(request->body + at, "\n");
		n++;
	}
	if (splunk->acks)
		snprintf(reply->body, sizeof(reply->body),
			 "{\"text\":\"Success\",\"code\":0,\"ackId\":%u}", splunk->requests);
	else
		snprintf(reply->body, sizeof(reply->body), "{\"text\":\"Success\",\"code\":0}");
	splunk->requests++;
}

static void answer_question(struct splunk *splunk, const struct fake_request *request,
			    struct fake_reply *reply)
{
	json_t *root = json_loads(request->body, 0, NULL), *ack, *told = json_object();
	size_t i;

	splunk->questions++;
	json_array_foreach(json_object_get(root, "acks"), i, ack)
	{
		json_int_t n = json_integer_value(ack);
		char name[24];

		if (n < 0 || n >= splunk->requests) {
			complain(splunk, "an ackId that was not given");
			break;
		}
		bool done = n >= splunk->lose_until &&
			    splunk->asked[n]++ >= splunk->asked_before_true;

		snprintf(name, sizeof(name), "%lld", (long long)n);
		json_object_set_new(told, name, json_boolean(done));
	}
	char *text = json_dumps(told, JSON_COMPACT);

	snprintf(reply->body, sizeof(reply->body), "{\"acks\":%s}", text);
	free(text);
	json_decref(told);
	json_decref(root);
}

static void handle(void *ctx, const struct fake_request *request, struct fake_reply *reply)
{
	struct splunk *splunk = ctx;
	const char *auth = fake_header(request, "Authorization");
	const char *channel = fake_header(request, "X-Splunk-Request-Channel");
	const char *asked = strstr(request->target, "?channel=");

	if (!auth || strcmp(auth, splunk->token) != 0)
		complain(splunk, "Authorization");
	if (!strcmp(request->target, "/services/collector/event")) {
		if (splunk->acks && (!channel || strlen(channel) != 36))
			complain(splunk, "channel");
		if (channel && splunk->seen_channel[0] &&
		    strcmp(channel, splunk->seen_channel) != 0)
			complain(splunk, "another channel");
		snprintf(splunk->seen_channel, sizeof(splunk->seen_channel), "%s",
			 channel ? channel : "");
		answer_events(splunk, request, reply);
	} else if (!strncmp(request->target, "/services/collector/ack?", 24)) {
		if (!asked || strcmp(asked + 9, splunk->seen_channel) != 0)
			complain(splunk, "the channel asked about");
		answer_question(splunk, request, reply);
	} else {
		complain(splunk, "path");
	}
}

static void start(struct splunk *splunk, struct outlet *outlet, const char **settings)
{
	static char url[64];

	splunk->token = "Splunk hec-token";
	splunk->fake = fake_http_start(handle, splunk);
	snprintf(url, sizeof(url), "url=http://127.0.0.1:%u", fake_http_port(splunk->fake));
	settings[0] = url;
	settings[1] = "token=hec-token";
	outlet_must_open(outlet, "splunk-hec", "json", settings);
}

static void stop(struct splunk *splunk, struct outlet *outlet)
{
	outlet_close(outlet);
	assert_string_equal(fake_http_complaint(splunk->fake), "");
	fake_http_stop(splunk->fake);
}

static void test_plain(void **state)
{
	(void)state;
	struct splunk splunk = { 0 };
	struct outlet outlet;
	struct outlet_tally tally;
	const char *settings[] = { NULL, NULL, "index=security", NULL };
	struct transport_record *records = records_make("{\"n\":%u}", 1, RECORDS);

	start(&splunk, &outlet, settings);
	assert_true(outlet_deliver(&outlet, records, RECORDS, 10, 5000, 10, &tally));
	assert_int_equal(splunk.requests, 3);
	assert_int_equal(splunk.questions, 0);
	for (int i = 1; i <= RECORDS; i++)
		assert_int_equal(splunk.seen[i], 1);
	stop(&splunk, &outlet);
	records_free(records, RECORDS);
}

/* The one that is invalid is refused, those before it are in, those after it come again. */
static void test_refused(void **state)
{
	(void)state;
	struct splunk splunk = { .refuse = 4 };
	struct outlet outlet;
	struct outlet_tally tally;
	const char *settings[] = { NULL, NULL, NULL };
	struct transport_record *records = records_make("{\"n\":%u}", 1, 10);

	start(&splunk, &outlet, settings);
	assert_true(outlet_deliver(&outlet, records, 10, 10, 5000, 10, &tally));
	assert_int_equal(tally.done, 9);
	assert_int_equal(tally.refused, 1);
	assert_int_equal(records[3].result, DELIVERY_REFUSED);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(splunk.seen[i], i != 4);
	stop(&splunk, &outlet);
	records_free(records, 10);
}

/* Delivered is only what the indexers have; a late one is asked about again and not sent again. */
static void test_late_ack(void **state)
{
	(void)state;
	struct splunk splunk = { .acks = true, .asked_before_true = 6 };
	struct outlet outlet;
	struct transport_batch batch;
	const char *settings[] = { NULL, NULL, "ack=true", "ack_interval=20ms", NULL };
	struct transport_record *records = records_make("{\"n\":%u}", 1, 10);

	start(&splunk, &outlet, settings);
	outlet_once(&outlet, records, 10, &batch, 70);
	assert_int_equal(records[0].result, DELIVERY_RETRY);
	assert_int_equal(outlet_once(&outlet, records, 10, &batch, 5000), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(records[i].result, DELIVERY_DONE);
		assert_int_equal(splunk.seen[i + 1], 1);
	}
	assert_int_equal(splunk.requests, 1);
	stop(&splunk, &outlet);
	records_free(records, 10);
}

/* An acknowledgement that never comes: after ack_timeout the records are sent once more. */
static void test_lost_ack(void **state)
{
	(void)state;
	struct splunk splunk = { .acks = true, .lose_until = 1 };
	struct outlet outlet;
	struct outlet_tally tally;
	const char *settings[] = { NULL, NULL, "ack=true", "ack_interval=10ms", "ack_timeout=100ms",
				   NULL };
	struct transport_record *records = records_make("{\"n\":%u}", 1, 10);

	start(&splunk, &outlet, settings);
	assert_true(outlet_deliver(&outlet, records, 10, 10, 50, 10, &tally));
	assert_int_equal(tally.done, 10);
	assert_int_equal(splunk.requests, 2);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(splunk.seen[i], 2);
	stop(&splunk, &outlet);
	records_free(records, 10);
}

/* A token without acknowledgement is told; what was accepted is not sent for ever. */
static void test_no_ack(void **state)
{
	(void)state;
	struct splunk splunk = { 0 };
	struct outlet outlet;
	struct transport_batch batch;
	const char *settings[] = { NULL, NULL, "ack=true", NULL };
	struct transport_record *records = records_make("{\"n\":%u}", 1, 2);

	start(&splunk, &outlet, settings);
	outlet_once(&outlet, records, 2, &batch, 5000);
	assert_int_equal(records[0].result, DELIVERY_DONE);
	assert_non_null(strstr(batch.answer, "no indexer acknowledgement"));
	stop(&splunk, &outlet);
	records_free(records, 2);
}

/* ---- webhook ----------------------------------------------------------------------------- */

struct hook {
	struct fake_http *fake;
	const char *keys[2]; /* raw */
	unsigned taken, hang_up, cut;
	unsigned seen[RECORDS + 1];
};

/* As a receiver checks it: one of the signatures fits one of the keys. */
static bool signed_by(const char *key, const char *id, const char *time, const char *body,
		      const char *signatures)
{
	unsigned char digest[EVP_MAX_MD_SIZE], text[128];
	unsigned len = 0;
	char *all = NULL, wanted[160];

	if (asprintf(&all, "%s.%s.%s", id, time, body) < 0)
		abort();
	HMAC(EVP_sha256(), key, (int)strlen(key), (unsigned char *)all, strlen(all), digest, &len);
	EVP_EncodeBlock(text, digest, (int)len);
	snprintf(wanted, sizeof(wanted), "v1,%s", text);
	free(all);
	return strstr(signatures, wanted) != NULL;
}

static void take_hook(void *ctx, const struct fake_request *request, struct fake_reply *reply)
{
	struct hook *hook = ctx;
	const char *id = fake_header(request, "webhook-id");
	const char *sent = fake_header(request, "webhook-timestamp");
	const char *signature = fake_header(request, "webhook-signature");
	long long age = sent ? (long long)time(NULL) - strtoll(sent, NULL, 10) : 1000;

	hook->taken++;
	if (hook->keys[0]) {
		if (!id || !signature || age < -5 || age > 300)
			fake_http_complain(hook->fake, "signature headers");
		else if (!signed_by(hook->keys[0], id, sent, request->body, signature) ||
			 (hook->keys[1] &&
			  !signed_by(hook->keys[1], id, sent, request->body, signature)))
			fake_http_complain(hook->fake, "signature");
	} else if (signature) {
		fake_http_complain(hook->fake, "signed without a secret");
	}
	unsigned long number = strtoul(strstr(request->body, "id-") + 3, NULL, 10);

	if (number < 1 || number > RECORDS)
		fake_http_complain(hook->fake, "body");
	else
		hook->seen[number]++;
	reply->hang_up = hook->taken == hook->hang_up;
	reply->cut = hook->taken == hook->cut;
	snprintf(reply->body, sizeof(reply->body), "thank you");
}

static void send_hooks(struct hook *hook, const char **settings)
{
	struct outlet outlet;
	struct outlet_tally tally;
	char url[64];
	struct transport_record *records = records_make("{\"alert\":\"id-%u\"}", 1, RECORDS);

	hook->fake = fake_http_start(take_hook, hook);
	snprintf(url, sizeof(url), "url=http://127.0.0.1:%u/hook", fake_http_port(hook->fake));
	settings[0] = url;
	outlet_must_open(&outlet, "webhook", NULL, settings);
	assert_true(outlet_deliver(&outlet, records, RECORDS, RECORDS, 5000, 10, &tally));
	assert_int_equal(tally.done, RECORDS);
	for (int i = 1; i <= RECORDS; i++)
		assert_true(hook->seen[i] >= 1);
	outlet_close(&outlet);
	assert_string_equal(fake_http_complaint(hook->fake), "");
	fake_http_stop(hook->fake);
	records_free(records, RECORDS);
}

static void test_signature(void **state)
{
	(void)state;
	struct hook one = { .keys = { "whsec-raw" } };
	struct hook two = { .keys = { "secret key", "old" } };
	struct hook none = { 0 };

	send_hooks(&one, (const char *[]){ NULL, "secret=whsec-raw", NULL });
	send_hooks(&two, (const char *[]){ NULL, "secret=whsec_c2VjcmV0IGtleQ==", "secret_old=old",
					   NULL });
	send_hooks(&none, (const char *[]){ NULL, NULL });
	outlet_must_refuse("webhook", NULL, "base64", SETTINGS("url=http://h", "secret=whsec_!"));
	outlet_must_refuse("webhook", NULL, "names a template",
			   SETTINGS("url=http://h/?gotemplate=/x.tmpl"));
	outlet_must_refuse("webhook", NULL, "no duration", SETTINGS("url=http://h/?timeout=soon"));
}

/* The user may stand in the URL, as Tracee's may; a proxy has a login of its own. */
static void take_login(void *ctx, const struct fake_request *request, struct fake_reply *reply)
{
	const char *own = fake_header(request, "Authorization");
	const char *proxy = fake_header(request, "Proxy-Authorization");
	bool right = own && !strcmp(own, "Basic dXNlcjpwQHNz") &&	  /* user:p@ss */
		     proxy && !strcmp(proxy, "Basic cHJveHk6czNjcmV0") && /* proxy:s3cret */
		     !strcmp(request->target, "http://receiver.example.org:8080/x");

	reply->status = right ? 200 : 400;
	snprintf(reply->body, sizeof(reply->body), "%s", request->target);
	++*(unsigned *)ctx;
}

static void test_login(void **state)
{
	(void)state;
	struct outlet outlet;
	struct transport_batch batch;
	unsigned taken = 0;
	char proxy[64];
	struct transport_record *records = records_make("{\"n\":%u}", 1, 1);
	struct fake_http *fake = fake_http_start(take_login, &taken);

	snprintf(proxy, sizeof(proxy), "proxy=http://127.0.0.1:%u", fake_http_port(fake));
	outlet_must_open(&outlet, "webhook", NULL,
			 SETTINGS("url=http://user:p%40ss@receiver.example.org:8080/x", proxy,
				  "proxy_user=proxy", "proxy_password=s3cret"));
	outlet_once(&outlet, records, 1, &batch, 2000);
	assert_int_equal(records[0].result, DELIVERY_DONE);
	assert_null(strstr(batch.answer, "p@ss"));
	assert_int_equal(taken, 1);
	outlet_close(&outlet);
	assert_string_equal(fake_http_complaint(fake), "");
	fake_http_stop(fake);
	records_free(records, 1);
}

/* The connection ends before the answer, or in it: sent again, nothing lost. */
static void test_lost_answers(void **state)
{
	(void)state;
	struct hook hang_up = { .hang_up = 3 }, cut = { .cut = 5 };

	send_hooks(&hang_up, (const char *[]){ NULL, NULL });
	assert_true(hang_up.seen[3] >= 2);
	send_hooks(&cut, (const char *[]){ NULL, "concurrency=3", NULL });
	assert_true(cut.taken > RECORDS);
}

static void endless(void *ctx, const struct fake_request *request, struct fake_reply *reply)
{
	(void)ctx, (void)request;
	memset(reply->body, 'x', sizeof(reply->body) - 1);
	reply->headers = "X-Pad: y\r\nContent-Length: 99999999\r\n";
}

/* A body that does not end in time costs neither memory nor more than the deadline. */
static void test_endless_answer(void **state)
{
	(void)state;
	struct outlet outlet;
	struct transport_batch batch;
	char url[64];
	struct transport_record *records = records_make("{\"alert\":\"id-%u\"}", 1, 1);
	struct fake_http *fake = fake_http_start(endless, NULL);

	snprintf(url, sizeof(url), "url=http://127.0.0.1:%u/hook", fake_http_port(fake));
	outlet_must_open(&outlet, "webhook", NULL, SETTINGS(url));
	assert_true(outlet_once(&outlet, records, 1, &batch, 300) < 0);
	assert_int_equal(records[0].result, DELIVERY_RETRY);
	outlet_close(&outlet);
	fake_http_stop(fake);
	records_free(records, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_late_ack),       cmocka_unit_test(test_lost_ack),
		cmocka_unit_test(test_no_ack),	       cmocka_unit_test(test_signature),
		cmocka_unit_test(test_login),	       cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_endless_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
