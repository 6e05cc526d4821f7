/* SPDX-License-Identifier: Apache-2.0 */
/* The System V IPC objects there are, as /proc/sysvipc lists them (proc(5)). */
#ifndef BASE_SYSVIPC_H
#define BASE_SYSVIPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line. Ids and processes are numbered as the reader's namespaces number them. */
struct sysv_object {
	const char *kind; /* "msg" "shm" "sem" */
	int32_t key, id;
	uint32_t mode, uid, gid, cuid, cgid;
	uint64_t size;	  /* shm: bytes; msg: bytes waiting; sem: semaphores */
	uint64_t users;	  /* shm: attaches; msg: messages waiting */
	bool has_pids;	  /* sem has none */
	uint32_t creator; /* shm: process; 0 for the others */
	uint32_t last;	  /* shm: the last to attach or detach; msg: the last to send or receive */
	int64_t used, changed; /* seconds since 1970, 0 never: last use; made or changed */
};

/*
 * Calls `each` for every object of the calling thread's IPC namespace. 0, or negative errno if
 * a list cannot be read (objects before it were given).
 */
int sysvipc_read(void (*each)(void *ctx, const struct sysv_object *object), void *ctx);

/* The same from one list's text; lines that are none are skipped. For tests. */
bool sysvipc_line(const char *kind, const char *line, struct sysv_object *out);

/*
 * The namespace /proc/PID/ns/ipc, if its inode is `ipc_ns`: as an array the caller frees. Another
 * namespace than our own is read from a thread that enters it, which needs CAP_SYS_ADMIN.
 * Negative errno if that cannot be done.
 */
int sysvipc_read_namespace(uint32_t pid, uint32_t ipc_ns, struct sysv_object **out, size_t *count);

#endif
