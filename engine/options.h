/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: one row each in options.def, from which come the command line, --help and
 * the man page. A value that may be given several times is a NULL-terminated list.
 */
#ifndef ENGINE_OPTIONS_H
#define ENGINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"

struct config; /* config/config.h */
struct err;

struct options {
#define OPTION_FLAG(name, letter, doc)			   bool name;
#define OPTION_TEXT(name, letter, argument, fallback, doc) const char *name;
#define OPTION_LIST(name, letter, argument, doc)	   const char *const *name;
#define OPTION_SIZE(name, letter, argument, fallback, doc) size_t name;
#include "options.def"
#undef OPTION_FLAG
#undef OPTION_TEXT
#undef OPTION_LIST
#undef OPTION_SIZE
	uint64_t given;			  /* bit i: row i stood on the command line */
	const struct config *config_file; /* what --config named, read and applied; NULL: none */
};

/*
 * Parses argv[1..] for a command. On success fills out (owned until options_free) and sets
 * *first to the index of the first operand; flags may stand after operands. A minus and a digit
 * or bracket begin an operand. On a wrong
 * flag prints what is wrong, a suggestion and how to get help, and returns -EINVAL.
 */
int options_parse(const struct command *command, int argc, char **argv, struct options *out,
		  int *first);

/* A setting in the configuration file; name as on the command line. */
struct config_option {
	const char *name;
	const char **values; /* live as long as the options */
	uint32_t count;
};
/* Did it stand on the command line? */
bool options_given(const struct options *options, const char *name);
/* What the value should be, for a message, if it cannot be taken; NULL: it can. */
const char *options_refuse(const struct config_option *option);
/*
 * Of one that is not refused: can the setting have its i-th value? 0, or -EINVAL with err's
 * message, which names neither, and hint.
 */
int options_check(const struct config_option *option, uint32_t i, struct err *err);
/* A decimal number with an optional K, M or G (powers of 1024). */
bool size_parse(const char *text, size_t *out);
/* Takes the value unless the command line has one. 0 or -ENOMEM. */
int options_default(struct options *options, const struct config_option *option);
void options_free(struct options *options);
void options_help(const struct command *command);

#endif
