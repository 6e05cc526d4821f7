/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_replay: `spoor replay` of a capture of a million events with all built-in detectors.
 * Prints events a second of CPU time, as a ratio to the floor of this run (walking the records
 * of the same mapping and reading every byte), and the memory above the mapping.
 *
 * The events are those of a busy host: all twelve calls with the kernel's own fields, 64
 * processes, almost none of which a detector fires on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"
#include "source.h"

enum { EVENTS = 1000000, PROCESSES = 64, ROUNDS = 5, RECORD_ROOM = 1024 };

static const char *const calls[] = {
	"msgget", "msgsnd", "msgrcv", "msgctl", "shmget", "shmat",
	"shmdt",  "shmctl", "semget", "semop",	"semctl", "semtimedop"
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint32_t next_random(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

/* Plausible values by the name of the field; nothing a detector looks for. */
static uint64_t value_for(const char *name, uint32_t i)
{
	if (!strcmp(name, "key") || !strcmp(name, "perm_key"))
		return 0x51000000 + i % 97;
	if (!strcmp(name, "msgflg") || !strcmp(name, "shmflg") || !strcmp(name, "semflg"))
		return 0600;
	if (!strcmp(name, "perm_mode") || !strcmp(name, "set_mode"))
		return 0600;
	if (strstr(name, "uid") || strstr(name, "gid"))
		return 1000;
	if (!strcmp(name, "cmd"))
		return 2;
	if (!strcmp(name, "returnValue"))
		return 0;
	if (!strcmp(name, "address") || !strcmp(name, "shmaddr"))
		return 0; /* where the kernel likes: any other low one is ipc_low_map */
	return 1 + next_random() % 4096;
}

static void fill(struct wire_header *record, const struct event_def *def, uint32_t i)
{
	uint32_t process = 1000 + next_random() % PROCESSES;

	memset(record, 0, RECORD_ROOM);
	record->id = def->id;
	record->size = (uint32_t)(sizeof(*record) + def->body_size + 7) & ~7u;
	record->seq = i + 1;
	record->time = 1000000000ULL + i * 1000ULL;
	record->pid = record->tid = record->ns_pid = record->ns_tid = process;
	record->ppid = 1;
	record->start_time = record->leader_start_time = process;
	record->uid = record->euid = record->gid = 1000;
	record->loginuid = 1000;
	record->syscall = def->syscall;
	record->flags = WIRE_CONTEXT;
	memcpy(record->comm, "postgres", 8);
	for (unsigned f = 0; f < def->field_count; f++) {
		const struct event_field *field = &def->fields[f];
		char *at = (char *)record + field->offset;
		uint64_t value = value_for(field->name, i);

		switch (field->type) {
		case FIELD_i32:
		case FIELD_u32: memcpy(at, &value, 4); break;
		case FIELD_i64:
		case FIELD_u64:
		case FIELD_pointer: memcpy(at, &value, 8); break;
		default: continue; /* not captured */
		}
		record->present |= 1ULL << f;
	}
}

static int capture_make(const char *path)
{
	static uint64_t room[RECORD_ROOM / 8];
	struct wire_header *record = (void *)room;
	struct clock clock = { .boot_epoch_ns = 1700000000000000000ULL };
	struct capture_writer *writer;
	struct err err = { 0 };

	if (capture_create(path, &clock, &(struct host){ 0 }, 0, &writer, &err) < 0) {
		err_print(stderr, &err);
		return -1;
	}
	for (uint32_t i = 0; i < EVENTS; i++) {
		fill(record, event_by_name(str_of(calls[next_random() % ARRAY_SIZE(calls)])), i);
		if (capture_write(writer, record) < 0)
			break;
	}
	return capture_close(writer);
}

/* Reading every byte of the file once: no replay can be faster. */
static double floor_measure(const char *path, size_t *size)
{
	autoclean(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	*size = (size_t)st.st_size;
	double start = seconds();
	const uint64_t *words = mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);

	if (words == MAP_FAILED)
		return -1;
	volatile uint64_t sum = 0;
	uint64_t all = 0;

	for (size_t i = 0; i < *size / 8; i++)
		all += words[i];
	sum = all;
	(void)sum;
	munmap((void *)words, *size);
	return seconds() - start;
}

static double replay_measure(const char *spoor, const char *capture, size_t *rss)
{
	struct rusage usage;
	int status;
	pid_t child = fork();

	if (child == 0) {
		execl(spoor, spoor, "replay", "--quiet", "-o", "json:/dev/null", capture,
		      (char *)NULL);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status))
		return -1;
	*rss = (size_t)usage.ru_maxrss * 1024;
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(void)
{
	const char *build = getenv("B") ? getenv("B") : "build";
	char spoor[4096], capture[4096];
	double best = 1e9, floor_best = 1e9;
	size_t size = 0, rss = 0;

	snprintf(spoor, sizeof(spoor), "%s/spoor", build);
	snprintf(capture, sizeof(capture), "%s/bench.capture", build);
	if (capture_make(capture) < 0) {
		fprintf(stderr, "bench_replay: cannot make %s\n", capture);
		return 1;
	}
	for (int i = 0; i < ROUNDS; i++) {
		double base = floor_measure(capture, &size),
		       took = replay_measure(spoor, capture, &rss);

		if (base < 0 || took < 0) {
			fprintf(stderr, "bench_replay: %s replay failed\n", spoor);
			return 1;
		}
		best = MIN(best, took);
		floor_best = MIN(floor_best, base);
	}
	unlink(capture);
	printf("replay, built-in detectors   %6.2f M events/s   %5.0f ns/event   %4.1f x reading the bytes (%.0f ns)\n",
	       EVENTS / best / 1e6, best * 1e9 / EVENTS, best / floor_best,
	       floor_best * 1e9 / EVENTS);
	printf("memory above the mapping     %6.1f MiB (capture %.0f MiB)\n",
	       rss > size ? (double)(rss - size) / 1048576 : (double)rss / 1048576,
	       (double)size / 1048576);
	return 0;
}
