/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule files as written: the structs that the schema tables fill, for detectors and
 * string lists. Every value is a node of the file, so that later checks can point at it.
 */
#ifndef DETECT_RULE_FILE_H
#define DETECT_RULE_FILE_H

#include "event.h"
#include "base/schema.h"
#include "memory_file.h"

struct field_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *type, *description;
	bool optional;
};

struct produced_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *version, *description;
	struct texts tags;
	struct maps fields; /* struct field_text */
};

struct input_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *dependency, *min_version, *max_version;
	struct texts data_filters, scope_filters;
};

struct enrichment_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *dependency, *config;
};

struct requirements_text {
	const struct yaml_node *node;
	const struct yaml_node *min_tracee_version, *max_tracee_version;
	struct texts architectures;
	struct maps events;	 /* struct input_text */
	struct maps enrichments; /* struct enrichment_text */
};

struct tactic_text {
	const struct yaml_node *node;
	const struct yaml_node *name;
};

struct technique_text {
	const struct yaml_node *node;
	const struct yaml_node *id, *name;
};

struct mitre_text {
	const struct yaml_node *node;
	struct tactic_text tactic;
	struct technique_text technique;
};

struct threat_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *description, *severity;
	struct mitre_text mitre;
	const struct yaml_node *properties;
};

struct populate_text {
	const struct yaml_node *node;
	bool threat, detected_from, process_ancestry;
};

struct output_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *expression;
	bool optional;
};

struct outputs_text {
	const struct yaml_node *node;
	const struct yaml_node *for_each;
	struct maps fields; /* struct output_text */
};

struct detector_text {
	const struct yaml_node *node;
	const struct yaml_node *type, *id;
	struct produced_text produced;
	struct requirements_text requirements;
	struct threat_text threat;
	struct populate_text populate;
	struct texts conditions;
	struct outputs_text output;
	struct threshold_text threshold;
	struct sequence_text sequence;
	struct limits_text limits;
	struct maps set;			 /* struct set_text */
	const struct yaml_node *label, *unlabel; /* lists of names or label_text */
	struct score_text score;
	struct seen_text first_seen;
	struct texts descendant_of;
	bool silent;
};

struct list_text {
	const struct yaml_node *node;
	const struct yaml_node *type, *name, *description;
	struct texts values;
};

extern const struct schema detector_schema, list_schema;

enum rule_type { RULE_DETECTOR, RULE_LIST, RULE_POLICY, RULE_TEST, RULE_UNKNOWN };

/* What kind of file this is, by its `type`. RULE_UNKNOWN with a problem reported if it is none. */
enum rule_type rule_file_type(struct report *report, const struct yaml_file *file);

/* Reads and checks one; false if it has errors. */
bool detector_text_read(struct report *report, const struct yaml_file *file,
			struct detector_text *out);
bool list_text_read(struct report *report, const struct yaml_file *file, struct list_text *out);

/* major.minor[.patch]. */
struct version {
	uint32_t major, minor;
	uint64_t patch;
};
/* 0, or -EINVAL with err's message. */
int version_parse(struct str text, struct version *out, struct err *err);
/* <0, 0, >0 */
int version_compare(struct version a, struct version b);

/* enum field_type of a type's name in produced_event.fields; FIELD_none if there is none. */
enum field_type field_type_parse(struct str name, bool compat);
/* false if the word is none. */
bool severity_parse(struct str text, bool compat, enum severity *out);

#endif
