/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: Tracee's plain form and its Kubernetes form, read into one struct. */
#ifndef POLICY_POLICY_FILE_H
#define POLICY_POLICY_FILE_H

#include "base/schema.h"
#include "scope.h"
#include "select.h"

struct policy {
	struct str name, description;
	const char *path; /* NULL: from the command line */
	struct scope *scope;
	struct selection selection;
	const struct event_def **submitted; /* in Tracee's mode, see submit.h */
	uint32_t submitted_count;
};

struct policy_loader {
	const struct ruleset *ruleset;
	struct filter_options options;
	bool live;	       /* see policies_options */
	struct arena *arena;   /* of the result */
	struct arena *scratch; /* of trees */
	struct err_list *problems;
	bool judge;   /* warn of filters that nothing or everything passes */
	bool builtin; /* the built-in ones, where nothing is named */
};

/* Reads one file. false: it has errors, all of which are reported; *out is then not used. */
bool policy_file_load(struct policy_loader *loader, const char *path, struct policy *out);
/* The same of a text that is there: `path` names it in messages. */
bool policy_bytes_load(struct policy_loader *loader, const char *path, struct str text,
		       struct policy *out);
/* The same for text that is already there; text must outlive the call only. */
bool policy_text_load(struct policy_loader *loader, const struct yaml_file *file,
		      struct policy *out);

/* The form alone: keys, kinds, words. False: it has errors. */
bool policy_text_check(struct report *report, const struct yaml_file *file);

/* The two forms. */
extern const struct schema policy_schema, policy_crd_schema;

#endif
