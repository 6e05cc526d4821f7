/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the checker: check.c, check_call.c, check_report.c. */
#ifndef CEL_CHECK_H
#define CEL_CHECK_H

#include "internal.h"

struct dotted_name {
	char text[512];
	uint32_t len;
	bool absolute;
	const struct node *root;
};

/* Adds ".part"; false: the name is too long. */
bool dotted_append(struct dotted_name *out, struct str part);
/* Tries the name in the container of the env, innermost package first; NULL: not found. */
const void *resolve_name(const struct compile *compile, struct str name, bool absolute,
			 const void *(*lookup)(const struct cel_env *env, struct str name));

/* Gives *place its type and returns it. */
const struct type *check_node(struct compile *compile, struct node **place);

/* check_call.c. function may be NULL: there is none of that name. */
const struct type *check_overloads(struct compile *compile, struct node *node,
				   const struct function *function);
/* getEventData("x"): NULL if the call is not such an access. */
const struct type *check_slot(struct compile *compile, struct node *node);
/* Is the receiver of the call no value but the first part of function names (math, process)? */
bool check_is_namespace(struct compile *compile, struct node *call);

/* check_report.c: all return type_error, or dyn where errors are left to the evaluation. */
const struct type *report(struct compile *compile, uint32_t at, const char *format, ...)
	PRINTF_LIKE(3, 4);
const struct type *report_undeclared(struct compile *compile, struct node *node, struct str name);
const struct type *report_function(struct compile *compile, struct node *call);
const struct type *report_namespace(struct compile *compile, struct node *call);
const struct type *report_field(struct compile *compile, uint32_t at, const struct type *type,
				const struct cel_message *message, struct str field);
const struct type *report_overload(struct compile *compile, struct node *call,
				   const struct function *function);
/* In the arena of the tree. */
const char *type_text(struct compile *compile, const struct type *type);

#endif
