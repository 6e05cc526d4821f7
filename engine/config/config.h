/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: every setting of the command line, and what has no place there:
 * destinations, the spool, the server, suppression. Read as a whole: every mistake is reported
 * with its place, and nothing is opened before the file is right.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/err.h"
#include "delivery/delivery.h"
#include "delivery/suppress.h"

struct options;

struct config {
	struct delivery_config *delivery; /* NULL: no spool is wanted */
	const char *const
		*direct; /* --output expressions of destinations without a spool; or NULL */
	struct suppress_rule *suppress;
	uint32_t suppress_count;
	const char *server; /* address, host:port; NULL: no server */
	bool metrics, healthz;
	/* The file's settings, in the order of option_info(); for config_apply. */
	struct config_option *options;
	uint32_t option_count;
	struct arena *arena; /* of delivery; where all of this lives */
	struct delivery_config *owner;
};

/*
 * Reads a file. Problems are added to the list; true if there is no error among them. *out is the
 * caller's until config_free, also on failure.
 */
bool config_read(const char *path, struct config *out, struct err_list *problems);
/* The same of a text, which must live as long as *out; path is its name in messages. */
bool config_read_text(const char *path, struct str text, struct config *out,
		      struct err_list *problems);
/* Frees what outputs do not hold any more. */
void config_free(struct config *config);
/* Gives options that the command line has not set the file's values. 0 or -ENOMEM. */
int config_apply(const struct config *config, struct options *options);
/* The spool that a command works on: --spool, that of the configuration, or the default. */
const char *config_spool_path(const struct options *options);

/* A key of the file; path: of the maps around it, "output.destinations", "" at the top. */
typedef void (*config_key_fn)(void *ctx, const char *path, const char *key);
/*
 * Calls fn for each: the command line's and the file's own, but for those of transports and
 * formats, and Tracee's that change nothing. For the test that contrib/spoor.yaml shows them.
 */
void config_keys(config_key_fn fn, void *ctx);

/* Does a file look like a configuration (and not like rules)? */
struct yaml_node;
bool config_recognise(const struct yaml_node *root);

#endif
