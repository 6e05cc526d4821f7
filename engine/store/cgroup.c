/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups by id, see cgroup.h. Hash chains over one array. */
#include "cgroup.h"

#include <errno.h>

#include "base/common.h"

enum { CGROUPS_DEFAULT = 4096, NONE = UINT32_MAX };

static uint32_t *bucket_of(const struct cgroups *cgroups, uint64_t id)
{
	return &cgroups->buckets[id * 0x9e3779b97f4a7c15ULL >> 32 & cgroups->mask];
}

struct cgroup *cgroup_find(const struct cgroups *cgroups, uint64_t id)
{
	uint32_t at = *bucket_of(cgroups, id);

	for (; at != NONE; at = cgroups->items[at].next)
		if (cgroups->items[at].id == id)
			return &cgroups->items[at];
	return NULL;
}

static void cgroup_unlink(struct cgroups *cgroups, struct slab *texts, struct cgroup *cgroup)
{
	uint32_t *at = bucket_of(cgroups, cgroup->id);
	uint32_t self = (uint32_t)(cgroup - cgroups->items);

	while (*at != self)
		at = &cgroups->items[*at].next;
	*at = cgroup->next;
	slab_release(texts, cgroup->path, cgroup->path_len);
	*cgroup = (struct cgroup){ 0 };
}

/* Slots are reused in order of their making: cgroups come and go slowly. */
static struct cgroup *cgroup_new(struct cgroups *cgroups, struct slab *texts, uint64_t id)
{
	uint32_t at = cgroups->count;

	if (at < cgroups->capacity) {
		cgroups->count++;
	} else {
		at = cgroups->hand;
		cgroups->hand = (at + 1) % cgroups->capacity;
		cgroup_unlink(cgroups, texts, &cgroups->items[at]);
		cgroups->evicted++;
	}
	struct cgroup *cgroup = &cgroups->items[at];
	uint32_t *head = bucket_of(cgroups, id);

	*cgroup = (struct cgroup){ .id = id, .used = true, .next = *head };
	*head = at;
	return cgroup;
}

void cgroup_learn(struct cgroups *cgroups, struct slab *texts, uint64_t id, struct str path)
{
	struct cgroup *cgroup = cgroup_find(cgroups, id);

	if (!cgroup)
		cgroup = cgroup_new(cgroups, texts, id);
	slab_release(texts, cgroup->path, cgroup->path_len);
	cgroup->path = slab_alloc(texts, path.len);
	cgroup->path_len = cgroup->path ? path.len : 0;
	cgroup->container = (struct container){ 0 };
	if (!cgroup->path)
		return;
	memcpy(cgroup->path, path.data, path.len);
	cgroup->container.id = container_id_of_path((struct str){ cgroup->path, path.len },
						    &cgroup->container.runtime);
}

int cgroups_init(struct cgroups *cgroups, uint32_t capacity)
{
	uint32_t buckets = 1;

	cgroups->capacity = capacity ? capacity : CGROUPS_DEFAULT;
	while (buckets < cgroups->capacity)
		buckets *= 2;
	cgroups->mask = buckets - 1;
	cgroups->items = calloc(cgroups->capacity, sizeof(*cgroups->items));
	cgroups->buckets = malloc(buckets * sizeof(*cgroups->buckets));
	if (!cgroups->items || !cgroups->buckets)
		return -ENOMEM;
	memset(cgroups->buckets, 0xff, buckets * sizeof(*cgroups->buckets));
	return 0;
}

void cgroups_free(struct cgroups *cgroups)
{
	free(cgroups->items);
	free(cgroups->buckets);
}
