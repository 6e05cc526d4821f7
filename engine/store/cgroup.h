/* SPDX-License-Identifier: Apache-2.0 */
/* The control groups that records name, and the containers they are of. Private to engine/store. */
#ifndef STORE_CGROUP_H
#define STORE_CGROUP_H

#include "base/slab.h"
#include "store.h"

struct cgroup {
	uint64_t id;
	struct container container; /* id.data == NULL: not a container */
	char *path;
	uint32_t path_len;
	uint32_t next;
	bool used;
};

struct cgroups {
	struct cgroup *items; /* the first `count` have been used */
	uint32_t *buckets;
	uint32_t capacity, mask, count, hand;
	uint64_t evicted;
};

/* capacity: 0: the default. 0, or -ENOMEM. */
int cgroups_init(struct cgroups *cgroups, uint32_t capacity);
void cgroups_free(struct cgroups *cgroups);
/* NULL: not known. */
struct cgroup *cgroup_find(const struct cgroups *cgroups, uint64_t id);
/* path: "": nobody knows it. texts holds the copy. */
void cgroup_learn(struct cgroups *cgroups, struct slab *texts, uint64_t id, struct str path);

#endif
