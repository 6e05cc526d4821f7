/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of detector and list files, and the checks of single values. */
#include "rule_file.h"

#include <ctype.h>
#include <errno.h>

#include "base/suggest.h"

/* ---- checks of single values --------------------------------------------------- */

static bool read_decimal(struct str text, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (text.len == 0)
		return false;
	for (uint32_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)(text.data[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value) || value > max)
			return false;
	}
	*out = value;
	return true;
}

int version_parse(struct str text, struct version *out, struct err *err)
{
	struct str parts[3] = { { text.data, 0 } };
	uint32_t count = 1;
	uint64_t numbers[3] = { 0 };
	static const char *const names[] = { "major", "minor", "patch" };

	for (uint32_t i = 0; i < text.len; i++) {
		if (text.data[i] != '.')
			parts[count - 1].len++;
		else if (count == 3)
			return err_set(
				err, -EINVAL,
				"version must be in format 'major.minor' or 'major.minor.patch'");
		else
			parts[count++] = (struct str){ text.data + i + 1, 0 };
	}
	if (count < 2)
		return err_set(err, -EINVAL,
			       "version must be in format 'major.minor' or 'major.minor.patch'");
	for (uint32_t i = 0; i < count; i++)
		if (!read_decimal(parts[i], i < 2 ? UINT32_MAX : UINT64_MAX, &numbers[i]))
			return err_set(err, -EINVAL, "invalid %s version '%.*s'", names[i],
				       (int)parts[i].len, parts[i].data);
	*out = (struct version){ (uint32_t)numbers[0], (uint32_t)numbers[1], numbers[2] };
	return 0;
}

int version_compare(struct version a, struct version b)
{
	if (a.major != b.major)
		return a.major < b.major ? -1 : 1;
	if (a.minor != b.minor)
		return a.minor < b.minor ? -1 : 1;
	return (a.patch > b.patch) - (a.patch < b.patch);
}

static int check_version(const struct yaml_node *value, bool compat, struct err *err)
{
	struct version version;

	(void)compat;
	return version_parse(value->text, &version, err);
}

/* The message names the word, the hint the nearest one or all of them. */
static int not_one_of(struct err *err, const char *message, struct str found,
		      const char *const *words, size_t count)
{
	struct suggest suggest;
	size_t len;

	suggest_start(&suggest, found);
	for (size_t i = 0; i < count; i++)
		suggest_try(&suggest, str_of(words[i]));
	err_set(err, -EINVAL, "%s", message);
	if (suggest.best.data) {
		err_hint(err, "did you mean '%s'?", suggest.best.data);
		return -EINVAL;
	}
	len = (size_t)snprintf(err->hint, sizeof(err->hint), "one of");
	for (size_t i = 0; i < count && len < sizeof(err->hint); i++)
		len += (size_t)snprintf(err->hint + len, sizeof(err->hint) - len, "%s %s",
					i ? "," : "", words[i]);
	return -EINVAL;
}

static const char *const field_words[] = { "string",	     "int32",	    "uint32",
					   "uint64",	     "bool",	    "bytes", /* Tracee's */
					   "int64",	     "double",	    "[]string",
					   "sockaddr",	     "credentials", "hooked_syscalls",
					   "hooked_seq_ops", NULL };
static const uint8_t field_types[] = {
	FIELD_str,	     FIELD_i32,	     FIELD_u32,		FIELD_u64,
	FIELD_bool,	     FIELD_bytes,    FIELD_i64,		FIELD_timespec,
	FIELD_strs,	     FIELD_sockaddr, FIELD_credentials, FIELD_hooked_syscalls,
	FIELD_hooked_seq_ops
};
enum { FIELD_TYPES_TRACEE = 6 };
_Static_assert(ARRAY_SIZE(field_words) == ARRAY_SIZE(field_types) + 1, "a type for each word");

static size_t field_type_count(bool compat)
{
	return compat ? FIELD_TYPES_TRACEE : ARRAY_SIZE(field_types);
}

enum field_type field_type_parse(struct str name, bool compat)
{
	for (size_t i = 0; i < field_type_count(compat); i++)
		if (str_equal(name, str_of(field_words[i])))
			return (enum field_type)field_types[i];
	return FIELD_none;
}

static int check_field_type(const struct yaml_node *value, bool compat, struct err *err)
{
	char message[256];

	if (field_type_parse(value->text, compat) != FIELD_none)
		return 0;
	snprintf(message, sizeof(message), "invalid field type '%s'", value->text.data);
	return not_one_of(err, message, value->text, field_words, field_type_count(compat));
}

static const char *const severities[] = { "info", "low", "medium", "high", "critical", NULL };
enum { SEVERITIES = ARRAY_SIZE(severities) - 1 };

bool severity_parse(struct str text, bool compat, enum severity *out)
{
	for (size_t i = compat ? 1 : 0; i < SEVERITIES; i++)
		if (text.len == strlen(severities[i]) &&
		    strncasecmp(text.data, severities[i], text.len) == 0) {
			*out = (enum severity)i;
			return true;
		}
	return false;
}

static int check_severity(const struct yaml_node *value, bool compat, struct err *err)
{
	enum severity severity;
	char message[256];

	if (severity_parse(value->text, compat, &severity))
		return 0;
	snprintf(message, sizeof(message), "invalid severity '%.100s'", value->text.data);
	return not_one_of(err, message, value->text, severities + compat, SEVERITIES - compat);
}

static const char *const dependencies[] = { "required", "optional", NULL };

static int check_dependency(const struct yaml_node *value, bool compat, struct err *err)
{
	(void)compat;
	for (size_t i = 0; dependencies[i]; i++)
		if (strcasecmp(value->text.data, dependencies[i]) == 0)
			return 0;
	return err_set(err, -EINVAL,
		       "invalid dependency type '%s': must be 'required' or 'optional'",
		       value->text.data);
}

static const char *const architectures[] = { "386",	"amd64",   "arm",      "arm64",	 "loong64",
					     "mips",	"mips64",  "mips64le", "mipsle", "ppc64",
					     "ppc64le", "riscv64", "s390x",    "wasm",	 NULL };

static int check_architecture(const struct yaml_node *value, bool compat, struct err *err)
{
	char message[256];

	(void)compat;
	for (size_t i = 0; architectures[i]; i++)
		if (strcmp(value->text.data, architectures[i]) == 0)
			return 0;
	snprintf(message, sizeof(message), "invalid architecture '%.100s'", value->text.data);
	not_one_of(err, message, value->text, architectures, ARRAY_SIZE(architectures) - 1);
	if (strcmp(value->text.data, "x86_64") == 0)
		err_hint(err, "did you mean 'amd64'?");
	if (strcmp(value->text.data, "aarch64") == 0)
		err_hint(err, "did you mean 'arm64'?");
	return -EINVAL;
}

static const char *const enrichments[] = { "environment", "executable-hash", "container", NULL };

static int check_enrichment(const struct yaml_node *value, bool compat, struct err *err)
{
	char message[256];

	(void)compat;
	for (size_t i = 0; enrichments[i]; i++)
		if (strcmp(value->text.data, enrichments[i]) == 0)
			return 0;
	snprintf(message, sizeof(message), "unknown enrichment '%.100s'", value->text.data);
	return not_one_of(err, message, value->text, enrichments, ARRAY_SIZE(enrichments) - 1);
}

/* ^[A-Z][A-Z0-9_]*$ */
static int check_list_name(const struct yaml_node *value, bool compat, struct err *err)
{
	struct str name = value->text;
	bool fine = name.len && name.data[0] >= 'A' && name.data[0] <= 'Z';

	(void)compat;
	for (uint32_t i = 0; i < name.len; i++)
		fine &= (name.data[i] >= 'A' && name.data[i] <= 'Z') ||
			isdigit((unsigned char)name.data[i]) || name.data[i] == '_';
	if (fine)
		return 0;
	err_set(err, -EINVAL, "list name '%s' must be uppercase snake_case (e.g., SHELL_BINARIES)",
		name.data);
	return -EINVAL;
}

/* ---- tables ------------------------------------------------------------------------ */

#define AT(type, member) offsetof(struct type, member)
#define WORDS(list, how) .words = list, .match = how
#define VERSION		 .pattern = "^[0-9]+\\.[0-9]+(\\.[0-9]+)?$", .example = "1.0.0"
#define SCHEMA(variable, text, type, keys) \
	const struct schema variable = { text, keys, ARRAY_SIZE(keys), sizeof(struct type) }

static const struct schema_key field_keys[] = {
	{ "name", KEY_TEXT, true, AT(field_text, name), NULL, "event field name is required", NULL,
	  "name of the field" },
	{ "type", KEY_TEXT, true, AT(field_text, type), NULL, "event field type is required",
	  check_field_type, "string, int32, uint32, int64, uint64, bool, bytes, double or []string",
	  WORDS(field_words, MATCH_EXACT) },
	{ "description", KEY_TEXT, false, AT(field_text, description), NULL, NULL, NULL,
	  "what it is" },
	{ "optional", KEY_BOOL, false, AT(field_text, optional), NULL, NULL, NULL,
	  "may be absent" },
};
static SCHEMA(field_schema, "a field of produced_event", field_text, field_keys);

static const struct schema_key produced_keys[] = {
	{ "name", KEY_TEXT, true, AT(produced_text, name), NULL, "produced_event.name is required",
	  NULL, "name of the event that is made" },
	{ "version", KEY_TEXT, true, AT(produced_text, version), NULL,
	  "produced_event.version is required", check_version, "version of its fields, as 1.0.0",
	  VERSION },
	{ "description", KEY_TEXT, false, AT(produced_text, description), NULL, NULL, NULL,
	  "what it means" },
	{ "tags", KEY_TEXTS, false, AT(produced_text, tags), NULL, NULL, NULL,
	  "sets the event belongs to" },
	{ "fields", KEY_MAPS, false, AT(produced_text, fields), &field_schema, NULL, NULL,
	  "its data fields" },
};
static SCHEMA(produced_schema, "produced_event", produced_text, produced_keys);

static const struct schema_key input_keys[] = {
	{ "name", KEY_TEXT, true, AT(input_text, name), NULL, "event requirement name is required",
	  NULL, "an event, built-in or made by another detector", .def = "event_name" },
	{ "dependency", KEY_TEXT, false, AT(input_text, dependency), NULL, NULL, check_dependency,
	  "required (default) or optional", WORDS(dependencies, MATCH_FOLD) },
	{ "min_version", KEY_TEXT, false, AT(input_text, min_version), NULL, NULL, check_version,
	  "lowest version of the event", VERSION },
	{ "max_version", KEY_TEXT, false, AT(input_text, max_version), NULL, NULL, check_version,
	  "first version that is too high", VERSION },
	{ "data_filters", KEY_TEXTS, false, AT(input_text, data_filters), NULL, NULL, NULL,
	  "conditions on data fields: field=value, field!=value*", .example = "key!=0" },
	{ "scope_filters", KEY_TEXTS, false, AT(input_text, scope_filters), NULL, NULL, NULL,
	  "conditions on context: container, uid=0, comm=sh,bash", .example = "uid=0" },
};
static SCHEMA(input_schema, "requirements.events", input_text, input_keys);

static const struct schema_key enrichment_keys[] = {
	{ "name", KEY_TEXT, true, AT(enrichment_text, name), NULL,
	  "enrichment requirement name is required", check_enrichment,
	  "environment, executable-hash or container", WORDS(enrichments, MATCH_EXACT) },
	{ "dependency", KEY_TEXT, false, AT(enrichment_text, dependency), NULL, NULL,
	  check_dependency, "required (default) or optional", WORDS(dependencies, MATCH_FOLD) },
	{ "config", KEY_TEXT, false, AT(enrichment_text, config), NULL, NULL, NULL,
	  "kind of hash" },
};
static SCHEMA(enrichment_schema, "requirements.enrichments", enrichment_text, enrichment_keys);

static const struct schema_key requirement_keys[] = {
	{ "min_tracee_version", KEY_TEXT, false, AT(requirements_text, min_tracee_version), NULL,
	  NULL, check_version, "lowest Tracee version", VERSION },
	{ "max_tracee_version", KEY_TEXT, false, AT(requirements_text, max_tracee_version), NULL,
	  NULL, check_version, "first Tracee version that is too high", VERSION },
	{ "architectures", KEY_TEXTS, false, AT(requirements_text, architectures), NULL, NULL,
	  check_architecture, "amd64, arm64, ...; elsewhere the detector is left out",
	  WORDS(architectures, MATCH_EXACT) },
	{ "events", KEY_MAPS, true, AT(requirements_text, events), &input_schema,
	  "at least one event requirement is required", NULL, "events it reads" },
	{ "enrichments", KEY_MAPS, false, AT(requirements_text, enrichments), &enrichment_schema,
	  NULL, NULL, "data that must be collected in addition" },
};
static SCHEMA(requirements_schema, "requirements", requirements_text, requirement_keys);

static const struct schema_key tactic_keys[] = {
	{ "name", KEY_TEXT, false, AT(tactic_text, name), NULL, NULL, NULL, "ATT&CK tactic" },
};
static SCHEMA(tactic_schema, "threat.mitre.tactic", tactic_text, tactic_keys);

static const struct schema_key technique_keys[] = {
	{ "id", KEY_TEXT, false, AT(technique_text, id), NULL, NULL, NULL,
	  "ATT&CK technique, as T1068", .example = "T1068" },
	{ "name", KEY_TEXT, false, AT(technique_text, name), NULL, NULL, NULL, "its name" },
};
static SCHEMA(technique_schema, "threat.mitre.technique", technique_text, technique_keys);

static const struct schema_key mitre_keys[] = {
	{ "tactic", KEY_MAP, false, AT(mitre_text, tactic), &tactic_schema, NULL, NULL,
	  "ATT&CK tactic" },
	{ "technique", KEY_MAP, false, AT(mitre_text, technique), &technique_schema, NULL, NULL,
	  "ATT&CK technique" },
};
static SCHEMA(mitre_schema, "threat.mitre", mitre_text, mitre_keys);

static const struct schema_key threat_keys[] = {
	{ "name", KEY_TEXT, false, AT(threat_text, name), NULL, NULL, NULL, "short name" },
	{ "description", KEY_TEXT, true, AT(threat_text, description), NULL,
	  "threat.description is required", NULL, "what the alert means and what to do" },
	{ "severity", KEY_TEXT, true, AT(threat_text, severity), NULL,
	  "threat.severity is required", check_severity, "info, low, medium, high or critical",
	  WORDS(severities, MATCH_FOLD) },
	{ "mitre", KEY_MAP, false, AT(threat_text, mitre), &mitre_schema, NULL, NULL,
	  "ATT&CK mapping" },
	{ "properties", KEY_PROPERTIES, false, AT(threat_text, properties), NULL, NULL, NULL,
	  "free texts by name" },
};
static SCHEMA(threat_schema, "threat", threat_text, threat_keys);

static const struct schema_key populate_keys[] = {
	{ "threat", KEY_BOOL, false, AT(populate_text, threat), NULL, NULL, NULL,
	  "copy the threat block" },
	{ "detected_from", KEY_BOOL, false, AT(populate_text, detected_from), NULL, NULL, NULL,
	  "copy the input event's data" },
	{ "process_ancestry", KEY_BOOL, false, AT(populate_text, process_ancestry), NULL, NULL,
	  NULL, "add the ancestors of the process" },
};
static SCHEMA(populate_schema, "auto_populate", populate_text, populate_keys);

static const struct schema_key output_keys[] = {
	{ "name", KEY_TEXT, true, AT(output_text, name), NULL, "output field name is required",
	  NULL, "a field of produced_event" },
	{ "expression", KEY_TEXT, true, AT(output_text, expression), NULL,
	  "output field expression is required", NULL, "CEL for its value",
	  .example = "getEventData(\"key\")" },
	{ "optional", KEY_BOOL, false, AT(output_text, optional), NULL, NULL, NULL,
	  "left out on an error, instead of dropping the detection" },
};
static SCHEMA(output_schema, "output.fields", output_text, output_keys);

static const struct schema_key outputs_keys[] = {
	{ "for_each", KEY_TEXT, false, AT(outputs_text, for_each), NULL, NULL, NULL,
	  "CEL for a list: one detection for each element, which expressions know as `item`" },
	{ "fields", KEY_MAPS, false, AT(outputs_text, fields), &output_schema, NULL, NULL,
	  "fields to fill" },
};
static SCHEMA(outputs_schema, "output", outputs_text, outputs_keys);

static const char *const type_detector[] = { "detector", NULL };
static const char *const type_list[] = { "string_list", NULL };

static const struct schema_key detector_keys[] = {
	{ "type", KEY_TEXT, true, AT(detector_text, type), NULL, NULL, NULL,
	  "what the file holds: a detector", WORDS(type_detector, MATCH_TRIM) },
	{ "id", KEY_TEXT, true, AT(detector_text, id), NULL, "detector ID is required", NULL,
	  "a name for the detector, unique", .example = "MY-001" },
	{ "produced_event", KEY_MAP, true, AT(detector_text, produced), &produced_schema,
	  "produced_event is required", NULL, "the event it makes" },
	{ "requirements", KEY_MAP, true, AT(detector_text, requirements), &requirements_schema,
	  "at least one event requirement is required", NULL,
	  "what it needs: events, filters on them" },
	{ "threat", KEY_MAP, false, AT(detector_text, threat), &threat_schema, NULL, NULL,
	  "what kind of threat; none: a derived event" },
	{ "auto_populate", KEY_MAP, false, AT(detector_text, populate), &populate_schema, NULL,
	  NULL, "what to copy into the produced event" },
	{ "conditions", KEY_TEXTS, false, AT(detector_text, conditions), NULL, NULL, NULL,
	  "CEL conditions, all of which must hold",
	  .example = "getEventData(\"returnValue\") >= 0" },
	{ "output", KEY_MAP, false, AT(detector_text, output), &outputs_schema, NULL, NULL,
	  "the data fields" },
	{ "threshold", KEY_MAP, false, AT(detector_text, threshold), &threshold_schema, NULL, NULL,
	  "fire when the events of a time come to so much" },
	{ "sequence", KEY_MAP, false, AT(detector_text, sequence), &sequence_schema, NULL, NULL,
	  "fire when several things have happened, one after the other" },
	{ "first_seen", KEY_MAP, false, AT(detector_text, first_seen), &seen_schema, NULL, NULL,
	  "fire only for what has not been seen before" },
	{ "score", KEY_MAP, false, AT(detector_text, score), &score_schema, NULL, NULL,
	  "add to a score, and fire when it is reached" },
	{ "set", KEY_MAPS, false, AT(detector_text, set), &set_schema, NULL, NULL,
	  "variables to set when it fires" },
	{ "label", KEY_ANY, false, AT(detector_text, label), NULL, NULL, NULL,
	  "labels to give when it fires: names, or {name, scope, ttl}" },
	{ "unlabel", KEY_ANY, false, AT(detector_text, unlabel), NULL, NULL, NULL,
	  "labels to take away" },
	{ "descendant_of", KEY_TEXTS, false, AT(detector_text, descendant_of), NULL, NULL, NULL,
	  "detectors: only processes below one that such a detector fired for" },
	{ "silent", KEY_BOOL, false, AT(detector_text, silent), NULL, NULL, NULL,
	  "makes no event: for set, label and score alone" },
	{ "limits", KEY_MAP, false, AT(detector_text, limits), &limits_schema, NULL, NULL,
	  "how much a detector with memory may remember" },
};
SCHEMA(detector_schema, "a detector", detector_text, detector_keys);

static const struct schema_key list_keys[] = {
	{ "type", KEY_TEXT, true, AT(list_text, type), NULL, NULL, NULL,
	  "what the file holds: a list of strings", WORDS(type_list, MATCH_TRIM) },
	{ "name", KEY_TEXT, true, AT(list_text, name), NULL, "list name cannot be empty",
	  check_list_name, "name for conditions, in capitals", .pattern = "^[A-Z][A-Z0-9_]*$",
	  .example = "SHELL_BINARIES" },
	{ "description", KEY_TEXT, false, AT(list_text, description), NULL, NULL, NULL,
	  "what it holds" },
	{ "values", KEY_TEXTS, false, AT(list_text, values), NULL, NULL, NULL, "the strings" },
};
SCHEMA(list_schema, "a string list", list_text, list_keys);

/* ---- type ----------------------------------------------------------------------------- */

static struct str trim(struct str text)
{
	while (text.len && isspace((unsigned char)text.data[0]))
		text = (struct str){ text.data + 1, text.len - 1 };
	while (text.len && isspace((unsigned char)text.data[text.len - 1]))
		text.len--;
	return text;
}

enum rule_type rule_file_type(struct report *report, const struct yaml_file *file)
{
	static const struct {
		const char *name;
		enum rule_type type;
	} types[] = { { "detector", RULE_DETECTOR },
		      { "string_list", RULE_LIST },
		      { "policy", RULE_POLICY },
		      { "rule_test", RULE_TEST } };
	const struct yaml_node *type = yaml_get(file->root, "type");
	static const char hint[] =
		"a detector starts with `type: detector`, a list with `type: string_list`";
	struct str word = type ? trim(type->text) : STR("");

	if (file->root && file->root->kind != YAML_MAP && !file->root->null) {
		report_error(report, file->root, "kind", hint,
			     "failed to read type field: expected a map, found %s",
			     yaml_describe(file->root));
		return RULE_UNKNOWN;
	}
	if (type && type->kind != YAML_SCALAR) {
		report_error(report, type, "kind", hint,
			     "failed to read type field: expected a string, found %s",
			     yaml_describe(type));
		return RULE_UNKNOWN;
	}
	if (word.len == 0) {
		report_error(report, type ? type : file->root, "missing-key", hint,
			     "missing required field 'type'");
		return RULE_UNKNOWN;
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (word.len == strlen(types[i].name) &&
		    strncasecmp(word.data, types[i].name, word.len) == 0)
			return types[i].type;
	report_error(report, type, "value", hint,
		     "invalid type '%.*s', must be 'detector' or 'string_list'", (int)word.len,
		     word.data);
	return RULE_UNKNOWN;
}

/* ---- whole files ------------------------------------------------------------------------ */

static void check_unique(struct report *report, const struct maps *maps, uint32_t size,
			 const char *what)
{
	/* In all these structs the name follows the node. */
	for (uint32_t i = 0; i < maps->count; i++) {
		const struct yaml_node *const *item = (const void *)((const char *)maps->items +
								     (size_t)size * i);

		for (uint32_t k = 0; item[1] && k < i; k++) {
			const struct yaml_node *const *other =
				(const void *)((const char *)maps->items + (size_t)size * k);

			if (other[1] && str_equal(item[1]->text, other[1]->text)) {
				report_error(report, item[1], "duplicate", NULL,
					     "duplicate %s '%s' (first in line %u)", what,
					     item[1]->text.data, other[1]->line);
				break;
			}
		}
	}
}

static void check_range(struct report *report, const struct yaml_node *min,
			const struct yaml_node *max, const char *message)
{
	struct err ignored = { 0 };
	struct version low, high;

	if (!min || !max || version_parse(min->text, &low, &ignored) ||
	    version_parse(max->text, &high, &ignored))
		return;
	if (version_compare(low, high) >= 0)
		report_error(report, max, "value", NULL, "%s", message);
}

static void check_conditions(struct report *report, const struct texts *conditions)
{
	for (uint32_t i = 0; i < conditions->count; i++)
		if (conditions->items[i]->text.len == 0)
			report_error(report, conditions->items[i], "value", NULL,
				     "condition %u is empty", i);
}

static bool is_declared(const struct maps *fields, struct str name)
{
	const struct field_text *items = fields->items;

	for (uint32_t i = 0; i < fields->count; i++)
		if (items[i].name && str_equal(items[i].name->text, name))
			return true;
	return false;
}

/* If fields are declared at all, whatever must be filled has to be among them. */
static void check_declared(struct report *report, const struct detector_text *d)
{
	const struct output_text *outputs = d->output.fields.items;
	const struct field_text *fields = d->produced.fields.items;

	for (uint32_t i = 0; d->produced.fields.count && i < d->output.fields.count; i++) {
		struct err err = { .level = ERR_ERROR, .rule = "undeclared" };
		struct suggest suggest;

		if (!outputs[i].name || outputs[i].optional ||
		    is_declared(&d->produced.fields, outputs[i].name->text))
			continue;
		suggest_start(&suggest, outputs[i].name->text);
		for (uint32_t k = 0; k < d->produced.fields.count; k++)
			suggest_try(&suggest, schema_text(fields[k].name));
		err_set(&err, -EINVAL, "extracted field '%s' not declared in produced_event.fields",
			outputs[i].name->text.data);
		if (suggest.best.data)
			err_hint(&err, "did you mean '%s'? Else declare it, or make it optional",
				 suggest.best.data);
		else
			err_hint(&err, "declare it, or make it optional");
		report_add(report, outputs[i].name, &err);
	}
}

bool detector_text_read(struct report *report, const struct yaml_file *file,
			struct detector_text *out)
{
	const struct input_text *inputs;

	schema_read(report, &detector_schema, file->root, out);
	inputs = out->requirements.events.items;
	check_unique(report, &out->produced.fields, sizeof(struct field_text), "field name");
	check_unique(report, &out->requirements.events, sizeof(struct input_text),
		     "event requirement");
	check_unique(report, &out->requirements.enrichments, sizeof(struct enrichment_text),
		     "enrichment requirement");
	check_unique(report, &out->output.fields, sizeof(struct output_text), "output field name");
	check_range(report, out->requirements.min_tracee_version,
		    out->requirements.max_tracee_version,
		    "min_tracee_version must be less than max_tracee_version");
	for (uint32_t i = 0; i < out->requirements.events.count; i++)
		check_range(report, inputs[i].min_version, inputs[i].max_version,
			    "min_version must be less than max_version");
	check_conditions(report, &out->conditions);
	check_declared(report, out);
	return report->errors == 0;
}

bool list_text_read(struct report *report, const struct yaml_file *file, struct list_text *out)
{
	schema_read(report, &list_schema, file->root, out);
	return report->errors == 0;
}
