/* SPDX-License-Identifier: Apache-2.0 */
/* Event selection, see select.h. */
#include "select.h"

#include <errno.h>

#include "base/buf.h"
#include "base/suggest.h"
#include "detect/detect.h"
#include "flag.h"
#include "threat.h"

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
	const char *broken = ruleset_broken_event(s->ruleset, name);
	struct suggest suggest;

	suggest_start(&suggest, name);
	for (size_t i = 0; i < event_count(s); i++)
		suggest_try(&suggest, str_of(event_at(s, i)->name));
	err_set(err, -EINVAL, "%s: %.*s", message, (int)name.len, name.data);
	if (broken)
		err_hint(err, "%s would make it, but has mistakes of its own", broken);
	else if (suggest.best.data)
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

/* Tracee's default set has an internal event, which is selected with the others. */
static bool takes_internal(const struct selection *s, struct str word, bool star)
{
	return s->options.compat_tracee && !star && str_equal(word, STR("default"));
}

/* All events whose name starts so (star) or that are in the set; how many, or negative errno. */
static int take_many(struct selection *s, struct str word, bool star, take_fn apply,
		     struct err *err)
{
	int found = 0, missing = 0;

	for (size_t i = 0; i < event_count(s); i++) {
		const struct event_def *def = event_at(s, i);

		if ((is_internal(def) && !takes_internal(s, word, star)) || is_replaced(s, def) ||
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

static int invalid_event(const struct selection *s, struct str name, bool excluded, struct err *err)
{
	return unknown_event(s, name,
			     excluded ? "invalid event to exclude" : "invalid event to trace", err);
}

/* Tracee takes a wildcard on the command line and to include only, and sets by tag= alone. */
static bool tracee_refuses(const struct selection *s, bool star, bool excluded)
{
	return s->options.compat_tracee && (!star || excluded || s->file);
}

static int select_name(struct selection *s, struct str name, bool excluded, struct err *err)
{
	take_fn apply = excluded ? exclude : include;
	const struct event_def *def;
	bool star;

	if (name.len == 0)
		return err_set(err, -EINVAL, "an event's name is empty");
	star = name.data[name.len - 1] == '*';
	def = star ? NULL : ruleset_event(s->ruleset, name);
	if (def && !is_internal(def))
		return apply(s, def, err);
	if (tracee_refuses(s, star, excluded))
		return invalid_event(s, name, excluded, err);
	int found = take_many(s, (struct str){ name.data, name.len - star }, star, apply, err);

	if (found == 0)
		return invalid_event(s, name, excluded, err);
	return found < 0 ? found : 0;
}

/* ---- filters ---------------------------------------------------------------------------- */

/* What a rule filters, for those who ask: kind, field (may be empty), expression. */
static int note_filter(struct selection *s, struct select_rule *rule, const struct event_flag *f,
		       struct err *err)
{
	bool has_field = f->field.len && !str_equal(f->kind, STR("retval"));
	autoclean(buf_free) struct buf text = { 0 };

	buf_str(&text, str_equal(f->kind, STR("args")) ? STR("data") : f->kind);
	if (has_field)
		buf_char(&text, '.');
	if (has_field)
		buf_str(&text, f->field);
	buf_str(&text, f->expression);
	/* Powers of two are the capacities. */
	if ((rule->text_count & (rule->text_count - 1)) == 0) {
		struct str *all = arena_array(s->arena, struct str,
					      rule->text_count ? rule->text_count * 2 : 1);

		if (all && rule->text_count)
			memcpy(all, rule->texts, rule->text_count * sizeof(*all));
		rule->texts = all;
	}
	if (!rule->texts || text.truncated)
		return err_set(err, -ENOMEM, "out of memory");
	rule->texts[rule->text_count++] = arena_str(s->arena, text.data, text.len);
	return 0;
}

/* data.f, args.f, scope.f, retval on one rule. */
static int add_filter(struct selection *s, struct select_rule *rule, const struct event_flag *f,
		      struct err *err)
{
	struct str kind = f->kind;
	int code;

	if (str_equal(kind, STR("data")) || str_equal(kind, STR("args"))) {
		code = filters_add_data(rule->filters, f->field, f->expression, err);
	} else if (str_equal(kind, STR("scope"))) {
		code = filters_add_scope(rule->filters, f->field, f->expression, err);
	} else if (str_equal(kind, STR("retval"))) {
		code = filters_add_return(rule->filters, f->expression, err);
	} else {
		err_set(err, -EINVAL, "invalid flag format: %.*s is no kind of filter",
			(int)kind.len, kind.data);
		err_hint(err, "filters are data.FIELD, scope.FIELD and retval");
		return -EINVAL;
	}
	return code ? code : note_filter(s, rule, f, err);
}

/* As on the command line but for the event: data.f=v, retval=0, comm=sh, scope.comm=sh. */
int select_filter(struct selection *s, struct str text, struct err *err)
{
	struct event_flag *flag;
	uint32_t count;
	int code = flag_events(text, false, s->arena, &flag, &count, err);

	if (code)
		return code;
	if (count > 1) {
		err_set(err, -EINVAL, "found a list, expected one filter: %.*s", (int)text.len,
			text.data);
		err_hint(err, "write each filter as an element of its own");
		return -EINVAL;
	}
	/* There is no event: the first word is the kind, or the scope field itself. */
	struct event_flag filter = *flag;
	bool is_retval = str_equal(flag->event, STR("retval"));

	filter.kind = flag->kind.len || is_retval ? flag->event : STR("scope");
	filter.field = flag->kind.len
			       ? (struct str){ flag->kind.data,
					       flag->kind.len +
						       (flag->field.len ? flag->field.len + 1 : 0) }
		       : is_retval ? STR("")
				   : flag->event;
	for (uint32_t i = 0; !code && i < s->count; i++)
		if (s->rules[i].group == s->group)
			code = add_filter(s, &s->rules[i], &filter, err);
	return code;
}

/* event.data.f=v: the event may be a prefix*; every event it stands for must have the field. */
static int select_filtered(struct selection *s, const struct event_flag *f, struct err *err)
{
	bool star = f->event.data[f->event.len - 1] == '*';
	const struct event_def *def = star ? NULL : ruleset_event(s->ruleset, f->event);
	struct str prefix = { f->event.data, f->event.len - star };
	bool found = false;

	for (size_t i = 0; (star || def) && i < event_count(s); i++) {
		const struct event_def *each = event_at(s, i);
		struct select_rule *rule;
		int code;

		if (is_internal(each) || is_replaced(s, each) ||
		    !(star ? has_prefix(each->name, prefix) : each == def))
			continue;
		s->any_included = found = true;
		if (!is_collected(s, each) && star) {
			s->left_out++;
			continue;
		}
		if (!is_collected(s, each))
			return event_not_collected(each, err);
		rule = rule_of(s, each);
		code = rule ? add_filter(s, rule, f, err) : -ENOMEM;
		if (code)
			return code;
	}
	return found ? 0 : invalid_event(s, f->event, false, err);
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

/* threat.severity>=high: the property is all behind the first dot. */
static int select_threats(struct selection *s, const struct event_flag *f, struct err *err)
{
	struct str property = f->kind;
	struct threat_query query;
	bool found = false;

	if (f->field.len)
		property.len += f->field.len + 1;
	if (!f->op.len) {
		err_set(err, -EINVAL, "threat pattern requires operator and value: threat.%.*s",
			(int)property.len, property.data);
		err_hint(err, "write threat.severity>=high, for example");
		return -EINVAL;
	}
	int code = threat_query_parse(property, f->op, f->values, &query, err);

	for (uint32_t i = 0; !code && i < ruleset_detector_count(s->ruleset); i++) {
		struct detector_info info;

		ruleset_detector(s->ruleset, i, &info);
		if (!threat_query_matches(&query, info.threat))
			continue;
		found = true;
		code = include(s, info.produces, err);
	}
	if (code || found)
		return code;
	err_set(err, -EINVAL, "no detectors match threat pattern: threat.%.*s%.*s",
		(int)property.len, property.data, (int)f->expression.len, f->expression.data);
	err_hint(err, "`spoor list detectors` shows severities, techniques and names; text is "
		      "compared exactly");
	return -EINVAL;
}

static int select_flag(struct selection *s, struct str text, const struct event_flag *f,
		       struct err *err)
{
	bool threat = str_equal(f->event, STR("threat")) && f->kind.len;

	if (!f->kind.len && !f->op.len)
		return select_name(s, f->event, f->excluded, err);
	if (!f->excluded && threat)
		return select_threats(s, f, err);
	if (!f->excluded && f->kind.len)
		return select_filtered(s, f, err);
	if (str_equal(f->event, STR("tag")) && str_equal(f->op, STR("=")))
		return select_tags(s, f->values, err);
	err_set(err, -EINVAL, "invalid flag format: %.*s", (int)text.len, text.data);
	err_hint(err, f->excluded ? "only events, sets and prefix* can be excluded, not filters"
				  : "a filter names its event and what it looks at: "
				    "EVENT.data.FIELD=VALUE, EVENT.retval=0, EVENT.scope.comm=sh");
	return -EINVAL;
}

int select_expression(struct selection *s, struct str text, struct err *err)
{
	struct event_flag *flags;
	uint32_t count;
	int code = flag_events(text, s->options.compat_tracee, s->arena, &flags, &count, err);

	for (uint32_t i = 0; !code && i < count; i++)
		code = select_flag(s, text, &flags[i], err);
	return code;
}

/* Filters have a place of their own in files. */
int select_rule_event(struct selection *s, struct str text, struct err *err)
{
	struct event_flag *flags;
	uint32_t count;
	int code = flag_events(text, s->options.compat_tracee, s->arena, &flags, &count, err);

	s->file = true;
	for (uint32_t i = 0; !code && i < count; i++) {
		bool plain = !flags[i].kind.len && !flags[i].op.len;
		bool selector = !s->options.compat_tracee &&
				(str_equal(flags[i].event, STR("tag")) ||
				 str_equal(flags[i].event, STR("threat")));

		if (plain || selector) {
			code = select_flag(s, text, &flags[i], err);
			continue;
		}
		err_set(err, -EINVAL, "event %.*s is not valid", (int)text.len, text.data);
		err_hint(err, "name events, sets, prefix*, tag=SET or threat.severity>=high here; "
			      "filters stand in `filters:` of the rule");
		code = -EINVAL;
	}
	return code;
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
