/* SPDX-License-Identifier: Apache-2.0 */
/* Event selection, see select.h. */
#include "select.h"

#include <ctype.h>
#include <errno.h>

#include "base/suggest.h"
#include "detect/detect.h"

/* ---- all events, built-in and produced -------------------------------------------- */

static size_t event_count(const struct selection *s)
{
	return event_table_count + ruleset_detector_count(s->ruleset);
}

static const struct event_def *event_at(const struct selection *s, size_t index)
{
	struct detector_info info;

	if (index < event_table_count)
		return &event_table[index];
	ruleset_detector(s->ruleset, (uint32_t)(index - event_table_count), &info);
	return info.produces;
}

/* Internal events feed the stores and never leave. */
static bool is_internal(const struct event_def *def)
{
	return event_in_set(def, STR("internal"));
}

/* A loaded detector makes this event itself. */
static bool is_replaced(const struct selection *s, const struct event_def *def)
{
	return event_is_detection(def) && ruleset_event(s->ruleset, str_of(def->name)) != def;
}

static int unknown_event(const struct selection *s, struct str name, const char *message,
			 struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, name);
	for (size_t i = 0; i < event_count(s); i++)
		suggest_try(&suggest, str_of(event_at(s, i)->name));
	err_set(err, -EINVAL, "%s: %.*s", message, (int)name.len, name.data);
	if (suggest.best.data)
		err_hint(err, "did you mean %s?", suggest.best.data);
	else
		err_hint(err, "`spoor list events` shows all events and their sets");
	return -EINVAL;
}

/* ---- rules ------------------------------------------------------------------------- */

static struct select_rule *rule_of(struct selection *s, const struct event_def *def)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->rules[i].def == def && s->rules[i].group == s->group)
			return &s->rules[i];
	if (s->count == s->capacity) {
		uint32_t capacity = s->capacity ? s->capacity * 2 : 16;
		struct select_rule *rules = arena_array(s->arena, struct select_rule, capacity);

		if (!rules)
			return NULL;
		if (s->count)
			memcpy(rules, s->rules, s->count * sizeof(*rules));
		s->rules = rules;
		s->capacity = capacity;
	}
	struct filters *filters = filters_new(def, &s->options, s->arena);

	if (!filters)
		return NULL;
	s->rules[s->count] =
		(struct select_rule){ .def = def, .filters = filters, .group = s->group };
	return &s->rules[s->count++];
}

static bool is_collected(const struct selection *s, const struct event_def *def)
{
	return !s->live || !def->replay_only;
}

bool select_left_out(const struct selection *s, struct err *err)
{
	if (!s->left_out)
		return false;
	err_set(err, 0, "%u events of the selected sets cannot be collected yet and are left out",
		s->left_out);
	err_hint(err, "`spoor list events` tells which; recordings of them can be replayed");
	return true;
}

static int include(struct selection *s, const struct event_def *def, struct err *err)
{
	if (!is_collected(s, def))
		return event_not_collected(def, err);
	s->any_included = true;
	return rule_of(s, def) ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int exclude(struct selection *s, const struct event_def *def, struct err *err)
{
	if (s->excluded_count == s->excluded_capacity) {
		uint32_t capacity = s->excluded_capacity ? s->excluded_capacity * 2 : 16;
		const struct event_def **all = arena_array(s->arena, const struct event_def *,
							   capacity);

		if (!all)
			return err_set(err, -ENOMEM, "out of memory");
		if (s->excluded_count)
			memcpy(all, s->excluded, s->excluded_count * sizeof(*all));
		s->excluded = all;
		s->excluded_capacity = capacity;
	}
	s->excluded[s->excluded_count++] = def;
	return 0;
}

typedef int (*take_fn)(struct selection *s, const struct event_def *def, struct err *err);

static bool has_prefix(const char *name, struct str prefix)
{
	return strncmp(name, prefix.data, prefix.len) == 0;
}

static int none_collected(struct str word, bool star, struct err *err)
{
	err_set(err, -ENOTSUP, "no event of '%.*s%s' can be collected yet", (int)word.len,
		word.data, star ? "*" : "");
	err_hint(err, "recordings of them can be replayed; `spoor list events` tells what is live");
	return -ENOTSUP;
}

/* All events whose name starts so (star) or that are in the set; how many, or negative errno. */
static int take_many(struct selection *s, struct str word, bool star, take_fn apply,
		     struct err *err)
{
	int found = 0, missing = 0;

	for (size_t i = 0; i < event_count(s); i++) {
		const struct event_def *def = event_at(s, i);

		if (is_internal(def) || is_replaced(s, def) ||
		    (s->live && event_is_detection(def)) ||
		    !(star ? has_prefix(def->name, word) : event_in_set(def, word)))
			continue;
		found++;
		if (apply == include && !is_collected(s, def)) {
			missing++;
			continue;
		}
		int code = apply(s, def, err);

		if (code)
			return code;
	}
	if (found && missing == found)
		return none_collected(word, star, err);
	/* `*` is all there is, which needs no word. */
	if (word.len)
		s->left_out += missing;
	return found;
}

static int select_name(struct selection *s, struct str name, struct err *err)
{
	bool excluded = name.len && name.data[0] == '-';
	take_fn apply = excluded ? exclude : include;
	const struct event_def *def;
	bool star;
	int found;

	if (excluded)
		name = (struct str){ name.data + 1, name.len - 1 };
	if (name.len == 0)
		return err_set(err, -EINVAL, "an event's name is empty");
	star = name.data[name.len - 1] == '*';
	def = star ? NULL : ruleset_event(s->ruleset, name);
	if (def && !is_internal(def))
		return apply(s, def, err);
	found = take_many(s, (struct str){ name.data, name.len - star }, star, apply, err);
	if (found == 0)
		return unknown_event(
			s, name, excluded ? "invalid event to exclude" : "invalid event to trace",
			err);
	return found < 0 ? found : 0;
}

int select_names(struct selection *s, struct str names, struct err *err)
{
	for (uint32_t start = 0, at = 0; at <= names.len; at++) {
		if (at < names.len && names.data[at] != ',')
			continue;
		int code = select_name(s, (struct str){ names.data + start, at - start }, err);

		if (code)
			return code;
		start = at + 1;
	}
	return 0;
}

/* ---- filters ---------------------------------------------------------------------------- */

/* One word, operator and value: splits at the first operator character. */
static int split_flag(struct str text, struct str *name, struct str *expression, struct err *err)
{
	uint32_t at = 0, skip;

	while (at < text.len && !strchr("=!<>", text.data[at]))
		at++;
	*name = (struct str){ text.data, at };
	*expression = (struct str){ text.data + at, text.len - at };
	skip = at;
	while (skip < text.len && strchr("=!<>", text.data[skip]))
		skip++;
	if (skip == at)
		return 0;
	struct str op = { text.data + at, skip - at };
	static const struct str known[] = { STR("="),  STR("!="), STR("<"),
					    STR("<="), STR(">"),  STR(">=") };
	bool fine = false;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		fine |= str_equal(op, known[i]);
	if (!fine) {
		err_set(err, -EINVAL, "invalid flag operator: %.*s", (int)text.len, text.data);
		err_hint(err, "use one of = != < <= > >=");
		return -EINVAL;
	}
	if (skip == text.len || at == 0) {
		err_set(err, -EINVAL, "invalid flag format: %.*s", (int)text.len, text.data);
		err_hint(err, "write name%.*svalue", (int)op.len, op.data);
		return -EINVAL;
	}
	if (isblank((unsigned char)text.data[skip]) ||
	    isblank((unsigned char)text.data[text.len - 1]))
		return err_set(err, -EINVAL,
			       "invalid flag value: %.*s (it starts or ends with a space)",
			       (int)text.len, text.data);
	return 0;
}

/* "data.f", "args.f", "scope.f", "retval", or a bare scope field, on one rule. */
static int add_filter(struct select_rule *rule, struct str name, struct str expression,
		      struct err *err)
{
	const char *dot = memchr(name.data, '.', name.len);
	struct str kind = { name.data, dot ? (uint32_t)(dot - name.data) : name.len };
	struct str field = { dot ? dot + 1 : "", dot ? name.len - kind.len - 1 : 0 };

	if (str_equal(kind, STR("data")) || str_equal(kind, STR("args")))
		return filters_add_data(rule->filters, field, expression, err);
	if (str_equal(kind, STR("retval")) && !dot)
		return filters_add_return(rule->filters, expression, err);
	if (str_equal(kind, STR("scope")) && dot)
		return filters_add_scope(rule->filters, field, expression, err);
	if (!dot)
		return filters_add_scope(rule->filters, name, expression, err);
	err_set(err, -EINVAL, "invalid flag format: %.*s", (int)name.len, name.data);
	err_hint(err, "filters are data.FIELD, scope.FIELD and retval");
	return -EINVAL;
}

int select_filter(struct selection *s, struct str text, struct err *err)
{
	struct str name, expression;
	int code = split_flag(text, &name, &expression, err);

	for (uint32_t i = 0; !code && i < s->count; i++)
		if (s->rules[i].group == s->group)
			code = add_filter(&s->rules[i], name, expression, err);
	return code;
}

/* event.data.f=v: the event may be a prefix*; every event it stands for must have the field. */
static int select_filtered(struct selection *s, struct str name, struct str expression,
			   struct err *err)
{
	const char *dot = memchr(name.data, '.', name.len);
	struct str event = { name.data, (uint32_t)(dot - name.data) };
	struct str rest = { dot + 1, name.len - event.len - 1 };
	bool star = event.len && dot[-1] == '*';
	const struct event_def *def = star ? NULL : ruleset_event(s->ruleset, event);
	struct str prefix = { event.data, event.len - star };
	bool found = false;

	if (!star && !def)
		return unknown_event(s, event, "invalid event to trace", err);
	for (size_t i = 0; i < event_count(s); i++) {
		const struct event_def *each = event_at(s, i);
		struct select_rule *rule;
		int code;

		if (is_internal(each) || !(star ? has_prefix(each->name, prefix) : each == def))
			continue;
		s->any_included = found = true;
		if (!is_collected(s, each) && star) {
			s->left_out++;
			continue;
		}
		if (!is_collected(s, each))
			return event_not_collected(each, err);
		rule = rule_of(s, each);
		code = rule ? add_filter(rule, rest, expression, err) : -ENOMEM;
		if (code)
			return code;
	}
	return found ? 0 : unknown_event(s, event, "invalid event to trace", err);
}

/* ---- tags and threats ------------------------------------------------------------------------ */

static int select_tags(struct selection *s, struct str tags, struct err *err)
{
	bool any = false;

	for (uint32_t start = 0, at = 0; at <= tags.len; at++) {
		if (at < tags.len && tags.data[at] != ',')
			continue;
		int found = take_many(s, (struct str){ tags.data + start, at - start }, false,
				      include, err);

		if (found < 0)
			return found;
		any |= found > 0;
		start = at + 1;
	}
	if (any)
		return 0;
	err_set(err, -EINVAL, "invalid tag: %.*s", (int)tags.len, tags.data);
	err_hint(err, "`spoor list events` shows the sets of each event");
	return -EINVAL;
}

struct threat_query {
	struct str property; /* severity, name, mitre.technique, mitre.tactic */
	struct str op, value;
	uint32_t severity;
};

static bool compare_severity(const struct threat_query *q, uint32_t is)
{
	bool less = is < q->severity, equal = is == q->severity;

	if (str_equal(q->op, STR("=")))
		return equal;
	if (str_equal(q->op, STR("!=")))
		return !equal;
	if (str_equal(q->op, STR("<")))
		return less;
	if (str_equal(q->op, STR("<=")))
		return less || equal;
	if (str_equal(q->op, STR(">")))
		return !less && !equal;
	return !less;
}

static bool threat_matches(const struct threat_query *q, const struct threat *threat)
{
	struct str is = str_equal(q->property, STR("name"))		 ? threat->name
			: str_equal(q->property, STR("mitre.technique")) ? threat->technique_id
									 : threat->tactic;

	if (str_equal(q->property, STR("severity")))
		return compare_severity(q, threat->severity);
	return str_equal(is, q->value) == str_equal(q->op, STR("="));
}

static int parse_severity(struct str text, uint32_t *out, struct err *err)
{
	static const char *const words[] = { "info", "low", "medium", "high", "critical" };

	for (uint32_t i = 0; i < ARRAY_SIZE(words); i++) {
		bool word = text.len == strlen(words[i]) &&
			    strncasecmp(text.data, words[i], text.len) == 0;

		if (word || (text.len == 1 && text.data[0] == (char)('0' + i))) {
			*out = i;
			return 0;
		}
	}
	err_set(err, -EINVAL, "invalid severity value: %.*s", (int)text.len, text.data);
	err_hint(err, "one of info, low, medium, high, critical or 0 to 4");
	return -EINVAL;
}

static int check_query(struct threat_query *q, struct err *err)
{
	static const struct str known[] = { STR("severity"), STR("name"), STR("mitre.technique"),
					    STR("mitre.tactic") };
	bool fine = false;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		fine |= str_equal(q->property, known[i]);
	if (!fine) {
		err_set(err, -EINVAL, "unsupported threat property: %.*s", (int)q->property.len,
			q->property.data);
		err_hint(err, "one of severity, name, mitre.technique, mitre.tactic");
		return -EINVAL;
	}
	if (str_equal(q->property, STR("severity")))
		return parse_severity(q->value, &q->severity, err);
	if (q->op.len && (q->op.data[0] == '<' || q->op.data[0] == '>'))
		return err_set(err, -EINVAL, "unsupported operator for string matching: %.*s",
			       (int)q->op.len, q->op.data);
	return 0;
}

static int select_threats(struct selection *s, struct str property, struct str expression,
			  struct err *err)
{
	uint32_t op = expression.len > 1 && expression.data[1] == '=' ? 2 : 1;
	struct threat_query query = {
		property, { expression.data, op }, { expression.data + op, expression.len - op }, 0
	};
	int code = check_query(&query, err);
	bool found = false;

	for (uint32_t i = 0; !code && i < ruleset_detector_count(s->ruleset); i++) {
		struct detector_info info;

		ruleset_detector(s->ruleset, i, &info);
		if (!info.threat || !threat_matches(&query, info.threat))
			continue;
		found = true;
		code = include(s, info.produces, err);
	}
	if (!code && !found)
		code = err_set(err, -EINVAL, "no detectors match threat pattern: %.*s%.*s",
			       (int)property.len, property.data, (int)expression.len,
			       expression.data);
	return code;
}

int select_expression(struct selection *s, struct str text, struct err *err)
{
	struct str name, expression;
	bool filtered = false;

	if (text.len == 0)
		return err_set(err, -EINVAL, "the selection of events is empty");
	for (uint32_t i = 0; i < text.len; i++)
		filtered |= strchr("=!<>", text.data[i]) != NULL;
	/* A bare `event.scope.container` has no operator, but a dot. */
	if (!filtered && (!memchr(text.data, '.', text.len) || memchr(text.data, ',', text.len)))
		return select_names(s, text, err);
	int code = split_flag(text, &name, &expression, err);

	if (code)
		return code;
	if (str_equal(name, STR("tag")))
		return select_tags(s, (struct str){ expression.data + 1, expression.len - 1 }, err);
	if (has_prefix(name.data, STR("threat.")) && expression.len)
		return select_threats(s, (struct str){ name.data + 7, name.len - 7 }, expression,
				      err);
	if (memchr(name.data, '.', name.len))
		return select_filtered(s, name, expression, err);
	err_set(err, -EINVAL, "invalid flag format: %.*s", (int)text.len, text.data);
	err_hint(err, "a filter names its event: event.data.field=value, event.retval=0");
	return -EINVAL;
}

int select_finish(struct selection *s, struct err *err)
{
	uint32_t kept = 0;

	if (!s->any_included && s->excluded_count) {
		int found = take_many(s, STR("default"), false, include, err);

		if (found < 0)
			return found;
	}
	for (uint32_t i = 0; i < s->count; i++) {
		bool out = false;

		for (uint32_t k = 0; k < s->excluded_count; k++)
			out |= s->excluded[k] == s->rules[i].def;
		if (!out)
			s->rules[kept++] = s->rules[i];
	}
	s->count = kept;
	return 0;
}
