/* SPDX-License-Identifier: Apache-2.0 */
/* A detector with memory, messages for it, and what it says of them. */
#ifndef SUPPORT_WORLD_H
#define SUPPORT_WORLD_H

#include "detect/ruleset.h"

struct world {
	struct ruleset *ruleset;
	struct arena arena;
	uint32_t made; /* detections so far */
	uint64_t now, lost;
	char phase[32];
	struct value helpers;
	struct str host_name;
};

/* The detector is called T; body: the rest of its file, which must be right. */
struct ruleset *world_rules_of(const char *event, const char *body, uint64_t slack);
/* Of msgsnd. */
struct ruleset *world_rules_slack(const char *body, uint64_t slack);
struct ruleset *world_rules(const char *body);
/* A detect_sink: ctx is a struct world. */
void world_count(void *ctx, const struct event *produced);
/* A message of a process of a user. */
void world_feed_at(struct world *world, uint32_t pid, uint32_t uid, int msqid, uint64_t time);
/* A microsecond after the last. */
void world_feed(struct world *world, uint32_t pid, uint32_t uid);
struct state_stats world_stats(const struct world *world);
void world_end(struct world *world);

#endif
