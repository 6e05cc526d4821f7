/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splunk's HTTP Event Collector. With indexer acknowledgement a record is delivered only when
 * the indexers have it: the receiver numbers each request (ackId) and is asked until it says so.
 * Records that still wait when the time of a batch is over are known when they come back: they
 * are asked about again, not sent again, until ack_timeout.
 */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "answers.h"
#include "base/err.h"
#include "event/json.h"
#include "library.h"
#include "moment.h"

enum key {
	ACK = HTTP_KEY_COUNT,
	ACK_TIMEOUT,
	ACK_INTERVAL,
	CHANNEL,
	INDEX,
	SOURCE,
	SOURCETYPE,
	RESEND_ALL,
	KEY_COUNT
};
enum { CHANNEL_LEN = 36, WAITING_MAX = 100000 };

static const struct setting_key keys[KEY_COUNT] = {
	HTTP_KEY_ROWS("https://HOST:8088; without a path /services/collector/event. token: HEC's",
		      "gzip"),
	{ "ack", SETTING_BOOL, .fallback = "false",
	  .doc = "wait for the indexers' acknowledgement, which the token must have switched on" },
	{ "ack_timeout", SETTING_DURATION, .fallback = "5m",
	  .doc = "send again what was not acknowledged for so long" },
	{ "ack_interval", SETTING_DURATION, .fallback = "1s",
	  .doc = "pause between two questions" },
	{ "channel", SETTING_TEXT, .doc = "channel (a UUID); without it a random one" },
	{ "index", SETTING_TEXT,
	  .doc = "index, if not the token's; not for the format splunk-hec" },
	{ "source", SETTING_TEXT, .fallback = "spoor",
	  .doc = "source; not for the format splunk-hec" },
	{ "sourcetype", SETTING_TEXT, .fallback = "spoor:alert",
	  .doc = "sourcetype; not for the format splunk-hec" },
	{ "resend_all", SETTING_BOOL, .fallback = "false",
	  .doc = "after a refused event send those before it in the request again as well" },
};

/* A record that was sent and waits for the indexers. */
struct waiting {
	uint64_t record; /* fingerprint of its id and sequence */
	uint64_t ack;
	uint64_t since;
};

struct transport_state {
	struct http *http;
	const struct transport_settings *settings;
	bool enveloped; /* the format makes HEC's envelope */
	char channel[CHANNEL_LEN + 1];
	struct waiting *waiting;
	uint32_t waiting_count, waiting_capacity;
};

/* ---- bodies ---------------------------------------------------------------------------------- */

static void add_text(struct buf *out, const char *name, struct str value)
{
	if (!value.len)
		return;
	buf_printf(out, ",\"%s\":", name);
	json_text(out, value);
}

static void envelope(const struct transport_settings *settings,
		     const struct transport_record *record, struct buf *out)
{
	const struct setting_value *values = settings->values;
	bool object = record->bytes.len && record->bytes.data[0] == '{';

	buf_printf(out, "{\"time\":%llu.%03u", (unsigned long long)(record->time / 1000000000),
		   (unsigned)(record->time / 1000000 % 1000));
	add_text(out, "host", settings->host_name);
	add_text(out, "source", values[SOURCE].text);
	add_text(out, "sourcetype", values[SOURCETYPE].text);
	add_text(out, "index", values[INDEX].text);
	buf_lit(out, ",\"fields\":{\"alert_id\":");
	json_text(out, record->id);
	buf_lit(out, "},\"event\":");
	if (object)
		buf_str(out, record->bytes);
	else
		json_text(out, record->bytes);
	buf_char(out, '}');
}

static void body_write(void *own, struct buf *out, const struct http_part *part)
{
	const struct transport_state *state = own;

	for (uint32_t i = 0; i < part->count; i++) {
		if (state->enveloped)
			buf_str(out, part->records[i].bytes);
		else
			envelope(state->settings, &part->records[i], out);
		buf_char(out, '\n');
	}
}

static void add_channel(void *own, struct http *http, const struct http_part *part, struct str body)
{
	const struct transport_state *state = own;
	char line[64];

	(void)part, (void)body;
	if (!setting_number(state->settings, ACK) && !setting_text(state->settings, CHANNEL))
		return;
	snprintf(line, sizeof(line), "X-Splunk-Request-Channel: %s", state->channel);
	http_header(http, line);
}

/* ---- acknowledgements ------------------------------------------------------------------------ */

/* FNV-1a; ids are unique by themselves. */
static uint64_t fingerprint(const struct transport_record *record)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ record->sequence;

	for (uint32_t i = 0; i < record->id.len; i++)
		hash = (hash ^ (unsigned char)record->id.data[i]) * UINT64_C(1099511628211);
	return hash;
}

static const struct waiting *waiting_find(const struct transport_state *state,
					  const struct transport_record *record)
{
	uint64_t wanted = fingerprint(record);

	for (uint32_t i = 0; i < state->waiting_count; i++)
		if (state->waiting[i].record == wanted)
			return &state->waiting[i];
	return NULL;
}

static bool waiting_add(struct transport_state *state, const struct transport_record *record,
			uint64_t ack)
{
	if (state->waiting_count == state->waiting_capacity) {
		uint32_t capacity = MAX(state->waiting_capacity * 2, 256U);
		void *grown = capacity > WAITING_MAX
				      ? NULL
				      : realloc(state->waiting, capacity * sizeof(*state->waiting));

		if (!grown)
			return false;
		state->waiting = grown;
		state->waiting_capacity = capacity;
	}
	state->waiting[state->waiting_count++] = (struct waiting){ fingerprint(record), ack,
								   moment_now() };
	return true;
}

static void waiting_expire(struct transport_state *state)
{
	uint64_t limit = (uint64_t)setting_number(state->settings, ACK_TIMEOUT) * MOMENT_MS;
	uint64_t now = moment_now();
	uint32_t kept = 0;

	for (uint32_t i = 0; i < state->waiting_count; i++)
		if (now - state->waiting[i].since < limit)
			state->waiting[kept++] = state->waiting[i];
	state->waiting_count = kept;
}

/* 200, and with acknowledgement the number under which to ask. */
static void accepted(void *own, const struct http_answer *answer, const struct http_part *part,
		     struct transport_batch *batch)
{
	struct transport_state *state = own;
	bool wanted = setting_number(state->settings, ACK) != 0;
	struct hec_answer said;

	hec_answer_read(answer->body, &said);
	const char *why = "accepted; waiting for the indexers' acknowledgement";

	if (!said.read || said.code != 0)
		why = batch_reason(batch, "the answer is not that of an event collector");
	else if (wanted && !said.has_ack)
		batch_reason(batch, "accepted, but the token has no indexer acknowledgement: "
				    "set ack: false");
	for (uint32_t i = 0; i < part->count; i++) {
		bool waits = wanted && said.has_ack;

		if (said.read && said.code == 0 && !waits)
			continue;
		part->records[i].result = DELIVERY_RETRY;
		part->records[i].why = why;
		if (waits)
			waiting_add(state, &part->records[i], (uint64_t)said.ack);
	}
}

static bool failed(void *own, const struct http_answer *answer, const struct http_part *part,
		   const char *why)
{
	const struct transport_state *state = own;

	return hec_failed(answer, part, setting_number(state->settings, RESEND_ALL) != 0, why);
}

struct acknowledging {
	struct transport_state *state;
	struct transport_batch *batch;
};

/* Every record of that request has arrived. Those that are not in this batch stay known. */
static void acknowledged(void *ctx, uint64_t ack)
{
	struct acknowledging *at = ctx;
	struct transport_state *state = at->state;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < at->batch->count; i++) {
		const struct waiting *waiting = waiting_find(state, &at->batch->records[i]);

		if (waiting && waiting->ack == ack)
			at->batch->records[i].result = DELIVERY_DONE;
	}
	for (uint32_t i = 0; i < state->waiting_count; i++)
		if (state->waiting[i].ack != ack)
			state->waiting[kept++] = state->waiting[i];
	state->waiting_count = kept;
}

/* {"acks":[1,2]}: each number once. */
static void question(const struct transport_state *state, struct buf *out)
{
	bool any = false;

	buf_clear(out);
	buf_lit(out, "{\"acks\":[");
	for (uint32_t i = 0; i < state->waiting_count; i++) {
		uint64_t ack = state->waiting[i].ack;

		if (i && state->waiting[i - 1].ack == ack)
			continue;
		buf_printf(out, "%s%llu", any ? "," : "", (unsigned long long)ack);
		any = true;
	}
	buf_lit(out, "]}");
}

static int ask(struct transport_state *state, struct transport_batch *batch)
{
	struct acknowledging at = { state, batch };
	struct http_answer answer;
	struct buf body = { 0 };
	char path[96];

	snprintf(path, sizeof(path), "/services/collector/ack?channel=%s", state->channel);
	question(state, &body);
	int r = http_exchange(state->http, path, (struct str){ body.data, (uint32_t)body.len },
			      batch, &answer);

	buf_free(&body);
	if (r < 0)
		return r;
	if (answer.status == 200 && hec_acks_read(answer.body, acknowledged, &at))
		return 0;
	char text[128];

	snprintf(text, sizeof(text), "HTTP %u when asked for acknowledgements", answer.status);
	batch_reason(batch, text);
	return -EPROTO;
}

static bool any_waits(const struct transport_state *state, const struct transport_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		if (batch->records[i].result == DELIVERY_RETRY &&
		    waiting_find(state, &batch->records[i]))
			return true;
	return false;
}

/* Asks until all of the batch's records are acknowledged or its time is over. */
static int await_acks(struct transport_state *state, struct transport_batch *batch)
{
	uint32_t interval = (uint32_t)MAX(setting_number(state->settings, ACK_INTERVAL), 1);
	int r = 0;

	while (r == 0 && any_waits(state, batch)) {
		r = ask(state, batch);
		if (r < 0 || !any_waits(state, batch))
			break;
		int left = moment_left_ms(batch->deadline);

		batch_reason(batch, "accepted; waiting for the indexers' acknowledgement");
		if (left <= (int)interval) {
			batch->retry_after_ms = interval;
			break;
		}
		nanosleep(&(struct timespec){ interval / 1000, interval % 1000 * 1000000L }, NULL);
	}
	return r;
}

/* ---- a batch ----------------------------------------------------------------------------- */

/* A reason that stands in one batch's answer stands at the same place in the copy. */
static const char *moved(const char *why, const struct transport_batch *from,
			 const struct transport_batch *to)
{
	bool inside = why >= from->answer && why < from->answer + sizeof(from->answer);

	return inside ? to->answer + (why - from->answer) : why;
}

/* Sends those that do not wait already: a batch of their own, whose results are copied back. */
static int send_new(struct transport_state *state, struct transport_batch *batch)
{
	autoclean(freep) struct transport_record *records = calloc(batch->count, sizeof(*records));
	autoclean(freep) uint32_t *places = calloc(batch->count, sizeof(*places));
	struct transport_batch fresh = { .records = records, .deadline = batch->deadline };

	if (!records || !places)
		return -ENOMEM;
	for (uint32_t i = 0; i < batch->count; i++)
		if (!waiting_find(state, &batch->records[i])) {
			places[fresh.count] = i;
			records[fresh.count++] = batch->records[i];
		}
	int r = fresh.count ? http_send(state->http, &fresh) : 0;

	memcpy(batch->answer, fresh.answer, sizeof(batch->answer));
	batch->retry_after_ms = fresh.retry_after_ms;
	for (uint32_t i = 0; i < fresh.count; i++) {
		batch->records[places[i]].result = records[i].result;
		batch->records[places[i]].why = moved(records[i].why, &fresh, batch);
	}
	return r;
}

static int splunk_send(struct transport_state *state, struct transport_batch *batch)
{
	if (!setting_number(state->settings, ACK))
		return http_send(state->http, batch);
	waiting_expire(state);
	int r = send_new(state, batch);

	return r < 0 ? r : await_acks(state, batch);
}

/* ---- opening ----------------------------------------------------------------------------- */

static bool channel_fits(const char *text)
{
	return strlen(text) == CHANNEL_LEN &&
	       strspn(text, "0123456789abcdefABCDEF-") == CHANNEL_LEN;
}

static int splunk_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	const char *channel = setting_text(settings, CHANNEL);
	int r = http_check(settings, key, err);

	if (r < 0 || !channel || channel_fits(channel))
		return r;
	*key = CHANNEL;
	err_set(err, -EINVAL, "'%s' is no UUID", channel);
	err_hint(err, "such as the one `uuidgen` prints, or leave it out");
	return -EINVAL;
}

static int channel_make(struct transport_state *state)
{
	const char *given = setting_text(state->settings, CHANNEL);
	uint8_t b[16];

	if (given) {
		snprintf(state->channel, sizeof(state->channel), "%s", given);
		return 0;
	}
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -EIO;
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(state->channel, sizeof(state->channel),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}

static const struct http_receiver receiver = {
	.path = "/services/collector/event",
	.content_type = "application/json",
	.token_header = "Authorization: Splunk %s",
	.cookies = true, /* acknowledgements are known to one node only */
	.body = body_write,
	.headers = add_channel,
	.accepted = accepted,
	.failed = failed,
};

static int splunk_open(const struct transport_settings *settings, struct transport_state **out,
		       struct err *err)
{
	autoclean(freep) struct transport_state *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->settings = settings;
	state->enveloped = !strcmp(settings->format, "splunk-hec");
	int r = channel_make(state);

	if (r < 0)
		return err_set(err, r, "no random numbers for the channel");
	r = http_open(settings, &receiver, state, &state->http, err);
	if (r < 0)
		return r;
	*out = take(state);
	return 0;
}

static void splunk_close(struct transport_state *state, uint64_t deadline)
{
	(void)deadline;
	if (!state)
		return;
	http_close(state->http);
	free(state->waiting);
	free(state);
}

const struct transport transport_splunk_hec = {
	.name = "splunk-hec",
	.doc = "Splunk's HTTP Event Collector, with indexer acknowledgement if wanted",
	.format = "splunk-hec",
	.keys = keys,
	.key_count = KEY_COUNT,
	.batch_records = 500,
	.batch_bytes = 900 * 1024,
	.missing = library_missing,
	.check = splunk_check,
	.open = splunk_open,
	.send = splunk_send,
	.close = splunk_close,
};
