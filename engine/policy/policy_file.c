/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files, see policy_file.h. */
#include "policy_file.h"

#include <ctype.h>
#include <errno.h>

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

static int check_action(const struct yaml_node *value, bool compat, struct err *err)
{
	(void)compat;
	if (strcmp(value->text.data, "log") == 0 || strcmp(value->text.data, "print") == 0)
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
#define SCHEMA(variable, text, type, keys) \
	const struct schema variable = { text, keys, ARRAY_SIZE(keys), sizeof(struct type) }

static const struct schema_key rule_keys[] = {
	{ "event", KEY_TEXT, true, AT(rule_text, event), NULL, "event cannot be empty", NULL,
	  "events: names, sets, -excluded" },
	{ "filters", KEY_TEXTS, false, AT(rule_text, filters), NULL, NULL, NULL,
	  "data.field=value, retval=0, comm=sh" },
	{ "actions", KEY_TEXTS, false, AT(rule_text, actions), NULL, NULL, check_action,
	  "log, print" },
};
static SCHEMA(rule_schema, "a rule of a policy", rule_text, rule_keys);

static const struct schema_key policy_keys[] = {
	{ "type", KEY_TEXT, true, AT(policy_text, type), NULL, NULL, NULL, "policy" },
	{ "name", KEY_TEXT, true, AT(policy_text, name), NULL, "policy name is missing", check_name,
	  "name, as it is shown in matched events" },
	{ "description", KEY_TEXT, false, AT(policy_text, description), NULL, NULL, NULL,
	  "what it is for" },
	{ "version", KEY_TEXT, false, AT(policy_text, version), NULL, NULL, NULL, "not used" },
	{ "scope", KEY_TEXTS, true, AT(policy_text, scope), NULL, "scope cannot be empty", NULL,
	  "global, or conditions on the workload" },
	{ "defaultActions", KEY_TEXTS, false, AT(policy_text, default_actions), NULL, NULL,
	  check_action, "log, print" },
	{ "rules", KEY_MAPS, true, AT(policy_text, rules), &rule_schema, "rules cannot be empty",
	  NULL, "events to show" },
};
SCHEMA(policy_schema, "a policy", policy_text, policy_keys);

static const struct schema_key spec_keys[] = {
	{ "scope", KEY_TEXTS, true, AT(spec_text, scope), NULL, "scope cannot be empty", NULL,
	  "global, or conditions on the workload" },
	{ "defaultActions", KEY_TEXTS, false, AT(spec_text, default_actions), NULL, NULL,
	  check_action, "log, print" },
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
	  check_name, "name of the policy" },
	{ "labels", KEY_ANY, false, AT(metadata_text, labels), NULL, NULL, NULL, "not used" },
	{ "annotations", KEY_MAP, false, AT(metadata_text, annotations), &annotations_schema, NULL,
	  NULL, "description" },
};
static SCHEMA(metadata_schema, "metadata", metadata_text, metadata_keys);

static const struct schema_key crd_keys[] = {
	{ "apiVersion", KEY_TEXT, true, AT(crd_text, api_version), NULL, NULL, NULL,
	  "tracee.aquasec.com/v1beta1" },
	{ "kind", KEY_TEXT, true, AT(crd_text, kind), NULL, NULL, NULL, "Policy" },
	{ "metadata", KEY_MAP, true, AT(crd_text, metadata), &metadata_schema,
	  "policy name is missing", NULL, "name and description" },
	{ "spec", KEY_MAP, true, AT(crd_text, spec), &spec_schema, "scope cannot be empty", NULL,
	  "scope and rules" },
};
static SCHEMA(crd_schema, "a policy", crd_text, crd_keys);

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
	schema_read(report, &crd_schema, file->root, &crd);
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

static void load_rule(struct policy *policy, struct report *report, const struct rule_text *rule)
{
	struct err err = { .level = ERR_ERROR, .rule = "event" };
	struct selection *s = &policy->selection;

	s->group++;
	if (select_names(s, rule->event->text, &err))
		report_add(report, rule->event, &err);
	for (uint32_t i = 0; i < rule->filters.count; i++) {
		err = (struct err){ .level = ERR_ERROR, .rule = "filter" };
		if (select_filter(s, rule->filters.items[i]->text, &err))
			report_add(report, rule->filters.items[i], &err);
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
	for (uint32_t i = 0; i < text.rules.count; i++)
		load_rule(&policy, &report, &rules[i]);
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

bool policy_file_load(struct policy_loader *loader, const char *path, struct policy *out)
{
	struct yaml_file file = { .path = arena_str(loader->scratch, path, strlen(path)).data };
	struct report report = { .problems = loader->problems,
				 .file = &file,
				 .arena = loader->scratch };
	struct err err = { .level = ERR_ERROR, .rule = "path" };
	struct str text;

	if (!file.path)
		return false;
	if (yaml_read_file(file.path, loader->scratch, &text, &err) ||
	    yaml_parse(file.path, text, loader->scratch, &file, &err)) {
		report_add(&report, NULL, &err);
		return false;
	}
	return policy_text_load(loader, &file, out);
}
