/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files, see policy_file.h. */
#include "policy_file.h"

#include <ctype.h>
#include <errno.h>

#include "base/json-parse.h"

enum { NAME_MAX_LEN = 253 };

struct rule_text {
	const struct yaml_node *node;
	const struct yaml_node *event;
	struct texts filters, actions;
};

struct spec_text {
	const struct yaml_node *node;
	struct texts scope, default_actions;
	struct maps rules; /* struct rule_text */
};

struct policy_text {
	const struct yaml_node *node;
	const struct yaml_node *type, *name, *description, *version;
	struct texts scope, default_actions;
	struct maps rules; /* struct rule_text */
};

struct annotations_text {
	const struct yaml_node *node;
	const struct yaml_node *description;
};

struct metadata_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *labels;
	struct annotations_text annotations;
};

struct crd_text {
	const struct yaml_node *node;
	const struct yaml_node *api_version, *kind;
	struct metadata_text metadata;
	struct spec_text spec;
};

static const char *const actions[] = { "log", "print", NULL };

static int check_action(const struct yaml_node *value, bool compat, struct err *err)
{
	(void)compat;
	for (size_t i = 0; actions[i]; i++)
		if (strcmp(value->text.data, actions[i]) == 0)
			return 0;
	err_set(err, -EINVAL, "action %s is not valid", value->text.data);
	err_hint(err, "one of log, print");
	return -EINVAL;
}

/* DNS-1123 subdomain. */
static int check_name(const struct yaml_node *value, bool compat, struct err *err)
{
	struct str name = value->text;
	bool fine = name.len && name.len <= NAME_MAX_LEN;

	(void)compat;
	for (uint32_t i = 0; fine && i < name.len; i++) {
		char c = name.data[i];
		bool edge = i == 0 || i + 1 == name.len || name.data[i - 1] == '.' ||
			    name.data[i + 1] == '.';
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		fine = letter || ((c == '-' || c == '.') && !edge) ||
		       (c == '.' && i && i + 1 < name.len && name.data[i - 1] != '.' &&
			name.data[i + 1] != '.');
	}
	if (fine)
		return 0;
	err_set(err, -EINVAL, "policy name %.300s is invalid", name.data);
	err_hint(
		err,
		"lower-case letters, digits, '-' and '.', starting and ending with a letter or digit, at most "
		"253 characters");
	return -EINVAL;
}

#define AT(type, member) offsetof(struct type, member)
#define WORDS(list, how) .words = list, .match = how
#define NAME_PATTERN \
	.longest = NAME_MAX_LEN, \
	.pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
#define SCHEMA(variable, text, type, keys) \
	const struct schema variable = { text, keys, ARRAY_SIZE(keys), sizeof(struct type) }

static const char *const type_policy[] = { "policy", NULL };
static const char *const api_versions[] = { "tracee.aquasec.com/v1beta1", NULL };
static const char *const kinds[] = { "Policy", NULL };

static const struct schema_key rule_keys[] = {
	{ "event", KEY_TEXT, true, AT(rule_text, event), NULL, "event cannot be empty", NULL,
	  "events: names, sets, -excluded", .def = "event_selection" },
	{ "filters", KEY_TEXTS, false, AT(rule_text, filters), NULL, NULL, NULL,
	  "data.field=value, retval=0, comm=sh", .example = "retval>=0" },
	{ "actions", KEY_TEXTS, false, AT(rule_text, actions), NULL, NULL, check_action,
	  "log, print", WORDS(actions, MATCH_EXACT) },
};
static SCHEMA(rule_schema, "a rule of a policy", rule_text, rule_keys);

static const struct schema_key policy_keys[] = {
	{ "type", KEY_TEXT, true, AT(policy_text, type), NULL, NULL, NULL,
	  "what the file holds: a policy", WORDS(type_policy, MATCH_TRIM) },
	{ "name", KEY_TEXT, true, AT(policy_text, name), NULL, "policy name is missing", check_name,
	  "name, as it is shown in matched events", NAME_PATTERN },
	{ "description", KEY_TEXT, false, AT(policy_text, description), NULL, NULL, NULL,
	  "what it is for" },
	{ "version", KEY_TEXT, false, AT(policy_text, version), NULL, NULL, NULL, "not used" },
	{ "scope", KEY_TEXTS, true, AT(policy_text, scope), NULL, "scope cannot be empty", NULL,
	  "global, or conditions on the workload", .example = "not-container" },
	{ "defaultActions", KEY_TEXTS, false, AT(policy_text, default_actions), NULL, NULL,
	  check_action, "log, print", WORDS(actions, MATCH_EXACT) },
	{ "rules", KEY_MAPS, true, AT(policy_text, rules), &rule_schema, "rules cannot be empty",
	  NULL, "events to show" },
};
SCHEMA(policy_schema, "a policy", policy_text, policy_keys);

static const struct schema_key spec_keys[] = {
	{ "scope", KEY_TEXTS, true, AT(spec_text, scope), NULL, "scope cannot be empty", NULL,
	  "global, or conditions on the workload", .example = "not-container" },
	{ "defaultActions", KEY_TEXTS, false, AT(spec_text, default_actions), NULL, NULL,
	  check_action, "log, print", WORDS(actions, MATCH_EXACT) },
	{ "rules", KEY_MAPS, true, AT(spec_text, rules), &rule_schema, "rules cannot be empty",
	  NULL, "events to show" },
};
static SCHEMA(spec_schema, "spec", spec_text, spec_keys);

static const struct schema_key annotation_keys[] = {
	{ "description", KEY_TEXT, false, AT(annotations_text, description), NULL, NULL, NULL,
	  "what it is for" },
};
static SCHEMA(annotations_schema, "metadata.annotations", annotations_text, annotation_keys);

static const struct schema_key metadata_keys[] = {
	{ "name", KEY_TEXT, true, AT(metadata_text, name), NULL, "policy name is missing",
	  check_name, "name of the policy", NAME_PATTERN },
	{ "labels", KEY_ANY, false, AT(metadata_text, labels), NULL, NULL, NULL, "not used" },
	{ "annotations", KEY_MAP, false, AT(metadata_text, annotations), &annotations_schema, NULL,
	  NULL, "description" },
};
static SCHEMA(metadata_schema, "metadata", metadata_text, metadata_keys);

static const struct schema_key crd_keys[] = {
	{ "apiVersion", KEY_TEXT, true, AT(crd_text, api_version), NULL, NULL, NULL,
	  "tracee.aquasec.com/v1beta1", WORDS(api_versions, MATCH_EXACT) },
	{ "kind", KEY_TEXT, true, AT(crd_text, kind), NULL, NULL, NULL, "Policy",
	  WORDS(kinds, MATCH_EXACT) },
	{ "metadata", KEY_MAP, true, AT(crd_text, metadata), &metadata_schema,
	  "policy name is missing", NULL, "name and description" },
	{ "spec", KEY_MAP, true, AT(crd_text, spec), &spec_schema, "scope cannot be empty", NULL,
	  "scope and rules" },
};
SCHEMA(policy_crd_schema, "a policy resource", crd_text, crd_keys);

/* ---- from text to policy ----------------------------------------------------------- */

static bool word_is(const struct yaml_node *node, const char *word)
{
	struct str text = node && node->kind == YAML_SCALAR ? node->text : STR("");

	while (text.len && isspace((unsigned char)text.data[0]))
		text = (struct str){ text.data + 1, text.len - 1 };
	while (text.len && isspace((unsigned char)text.data[text.len - 1]))
		text.len--;
	return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

static bool text_is(const struct yaml_node *node, const char *text)
{
	return node && node->kind == YAML_SCALAR && strcmp(node->text.data, text) == 0;
}

/* Both forms end as the plain one. */
static bool read_text(struct report *report, const struct yaml_file *file, struct policy_text *out)
{
	struct crd_text crd = { 0 };

	if (word_is(yaml_get(file->root, "type"), "policy")) {
		schema_read(report, &policy_schema, file->root, out);
		return report->errors == 0;
	}
	if (!text_is(yaml_get(file->root, "apiVersion"), "tracee.aquasec.com/v1beta1") ||
	    !text_is(yaml_get(file->root, "kind"), "Policy")) {
		report_error(
			report, file->root, "kind",
			"a policy starts with `type: policy`, or with `apiVersion: tracee.aquasec.com/v1beta1` and "
			"`kind: Policy`",
			"unable to determine policy format");
		return false;
	}
	schema_read(report, &policy_crd_schema, file->root, &crd);
	*out = (struct policy_text){
		.node = crd.node,
		.name = crd.metadata.name,
		.description = crd.metadata.annotations.description,
		.scope = crd.spec.scope,
		.default_actions = crd.spec.default_actions,
		.rules = crd.spec.rules,
	};
	return report->errors == 0;
}

bool policy_text_check(struct report *report, const struct yaml_file *file)
{
	struct policy_text text = { 0 };

	return read_text(report, file, &text);
}

static void load_scope(struct policy *policy, struct report *report, const struct texts *texts)
{
	for (uint32_t i = 0; i < texts->count; i++) {
		struct err err = { .level = ERR_ERROR, .rule = "scope" };

		if (str_equal(texts->items[i]->text, STR("global"))) {
			if (texts->count > 1)
				report_error(report, texts->items[i], "scope",
					     "leave the others out, or this one",
					     "global scope must be unique");
		} else if (scope_add(policy->scope, texts->items[i]->text, &err)) {
			report_add(report, texts->items[i], &err);
		}
	}
}

/* What Tracee refuses in the filters of a file and our command line and files take. */
static int tracee_filter_fault(struct str text, struct err *err)
{
	static const struct str data[] = { STR("data"), STR("args") };
	const char *op = text.len ? strpbrk(text.data, "=!<>") : NULL;
	const char *equal = text.len ? strchr(text.data, '=') : NULL;

	if (!op)
		return err_set(err, -EINVAL, "invalid filter operator: %s", text.data);
	if (text.len >= 6 && memcmp(text.data, "scope.", 6) == 0)
		return err_set(err, -EINVAL, "invalid flag format: %s", text.data);
	if (text.len >= 6 && memcmp(text.data, "retval", 6) == 0 && !equal)
		return err_set(err, -EINVAL, "retval must have value: %s", text.data);
	if (text.len >= 6 && memcmp(text.data, "retval", 6) == 0 && strchr(equal, ','))
		return err_set(err, -EINVAL, "retval must be an integer: %s", equal + 1);
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		if (text.len >= 4 && memcmp(text.data, data[i].data, 4) == 0 &&
		    (text.data[4] != '.' || !equal))
			return err_set(err, -EINVAL, "data name can't be empty: %s", text.data);
	return 0;
}

static void check_as_tracee(const struct policy_text *text, uint32_t number, struct report *report)
{
	const struct rule_text *rules = text->rules.items, *rule = &rules[number];
	bool list = strchr(rule->event->text.data, ',') != NULL;

	for (uint32_t i = 0; i < number; i++)
		if (str_equal(rules[i].event->text, rule->event->text))
			report_error(report, rule->event, "duplicate",
				     "without --compat tracee the rules of one event are or-ed",
				     "event %s is duplicated", rule->event->text.data);
	for (uint32_t i = 0; i < rule->filters.count; i++) {
		const struct yaml_node *filter = rule->filters.items[i];
		struct err err = { .level = ERR_ERROR, .rule = "filter" };

		if (tracee_filter_fault(filter->text, &err))
			report_add(report, filter, &err);
		else if (list && (strncmp(filter->text.data, "data", 4) == 0 ||
				  strncmp(filter->text.data, "args", 4) == 0))
			report_error(report, filter, "filter", "one event for a data filter",
				     "event %s is not valid", rule->event->text.data);
	}
}

static void load_rule(struct policy *policy, struct report *report, const struct rule_text *rule)
{
	struct err err = { .level = ERR_ERROR, .rule = "event" };
	struct selection *s = &policy->selection;

	s->group++;
	if (select_rule_event(s, rule->event->text, &err))
		report_add(report, rule->event, &err);
	for (uint32_t i = 0; i < rule->filters.count; i++) {
		err = (struct err){ .level = ERR_ERROR, .rule = "filter" };
		if (select_filter(s, rule->filters.items[i]->text, &err))
			report_add(report, rule->filters.items[i], &err);
	}
}

/* "data.key=0x1f": key, data; "scope.uid>=0" and "uid>=0": uid. */
static bool filter_field(struct str text, struct str *field)
{
	static const struct str data = STR("data."), scope = STR("scope.");
	bool is_data = text.len > data.len && !memcmp(text.data, data.data, data.len);
	bool is_scope = text.len > scope.len && !memcmp(text.data, scope.data, scope.len);
	struct str expression;
	uint32_t skip = is_data ? data.len : is_scope ? scope.len : 0;

	filter_split((struct str){ text.data + skip, text.len - skip }, field, &expression);
	return is_data;
}

/* The same on all events of the rule, or nothing is said. */
static enum filter_judgement judge_filter(const struct selection *s, struct str text,
					  char why[FILTER_WHY_MAX])
{
	enum filter_judgement all = FILTER_DECIDES;
	struct str field;
	bool data = filter_field(text, &field), first = true;

	for (uint32_t i = 0; i < s->count; i++) {
		enum filter_judgement one;

		if (s->rules[i].group != s->group)
			continue;
		one = data ? filters_judge_data(s->rules[i].filters, field, why)
			   : filters_judge_scope(s->rules[i].filters, field, why);
		if (one == FILTER_DECIDES || (!first && one != all))
			return FILTER_DECIDES;
		all = one;
		first = false;
	}
	return all;
}

/* The filters of one field are judged together, where the last of them stands. */
static void judge_rule(const struct selection *s, struct report *report,
		       const struct rule_text *rule)
{
	for (uint32_t i = 0; i < rule->filters.count; i++) {
		const struct yaml_node *node = rule->filters.items[i];
		struct str field, later;
		char why[FILTER_WHY_MAX];
		bool last = true, data = filter_field(node->text, &field);
		enum filter_judgement judgement;

		for (uint32_t k = i + 1; k < rule->filters.count; k++)
			if (filter_field(rule->filters.items[k]->text, &later) == data)
				last &= !str_equal(field, later);
		judgement = last ? judge_filter(s, node->text, why) : FILTER_DECIDES;
		filter_warn(report, node, judgement, why);
	}
}

bool policy_text_load(struct policy_loader *loader, const struct yaml_file *file,
		      struct policy *out)
{
	struct report report = { .problems = loader->problems,
				 .file = file,
				 .arena = loader->scratch,
				 .compat = loader->options.compat_tracee };
	struct err err = { .level = ERR_ERROR, .rule = "event" };
	struct policy_text text = { 0 };
	const struct rule_text *rules;
	struct policy policy = { 0 };

	if (!read_text(&report, file, &text))
		return false;
	policy = (struct policy){
		.name = arena_str(loader->arena, text.name->text.data, text.name->text.len),
		.description = arena_str(loader->arena, schema_text(text.description).data,
					 schema_text(text.description).len),
		.path = arena_str(loader->arena, file->path, strlen(file->path)).data,
		.scope = scope_new(&loader->options, loader->arena),
		.selection = { .ruleset = loader->ruleset,
			       .arena = loader->arena,
			       .options = loader->options,
			       .live = loader->live },
	};
	if (!policy.scope || !policy.name.data)
		return false;
	load_scope(&policy, &report, &text.scope);
	rules = text.rules.items;
	for (uint32_t i = 0; i < text.rules.count; i++) {
		if (report.compat)
			check_as_tracee(&text, i, &report);
		load_rule(&policy, &report, &rules[i]);
		if (loader->judge && !report.compat && !report.errors)
			judge_rule(&policy.selection, &report, &rules[i]);
	}
	if (!report.errors && select_finish(&policy.selection, &err))
		report_add(&report, text.rules.node, &err);
	if (report.errors)
		return false;
	err = (struct err){ .level = ERR_WARNING, .rule = "not-collected" };
	if (select_left_out(&policy.selection, &err))
		report_add(&report, text.rules.node, &err);
	*out = policy;
	return true;
}

/* YAML takes nearly all JSON, and much that is none: files that say they are JSON must be. */
static int json_check(const struct policy_loader *loader, const struct yaml_file *file,
		      struct str text, struct err *err)
{
	size_t len = strlen(file->path);
	struct json_fault fault;

	if (len < 5 || strcmp(file->path + len - 5, ".json") != 0)
		return 0;
	struct str copy = arena_str(loader->scratch, text.data, text.len);

	if (!copy.data)
		return err_set(err, -ENOMEM, "out of memory");
	if (json_parse(loader->scratch, (char *)(uintptr_t)copy.data, copy.len, &fault))
		return 0;
	struct yaml_file whole = *file;

	whole.text = text;
	err_set(err, -EINVAL, "this is not JSON: %s", fault.what);
	yaml_err_offset(err, &whole, (uint32_t)(fault.at - copy.data));
	return -EINVAL;
}

/* given: NULL: what the file holds. */
static bool load(struct policy_loader *loader, const char *path, const struct str *given,
		 struct policy *out)
{
	struct yaml_file file = { .path = arena_str(loader->scratch, path, strlen(path)).data };
	struct report report = { .problems = loader->problems,
				 .file = &file,
				 .arena = loader->scratch };
	struct err err = { .level = ERR_ERROR, .rule = "path" };
	struct str text = given ? *given : (struct str){ 0 };

	if (!file.path)
		return false;
	if ((!given && yaml_read_file(file.path, loader->scratch, &text, &err)) ||
	    json_check(loader, &file, text, &err) ||
	    yaml_parse(file.path, text, loader->scratch, &file, &err)) {
		report_add(&report, NULL, &err);
		return false;
	}
	return policy_text_load(loader, &file, out);
}

bool policy_file_load(struct policy_loader *loader, const char *path, struct policy *out)
{
	return load(loader, path, NULL, out);
}

bool policy_bytes_load(struct policy_loader *loader, const char *path, struct str text,
		       struct policy *out)
{
	return load(loader, path, &text, out);
}
