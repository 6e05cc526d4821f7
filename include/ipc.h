/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of System V IPC objects: every queue, segment and semaphore set that was seen or
 * was there at the start, by (ipc namespace, kind, identifier). It learns from records only,
 * so that a replay knows what the live run knew. Fixed capacity; what was removed gives way
 * first, then objects of whoever has by far the most, so that a flood of one user's objects
 * does not push out another's.
 */
#ifndef SPOOR_IPC_H
#define SPOOR_IPC_H

#include "event.h"

struct stores;

enum ipc_kind { IPC_KIND_MSG, IPC_KIND_SHM, IPC_KIND_SEM, IPC_KINDS };

extern const char *const ipc_kind_names[IPC_KINDS]; /* "msg" "shm" "sem" */

/* Who did something to an object; pid 0: not known. */
struct ipc_actor {
	uint32_t pid;	     /* as the first pid namespace numbers it */
	uint64_t start_time; /* of the process, boot ns; with pid its identity */
	uint32_t uid;	     /* real */
	uint32_t user_ns;    /* its number, 0: not known */
	uint64_t cgroup_id;
	uint64_t time; /* boot ns; 0: before the sensor */
};

/* What IPC_SET left behind. */
struct ipc_change {
	struct ipc_actor actor;
	uint32_t mode, uid, gid; /* as they were before */
};

enum { IPC_CHANGES_MAX = 4 };

/* Valid until the next record. */
struct ipc_object {
	uint32_t ipc_ns;
	uint8_t kind;  /* enum ipc_kind */
	bool existing; /* was there before the sensor, or its making was lost */
	bool removed;  /* by IPC_RMID; a segment may live on while it is attached */
	int32_t key, id;
	uint32_t uid, gid, cuid, cgid, mode; /* mode: with SHM_DEST and SHM_LOCKED */
	uint64_t size;			     /* shm: bytes; msg: bytes waiting; sem: semaphores */
	uint64_t users; /* shm: attaches; msg: messages waiting, at the last event on it */
	struct ipc_actor creator, last;
	uint16_t last_event;			    /* id of the event; 0: none seen */
	uint32_t change_count;			    /* IPC_SETs that were seen */
	struct ipc_change changes[IPC_CHANGES_MAX]; /* the latest; entry i at i % IPC_CHANGES_MAX */
};

/* NULL: not known. */
const struct ipc_object *ipc_find(const struct stores *stores, uint32_t ipc_ns, enum ipc_kind kind,
				  int32_t id);
/* The object an event is about; NULL if it is about none, or none that is known. */
const struct ipc_object *ipc_of_event(const struct stores *stores,
				      const struct wire_header *record);
/* How many objects of a kind the user made that are still there. */
uint32_t ipc_count(const struct stores *stores, uint32_t ipc_ns, enum ipc_kind kind, uint32_t cuid);
/*
 * Objects a process made that are still there, and those that its parent made and left to it by
 * ending; at most `max`. Returns how many there are, which may be more.
 */
uint32_t ipc_made_by(const struct stores *stores, uint32_t pid, uint64_t start_time,
		     const struct ipc_object **out, uint32_t max);

#endif
