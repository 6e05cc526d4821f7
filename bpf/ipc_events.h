/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The records of the twelve System V calls, made at their return.
 *
 * Invariant: whichever hook got us here, the record is the same; only message types
 * and semaphore operations have a second, better source where functions inside the
 * call can be hooked.
 */
#ifndef SPOOR_BPF_IPC_EVENTS_H
#define SPOOR_BPF_IPC_EVENTS_H

#include "common/call.h"

enum { COMMAND_SET = 1, COMMAND_INFO = 3, IPC_64 = 0x100 };

/* ---- pieces of records --------------------------------------------------------- */

#define FILL_PERMISSION(event, record, object) \
	({ \
		SET(event, record, perm_key, (object)->key); \
		SET(event, record, perm_id, (object)->id); \
		SET(event, record, perm_seq, (object)->seq); \
		SET(event, record, perm_uid, (object)->uid); \
		SET(event, record, perm_gid, (object)->gid); \
		SET(event, record, perm_cuid, (object)->cuid); \
		SET(event, record, perm_cgid, (object)->cgid); \
		SET(event, record, perm_mode, (object)->mode); \
	})

#define FILL_QUEUE(event, record, object) \
	({ \
		FILL_PERMISSION(event, record, object); \
		SET(event, record, msg_qnum, (object)->first); \
		SET(event, record, msg_cbytes, (object)->second); \
	})

#define FILL_SEGMENT(event, record, object) \
	({ \
		FILL_PERMISSION(event, record, object); \
		SET(event, record, shm_segsz, (object)->first); \
		SET(event, record, shm_nattch, (object)->second); \
		SET(event, record, shm_cpid, (object)->creator); \
		SET(event, record, shm_lpid, (object)->last); \
	})

#define FILL_SET_OF_SEMAPHORES(event, record, object) \
	({ \
		FILL_PERMISSION(event, record, object); \
		SET(event, record, sem_nsems, (object)->sems); \
	})

/* Opens a record of `event` for this call; the body follows as a block. */
#define EVENT_BEGIN(event, tail) \
	RECORD(event, tail) * record; \
	__u64 present = 0; \
	if (!wanted(SLOT_##event)) \
		return; \
	if (!record_begin(event, record, call->task, call->number, call->flags, call->raw)) \
		return;

#define EVENT_END(event) \
	SET(event, record, returnValue, call->ret); \
	record->header.present = present; \
	record->header.user = call->user & ~USER_RET; \
	if (call->user & USER_RET) \
		record->header.user |= FIELD_BIT(event, returnValue);

/* ---- get ----------------------------------------------------------------------- */

INLINE void exit_msgget(struct call *call)
{
	OBJECT(object);

	EVENT_BEGIN(msgget, 0)
	SET(msgget, record, key, (__s32)call->arg[0]);
	SET(msgget, record, msgflg, (__s32)call->arg[1]);
	if (call->ret >= 0)
		object_read(&object, call->task, OBJECT_MSG, call->ret, false);
	if (object.found)
		FILL_QUEUE(msgget, record, &object);
	EVENT_END(msgget)
	record_send(record);
}

INLINE void exit_shmget(struct call *call)
{
	OBJECT(object);

	EVENT_BEGIN(shmget, 0)
	SET(shmget, record, key, (__s32)call->arg[0]);
	SET(shmget, record, size, call->arg[1]);
	SET(shmget, record, shmflg, (__s32)call->arg[2]);
	if (call->ret >= 0)
		object_read(&object, call->task, OBJECT_SHM, call->ret, false);
	if (object.found)
		FILL_SEGMENT(shmget, record, &object);
	EVENT_END(shmget)
	record_send(record);
}

INLINE void exit_semget(struct call *call)
{
	OBJECT(object);

	EVENT_BEGIN(semget, 0)
	SET(semget, record, key, (__s32)call->arg[0]);
	SET(semget, record, nsems, (__s32)call->arg[1]);
	SET(semget, record, semflg, (__s32)call->arg[2]);
	if (call->ret >= 0)
		object_read(&object, call->task, OBJECT_SEM, call->ret, false);
	if (object.found)
		FILL_SET_OF_SEMAPHORES(semget, record, &object);
	EVENT_END(semget)
	record_send(record);
}

/* ---- messages ------------------------------------------------------------------ */

/* A receiver that slept got its message from the sender, who noted the type here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32); /* thread id of the receiver */
	__type(value, __s64);
} handed_over SEC(".maps");

/* The type the kernel used, if a function inside the call told us. */
INLINE bool type_from_kernel(struct call *call, __s64 *type, bool receive)
{
	struct thread_state *state;
	__u32 tid = call->task->pid;
	__s64 *handed;
	bool found = false;

	if (!call->kernel_copy)
		return false;
	state = thread_get(call->task);
	if (state && state->have & HAVE_TYPE) {
		*type = state->message_type;
		state->have &= ~HAVE_TYPE;
		found = true;
	}
	if (!receive)
		return found;
	handed = bpf_map_lookup_elem(&handed_over, &tid);
	if (handed) {
		*type = *handed;
		found = true;
		bpf_map_delete_elem(&handed_over, &tid);
	}
	return found;
}

/* struct msgbuf begins with a long. */
INLINE bool type_from_user(struct call *call, __u64 address, __s64 *type)
{
	__s32 narrow;

	if (!call->compat)
		return bpf_probe_read_user(type, sizeof(*type), (void *)address) == 0;
	if (bpf_probe_read_user(&narrow, sizeof(narrow), (void *)address))
		return false;
	*type = narrow;
	return true;
}

INLINE void exit_msgsnd(struct call *call)
{
	OBJECT(object);
	bool from_user = false;
	__s64 type;

	EVENT_BEGIN(msgsnd, 0)
	SET(msgsnd, record, msqid, (__s32)call->arg[0]);
	SET(msgsnd, record, msgp, call->arg[1]);
	SET(msgsnd, record, msgsz, call->arg[2]);
	SET(msgsnd, record, msgflg, (__s32)call->arg[3]);
	if (type_from_kernel(call, &type, false)) {
		SET(msgsnd, record, msg_type, type);
	} else if (type_from_user(call, call->arg[1], &type)) {
		SET(msgsnd, record, msg_type, type);
		from_user = true;
	}
	SET(msgsnd, record, msg_size, call->arg[2]);
	object_read(&object, call->task, OBJECT_MSG, call->arg[0], false);
	if (object.found)
		FILL_QUEUE(msgsnd, record, &object);
	EVENT_END(msgsnd)
	if (from_user)
		record->header.user |= FIELD_BIT(msgsnd, msg_type);
	record_send(record);
}

INLINE void exit_msgrcv(struct call *call)
{
	OBJECT(object);
	bool from_kernel, from_user = false;
	__s64 type;

	EVENT_BEGIN(msgrcv, 0)
	SET(msgrcv, record, msqid, (__s32)call->arg[0]);
	SET(msgrcv, record, msgp, call->arg[1]);
	SET(msgrcv, record, msgsz, call->arg[2]);
	SET(msgrcv, record, msgtyp, call->compat ? (__s32)call->arg[3] : (__s64)call->arg[3]);
	SET(msgrcv, record, msgflg, (__s32)call->arg[4]);
	from_kernel = type_from_kernel(call, &type, true); /* also forgets a stale one */
	if (call->ret >= 0) {
		if (from_kernel) {
			SET(msgrcv, record, msg_type, type);
		} else if (type_from_user(call, call->arg[1], &type)) {
			SET(msgrcv, record, msg_type, type);
			from_user = true;
		}
		SET(msgrcv, record, msg_size, call->ret);
	}
	object_read(&object, call->task, OBJECT_MSG, call->arg[0], false);
	if (object.found)
		FILL_QUEUE(msgrcv, record, &object);
	EVENT_END(msgrcv)
	if (from_user)
		record->header.user |= FIELD_BIT(msgrcv, msg_type);
	record_send(record);
}

/* ---- shared memory ------------------------------------------------------------- */

INLINE void exit_shmat(struct call *call)
{
	OBJECT(object);

	EVENT_BEGIN(shmat, 0)
	SET(shmat, record, shmid, (__s32)call->arg[0]);
	SET(shmat, record, shmaddr, call->arg[1]);
	SET(shmat, record, shmflg, (__s32)call->arg[2]);
	object_read(&object, call->task, OBJECT_SHM, call->arg[0], false);
	if (object.found)
		FILL_SEGMENT(shmat, record, &object);
	EVENT_END(shmat)
	record_send(record);
}

/* The object as it was when the call began. */
INLINE void object_from_entry(struct call *call, struct ipc_object *object)
{
	struct thread_state *state = thread_get(call->task);

	if (state && state->have & HAVE_OBJECT) {
		*object = state->object;
		state->have &= ~HAVE_OBJECT;
	}
}

INLINE void exit_shmdt(struct call *call)
{
	OBJECT(object);

	EVENT_BEGIN(shmdt, 0)
	SET(shmdt, record, shmaddr, call->arg[0]);
	object_from_entry(call, &object);
	if (object.found)
		FILL_SEGMENT(shmdt, record, &object);
	EVENT_END(shmdt)
	record_send(record);
}

/* ---- control ------------------------------------------------------------------- */

/* Beginning of msqid64_ds, shmid64_ds and semid64_ds as 64-bit programs pass them. */
struct user_permission {
	__s32 key;
	__u32 uid, gid, cuid, cgid, mode;
};

enum { USER_QBYTES = 88 /* msg_qbytes in struct msqid64_ds */, MODE_BITS = 0777 };

/* What IPC_SET asked for: the object if it was done, the caller's memory if not. */
struct change {
	__u32 uid, gid, mode;
	__u64 qbytes;
	bool known, from_user;
};

INLINE void change_read(struct call *call, enum object_kind kind, __u64 address,
			struct change *change)
{
	struct user_permission wish;
	struct ipc_object object = {};

	change->known = false;
	change->from_user = false;
	if (call->ret >= 0) {
		object_read(&object, call->task, kind, call->arg[0], false);
		change->known = object.found;
		change->uid = object.uid;
		change->gid = object.gid;
		change->mode = object.mode & MODE_BITS;
		change->qbytes = object.third;
		return;
	}
	if (call->compat || bpf_probe_read_user(&wish, sizeof(wish), (void *)address))
		return;
	change->known = true;
	change->from_user = true;
	change->uid = wish.uid;
	change->gid = wish.gid;
	change->mode = wish.mode;
	if (kind == OBJECT_MSG && bpf_probe_read_user(&change->qbytes, sizeof(change->qbytes),
						      (void *)(address + USER_QBYTES)))
		change->qbytes = 0;
}

#define FILL_CHANGE(event, record, change) \
	({ \
		SET(event, record, set_uid, (change)->uid); \
		SET(event, record, set_gid, (change)->gid); \
		SET(event, record, set_mode, (change)->mode); \
	})

#define CHANGE_BITS(event) \
	(FIELD_BIT(event, set_uid) | FIELD_BIT(event, set_gid) | FIELD_BIT(event, set_mode))

INLINE void exit_msgctl(struct call *call)
{
	OBJECT(object);
	struct change change = {};

	EVENT_BEGIN(msgctl, 0)
	SET(msgctl, record, msqid, (__s32)call->arg[0]);
	SET(msgctl, record, cmd, (__s32)call->arg[1]);
	SET(msgctl, record, buf, call->arg[2]);
	object_from_entry(call, &object);
	if (object.found) {
		FILL_QUEUE(msgctl, record, &object);
		SET(msgctl, record, msg_qbytes, object.third);
	}
	if ((__s32)call->arg[1] == COMMAND_SET)
		change_read(call, OBJECT_MSG, call->arg[2], &change);
	if (change.known) {
		FILL_CHANGE(msgctl, record, &change);
		SET(msgctl, record, set_qbytes, change.qbytes);
	}
	EVENT_END(msgctl)
	if (change.from_user)
		record->header.user |= CHANGE_BITS(msgctl) | FIELD_BIT(msgctl, set_qbytes);
	record_send(record);
}

INLINE void exit_shmctl(struct call *call)
{
	OBJECT(object);
	struct change change = {};

	EVENT_BEGIN(shmctl, 0)
	SET(shmctl, record, shmid, (__s32)call->arg[0]);
	SET(shmctl, record, cmd, (__s32)call->arg[1]);
	SET(shmctl, record, buf, call->arg[2]);
	object_from_entry(call, &object);
	if (object.found)
		FILL_SEGMENT(shmctl, record, &object);
	if ((__s32)call->arg[1] == COMMAND_SET)
		change_read(call, OBJECT_SHM, call->arg[2], &change);
	if (change.known)
		FILL_CHANGE(shmctl, record, &change);
	EVENT_END(shmctl)
	if (change.from_user)
		record->header.user |= CHANGE_BITS(shmctl);
	record_send(record);
}

INLINE void exit_semctl(struct call *call)
{
	OBJECT(object);
	struct change change = {};

	EVENT_BEGIN(semctl, 0)
	SET(semctl, record, semid, (__s32)call->arg[0]);
	SET(semctl, record, semnum, (__s32)call->arg[1]);
	SET(semctl, record, cmd, (__s32)call->arg[2]);
	SET(semctl, record, arg, call->arg[3]);
	object_from_entry(call, &object);
	if (object.found)
		FILL_SET_OF_SEMAPHORES(semctl, record, &object);
	if ((__s32)call->arg[2] == COMMAND_SET)
		change_read(call, OBJECT_SEM, call->arg[3], &change);
	if (change.known)
		FILL_CHANGE(semctl, record, &change);
	EVENT_END(semctl)
	if (change.from_user)
		record->header.user |= CHANGE_BITS(semctl);
	record_send(record);
}

/* ---- semaphore operations ------------------------------------------------------ */

enum { OPS_FEW = 2, ERROR_FAULT = 14, ERROR_TOO_BIG = 7, ERROR_NO_MEMORY = 12 };

/*
 * The operations as the kernel copied them, or else as they are in user memory now.
 * Not read if the kernel never got to them, so that all hooks agree.
 */
INLINE __u32 operations_read(struct call *call, struct sembuf *operations, bool *from_user)
{
	struct thread_state *state = call->kernel_copy ? thread_get(call->task) : NULL;
	__u64 count = call->arg[2];

	*from_user = false;
	if (call->ret == -ERROR_TOO_BIG || call->ret == -ERROR_FAULT ||
	    call->ret == -ERROR_NO_MEMORY || count == 0)
		return 0;
	if (count > SEMBUF_MAX)
		count = SEMBUF_MAX;
	if (state && state->have & HAVE_OPS) {
		state->have &= ~HAVE_OPS;
		__builtin_memcpy(operations, state->operations, sizeof(state->operations));
		return count;
	}
	if (bpf_probe_read_user(operations, count * sizeof(*operations), (void *)call->arg[1]))
		return 0;
	*from_user = true;
	return count;
}

/* Three arrays of `capacity` elements behind the body, of which `count` are used. */
#define FILL_OPERATIONS(event, record, operations, count, capacity) \
	({ \
		__u32 at = sizeof((record)->header) + sizeof((record)->body); \
		__s16 *values = (__s16 *)(record)->bytes; \
		for (int i = 0; i < (capacity) && i < (int)(count); i++) { \
			values[i] = (operations)[i].sem_num; \
			values[i + (capacity)] = (operations)[i].sem_op; \
			values[i + 2 * (capacity)] = (operations)[i].sem_flg; \
		} \
		SET(event, record, sem_num, ((struct wire_ref){ at, 2 * (count) })); \
		SET(event, record, sem_op, \
		    ((struct wire_ref){ at + 2 * (capacity), 2 * (count) })); \
		SET(event, record, sem_flg, \
		    ((struct wire_ref){ at + 4 * (capacity), 2 * (count) })); \
	})

#define OPERATION_BITS(event) \
	(FIELD_BIT(event, sem_num) | FIELD_BIT(event, sem_op) | FIELD_BIT(event, sem_flg))

/* What semop and semtimedop share, with room for `capacity` operations. */
#define SEMOP_BODY(event, capacity, timeout_part) \
	{ \
		struct ipc_object object; \
		object.found = 0; \
		EVENT_BEGIN(event, 3 * 2 * (capacity)) \
		SET(event, record, semid, (__s32)call->arg[0]); \
		SET(event, record, sops, call->arg[1]); \
		SET(event, record, nsops, call->arg[2]); \
		timeout_part if (count) \
			FILL_OPERATIONS(event, record, operations, count, capacity); \
		SET(event, record, sops_more, \
		    call->arg[2] > SEMBUF_MAX ? call->arg[2] - SEMBUF_MAX : 0); \
		object_read(&object, call->task, OBJECT_SEM, call->arg[0], false); \
		if (object.found) \
			FILL_SET_OF_SEMAPHORES(event, record, &object); \
		EVENT_END(event) \
		if (from_user) \
			record->header.user |= OPERATION_BITS(event); \
		timeout_user record_send(record); \
	}

struct old_timespec {
	__s32 sec, nsec;
};

INLINE bool timeout_read(struct call *call, struct wire_timespec *timeout)
{
	struct old_timespec narrow;
	void *address = (void *)call->arg[3];

	if (!call->old_time)
		return bpf_probe_read_user(timeout, sizeof(*timeout), address) == 0;
	if (bpf_probe_read_user(&narrow, sizeof(narrow), address))
		return false;
	timeout->sec = narrow.sec;
	timeout->nsec = narrow.nsec;
	return true;
}

INLINE void exit_semop(struct call *call)
{
	struct sembuf operations[SEMBUF_MAX];
	bool from_user;
	__u32 count;

	if (!wanted(SLOT_semop))
		return;
	count = operations_read(call, operations, &from_user);
#define timeout_user
	if (count <= OPS_FEW)
		SEMOP_BODY(semop, OPS_FEW, )
	else
		SEMOP_BODY(semop, SEMBUF_MAX, )
#undef timeout_user
}

INLINE void exit_semtimedop(struct call *call)
{
	struct sembuf operations[SEMBUF_MAX];
	struct wire_timespec timeout = {};
	bool from_user, has_timeout;
	__u32 count;

	if (!wanted(SLOT_semtimedop))
		return;
	count = operations_read(call, operations, &from_user);
	has_timeout = timeout_read(call, &timeout);
#define timeout_user \
	if (has_timeout) \
		record->header.user |= FIELD_BIT(semtimedop, timeout);
	if (count <= OPS_FEW)
		SEMOP_BODY(semtimedop, OPS_FEW,
			   if (has_timeout) SET(semtimedop, record, timeout, timeout);)
	else
		SEMOP_BODY(semtimedop, SEMBUF_MAX,
			   if (has_timeout) SET(semtimedop, record, timeout, timeout);)
#undef timeout_user
}

#endif
