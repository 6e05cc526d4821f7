/* SPDX-License-Identifier: Apache-2.0 */
/* The regex library: replace, extract, extractAll. */
#include "lib_text.h"
#include "regex.h"

#define CALL(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)

enum { PLACES_MAX = 2 * (REGEX_GROUPS_MAX + 1), NOWHERE = UINT32_MAX };

/* Where to look for the next match: behind this one, and on if it was empty. */
static uint32_t go_on(struct str subject, const uint32_t *places)
{
	uint32_t size = 0;

	if (places[1] != places[0] || places[1] >= subject.len)
		return places[1] + (places[1] == places[0]);
	utf8_decode(subject.data + places[1], subject.len - places[1], &size);
	return places[1] + size;
}

/* ---- replace -------------------------------------------------------------- */

/* \0 the match, \1 to \9 its groups, \\ a backslash; false: there is no such group */
static bool add_replacement(struct text *text, struct str replacement, struct str subject,
			    const uint32_t *places, uint32_t groups)
{
	for (uint32_t i = 0; i < replacement.len; i++) {
		char c = replacement.data[i];
		uint32_t group;

		if (c != '\\') {
			text_add(text, &c, 1);
			continue;
		}
		if (++i == replacement.len)
			return false;
		c = replacement.data[i];
		if (c == '\\') {
			text_add(text, &c, 1);
			continue;
		}
		group = (uint32_t)(c - '0');
		if (c < '0' || c > '9' || group > groups)
			return false;
		if (places[2 * group] != NOWHERE && places[2 * group + 1] != NOWHERE)
			text_add(text, subject.data + places[2 * group],
				 places[2 * group + 1] - places[2 * group]);
	}
	return true;
}

static struct value replace(struct cel_run *run, const struct regex *regex, struct str subject,
			    struct str replacement, int64_t limit)
{
	struct text text = { .run = run };
	uint32_t places[PLACES_MAX], from = 0, copied = 0;
	int64_t done = 0;
	int found = 0;

	while (from <= subject.len && (limit < 0 || done < limit) &&
	       (found = regex_search(regex, run, subject, from, places)) > 0) {
		text_add(&text, subject.data + copied, places[0] - copied);
		if (!add_replacement(&text, replacement, subject, places, regex->groups))
			return ERROR_TEXT("found a replacement with a wrong backslash");
		copied = places[1];
		from = go_on(subject, places);
		done++;
	}
	if (found < 0)
		return ERROR_BUDGET;
	text_add(&text, subject.data + copied, subject.len - copied);
	return text_value(&text);
}

CALL(call_replace)
{
	const struct regex *regex = regex_compile_now(run, args[1], out);

	if (regex)
		*out = replace(run, regex, value_text(args[0]), value_text(args[2]),
			       count == 4 ? args[3].i : -1);
}

/* ---- extract -------------------------------------------------------------- */

/* The group if the pattern has one, else the match. */
static struct value extracted(const struct regex *regex, struct str subject, const uint32_t *places)
{
	uint32_t at = regex->groups ? 2 : 0;

	if (places[at] == NOWHERE || places[at + 1] == NOWHERE)
		return value_null();
	return value_string(subject.data + places[at], places[at + 1] - places[at]);
}

/* A pattern with one group at most; NULL: *error. */
static const struct regex *extract_pattern(struct cel_run *run, struct value text,
					   struct value *error)
{
	const struct regex *regex = regex_compile_now(run, text, error);

	if (!regex || regex->groups <= 1)
		return regex;
	*error = ERROR_TEXT("found a pattern of more than one group");
	return NULL;
}

CALL(call_extract)
{
	const struct regex *regex = extract_pattern(run, args[1], out);
	uint32_t places[PLACES_MAX];
	int found;

	(void)count;
	if (!regex)
		return;
	found = regex_search(regex, run, value_text(args[0]), 0, places);
	*out = found < 0 ? ERROR_BUDGET : value_none;
	if (found > 0) {
		struct value part = extracted(regex, value_text(args[0]), places);

		if (part.tag == VALUE_STRING)
			*out = value_optional(run, part);
	}
}

static struct value extract_all(struct cel_run *run, const struct regex *regex, struct str subject)
{
	struct value_list *list = list_new(run, 4);
	uint32_t places[PLACES_MAX], from = 0, capacity = 4;
	int found = 0;

	while (list && from <= subject.len &&
	       (found = regex_search(regex, run, subject, from, places)) > 0) {
		struct value part = extracted(regex, subject, places);

		if (list->count == capacity) {
			struct value_list *grown = list_new(run, capacity *= 2);

			if (!grown)
				return ERROR_MEMORY;
			memcpy(grown->items, list->items, list->count * sizeof(part));
			grown->count = list->count;
			list = grown;
		}
		if (part.tag == VALUE_STRING)
			list->items[list->count++] = part;
		from = go_on(subject, places);
	}
	return !list ? ERROR_MEMORY : found < 0 ? ERROR_BUDGET : value_of_list(list);
}

CALL(call_extract_all)
{
	const struct regex *regex = extract_pattern(run, args[1], out);

	(void)count;
	if (regex)
		*out = extract_all(run, regex, value_text(args[0]));
}

const struct cel_function regex_rows[] = {
	{ "regex.replace", "(string, string, string) -> string", call_replace,
	  "All matches replaced; \\1 to \\9 are groups.",
	  "regex.replace('a1b2', r'([a-z])(\\d)', r'\\2\\1')", "\"1a2b\"" },
	{ "regex.replace", "(string, string, string, int) -> string", call_replace,
	  "So many matches replaced; all if negative.", "regex.replace('aaa', 'a', 'b', 2)",
	  "\"bba\"" },
	{ "regex.extract", "(string, string) -> optional_type(string)", call_extract,
	  "The first match, or its group, if there is one.",
	  "regex.extract('item-42', r'item-(\\d+)').value()", "\"42\"" },
	{ "regex.extractAll", "(string, string) -> list(string)", call_extract_all,
	  "All matches, or their groups.", "regex.extractAll('id:1, id:2', r'id:(\\d)')",
	  "[\"1\",\"2\"]" },
};
const uint32_t regex_rows_count = ARRAY_SIZE(regex_rows);
