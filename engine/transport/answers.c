/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the answers of Elasticsearch, Splunk HEC and OTLP receivers, with jansson. */
#include <jansson.h>

#include "answers.h"

static json_t *parse(struct str body)
{
	return body.len ? json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static void all(const struct http_part *part, enum delivery_result result, const char *why)
{
	for (uint32_t i = 0; i < part->count; i++) {
		part->records[i].result = result;
		part->records[i].why = why;
	}
}

/* ---- Elasticsearch ------------------------------------------------------------------------- */

static const char *reason_of(json_t *item)
{
	json_t *error = json_object_get(item, "error");
	const char *reason = json_string_value(error);

	if (!reason)
		reason = json_string_value(json_object_get(error, "reason"));
	if (!reason)
		reason = json_string_value(json_object_get(error, "type"));
	return reason ? reason : "no reason given";
}

/* 409 on `create`: the document is there already, sent by an attempt whose answer was lost. */
static enum delivery_result item_result(json_int_t status)
{
	if ((status >= 200 && status <= 299) || status == 409)
		return DELIVERY_DONE;
	if (status == 413)
		return DELIVERY_TOO_LARGE;
	return status == 400 || status == 422 ? DELIVERY_REFUSED : DELIVERY_RETRY;
}

/* {"create":{"status":201,...}} */
static void take_item(json_t *item, struct transport_record *record, struct transport_batch *batch)
{
	const char *operation;
	json_t *outcome;

	json_object_foreach(item, operation, outcome)
	{
		json_int_t status = json_integer_value(json_object_get(outcome, "status"));

		char text[256];

		record->result = item_result(status);
		if (record->result == DELIVERY_DONE)
			return;
		snprintf(text, sizeof(text), "item status %lld: %s", (long long)status,
			 reason_of(outcome));
		record->why = batch_reason(batch, text);
		return;
	}
}

void bulk_answer(const struct http_answer *answer, const struct http_part *part,
		 struct transport_batch *batch)
{
	json_t *root = parse(answer->body);
	json_t *items = json_object_get(root, "items"), *errors = json_object_get(root, "errors");

	if (!json_is_boolean(errors) || (items && !json_is_array(items)) ||
	    (items && json_array_size(items) != part->count) ||
	    (!items && (part->count && json_is_true(errors)))) {
		all(part, DELIVERY_RETRY,
		    batch_reason(batch, "the answer to _bulk is not understood"));
	} else {
		/* Without items the filter has left nothing to tell: no errors. */
		all(part, items ? DELIVERY_RETRY : DELIVERY_DONE, NULL);
		for (uint32_t i = 0; items && i < part->count; i++)
			take_item(json_array_get(items, i), &part->records[i], batch);
	}
	json_decref(root);
}

/* ---- Splunk HEC ---------------------------------------------------------------------------- */

static bool integer(json_t *object, const char *name, int64_t *out)
{
	json_t *value = json_object_get(object, name);

	if (!json_is_integer(value))
		return false;
	*out = json_integer_value(value);
	return true;
}

void hec_answer_read(struct str body, struct hec_answer *out)
{
	json_t *root = parse(body);

	*out = (struct hec_answer){ 0 };
	out->read = integer(root, "code", &out->code);
	out->has_ack = integer(root, "ackId", &out->ack) && out->ack >= 0;
	out->has_invalid = integer(root, "invalid-event-number", &out->invalid);
	json_decref(root);
}

/* Code: the content is to blame (not the token, the index or the server). */
static bool content_code(int64_t code)
{
	return code == 5 || code == 6 || code == 12 || code == 13 || code == 15;
}

bool hec_failed(const struct http_answer *answer, const struct http_part *part, bool resend_all,
		const char *why)
{
	struct hec_answer said;

	hec_answer_read(answer->body, &said);
	if (answer->status != 400 || !said.read)
		return false;
	if (!content_code(said.code)) {
		all(part, DELIVERY_RETRY, why); /* 7: index, 10, 11: channel, ... */
		return true;
	}
	if (!said.has_invalid || said.invalid < 0 || said.invalid >= part->count)
		return false; /* the common table finds the one to blame by sending fewer */
	/* Events before the invalid one have been taken, those after it have not. */
	for (uint32_t i = 0; i < part->count; i++) {
		bool before = i < (uint64_t)said.invalid, it = i == (uint64_t)said.invalid;

		part->records[i].result = it			  ? DELIVERY_REFUSED
					  : before && !resend_all ? DELIVERY_DONE
								  : DELIVERY_RETRY;
		part->records[i].why = it ? why : NULL;
	}
	return true;
}

bool hec_acks_read(struct str body, void (*acknowledged)(void *ctx, uint64_t ack), void *ctx)
{
	json_t *root = parse(body), *acks = json_object_get(root, "acks"), *value;
	bool fine = json_is_object(acks);
	const char *name;

	json_object_foreach(acks, name, value)
	{
		char *end;
		unsigned long long ack = strtoull(name, &end, 10);

		if (json_is_true(value) && *name >= '0' && *name <= '9' && !*end)
			acknowledged(ctx, ack);
	}
	json_decref(root);
	return fine;
}

/* ---- OTLP -------------------------------------------------------------------------------- */

/* 64-bit integers are strings in protobuf's JSON, and numbers are taken as well. */
static int64_t json_count(json_t *value)
{
	const char *text = json_string_value(value);
	char *end;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (!text)
		return value ? -1 : 0;
	long long number = strtoll(text, &end, 10);

	return *text && !*end ? number : -1;
}

static int64_t rejected_json(struct str body, char *why, size_t size)
{
	json_t *root = parse(body), *partial = json_object_get(root, "partialSuccess");
	const char *message = json_string_value(json_object_get(partial, "errorMessage"));
	int64_t count = json_count(json_object_get(partial, "rejectedLogRecords"));

	if (!json_is_object(root) || (partial && !json_is_object(partial)))
		count = -1;
	snprintf(why, size, "%s", message ? message : "");
	json_decref(root);
	return count;
}

struct proto {
	const uint8_t *at, *end;
};

static bool varint(struct proto *in, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		uint8_t byte = *in->at++;

		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* The next field: its number, and a varint or a piece. 1 read, 0 at the end, -1 broken */
static int field(struct proto *in, uint32_t *number, uint64_t *value, struct proto *piece)
{
	static const uint8_t fixed[] = { 0, 8, 0, 0, 0, 4 };
	uint64_t tag, len;

	if (in->at == in->end)
		return 0;
	if (!varint(in, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
		return -1;
	*number = (uint32_t)(tag >> 3);
	*value = 0;
	*piece = (struct proto){ 0 };
	if ((tag & 7) == 0)
		return varint(in, value) ? 1 : -1;
	if ((tag & 7) == 2) {
		if (!varint(in, &len))
			return -1;
	} else {
		len = (tag & 7) < sizeof(fixed) ? fixed[tag & 7] : 0;
		if (!len)
			return -1;
	}
	if (len > (uint64_t)(in->end - in->at))
		return -1;
	*piece = (struct proto){ in->at, in->at + len };
	in->at += len;
	return 1;
}

/* ExportLogsServiceResponse { partial_success = 1 { rejected = 1, error_message = 2 } } */
static int64_t rejected_protobuf(struct str body, char *why, size_t size)
{
	struct proto in = { (const uint8_t *)body.data, (const uint8_t *)body.data + body.len };
	struct proto partial = { 0 }, piece;
	int64_t count = 0;
	uint32_t number;
	uint64_t value;
	int r;

	while ((r = field(&in, &number, &value, &piece)) > 0)
		if (number == 1 && piece.at)
			partial = piece;
	if (r < 0)
		return -1;
	while ((r = field(&partial, &number, &value, &piece)) > 0) {
		if (number == 1 && !piece.at)
			count = (int64_t)value;
		if (number == 2 && piece.at)
			snprintf(why, size, "%.*s", (int)(piece.end - piece.at),
				 (const char *)piece.at);
	}
	return r < 0 || count < 0 ? -1 : count;
}

int64_t otlp_rejected(struct str body, bool protobuf, char *why, size_t size)
{
	*why = 0;
	if (!body.len)
		return protobuf ? 0 : -1;
	return protobuf ? rejected_protobuf(body, why, size) : rejected_json(body, why, size);
}
