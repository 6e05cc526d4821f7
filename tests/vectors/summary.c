/* SPDX-License-Identifier: Apache-2.0 */
/* See summary.h. Both sides become lists of texts, which are compared as sets. */
#include "summary.h"

#include "base/buf.h"

/* Adds text to a JSON list of texts. */
static void add(json_t *list, const char *a, struct str b, struct str c)
{
	struct buf text = { 0 };

	buf_printf(&text, "%s%.*s%.*s", a, (int)b.len, b.data ? b.data : "", (int)c.len,
		   c.data ? c.data : "");
	json_array_append_new(list, json_string(buf_cstr(&text)));
	buf_free(&text);
}

static bool has(const json_t *list, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i,
			   item) if (strcmp(json_string_value(item), text) == 0) return true;
	return false;
}

static bool equal_lists(struct row *row, const char *what, const json_t *ours, const json_t *want)
{
	const json_t *item;
	size_t i;

	json_array_foreach(want, i, item) if (!has(ours, json_string_value(item)))
	{
		row_failed(row, "%s: %s is missing", what, json_string_value(item));
		return false;
	}
	json_array_foreach(ours, i, item) if (!has(want, json_string_value(item)))
	{
		row_failed(row, "%s: %s is too many", what, json_string_value(item));
		return false;
	}
	return true;
}

/* ---- scopes ------------------------------ */

/* An entry of ours as the fields of the recorded summary that it sets. */
static void scope_texts(json_t *list, struct str entry)
{
	static const struct {
		struct str entry;
		const char *fields[2];
	} special[] = {
		{ STR("container"), { "container:container", NULL } },
		{ STR("not-container"), { "container:not-container", NULL } },
		{ STR("container=new"), { "container_new:new", NULL } },
		{ STR("container!=new"), { "container:container", "container_new:not-new" } },
		{ STR("container=started"),
		  { "container:container", "container_started:started" } },
		{ STR("pid=new"), { "pid_new:new", NULL } },
		{ STR("pid!=new"), { "pid_new:not-new", NULL } },
		{ STR("follow"), { NULL, NULL } },
	};
	uint32_t name = 0;

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (str_equal(entry, special[i].entry)) {
			for (size_t k = 0; k < 2 && special[i].fields[k]; k++)
				add(list, special[i].fields[k], STR(""), STR(""));
			return;
		}
	while (name < entry.len && !strchr("=!<>", entry.data[name]))
		name++;
	struct str kind = { entry.data, name }, values = { entry.data + name, entry.len - name };

	if (str_equal(kind, STR("follow")))
		return;
	if (!str_equal(kind, STR("container"))) {
		add(list, "", kind, STR(":"));
		json_t *last = json_array_get(list, json_array_size(list) - 1);
		struct buf text = { 0 };

		buf_printf(&text, "%s%.*s", json_string_value(last), (int)values.len, values.data);
		json_string_set(last, buf_cstr(&text));
		buf_free(&text);
	} else if (values.len && values.data[0] == '=') {
		add(list, "container_id:", values, STR(""));
	} else {
		add(list, "container:container", STR(""), STR(""));
	}
}

static bool equal_scope(struct row *row, const struct policy_info *info, const json_t *want)
{
	json_t *ours = json_array(), *theirs = json_array();
	const char *field;
	json_t *values;
	bool equal;

	for (uint32_t i = 0; i < info->scope_count; i++)
		scope_texts(ours, info->scope[i]);
	json_object_foreach((json_t *)want, field, values)
	{
		json_t *value;
		size_t i;

		json_array_foreach(values, i, value)
			add(theirs, field, STR(":"), str_of_json(value));
	}
	equal = equal_lists(row, "scope", ours, theirs);
	json_decref(ours);
	json_decref(theirs);
	return equal;
}

/* ---- rules ------------------------------ */

static bool counts(const struct event_def *event, bool without_detections)
{
	/* Our own events are in no recording. */
	if (event_is_known(event) && event->id >= EV_events_lost && event->id < 6000)
		return false;
	return !without_detections || !event_in_set(event, STR("detectors"));
}

static void wanted_texts(json_t *list, const char *event, const json_t *filters)
{
	struct str name = str_of(event);
	json_t *each;
	size_t i;

	add(list, event, STR(""), STR(""));
	json_array_foreach(json_object_get(filters, "retval"), i, each)
		add(list, event, STR(" retval"), str_of_json(each));
	for (int data = 0; data < 2; data++) {
		const char *kind = data ? "data" : "scope";

		json_array_foreach(json_object_get(filters, kind), i, each)
		{
			struct buf text = { 0 };

			buf_printf(&text, " %s.%s%s", kind, text_of(each, "field"),
				   text_of(each, "expr"));
			add(list, "", name, str_of(buf_cstr(&text)));
			buf_free(&text);
		}
	}
}

static bool equal_rules(struct row *row, const struct policies *policies, uint32_t number,
			const json_t *want, bool without_detections)
{
	json_t *ours = json_array(), *theirs = json_array(), *filters;
	size_t wanted = (size_t)json_integer_value(json_object_get(want, "rules_count"));
	const char *event;
	struct policy_info info;
	uint32_t count = 0;
	bool equal = true;

	policies_info(policies, number, &info);
	for (uint32_t i = 0; i < info.rule_count; i++) {
		struct policy_rule_info rule;

		policies_rule(policies, number, i, &rule);
		if (!counts(rule.event, without_detections))
			continue;
		if (!has(ours, rule.event->name)) {
			add(ours, rule.event->name, STR(""), STR(""));
			count++;
		}
		for (uint32_t k = 0; k < rule.filter_count; k++)
			add(ours, rule.event->name, STR(" "), rule.filters[k]);
	}
	json_object_foreach(json_object_get(want, "rules"), event, filters)
		wanted_texts(theirs, event, filters);
	if (count != wanted) {
		row_failed(row, "%u events, expected %zu", count, wanted);
		equal = false;
	}
	/* The recording leaves long lists out. */
	if (equal && json_array_size(theirs))
		equal = equal_lists(row, "rules", ours, theirs);
	json_decref(ours);
	json_decref(theirs);
	return equal;
}

enum outcome summaries_equal(struct row *row, const struct policies *policies, const json_t *want,
			     bool without_detections)
{
	const json_t *each;
	size_t i;

	if (policies_count(policies) != json_array_size(want))
		return row_failed(row, "%u policies, expected %zu", policies_count(policies),
				  json_array_size(want));
	json_array_foreach(want, i, each)
	{
		struct policy_info info;

		policies_info(policies, (uint32_t)i, &info);
		if (!str_equal(info.name, str_of(text_of(each, "name"))))
			return row_failed(row, "policy %zu is %.*s, expected %s", i,
					  (int)info.name.len, info.name.data,
					  text_of(each, "name"));
		if (info.follow != json_is_true(json_object_get(each, "follow")) ||
		    info.container !=
			    json_is_true(json_object_get(each, "container_filter_enabled")))
			return row_failed(row, "%s: follow or container differs",
					  text_of(each, "name"));
		if (!equal_scope(row, &info, json_object_get(each, "scope")) ||
		    !equal_rules(row, policies, (uint32_t)i, each, without_detections))
			return FAILED;
	}
	return PASSED;
}
