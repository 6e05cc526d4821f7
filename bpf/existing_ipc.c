// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * System V objects that were there before us, as records: one ipc_existing for each, from
 * every IPC namespace that some process lives in.
 */
#include "live.h"

#include <errno.h>
#include <time.h>

#include "base/sysvipc.h"

struct record {
	struct wire_header header;
	struct ev_ipc_existing body;
	char kind[8];
};

static void object_fill(struct record *record, const struct sysv_object *object)
{
	struct ev_ipc_existing *body = &record->body;
	uint64_t present = 0;

	memcpy(record->kind, object->kind, strlen(object->kind));
#define GIVE(field, value) (body->field = (value), present |= FIELD_BIT(ipc_existing, field))
	GIVE(kind,
	     ((struct wire_ref){ offsetof(struct record, kind), (uint32_t)strlen(object->kind) }));
	GIVE(perm_key, object->key);
	GIVE(perm_id, object->id);
	GIVE(perm_uid, object->uid);
	GIVE(perm_gid, object->gid);
	GIVE(perm_cuid, object->cuid);
	GIVE(perm_cgid, object->cgid);
	GIVE(perm_mode, object->mode);
	GIVE(size, object->size);
	GIVE(users, object->users);
	GIVE(change_time, object->changed);
	if (object->creator)
		GIVE(creator_pid, (int32_t)object->creator);
	if (object->has_pids)
		GIVE(last_pid, (int32_t)object->last);
#undef GIVE
	record->header.present = present;
}

static struct wire_header header_make(const struct ipc_listing *listing, uint16_t id,
				      uint32_t ipc_ns, size_t size)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (struct wire_header){
		.id = id,
		.cpu = WIRE_CPU_NONE,
		.seq = ++*listing->sequence,
		.time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
		.syscall = -1,
		.ipc_ns = ipc_ns,
		.size = (uint32_t)size,
	};
}

uint32_t existing_ipc(struct ipc_listing *listing, uint32_t pid, uint32_t ipc_ns, source_sink sink,
		      void *ctx)
{
	autoclean(freep) struct sysv_object *objects = NULL;
	size_t count = 0;
	int result = sysvipc_read_namespace(pid, ipc_ns, &objects, &count);

	/* One that is gone has nothing to tell. */
	listing->closed |= result < 0 && result != -ESRCH;
	if (result < 0)
		return 0;
	listing->namespaces++;
	for (size_t i = 0; i < count; i++) {
		struct record record = { .header = header_make(listing, EV_ipc_existing, ipc_ns,
							       sizeof(record)) };

		object_fill(&record, &objects[i]);
		sink(ctx, &record.header, NULL);
	}
	return (uint32_t)count;
}

uint32_t existing_ipc_end(const struct ipc_listing *listing, source_sink sink, void *ctx)
{
	struct {
		struct wire_header header;
		struct ev_ipc_listed body;
	} record = { .body.namespaces = listing->namespaces };

	if (listing->closed)
		return 0;
	record.header = header_make(listing, EV_ipc_listed, 0, sizeof(record));
	record.header.present = FIELD_BIT(ipc_listed, namespaces);
	sink(ctx, &record.header, NULL);
	return 1;
}
