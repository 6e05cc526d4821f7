/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of YAML files as tables: a row is a key. The reader checks a tree against
 * the table, reports what is unknown, missing, repeated or of the wrong kind, and fills a C
 * struct in which every value keeps its node, hence its place.
 *
 * One table per kind of map, so that the reference and the editor's schema can come from it.
 */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include <stddef.h>

#include "err.h"
#include "yaml.h"

enum key_kind {
	KEY_TEXT,	/* const struct yaml_node *; absent and null: NULL */
	KEY_BOOL,	/* bool */
	KEY_TEXTS,	/* struct texts */
	KEY_MAP,	/* an embedded struct whose first member is const struct yaml_node *node */
	KEY_MAPS,	/* struct maps of such structs */
	KEY_PROPERTIES, /* const struct yaml_node *: a map of text to text */
	KEY_ANY,	/* const struct yaml_node * */
};

struct schema;
struct report;

/* How the words of a key are compared. */
enum key_match {
	MATCH_EXACT,
	MATCH_FOLD, /* capitals do not matter */
	MATCH_TRIM, /* nor do blanks around */
};

struct schema_key {
	const char *name;
	uint8_t kind;		 /* enum key_kind */
	bool required;		 /* present and not empty */
	uint16_t offset;	 /* of the member */
	const struct schema *of; /* KEY_MAP, KEY_MAPS */
	const char *
		missing; /* message when a required key is absent; NULL: "missing required field" */
	/* A wrong value: fills err's message and hint. May be NULL. */
	int (*check)(const struct yaml_node *value, bool compat, struct err *err);
	const char *doc;
	/* For editors (schema_json.h), which cannot call `check`; each may be left out. */
	const char *const *words; /* NULL-terminated: the values it may have */
	uint8_t match;		  /* enum key_match, of words */
	const char *pattern;	  /* regular expression of the whole value */
	uint16_t longest;	  /* characters; 0: any number */
	const char *example;
	const char *def; /* name of a definition with more: "event_name" */
};

/* A row for the member of a struct. */
#define SCHEMA_KEY(type, member, key_name, key_kind, text) \
	{ \
		.name = key_name, .kind = key_kind, .offset = offsetof(struct type, member), \
		.doc = text \
	}

struct schema {
	const char *what; /* "detector", for messages */
	const struct schema_key *keys;
	uint32_t count;
	uint32_t size; /* of the struct */
};

struct texts {
	const struct yaml_node *node; /* NULL: absent */
	const struct yaml_node *const *items;
	uint32_t count;
};

struct maps {
	const struct yaml_node *node; /* NULL: absent */
	void *items;
	uint32_t count;
};

/* Where problems go, and the file they are in. */
struct report {
	struct err_list *problems;
	const struct yaml_file *file;
	struct arena *arena; /* of what is read */
	bool compat;	     /* unknown keys are warnings */
	uint32_t errors;     /* in this file */
};

/* Adds a problem at a node (NULL: the file). err has level, rule, message, hint. */
void report_add(struct report *report, const struct yaml_node *node, struct err *err);
void report_error(struct report *report, const struct yaml_node *node, const char *rule,
		  const char *hint, const char *format, ...) PRINTF_LIKE(5, 6);
void report_warning(struct report *report, const struct yaml_node *node, const char *rule,
		    const char *hint, const char *format, ...) PRINTF_LIKE(5, 6);

/* Fills `out` (of schema->size bytes, zeroed) from a map. Problems are reported. */
void schema_read(struct report *report, const struct schema *schema, const struct yaml_node *map,
		 void *out);

/* The text of an optional KEY_TEXT; "" if absent. */
struct str schema_text(const struct yaml_node *node);

#endif
