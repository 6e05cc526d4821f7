/* SPDX-License-Identifier: Apache-2.0 */
/* Which events and detectors a list shows, see query.h. */
#include "policy/query.h"

#include <errno.h>

#include "base/common.h"
#include "base/suggest.h"
#include "policy/flag.h"
#include "policy/threat.h"

enum term_kind { WORD, TAG, TYPE, THREAT };

struct term {
	uint8_t kind; /* enum term_kind */
	struct str values;
	struct threat_query *threats; /* one a value */
};

struct query {
	struct arena *arena;
	struct term *terms;
	uint32_t count;
};

struct query *query_new(struct arena *arena)
{
	struct query *query = arena_new(arena, struct query);

	if (query)
		query->arena = arena;
	return query;
}

static int keep(struct query *query, struct term term, struct err *err)
{
	/* Powers of two are the capacities. */
	if ((query->count & (query->count - 1)) == 0) {
		struct term *all = arena_array(query->arena, struct term,
					       query->count ? query->count * 2 : 1);

		if (!all)
			return err_set(err, -ENOMEM, "out of memory");
		if (query->count)
			memcpy(all, query->terms, query->count * sizeof(*all));
		query->terms = all;
	}
	query->terms[query->count++] = term;
	return 0;
}

/* The next comma-separated value; data == NULL: none is left. */
static struct str next_value(struct str *rest)
{
	struct str value = { rest->data, 0 };

	while (value.data && value.len < rest->len && rest->data[value.len] != ',')
		value.len++;
	uint32_t used = MIN(value.len + 1, rest->len);

	*rest = value.len == rest->len ? (struct str){ 0 }
				       : (struct str){ rest->data + used, rest->len - used };
	return value;
}

static const char *const types[] = { "syscall", "detector", "network" };

static int check_types(struct str values, struct err *err)
{
	for (struct str value = next_value(&values); value.data; value = next_value(&values)) {
		struct suggest suggest;
		bool known = false;

		suggest_start(&suggest, value);
		for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
			known |= str_equal(value, str_of(types[i]));
			suggest_try(&suggest, str_of(types[i]));
		}
		if (known)
			continue;
		err_set(err, -EINVAL, "found type '%.*s', expected syscall, detector or network",
			(int)value.len, value.data);
		if (suggest.best.data)
			err_hint(err, "did you mean %.*s?", (int)suggest.best.len,
				 suggest.best.data);
		return -EINVAL;
	}
	return 0;
}

static int add_threat(struct query *query, const struct event_flag *flag, struct err *err)
{
	struct term term = { .kind = THREAT, .values = flag->values };
	struct str property = flag->kind, rest = flag->values;
	uint32_t count = 0;

	if (flag->field.len)
		property.len += flag->field.len + 1;
	term.threats = arena_array(query->arena, struct threat_query, flag->values.len + 1u);
	if (!term.threats)
		return err_set(err, -ENOMEM, "out of memory");
	for (struct str value = next_value(&rest); value.data; value = next_value(&rest)) {
		int code = threat_query_parse(property, flag->op, value, &term.threats[count++],
					      err);

		if (code)
			return code;
	}
	return keep(query, term, err);
}

static int add_keyed(struct query *query, struct str text, const struct event_flag *flag,
		     struct err *err)
{
	bool equal = str_equal(flag->op, STR("=")) && !flag->kind.len;

	if (str_equal(flag->event, STR("threat")) && flag->kind.len)
		return add_threat(query, flag, err);
	if (equal && str_equal(flag->event, STR("tag")))
		return keep(query, (struct term){ .kind = TAG, .values = flag->values }, err);
	if (equal && str_equal(flag->event, STR("type"))) {
		int code = check_types(flag->values, err);

		return code ? code
			    : keep(query, (struct term){ .kind = TYPE, .values = flag->values },
				   err);
	}
	err_set(err, -EINVAL, "cannot look for %.*s", (int)text.len, text.data);
	err_hint(err, "give names, sets, prefix*, tag=SET, type=syscall|detector|network, "
		      "threat.severity>=high, threat.mitre.technique=ID, threat.mitre.tactic=NAME");
	return -EINVAL;
}

int query_add(struct query *query, struct str text, struct err *err)
{
	struct event_flag *flags;
	uint32_t count;
	int code = flag_events(text, false, query->arena, &flags, &count, err);

	if (code)
		return code;
	if (flags[0].op.len || flags[0].kind.len)
		return add_keyed(query, text, &flags[0], err);
	return keep(query, (struct term){ .kind = WORD, .values = text }, err);
}

/* ---- matching ------------------------------ */

static bool in_sets(const char *sets, struct str set)
{
	for (const char *at = sets; *at;) {
		size_t len = strcspn(at, " ");

		if (len == set.len && memcmp(at, set.data, len) == 0)
			return true;
		at += len + (at[len] == ' ');
	}
	return false;
}

static bool name_is(struct str name, struct str word)
{
	bool star = word.len && word.data[word.len - 1] == '*';

	if (!star)
		return str_equal(name, word);
	word.len--;
	return name.len >= word.len && memcmp(name.data, word.data, word.len) == 0;
}

static bool value_matches(const struct term *term, struct str value, uint32_t number,
			  const struct query_subject *s)
{
	switch ((enum term_kind)term->kind) {
	case WORD: return name_is(s->name, value) || in_sets(s->sets, value);
	case TAG: return in_sets(s->sets, value);
	case TYPE:
		return (s->syscall && str_equal(value, STR("syscall"))) ||
		       (s->detector && str_equal(value, STR("detector"))) ||
		       (s->network && str_equal(value, STR("network")));
	case THREAT: return threat_query_matches(&term->threats[number], s->threat);
	}
	return false;
}

static bool term_matches(const struct term *term, const struct query_subject *s)
{
	struct str rest = term->values;
	uint32_t number = 0;

	for (struct str value = next_value(&rest); value.data; value = next_value(&rest))
		if (value_matches(term, value, number++, s))
			return true;
	return false;
}

bool query_matches(const struct query *query, const struct query_subject *s)
{
	bool asked = false, named = false;

	for (uint32_t i = 0; i < query->count; i++) {
		bool matches = term_matches(&query->terms[i], s);

		if (query->terms[i].kind == WORD) {
			asked = true;
			named |= matches;
		} else if (!matches) {
			return false;
		}
	}
	return !asked || named;
}

bool query_has_threats(const struct query *query)
{
	for (uint32_t i = 0; i < query->count; i++)
		if (query->terms[i].kind == THREAT)
			return true;
	return false;
}

bool query_has_words(const struct query *query)
{
	for (uint32_t i = 0; i < query->count; i++)
		if (query->terms[i].kind == WORD || query->terms[i].kind == TAG)
			return true;
	return false;
}

struct query_subject query_subject_of(const struct event_def *def, const struct threat *threat)
{
	return (struct query_subject){
		.name = str_of(def->name),
		.sets = def->sets,
		.syscall = def->syscall >= 0 || def->syscall32 >= 0,
		.detector = event_in_set(def, STR("detectors")),
		.network = event_in_set(def, STR("network_events")) &&
			   !event_in_set(def, STR("internal")),
		.threat = threat,
	};
}
