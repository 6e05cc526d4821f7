/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A produced event against the recorded one: printed by our encoder, read back, and compared
 * member by member. What is recorded must be there and the same; what is there besides must say
 * nothing (0, "", [], ...), but for the workload, of which records hold what matters to the case.
 */
#include "base/buf.h"
#include "event/encode.h"
#include "kinds.h"
#include "store.h"

struct place {
	struct row *row;
	char path[256];
};

static bool differs(struct place *at, const char *what, const json_t *is, const json_t *want)
{
	char *found = is ? json_dumps(is, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char *wanted = want ? json_dumps(want, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	row_failed(at->row, "%s %s: %s, expected %s", at->path, what, found ? found : "nothing",
		   wanted ? wanted : "nothing");
	free(found);
	free(wanted);
	return false;
}

static bool says_nothing(const json_t *json)
{
	const char *text = json_string_value(json);

	switch (json_typeof(json)) {
	case JSON_OBJECT: return json_object_size(json) == 0;
	case JSON_ARRAY: return json_array_size(json) == 0;
	case JSON_STRING: return text[0] == 0;
	case JSON_INTEGER: return json_integer_value(json) == 0;
	case JSON_REAL: return json_real_value(json) == 0;
	case JSON_TRUE: return false;
	default: return true;
	}
}

static bool same(struct place *at, const json_t *is, const json_t *want);

/* Entries of data: the kind of the value counts as well. */
static bool same_keys(const json_t *is, const json_t *want)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)is, key, value) if (!json_object_get(want, key) &&
							  strcmp(key, "value") != 0) return false;
	return true;
}

static bool same_array(struct place *at, const json_t *is, const json_t *want, bool data)
{
	size_t count = json_array_size(want), len = strlen(at->path);

	if (json_array_size(is) != count)
		return differs(at, "length", is, want);
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(is, i), *other = json_array_get(want, i);

		snprintf(at->path + len, sizeof(at->path) - len, "[%zu]", i);
		if (data && !same_keys(one, other))
			return differs(at, "kind", one, other);
		if (!same(at, one, other))
			return false;
		at->path[len] = 0;
	}
	return true;
}

/* Names of policies have no order there. */
static bool same_set(struct place *at, const json_t *is, const json_t *want)
{
	bool fine = json_array_size(is) == json_array_size(want);

	for (size_t i = 0; i < json_array_size(want); i++) {
		bool found = false;

		for (size_t k = 0; k < json_array_size(is); k++)
			found |= json_equal(json_array_get(is, k), json_array_get(want, i));
		fine &= found;
	}
	return fine ? true : differs(at, "names", is, want);
}

static bool same_severity(const json_t *is, const json_t *want)
{
	static const char *const names[] = { "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL" };
	json_int_t number = json_integer_value(is);

	if (!json_is_string(want))
		return json_equal(is, want);
	return number >= 0 && number < 5 && strcmp(names[number], json_string_value(want)) == 0;
}

/* Ids of detections depend on what else was registered. */
static bool is_id_of_detection(const json_t *is, const char *key)
{
	const struct event_def *def = event_by_name(str_of(text_of(is, "name")));

	return strcmp(key, "id") == 0 && (!def || event_in_set(def, STR("detectors")));
}

static bool same_member(struct place *at, const char *key, const json_t *is, const json_t *want)
{
	if (!is)
		return says_nothing(want) || strcmp(json_string_value(want) ?: "", "*") == 0
			       ? true
			       : differs(at, "is missing", is, want);
	if (strcmp(key, "severity") == 0)
		return same_severity(is, want) ? true : differs(at, "", is, want);
	if (strcmp(key, "timestamp") == 0)
		return epoch_of_text(json_string_value(is)) ==
				       epoch_of_text(json_string_value(want))
			       ? true
			       : differs(at, "", is, want);
	if (strcmp(key, "matched") == 0)
		return same_set(at, is, want);
	if (json_is_array(want))
		return json_is_array(is) ? same_array(at, is, want, strcmp(key, "data") == 0)
					 : differs(at, "", is, want);
	return same(at, is, want);
}

/* Members that records leave out though they say something. */
static bool may_be_extra(const struct place *at, const char *key)
{
	static const char *const top[] = { "timestamp", "id", "policies", "workload" };

	if (strstr(at->path, "workload"))
		return true;
	if (strstr(at->path, "detected_from"))
		return strcmp(key, "id") == 0;
	for (size_t i = 0; !at->path[0] && i < ARRAY_SIZE(top); i++)
		if (strcmp(key, top[i]) == 0)
			return true;
	return false;
}

static bool same_object(struct place *at, const json_t *is, const json_t *want)
{
	size_t len = strlen(at->path);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)want, key, value)
	{
		if (is_id_of_detection(is, key))
			continue;
		snprintf(at->path + len, sizeof(at->path) - len, "%s%s", len ? "." : "", key);
		if (!same_member(at, key, json_object_get(is, key), value))
			return false;
		at->path[len] = 0;
	}
	json_object_foreach((json_t *)is, key, value)
	{
		if (json_object_get(want, key) || says_nothing(value) || may_be_extra(at, key))
			continue;
		if (json_is_object(value) && !same(at, value, json_null()))
			return differs(at, key, value, NULL);
		if (!json_is_object(value))
			return differs(at, key, value, NULL);
	}
	return true;
}

/* All of it says nothing, members of members included. */
static bool hollow(const json_t *json)
{
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return says_nothing(json);
	json_object_foreach((json_t *)json, key, value) if (!hollow(value)) return false;
	return true;
}

static bool same(struct place *at, const json_t *is, const json_t *want)
{
	const char *text = json_string_value(want);

	if (text && strcmp(text, "*") == 0)
		return true;
	if (json_is_null(want))
		return hollow(is);
	if (json_is_object(want) && json_is_object(is))
		return same_object(at, is, want);
	if (json_is_array(want) && json_is_array(is))
		return same_array(at, is, want, false);
	return json_equal(is, want) ? true : differs(at, "", is, want);
}

bool event_equals(struct row *row, const struct event *event, const json_t *want,
		  const struct stores *stores)
{
	struct format_options options = { .stores = stores };
	struct place at = { .row = row };
	struct buf out = { 0 };
	json_t *is;
	bool result;

	encode_event(&out, event, &options, false);
	is = json_loadb(out.data, out.len, 0, NULL);
	result = is ? same(&at, is, want)
		    : (row_failed(row, "what we print is no JSON: %.900s", buf_cstr(&out)), false);
	json_decref(is);
	buf_free(&out);
	return result;
}

bool data_equals(struct row *row, const struct event *event, const json_t *want)
{
	json_t *whole = json_pack("{ss sO}", "name", event->def->name, "data", want);
	struct event bare = *event;
	bool result;

	bare.threat = NULL;
	bare.print_detected_from = false;
	result = event_equals(row, &bare, whole, NULL);
	json_decref(whole);
	return result;
}
