/* SPDX-License-Identifier: Apache-2.0 */
/* One form for the twelve System V calls, see ipc_sight.h. */
#include "ipc_sight.h"

#define SIGHT(event, kind_of, entry_time, size_field, users_of) \
	static void sight_##event(const struct wire_header *record, struct ipc_sight *sight) \
	{ \
		const struct ev_##event *body = (const void *)(record + 1); \
\
		*sight = (struct ipc_sight){ .kind = kind_of, \
					     .at_entry = entry_time, \
					     .known = HAS(event, perm_id), \
					     .id = body->perm_id, \
					     .key = body->perm_key, \
					     .uid = body->perm_uid, \
					     .gid = body->perm_gid, \
					     .cuid = body->perm_cuid, \
					     .cgid = body->perm_cgid, \
					     .mode = body->perm_mode, \
					     .has_size = HAS(event, size_field), \
					     .size = (uint64_t)body->size_field, \
					     .users = users_of, \
					     .result = body->returnValue }; \
	}

SIGHT(msgget, IPC_KIND_MSG, false, msg_cbytes, body->msg_qnum)
SIGHT(msgsnd, IPC_KIND_MSG, false, msg_cbytes, body->msg_qnum)
SIGHT(msgrcv, IPC_KIND_MSG, false, msg_cbytes, body->msg_qnum)
SIGHT(msgctl, IPC_KIND_MSG, true, msg_cbytes, body->msg_qnum)
SIGHT(shmget, IPC_KIND_SHM, false, shm_segsz, body->shm_nattch)
SIGHT(shmat, IPC_KIND_SHM, false, shm_segsz, body->shm_nattch)
SIGHT(shmdt, IPC_KIND_SHM, true, shm_segsz, body->shm_nattch)
SIGHT(shmctl, IPC_KIND_SHM, true, shm_segsz, body->shm_nattch)
SIGHT(semget, IPC_KIND_SEM, false, sem_nsems, 0)
SIGHT(semop, IPC_KIND_SEM, false, sem_nsems, 0)
SIGHT(semtimedop, IPC_KIND_SEM, false, sem_nsems, 0)
SIGHT(semctl, IPC_KIND_SEM, true, sem_nsems, 0)

bool ipc_sight_take(const struct wire_header *record, struct ipc_sight *sight)
{
	switch (record->id) {
	case EV_msgget: sight_msgget(record, sight); break;
	case EV_msgsnd: sight_msgsnd(record, sight); break;
	case EV_msgrcv: sight_msgrcv(record, sight); break;
	case EV_msgctl: sight_msgctl(record, sight); break;
	case EV_shmget: sight_shmget(record, sight); break;
	case EV_shmat: sight_shmat(record, sight); break;
	case EV_shmdt: sight_shmdt(record, sight); break;
	case EV_shmctl: sight_shmctl(record, sight); break;
	case EV_semget: sight_semget(record, sight); break;
	case EV_semop: sight_semop(record, sight); break;
	case EV_semtimedop: sight_semtimedop(record, sight); break;
	case EV_semctl: sight_semctl(record, sight); break;
	default: return false;
	}
	return sight->known;
}
