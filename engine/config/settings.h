/* SPDX-License-Identifier: Apache-2.0 */
/* Values of settings from YAML, by the tables of formats and transports (include/setting.h). */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/schema.h"
#include "setting.h"

enum { SETTINGS_MAX = 64 };

/*
 * Reads a value for each key of the table; nodes holds the value of each key, NULL: absent. what:
 * "transport webhook", for messages; map: where missing keys are reported. Everything lives in
 * the report's arena.
 */
struct setting_value *settings_read(struct report *report, const struct setting_key *keys,
				    uint32_t count, const struct yaml_node *const *nodes,
				    const struct yaml_node *map, const char *what);

/* ---- single values, for other keys of the file; false: reported --------------------------- */

/* Both included, as a person would write them. */
struct range {
	const char *least, *most;
	const char *hint; /* for who is outside of it: what the key means, and its default */
};

/* So that sums of times in nanoseconds, and of sizes, fit into 64 bits. */
#define DURATION_MOST "36500d"
#define SIZE_MOST     "4194304T"
#define NUMBER_MOST   "4611686018427387904"

/* key: its name, for messages. *out stays as it is if the value is wrong. */
bool read_size(struct report *report, const struct yaml_node *node, const char *key,
	       struct range range, uint64_t *out);
bool read_duration(struct report *report, const struct yaml_node *node, const char *key,
		   struct range range, uint64_t *ms);
bool read_number(struct report *report, const struct yaml_node *node, const char *key,
		 struct range range, uint64_t *out);
/* One of the space-separated choices: its position. */
bool read_choice(struct report *report, const struct yaml_node *node, const char *choices,
		 int64_t *out);

#endif
