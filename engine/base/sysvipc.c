/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/sysvipc/{msg,shm,sem}: one object a line below a head (formats: ipc/msg.c, ipc/shm.c,
 * ipc/sem.c of the kernel). What a reader sees is its thread's IPC namespace when it opens.
 */
#include "sysvipc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

/* Lists are walked while others make objects: an end even so. */
enum { OBJECTS_MAX = 1 << 20 };

static bool line_msg(const char *line, struct sysv_object *out)
{
	unsigned long long bytes, messages, sent, received, changed;
	unsigned sender, receiver;

	if (sscanf(line, "%d %d %o %llu %llu %u %u %u %u %u %u %llu %llu %llu", &out->key, &out->id,
		   &out->mode, &bytes, &messages, &sender, &receiver, &out->uid, &out->gid,
		   &out->cuid, &out->cgid, &sent, &received, &changed) != 14)
		return false;
	out->size = bytes;
	out->users = messages;
	out->has_pids = true;
	out->last = sent >= received ? sender : receiver;
	out->used = (int64_t)MAX(sent, received);
	out->changed = (int64_t)changed;
	return true;
}

static bool line_shm(const char *line, struct sysv_object *out)
{
	unsigned long long size, attaches, attached, detached, changed;

	if (sscanf(line, "%d %d %o %llu %u %u %llu %u %u %u %u %llu %llu %llu", &out->key, &out->id,
		   &out->mode, &size, &out->creator, &out->last, &attaches, &out->uid, &out->gid,
		   &out->cuid, &out->cgid, &attached, &detached, &changed) != 14)
		return false;
	out->size = size;
	out->users = attaches;
	out->has_pids = true;
	out->used = (int64_t)MAX(attached, detached);
	out->changed = (int64_t)changed;
	return true;
}

static bool line_sem(const char *line, struct sysv_object *out)
{
	unsigned long long count, used, changed;

	if (sscanf(line, "%d %d %o %llu %u %u %u %u %llu %llu", &out->key, &out->id, &out->mode,
		   &count, &out->uid, &out->gid, &out->cuid, &out->cgid, &used, &changed) != 10)
		return false;
	out->size = count;
	out->used = (int64_t)used;
	out->changed = (int64_t)changed;
	return true;
}

static const struct {
	const char *kind, *path;
	bool (*line)(const char *line, struct sysv_object *out);
} lists[] = {
	{ "msg", "/proc/sysvipc/msg", line_msg },
	{ "shm", "/proc/sysvipc/shm", line_shm },
	{ "sem", "/proc/sysvipc/sem", line_sem },
};

bool sysvipc_line(const char *kind, const char *line, struct sysv_object *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (strcmp(kind, lists[i].kind) != 0)
			continue;
		*out = (struct sysv_object){ .kind = lists[i].kind };
		return lists[i].line(line, out);
	}
	return false;
}

int sysvipc_read(void (*each)(void *ctx, const struct sysv_object *object), void *ctx)
{
	char line[512];
	int left = OBJECTS_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		autoclean(fclosep) FILE *file = fopen(lists[i].path, "re");
		struct sysv_object object;

		if (!file)
			return -errno;
		while (left-- > 0 && fgets(line, sizeof(line), file))
			if (sysvipc_line(lists[i].kind, line, &object))
				each(ctx, &object);
	}
	return 0;
}

/* ---- other namespaces --------------------------------------------------------------- */

struct reading {
	int ns_fd; /* -1: the thread's own */
	struct sysv_object *objects;
	size_t count, capacity;
	int result;
};

static void keep(void *ctx, const struct sysv_object *object)
{
	struct reading *reading = ctx;

	if (reading->count == reading->capacity) {
		size_t capacity = reading->capacity ? reading->capacity * 2 : 64;
		struct sysv_object *larger = realloc(reading->objects, capacity * sizeof(*larger));

		if (!larger) {
			reading->result = -ENOMEM;
			return;
		}
		reading->objects = larger;
		reading->capacity = capacity;
	}
	reading->objects[reading->count++] = *object;
}

static void *read_there(void *ctx)
{
	struct reading *reading = ctx;
	int result;

	if (reading->ns_fd >= 0 && setns(reading->ns_fd, CLONE_NEWIPC) < 0) {
		reading->result = -errno;
		return NULL;
	}
	result = sysvipc_read(keep, reading);
	if (result < 0)
		reading->result = result;
	return NULL;
}

static bool is_namespace(int fd, uint32_t inode)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && stat.st_ino == inode;
}

static int read_elsewhere(struct reading *reading)
{
	pthread_t thread;
	int result = pthread_create(&thread, NULL, read_there, reading);

	if (result)
		return -result;
	pthread_join(thread, NULL);
	return reading->result;
}

int sysvipc_read_namespace(uint32_t pid, uint32_t ipc_ns, struct sysv_object **out, size_t *count)
{
	struct reading reading = { .ns_fd = -1 };
	autoclean(closep) int own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	autoclean(closep) int theirs = -1;
	char path[64];

	if (own >= 0 && is_namespace(own, ipc_ns)) {
		read_there(&reading);
	} else {
		snprintf(path, sizeof(path), "/proc/%u/ns/ipc", pid);
		theirs = open(path, O_RDONLY | O_CLOEXEC);
		if (theirs < 0 || !is_namespace(theirs, ipc_ns))
			return -ESRCH;
		reading.ns_fd = theirs;
		reading.result = read_elsewhere(&reading);
	}
	if (reading.result < 0) {
		free(reading.objects);
		return reading.result;
	}
	*out = reading.objects;
	*count = reading.count;
	return 0;
}
