// SPDX-License-Identifier: Apache-2.0
/* Running the workload under the sensor, for live tests. */
#include "sensor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/common.h"

void run_free(struct run *run)
{
	buf_free(&run->records);
	buf_free(&run->printed);
}

static void keep(void *ctx, const struct wire_header *record, const struct event_given *given)
{
	struct run *run = ctx;

	assert_null(given);
	if (record->id == EV_events_lost)
		run->lost += ((const struct ev_events_lost *)(record + 1))->lost;
	if (record->cpu < ARRAY_SIZE(run->cpu_seq)) {
		run->cpu_count[record->cpu]++;
		run->cpu_seq[record->cpu] = MAX(run->cpu_seq[record->cpu], record->seq + 1);
	}
	if (record->cpu == WIRE_CPU_NONE || !run->child ||
	    ((pid_t)record->pid != run->child && (pid_t)record->ppid != run->child))
		return;
	run->seen++;
	buf_add(&run->records, record, record->size);
}

static const char *workload_path(void)
{
	static char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);

	assert_true(len > 0);
	path[len] = 0;
	memcpy(strrchr(path, '/'), "/workload", sizeof("/workload"));
	return path;
}

/* Starts `workload WHAT ARGUMENT`; its words go to *out. */
static pid_t workload_start(const char *what, const char *argument, int *out)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(workload_path(), "workload", what, argument, NULL);
		_exit(127);
	}
	close(ends[1]);
	*out = ends[0];
	return child;
}

static size_t wanted(const struct event_def **events, const char *names)
{
	size_t count = 0;

	while (*names) {
		size_t len = strcspn(names, " ");
		struct str name = { names, (uint32_t)len };

		events[count] = event_by_name(name);
		assert_non_null(events[count++]);
		names += len + strspn(names + len, " ");
	}
	return count;
}

const char all_calls[] = "msgget msgsnd msgrcv msgctl shmget shmat shmdt shmctl semget semop "
			 "semctl semtimedop ipc";

int sensor_open(enum hook_mode mode, const char *names, size_t ring, struct source **source,
		struct err *err)
{
	const struct event_def *events[32];
	struct source_want want = { .events = events, .hook = mode, .ring_bytes = ring };

	want.count = wanted(events, names);
	return source_live.open(&want, source, err);
}

void run_once(struct run *run, enum hook_mode mode, const char *names, size_t ring, bool meanwhile,
	      const char *what, const char *argument)
{
	struct source *source;
	struct err err = { 0 };
	char text[4096];
	ssize_t len;
	int out, status;

	*run = (struct run){ 0 };
	if (sensor_open(mode, names, ring, &source, &err) < 0)
		fail_msg("open: %s", err.message);
	assert_true(source_live.read(source, 0, keep, run, &err) >= 0); /* what was there before */
	run->child = workload_start(what, argument, &out);
	while (meanwhile && waitpid(run->child, &status, WNOHANG) == 0)
		assert_true(source_live.read(source, 20, keep, run, &err) >= 0);
	if (!meanwhile)
		assert_int_equal(waitpid(run->child, &status, 0), run->child);
	assert_int_equal(source_live.drain(source, keep, run, &err), 0);
	source_live.close(source);
	while ((len = read(out, text, sizeof(text))) > 0)
		buf_add(&run->printed, text, (size_t)len);
	close(out);
	assert_int_equal(status, 0);
}

void run_workload(struct run *run, enum hook_mode mode, const char *names, const char *what,
		  const char *argument)
{
	for (int i = 0; i < 5; i++) {
		run_once(run, mode, names, 0, true, what, argument);
		if (run->lost == 0)
			return;
		run_free(run);
	}
	fail_msg("records were lost in each of five runs");
}

uint64_t run_done(struct run *run, const char *call)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "done %s ", call);
	at = strstr(buf_cstr(&run->printed), line);
	return at ? strtoull(at + strlen(line), NULL, 10) : 0;
}

const struct wire_header *run_next(const struct run *run, uint16_t id,
				   const struct wire_header *after)
{
	const char *at = after ? (const char *)after + after->size : run->records.data;

	while (at < run->records.data + run->records.len) {
		const struct wire_header *record = (const struct wire_header *)(const void *)at;

		if (record->id == id)
			return record;
		at += record->size;
	}
	return NULL;
}

bool sensor_ready(void)
{
	if (geteuid() == 0 && access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		return true;
	print_message("# needs root and BTF\n");
	skip();
	return false;
}

/* Asked once: opening a sensor takes a while. */
bool sensor_offers(enum hook_mode mode)
{
	static signed char known[HOOK_RAW + 1]; /* 1 yes, -1 no */
	struct source *source;
	struct err err = { 0 };

	if (known[mode])
		return known[mode] > 0;
	if (sensor_open(mode, "msgget", 0, &source, &err) == 0) {
		source_live.close(source);
		known[mode] = 1;
	} else {
		assert_int_equal(err.code, -ENOTSUP);
		known[mode] = -1;
	}
	return known[mode] > 0;
}

const enum hook_mode hook_modes[4] = { HOOK_FENTRY, HOOK_KPROBE, HOOK_TRACEPOINT, HOOK_RAW };
