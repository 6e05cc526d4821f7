/* SPDX-License-Identifier: Apache-2.0 */
/* One form for the twelve System V calls. Private to engine/store. */
#ifndef STORE_IPC_SIGHT_H
#define STORE_IPC_SIGHT_H

#include "ipc.h"

/* What a record says of the object it is about. */
struct ipc_sight {
	uint8_t kind;
	bool known;    /* perm_* are there */
	bool at_entry; /* ... as they were before the call */
	int32_t id, key;
	uint32_t uid, gid, cuid, cgid, mode;
	bool has_size;
	uint64_t size, users;
	int64_t result;
};

#define HAS(event, field) (record->present & FIELD_BIT(event, field))

/* False: not about an object. */
bool ipc_sight_take(const struct wire_header *record, struct ipc_sight *sight);

#endif
