/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OTLP logs by HTTP, JSON or protobuf as the format writes them. A record is an export request
 * of its own; many become one: in protobuf by writing them one after the other (repeated fields
 * add up), in JSON by joining their resourceLogs. What a partial success rejects must not be
 * sent again.
 */
#include <errno.h>

#include "answers.h"
#include "base/err.h"
#include "library.h"

enum { CAREFUL = 1000 };

static const struct setting_key keys[] = {
	HTTP_KEY_ROWS("http://HOST:4318; without a path /v1/logs. token is a Bearer token", "gzip"),
};

struct transport_state {
	struct http *http; /* first, for http_state_close */
	struct http_receiver receiver;
	bool protobuf;
	uint32_t careful; /* so many records are sent one by one */
};

static const struct str json_head = STR("{\"resourceLogs\":[");
static const struct str json_tail = STR("]}");

/* The resourceLogs of a record that is an export request; false if it is none. */
static bool inner(struct str record, struct str *out)
{
	if (record.len < json_head.len + json_tail.len ||
	    memcmp(record.data, json_head.data, json_head.len) != 0 ||
	    memcmp(record.data + record.len - json_tail.len, json_tail.data, json_tail.len) != 0)
		return false;
	*out = (struct str){ record.data + json_head.len,
			     record.len - json_head.len - json_tail.len };
	return true;
}

static void body_write(void *own, struct buf *out, const struct http_part *part)
{
	const struct transport_state *state = own;
	struct str logs;

	if (!state->protobuf)
		buf_str(out, json_head);
	for (uint32_t i = 0; i < part->count; i++) {
		if (state->protobuf) {
			buf_str(out, part->records[i].bytes);
		} else if (inner(part->records[i].bytes, &logs)) {
			buf_str(out, i ? STR(",") : STR(""));
			buf_str(out, logs);
		}
	}
	if (!state->protobuf)
		buf_str(out, json_tail);
}

/*
 * A receiver says how many it rejected, not which, and that they must not be sent again. All of
 * that request go to the dead letters rather than some being lost unseen; to know better, the
 * next records are sent one by one.
 */
static void accepted(void *own, const struct http_answer *answer, const struct http_part *part,
		     struct transport_batch *batch)
{
	struct transport_state *state = own;
	char why[200];
	int64_t count = otlp_rejected(answer->body, state->protobuf, why, sizeof(why));

	state->careful -= MIN(state->careful, part->count);
	if (count == 0)
		return;
	char text[256] = "the answer is not that of an OTLP receiver";

	if (count > 0)
		snprintf(text, sizeof(text), "%lld of %u records rejected: %s", (long long)count,
			 part->count, why);
	const char *reason = batch_reason(batch, text);

	for (uint32_t i = 0; i < part->count; i++) {
		part->records[i].result = count < 0 ? DELIVERY_RETRY : DELIVERY_REFUSED;
		part->records[i].why = reason;
	}
	if (count > 0)
		state->careful = CAREFUL;
}

static int otlp_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	int r = http_check(settings, key, err);

	if (r < 0 || !settings->format || !strncmp(settings->format, "otlp", 4))
		return r;
	*key = HTTP_URL;
	err_set(err, -EINVAL, "the format '%s' is not OTLP's", settings->format);
	err_hint(err, "leave the format out, or choose otlp or otlp-protobuf");
	return -EINVAL;
}

static int otlp_open(const struct transport_settings *settings, struct transport_state **out,
		     struct err *err)
{
	autoclean(freep) struct transport_state *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->protobuf = strstr(settings->format, "proto") != NULL;
	state->receiver = (struct http_receiver){
		.path = "/v1/logs",
		.content_type = state->protobuf ? "application/x-protobuf" : "application/json",
		.token_header = "Authorization: Bearer %s",
		.body = body_write,
		.accepted = accepted,
	};
	int r = http_open(settings, &state->receiver, state, &state->http, err);

	if (r < 0)
		return r;
	*out = take(state);
	return 0;
}

/* A record that is no export request can never be sent. */
static int refuse_others(struct transport_state *state, struct transport_batch *batch)
{
	struct str logs;

	for (uint32_t i = 0; i < batch->count && !state->protobuf; i++)
		if (!inner(batch->records[i].bytes, &logs)) {
			batch->records[i].result = DELIVERY_REFUSED;
			batch->records[i].why = "it is no OTLP export request";
			return -EINVAL;
		}
	return 0;
}

static int otlp_send(struct transport_state *state, struct transport_batch *batch)
{
	if (refuse_others(state, batch) < 0) {
		batch_answer(batch, "a record is no OTLP export request");
		return 0;
	}
	state->receiver.records = state->careful ? 1 : 0;
	return http_send(state->http, batch);
}

const struct transport transport_otlp = {
	.name = "otlp",
	.doc = "OpenTelemetry logs by OTLP/HTTP",
	.format = "otlp",
	.keys = keys,
	.key_count = HTTP_KEY_COUNT,
	.batch_records = 500,
	.batch_bytes = 1024 * 1024,
	.missing = library_missing,
	.check = otlp_check,
	.open = otlp_open,
	.send = otlp_send,
	.close = http_state_close,
};
