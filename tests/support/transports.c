/* SPDX-License-Identifier: Apache-2.0 */
/* Transports for tests: settings from texts, and delivery in small. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/common.h"
#include "transport.h"
#include "transport/moment.h"
#include "transports.h"

enum { ITEMS_MAX = 16 };

/* ---- settings -------------------------------------------------------------------------------- */

static int64_t scaled(const char *text, const char *const *units, const int64_t *factors)
{
	char *end;
	int64_t number = strtoll(text, &end, 10);

	for (size_t i = 0; *end && units[i]; i++)
		if (!strcmp(end, units[i]))
			return number * factors[i];
	return *end ? -1 : number;
}

static int64_t choice(const char *choices, const char *word)
{
	for (int64_t i = 0; *choices; i++) {
		size_t len = strcspn(choices, " ");

		if (len == strlen(word) && !memcmp(choices, word, len))
			return i;
		choices += len + strspn(choices + len, " ");
	}
	return -1;
}

static int64_t number_of(const struct setting_key *key, const char *text)
{
	static const char *const sizes[] = { "K", "M", "G", NULL };
	static const int64_t bytes[] = { 1 << 10, 1 << 20, 1 << 30 };
	static const char *const times[] = { "ms", "s", "m", "h", NULL };
	static const int64_t ms[] = { 1, 1000, 60000, 3600000 };

	switch (key->kind) {
	case SETTING_SIZE: return scaled(text, sizes, bytes);
	case SETTING_DURATION: return scaled(text, times, ms);
	case SETTING_BOOL: return choice("false true", text);
	case SETTING_CHOICE: return choice(key->choices, text);
	case SETTING_NUMBER: return strtoll(text, NULL, 10);
	default: return 0;
	}
}

static struct str copy(const char *text, size_t len)
{
	return (struct str){ strndup(text, len), (uint32_t)len };
}

static int value_set(struct setting_value *value, const struct setting_key *key, const char *text)
{
	const char *colon = strstr(text, ": ");

	if (key->kind == SETTING_TEXTS || key->kind == SETTING_PAIRS) {
		struct str *texts = (struct str *)value->texts;
		struct setting_pair *pairs = (struct setting_pair *)value->pairs;

		if (value->count == ITEMS_MAX || (key->kind == SETTING_PAIRS && !colon))
			return -EINVAL;
		if (!value->count && key->kind == SETTING_TEXTS)
			value->texts = texts = calloc(ITEMS_MAX, sizeof(*texts));
		if (!value->count && key->kind == SETTING_PAIRS)
			value->pairs = pairs = calloc(ITEMS_MAX, sizeof(*pairs));
		if (key->kind == SETTING_TEXTS)
			texts[value->count++] = copy(text, strlen(text));
		else
			pairs[value->count++] =
				(struct setting_pair){ copy(text, (size_t)(colon - text)),
						       copy(colon + 2, strlen(colon + 2)) };
		return 0;
	}
	free((char *)value->text.data);
	value->text = copy(text, strlen(text));
	value->number = number_of(key, text);
	return value->number < 0 ? -EINVAL : 0;
}

static int setting_apply(struct outlet *outlet, const char *setting, struct err *err)
{
	const struct transport *transport = outlet->transport;
	const char *equals = strchr(setting, '=');

	for (uint32_t i = 0; equals && i < transport->key_count; i++) {
		const struct setting_key *key = &transport->keys[i];

		if (strlen(key->name) != (size_t)(equals - setting) ||
		    strncmp(setting, key->name, strlen(key->name)) != 0)
			continue;
		outlet->values[i].given = true;
		if (value_set(&outlet->values[i], key, equals + 1) < 0)
			return err_set(err, -EINVAL, "bad value: %s", setting);
		return 0;
	}
	return err_set(err, -EINVAL, "no such key: %s", setting);
}

static int settings_fill(struct outlet *outlet, const char *const *settings, struct err *err)
{
	const struct transport *transport = outlet->transport;
	int r = 0;

	for (uint32_t i = 0; i < transport->key_count && r == 0; i++)
		if (transport->keys[i].fallback)
			r = value_set(&outlet->values[i], &transport->keys[i],
				      transport->keys[i].fallback);
	for (; *settings && r == 0; settings++)
		r = setting_apply(outlet, *settings, err);
	for (uint32_t i = 0; i < transport->key_count && r == 0; i++)
		if (transport->keys[i].required && !outlet->values[i].given)
			r = err_set(err, -EINVAL, "%s is required", transport->keys[i].name);
	return r;
}

int outlet_open(struct outlet *outlet, const char *name, const char *format,
		const char *const *settings, struct err *err)
{
	const struct transport *transport = transport_by_name(str_of(name));
	uint32_t key = 0;

	*outlet = (struct outlet){ .transport = transport };
	if (!transport)
		return err_set(err, -EINVAL, "no transport %s", name);
	outlet->values = calloc(transport->key_count, sizeof(*outlet->values));
	outlet->settings = (struct transport_settings){
		.output = "test",
		.values = outlet->values,
		.format = format ? format : transport->format,
		.host_name = STR("host-a"),
		.sensor_version = STR("1.2.3"),
	};
	int r = settings_fill(outlet, settings, err);

	if (r == 0 && transport->check)
		r = transport->check(&outlet->settings, &key, err);
	return r == 0 ? transport->open(&outlet->settings, &outlet->state, err) : r;
}

void outlet_close(struct outlet *outlet)
{
	if (!outlet->transport)
		return;
	if (outlet->state)
		outlet->transport->close(outlet->state, moment_in_ms(2000));
	for (uint32_t i = 0; i < outlet->transport->key_count; i++) {
		struct setting_value *value = &outlet->values[i];

		free((char *)value->text.data);
		for (uint32_t n = 0; n < value->count; n++) {
			if (value->texts)
				free((char *)value->texts[n].data);
			if (value->pairs) {
				free((char *)value->pairs[n].key.data);
				free((char *)value->pairs[n].value.data);
			}
		}
		free((void *)value->texts);
		free((void *)value->pairs);
	}
	free(outlet->values);
	*outlet = (struct outlet){ 0 };
}

/* ---- delivery in small ----------------------------------------------------------------------- */

static bool settled(const struct transport_record *record, uint32_t size)
{
	return record->result == DELIVERY_DONE || record->result == DELIVERY_REFUSED ||
	       (record->result == DELIVERY_TOO_LARGE && size == 1);
}

static void pause_ms(uint32_t ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

static void tally_up(const struct transport_record *records, uint32_t count,
		     struct outlet_tally *tally)
{
	tally->done = tally->refused = tally->too_large = 0;
	for (uint32_t i = 0; i < count; i++) {
		tally->done += records[i].result == DELIVERY_DONE;
		tally->refused += records[i].result == DELIVERY_REFUSED;
		tally->too_large += records[i].result == DELIVERY_TOO_LARGE;
	}
}

/* The first `most` that are not settled; places says where they came from. */
static void batch_fill(struct transport_batch *batch, const struct transport_record *records,
		       uint32_t count, uint32_t most, uint32_t *places)
{
	for (uint32_t i = 0; i < count && batch->count < most; i++)
		if (!settled(&records[i], 1)) {
			struct transport_record *record = &batch->records[batch->count];

			places[batch->count++] = i;
			*record = records[i];
			record->result = DELIVERY_RETRY;
			record->why = NULL;
		}
}

bool outlet_deliver(struct outlet *outlet, struct transport_record *records, uint32_t count,
		    uint32_t size, uint32_t batch_ms, uint32_t seconds, struct outlet_tally *tally)
{
	uint64_t end = moment_in_ms((int64_t)seconds * 1000);
	struct transport_record *batch_records = calloc(count, sizeof(*batch_records));
	uint32_t *places = calloc(count, sizeof(*places)), now = size;
	bool left = true;

	*tally = (struct outlet_tally){ 0 };
	while (left && moment_left_ms(end)) {
		struct transport_batch batch = { .records = batch_records,
						 .deadline = moment_in_ms(batch_ms) };
		bool smaller = false, again = false;

		batch_fill(&batch, records, count, now, places);
		left = batch.count > 0;
		if (!left)
			break;
		transport_send(outlet->transport, outlet->state, &batch);
		tally->batches++;
		for (uint32_t i = 0; i < batch.count; i++) {
			enum delivery_result result = batch_records[i].result;

			if (result == DELIVERY_TOO_LARGE && batch.count > 1) {
				smaller = true;
				result = DELIVERY_RETRY;
			} else if (result == DELIVERY_RETRY) {
				again = true;
				tally->retried++;
			}
			records[places[i]].result = result;
		}
		now = smaller ? MAX(now / 2, 1U) : size;
		if (batch.answer[0])
			memcpy(tally->answer, batch.answer, sizeof(tally->answer));
		if (again)
			pause_ms(batch.retry_after_ms ? batch.retry_after_ms : 20);
	}
	tally_up(records, count, tally);
	free(batch_records);
	free(places);
	return !left;
}

/* ---- records ----------------------------------------------------------------------------- */

void record_set(struct transport_record *record, const char *text, uint32_t number)
{
	char id[32];

	snprintf(id, sizeof(id), "id-%u", number);
	*record = (struct transport_record){
		.bytes = str_of(text),
		.id = { strdup(id), (uint32_t)strlen(id) },
		.key = STR("6c1f0c9a3c2e4b0f9a3d6e1b2a4c5d6e"),
		.time = UINT64_C(1789899072345678901) + number,
		.sequence = number,
		.severity = (uint8_t)(number % 5),
		.event = STR("shm_probe"),
	};
}

struct transport_record *records_make(const char *format, uint32_t first, uint32_t count)
{
	struct transport_record *records = calloc(count, sizeof(*records));

	for (uint32_t i = 0; i < count; i++) {
		char *text = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (asprintf(&text, format, first + i) < 0)
			abort();
#pragma GCC diagnostic pop
		record_set(&records[i], text, first + i);
	}
	return records;
}

void records_free(struct transport_record *records, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		free((char *)records[i].bytes.data);
		free((char *)records[i].id.data);
	}
	free(records);
}
