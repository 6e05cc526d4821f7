/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of detectors with memory: tables, and the checks of single values. */
#include "memory_file.h"

#include <errno.h>

#include "base/timespan.h"
#include "state/state.h"

/* ---- checks of single values ------------------------------------------------------------ */

static int check_duration(const struct yaml_node *value, bool compat, struct err *err)
{
	uint64_t ignored;

	(void)compat;
	return timespan_parse(value->text, &ignored, err);
}

static int check_number(const struct yaml_node *value, bool compat, struct err *err)
{
	char *end;

	(void)compat;
	errno = 0;
	strtod(value->text.data, &end);
	if (*end || end == value->text.data || errno) {
		err_set(err, -EINVAL, "expected a number, found '%s'", value->text.data);
		return -EINVAL;
	}
	return 0;
}

static int check_kind(const struct yaml_node *value, bool compat, struct err *err)
{
	(void)compat;
	if (str_equal(value->text, STR("sliding")) || str_equal(value->text, STR("tumbling")))
		return 0;
	err_set(err, -EINVAL, "'%s' is no kind of window", value->text.data);
	err_hint(err, "sliding (default) or tumbling");
	return -EINVAL;
}

/* ---- tables ---------------------------------------------------------------------------------- */

#define AT(type, member) offsetof(struct type, member)
#define TEXT(type, member, check, words) \
	{ \
#member, KEY_TEXT, false, AT(type, member), NULL, NULL, check, words \
	}

static const struct schema_key limits_keys[] = {
	TEXT(limits_text, keys, check_number, "how many keys are remembered at once, 16384"),
	TEXT(limits_text, bytes, NULL, "memory for what they hold, 16M"),
	TEXT(limits_text, partials, check_number, "sequences begun per key and step"),
};
const struct schema limits_schema = { "limits", limits_keys, ARRAY_SIZE(limits_keys),
				      sizeof(struct limits_text) };

static const struct schema_key measure_keys[] = {
	TEXT(measure_text, name, NULL, "its name for state(\"...\"); that of its kind"),
	TEXT(measure_text, of, NULL, "CEL: count, ratio: which events; else the value"),
	TEXT(measure_text, to, NULL, "CEL, ratio: the events those of `of` are compared with"),
	TEXT(measure_text, at_least, check_number, "the smallest value that counts"),
	TEXT(measure_text, at_most, check_number, "the largest value that counts"),
	TEXT(measure_text, above, check_number, "values that count are larger"),
	TEXT(measure_text, below, check_number, "values that count are smaller"),
	TEXT(measure_text, samples, check_number, "avg: not before so many values"),
};
const struct schema measure_schema = { "a measure", measure_keys, ARRAY_SIZE(measure_keys),
				       sizeof(struct measure_text) };

#define MEASURE(name, kind, words) \
	{ \
		name, KEY_ANY, false, AT(threshold_text, measures[kind]), NULL, NULL, NULL, words \
	}

static const struct schema_key threshold_keys[] = {
	{ "window", KEY_TEXT, true, AT(threshold_text, window), NULL, "a threshold needs a window",
	  check_duration, "the time looked at, as 10s" },
	TEXT(threshold_text, kind, check_kind, "sliding (default) or tumbling"),
	TEXT(threshold_text, every, check_duration,
	     "fire again after this time while it is still crossed; default: once"),
	{ "by", KEY_TEXTS, false, AT(threshold_text, by), NULL, NULL, NULL,
	  "what is counted apart: process, uid, ..., or CEL; a ? in front: null too" },
	{ "closing", KEY_BOOL, false, AT(threshold_text, closing), NULL, NULL, NULL,
	  "fire once more at the end, with the totals" },
	MEASURE("count", MEASURE_COUNT, "how many events: a number, or a measure"),
	MEASURE("distinct", MEASURE_DISTINCT, "how many different values"),
	MEASURE("sum", MEASURE_SUM, "the sum of the values"),
	MEASURE("avg", MEASURE_AVG, "the average of the values"),
	MEASURE("ratio", MEASURE_RATIO, "events that hold `of`, by those that hold `to`"),
};
const struct schema threshold_schema = { "threshold", threshold_keys, ARRAY_SIZE(threshold_keys),
					 sizeof(struct threshold_text) };

static int check_scope(const struct yaml_node *value, bool compat, struct err *err)
{
	(void)compat;
	if (fact_scope_parse(value->text, NULL, NULL))
		return 0;
	err_set(err, -EINVAL, "'%s' is no scope", value->text.data);
	err_hint(err, "process, tree (a process and what it starts), container, user, host or "
		      "ipc_object");
	return -EINVAL;
}

bool fact_scope_parse(struct str word, uint8_t *part, bool *inherit)
{
	static const struct {
		const char *name;
		uint8_t part;
		bool inherit;
	} scopes[] = {
		{ "process", PART_process, false },	{ "tree", PART_process, true },
		{ "container", PART_container, false }, { "user", PART_uid, false },
		{ "host", PART_host, false },		{ "ipc_object", PART_ipc_object, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		if (!str_equal(word, str_of(scopes[i].name)))
			continue;
		if (part)
			*part = scopes[i].part;
		if (inherit)
			*inherit = scopes[i].inherit;
		return true;
	}
	return false;
}

#define SCOPE(type, words) TEXT(type, scope, check_scope, words)

static const struct schema_key set_keys[] = {
	{ "name", KEY_TEXT, true, AT(set_text, name), NULL, "a variable needs a name", NULL,
	  "its name, for variable(\"...\")" },
	SCOPE(set_text, "whose it is: process (default), tree, container, user, host, ipc_object"),
	TEXT(set_text, value, NULL, "CEL: what it is from now on"),
	TEXT(set_text, add, NULL, "CEL: what is added to the list that it is"),
	TEXT(set_text, ttl, check_duration, "forgotten after this time; default: never"),
};
const struct schema set_schema = { "set", set_keys, ARRAY_SIZE(set_keys), sizeof(struct set_text) };

static const struct schema_key label_keys[] = {
	{ "name", KEY_TEXT, true, AT(label_text, name), NULL, "a label needs a name", NULL,
	  "its name, for hasLabel(\"...\")" },
	SCOPE(label_text, "whose it is: tree (default), process, container, user, host, ..."),
	TEXT(label_text, ttl, check_duration, "forgotten after this time; default: never"),
};
const struct schema label_schema = { "label", label_keys, ARRAY_SIZE(label_keys),
				     sizeof(struct label_text) };

static const struct schema_key score_keys[] = {
	{ "name", KEY_TEXT, true, AT(score_text, name), NULL, "a score needs a name", NULL,
	  "its name, for score(\"...\"); detectors of one name add to one score" },
	SCOPE(score_text, "whose it is: process (default), tree, container, user, host, ..."),
	{ "add", KEY_TEXT, true, AT(score_text, add), NULL, "score needs 'add'", NULL,
	  "CEL: the number that is added" },
	{ "half_life", KEY_TEXT, true, AT(score_text, half_life), NULL, "a score needs a half-life",
	  check_duration, "the time in which it halves" },
	TEXT(score_text, at_least, check_number,
	     "the detector fires when the score gets there; default: always"),
};
const struct schema score_schema = { "score", score_keys, ARRAY_SIZE(score_keys),
				     sizeof(struct score_text) };

static const struct schema_key seen_keys[] = {
	{ "by", KEY_TEXTS, true, AT(seen_text, by), NULL, "first_seen needs 'by'", NULL,
	  "what has not been seen yet: executable, uid, ..., or CEL" },
	TEXT(seen_text, learn, check_duration, "at first nothing fires for this time"),
	TEXT(seen_text, forget, check_duration, "what was not seen for this time is new again"),
};
const struct schema seen_schema = { "first_seen", seen_keys, ARRAY_SIZE(seen_keys),
				    sizeof(struct seen_text) };

static const struct schema_key repeat_keys[] = {
	TEXT(repeat_text, min, check_number, "so many matches are needed, 1"),
	TEXT(repeat_text, max, check_number, "more are too many; default: any number"),
};
static const struct schema repeat_schema = { "repeat", repeat_keys, ARRAY_SIZE(repeat_keys),
					     sizeof(struct repeat_text) };

#define STEP_KEYS \
	TEXT(step_text, event, NULL, "one of requirements.events; needed if there are several"), \
		{ "conditions", \
		  KEY_TEXTS, \
		  false, \
		  AT(step_text, conditions), \
		  NULL, \
		  NULL, \
		  NULL, \
		  "CEL, all must hold; state(\"NAME.field\") is a field of an earlier step" }, \
	{ \
		"by", KEY_TEXTS, false, AT(step_text, by), NULL, NULL, NULL, \
			"the key of this step's events, where it is not that of the sequence" \
	}

static const struct schema_key step_keys[] = {
	STEP_KEYS,
	TEXT(step_text, as, NULL, "its name"),
	TEXT(step_text, within_previous, check_duration, "at most so long after the match before"),
	{ "repeat", KEY_MAP, false, AT(step_text, repeat), &repeat_schema, NULL, NULL,
	  "how often it must happen" },
	{ "absent", KEY_BOOL, false, AT(step_text, absent), NULL, NULL, NULL,
	  "it must not happen here" },
	{ "keep", KEY_PROPERTIES, false, AT(step_text, keep), NULL, NULL, NULL,
	  "names and CEL: what later steps and the output may ask for beside fields" },
};
static const struct schema step_schema = { "a step", step_keys, ARRAY_SIZE(step_keys),
					   sizeof(struct step_text) };

static const struct schema_key until_keys[] = { STEP_KEYS };
static const struct schema until_schema = { "until", until_keys, ARRAY_SIZE(until_keys),
					    sizeof(struct step_text) };

static const struct schema_key sequence_keys[] = {
	{ "within", KEY_TEXT, true, AT(sequence_text, within), NULL,
	  "a sequence needs a time it must happen in", check_duration,
	  "from the first match to the last, as 60s" },
	{ "by", KEY_TEXTS, false, AT(sequence_text, by), NULL, NULL, NULL,
	  "what its events have in common: process, uid, ..., or CEL; a ? in front: null too" },
	{ "steps", KEY_MAPS, true, AT(sequence_text, steps), &step_schema, "a sequence needs steps",
	  NULL, "what must happen, in order" },
	{ "until", KEY_MAP, false, AT(sequence_text, until), &until_schema, NULL, NULL,
	  "what ends sequences that are not complete" },
	{ "any_order", KEY_BOOL, false, AT(sequence_text, any_order), NULL, NULL, NULL,
	  "the steps may happen in any order" },
	{ "despite_loss", KEY_BOOL, false, AT(sequence_text, despite_loss), NULL, NULL, NULL,
	  "believe in absence even if events were lost" },
};
const struct schema sequence_schema = { "sequence", sequence_keys, ARRAY_SIZE(sequence_keys),
					sizeof(struct sequence_text) };
