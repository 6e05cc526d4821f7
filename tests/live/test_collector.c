// SPDX-License-Identifier: Apache-2.0
/*
 * The collector against the running kernel: tests/live/workload makes known calls, and
 * what source_live hands over must be exactly those. Every kind of hook this kernel
 * offers is tried. Needs root; says so where it is not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/err.h"
#include "source.h"

enum { RING_SMALL = 256 << 10, RUNS = 1000 };

/* ---- running the workload under the sensor ------------------------------------- */

struct run {
	struct buf records;	  /* those of the workload, as they came */
	pid_t child;		  /* the workload */
	uint64_t lost;		  /* sum of events_lost */
	uint32_t seen;		  /* records of the workload */
	struct buf printed;	  /* by the workload */
	uint64_t cpu_seq[1024];	  /* highest sequence number + 1 */
	uint64_t cpu_count[1024]; /* records of any process */
};

static void run_free(struct run *run)
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

static const char all_calls[] = "msgget msgsnd msgrcv msgctl shmget shmat shmdt shmctl semget semop "
				"semctl semtimedop ipc";

static int sensor_open(enum hook_mode mode, const char *names, size_t ring, struct source **source,
		       struct err *err)
{
	const struct event_def *events[32];
	struct source_want want = { .events = events, .hook = mode, .ring_bytes = ring };

	want.count = wanted(events, names);
	return source_live.open(&want, source, err);
}

/* read: hand over while the workload runs; otherwise only when it has ended. */
static void run_once(struct run *run, enum hook_mode mode, const char *names, size_t ring,
			 bool read_meanwhile, const char *what, const char *argument)
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
	while (read_meanwhile && waitpid(run->child, &status, WNOHANG) == 0)
		assert_true(source_live.read(source, 20, keep, run, &err) >= 0);
	if (!read_meanwhile)
		assert_int_equal(waitpid(run->child, &status, 0), run->child);
	assert_int_equal(source_live.drain(source, keep, run, &err), 0);
	source_live.close(source);
	while ((len = read(out, text, sizeof(text))) > 0)
		buf_add(&run->printed, text, (size_t)len);
	close(out);
	assert_int_equal(status, 0);
}

/*
 * Without losses: others on this machine may fill the ring faster than we are given time to
 * read it, so a run that lost something is made again.
 */
static void run_workload(struct run *run, enum hook_mode mode, const char *names, const char *what,
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

/* How often the workload says it made a call. */
static uint64_t run_done(struct run *run, const char *call)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "done %s ", call);
	at = strstr(buf_cstr(&run->printed), line);
	return at ? strtoull(at + strlen(line), NULL, 10) : 0;
}

/* The records of an event one after the other; start with NULL. */
static const struct wire_header *run_next(const struct run *run, uint16_t id,
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

/* FIRST(run, msgget, record, body): the first record of an event; NEXT: the one after. */
#define FIRST(run, event, record, body) \
	const struct wire_header *record = run_next(run, EV_##event, NULL); \
	const struct ev_##event *body = (const struct ev_##event *)(record + 1); \
	assert_non_null(record)

#define NEXT(run, event, record, body) \
	({ \
		record = run_next(run, EV_##event, record); \
		assert_non_null(record); \
		body = (const struct ev_##event *)(record + 1); \
	})

#define HAS(event, record, field) ((record)->present >> FIELD_AT(event, field) & 1)

/* ---- which hooks are there ------------------------------------------------------- */

static bool ready(void)
{
	if (geteuid() == 0 && access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		return true;
	print_message("# needs root and BTF\n");
	skip();
	return false;
}

/* Asked once: opening a sensor takes a while. */
static bool offers(enum hook_mode mode)
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

static const enum hook_mode modes[] = { HOOK_FENTRY, HOOK_KPROBE, HOOK_TRACEPOINT, HOOK_RAW };

/* ---- exactly those calls ------------------------------------------------------------ */

static void check_counts(struct run *run)
{
	static const char *const calls[] = { "msgget", "msgsnd", "msgrcv", "msgctl", "shmget",
					     "shmat",  "shmdt",	 "shmctl", "semget", "semop",
					     "semctl", "semtimedop", "ipc" };

	assert_int_equal(run->lost, 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		uint16_t id = event_by_name(str_of(calls[i]))->id;
		const struct wire_header *record = NULL;
		uint64_t seen = 0;

		while ((record = run_next(run, id, record)))
			seen++;
		if (seen != run_done(run, calls[i]))
			fail_msg("%s: %llu seen, %llu done", calls[i], (unsigned long long)seen,
				 (unsigned long long)run_done(run, calls[i]));
	}
}

static void test_every_call_once(void **state)
{
	(void)state;
	if (!ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct run run;

		if (!offers(modes[i]))
			continue;
		run_workload(&run, modes[i], all_calls, "calls", "1000");
		check_counts(&run);
		assert_int_equal(run.seen, 12 * RUNS);
		run_free(&run);
		run_workload(&run, modes[i], all_calls, "all", "3");
		check_counts(&run);
		run_free(&run);
	}
}

/* Round by round, as round_of_calls() of the workload makes them. */
static void test_arguments(void **state)
{
	struct run run;

	(void)state;
	if (!ready())
		return;
	run_workload(&run, HOOK_NONE, all_calls, "calls", "50");
	{
		FIRST(&run, msgget, get, msgget);
		FIRST(&run, msgsnd, snd, msgsnd);
		FIRST(&run, msgrcv, rcv, msgrcv);
		FIRST(&run, semtimedop, timed, semtimedop);
		FIRST(&run, shmat, at, shmat);
		FIRST(&run, shmdt, dt, shmdt);

		for (int turn = 0;; turn++) {
			assert_int_equal(msgget->key, IPC_PRIVATE);
			assert_int_equal(msgget->msgflg, IPC_CREAT | 0600);
			assert_true(msgget->returnValue >= 0);
			assert_int_equal(msgget->perm_id, msgget->returnValue);
			assert_int_equal(msgget->perm_mode & 0777, 0600);
			assert_int_equal(msgsnd->msqid, msgget->returnValue);
			assert_int_equal(msgsnd->msg_type, turn + 1);
			assert_int_equal(msgsnd->msg_size, 16);
			assert_int_equal(msgsnd->msg_qnum, 1);
			assert_int_equal(msgrcv->msgsz, 64);
			assert_int_equal(msgrcv->returnValue, 16);
			assert_int_equal(msgrcv->msg_type, turn + 1);
			assert_int_equal(msgrcv->msg_qnum, 0);
			assert_int_equal(semtimedop->nsops, 1);
			assert_int_equal(semtimedop->timeout.nsec, 1000);
			assert_int_equal(semtimedop->returnValue, turn % 2 ? 0 : -EAGAIN);
			assert_int_equal(shmat->shm_segsz, 8192);
			assert_int_equal(shmat->shm_nattch, 1);
			assert_int_equal(shmdt->shmaddr, shmat->returnValue);
			if (HAS(shmdt, dt, perm_id)) /* Linux 5.17 and later */
				assert_int_equal(shmdt->perm_id, shmat->shmid);
			if (turn == 49)
				break;
			NEXT(&run, msgget, get, msgget);
			NEXT(&run, msgsnd, snd, msgsnd);
			NEXT(&run, msgrcv, rcv, msgrcv);
			NEXT(&run, semtimedop, timed, semtimedop);
			NEXT(&run, shmat, at, shmat);
			NEXT(&run, shmdt, dt, shmdt);
		}
	}
	run_free(&run);
}

/* The n-th control call of a kind, as control_queue() and its sisters make them. */
static void test_control(void **state)
{
	struct run run;

	(void)state;
	if (!ready())
		return;
	run_workload(&run, HOOK_NONE, all_calls, "control", "");
	{
		FIRST(&run, msgctl, queue, msgctl);
		FIRST(&run, shmctl, segment, shmctl);
		FIRST(&run, semctl, set, semctl);

		while (msgctl->cmd != IPC_SET)
			NEXT(&run, msgctl, queue, msgctl);
		assert_int_equal(msgctl->perm_key, 0x5f000001);
		assert_int_equal(msgctl->perm_uid, 0); /* as it was before */
		assert_int_equal(msgctl->perm_mode, 0600);
		assert_int_equal(msgctl->set_uid, 1234);
		assert_int_equal(msgctl->set_gid, 4321);
		assert_int_equal(msgctl->set_mode, 0666);
		assert_int_equal(msgctl->set_qbytes, 4096);
		assert_int_equal(queue->user & FIELD_BIT(msgctl, set_uid), 0);
		NEXT(&run, msgctl, queue, msgctl); /* the same on an id that is none */
		assert_int_equal(msgctl->returnValue, -EINVAL);
		assert_int_equal(msgctl->set_uid, 1234);
		assert_true(queue->user & FIELD_BIT(msgctl, set_uid));
		assert_false(HAS(msgctl, queue, perm_id));
		NEXT(&run, msgctl, queue, msgctl); /* MSG_STAT takes an index */
		assert_int_equal(msgctl->perm_id, msgctl->returnValue);
		assert_int_equal(msgctl->perm_uid, 1234);
		NEXT(&run, msgctl, queue, msgctl); /* IPC_INFO is about no object */
		assert_false(HAS(msgctl, queue, perm_id));
		NEXT(&run, msgctl, queue, msgctl);
		assert_int_equal(msgctl->cmd, IPC_RMID);
		assert_int_equal(msgctl->perm_id, msgctl->msqid);
		assert_int_equal(msgctl->perm_key, 0x5f000001);
		assert_int_equal(msgctl->msg_qbytes, 4096);

		while (shmctl->cmd != IPC_SET)
			NEXT(&run, shmctl, segment, shmctl);
		assert_int_equal(shmctl->perm_mode & 0777, 0600);
		assert_int_equal(shmctl->set_mode, 0606);
		assert_int_equal(shmctl->shm_segsz, 3 * 8192);
		while (shmctl->cmd != IPC_RMID)
			NEXT(&run, shmctl, segment, shmctl);
		assert_int_equal(shmctl->perm_uid, 1234);

		while (semctl->cmd != IPC_SET)
			NEXT(&run, semctl, set, semctl);
		assert_int_equal(semctl->sem_nsems, 4);
		assert_int_equal(semctl->set_mode, 0646);
		while (semctl->cmd != IPC_RMID)
			NEXT(&run, semctl, set, semctl);
		assert_int_equal(semctl->perm_id, semctl->semid);
	}
	run_free(&run);
}

/* A receiver that slept got its message from the sender's hands. */
static void test_messages(void **state)
{
	(void)state;
	if (!ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct run run;
		bool kernel_copy = modes[i] == HOOK_FENTRY || modes[i] == HOOK_KPROBE;

		if (!offers(modes[i]))
			continue;
		run_workload(&run, modes[i], "msgsnd msgrcv", "messages", "");
		{
			FIRST(&run, msgrcv, rcv, msgrcv);

			while ((pid_t)rcv->pid == run.child)
				NEXT(&run, msgrcv, rcv, msgrcv);
			assert_int_equal(msgrcv->returnValue, 8);
			assert_int_equal(msgrcv->msg_type, 42);
			assert_int_equal(!(rcv->user & FIELD_BIT(msgrcv, msg_type)), kernel_copy);
			rcv = NULL;
			NEXT(&run, msgrcv, rcv, msgrcv);
			while (msgrcv->msgtyp != -6)
				NEXT(&run, msgrcv, rcv, msgrcv);
			assert_int_equal(msgrcv->msg_type, 3);
			assert_int_equal(msgrcv->msg_size, 4); /* cut */
		}
		run_free(&run);
	}
}

static void test_operations(void **state)
{
	(void)state;
	if (!ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		static const uint32_t sizes[] = { 1, 2, 3, 16, 17, 500 };
		struct run run;

		if (!offers(modes[i]))
			continue;
		run_workload(&run, modes[i], "semop semtimedop", "operations", "");
		FIRST(&run, semop, record, semop);
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
			uint32_t kept = MIN(sizes[j], 16);
			const int16_t *ops = (const void *)((const char *)record +
							    semop->sem_op.offset);
			const int16_t *numbers = (const void *)((const char *)record +
								semop->sem_num.offset);

			assert_int_equal(semop->nsops, sizes[j]);
			assert_int_equal(semop->sem_op.len, 2 * kept);
			assert_int_equal(semop->sops_more, sizes[j] - kept);
			for (uint32_t k = 0; k < kept; k++) {
				assert_int_equal(ops[k], k % 2 ? -1 : 1);
				assert_int_equal(numbers[k], k / 2);
			}
			if (j + 1 < ARRAY_SIZE(sizes))
				NEXT(&run, semop, record, semop);
		}
		run_free(&run);
	}
}

/* ---- 32-bit calls -------------------------------------------------------------------- */

static void test_compat(void **state)
{
	(void)state;
	if (!ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct run run;

		if (!offers(modes[i]))
			continue;
		run_workload(&run, modes[i], all_calls, "compat", "");
		check_counts(&run);
		{
			FIRST(&run, msgrcv, rcv, msgrcv);
			FIRST(&run, semctl, set, semctl);
			FIRST(&run, msgget, get, msgget);

			for (const char *at = run.records.data;
			     at < run.records.data + run.records.len;
			     at += ((const struct wire_header *)(const void *)at)->size)
				assert_true(((const struct wire_header *)(const void *)at)->flags &
					    WIRE_COMPAT);
			assert_int_equal(msgrcv->msgtyp, -20); /* sign kept */
			assert_int_equal(msgrcv->msg_type, 11);
			while (msgrcv->msgtyp != -13) /* through ipc(2), type and pointer in memory */
				NEXT(&run, msgrcv, rcv, msgrcv);
			assert_true(rcv->user & FIELD_BIT(msgrcv, msgtyp));
			while (semctl->cmd != 16) /* SETVAL, without the bit of the version */
				NEXT(&run, semctl, set, semctl);
			assert_int_equal(semctl->arg, 5);
			while (msgget->key == 0)
				NEXT(&run, msgget, get, msgget);
			assert_int_equal(msgget->returnValue, -ENOENT);
		}
		run_free(&run);
	}
}

/* Nobody hides behind ipc(2): the call is reported although ipc itself is not wanted. */
static void test_multiplexer_hides_nothing(void **state)
{
	(void)state;
	if (!ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct run run;

		if (!offers(modes[i]))
			continue;
		run_workload(&run, modes[i], "msgget", "compat", "");
		assert_int_equal(run.seen, run_done(&run, "msgget"));
		assert_null(run_next(&run, EV_ipc, NULL));
		run_free(&run);
	}
}

/* ---- losses ---------------------------------------------------------------------------- */

static void test_losses_are_exact(void **state)
{
	(void)state;
	if (!ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct run run;
		uint64_t gaps = 0;

		if (!offers(modes[i]))
			continue;
		run_once(&run, modes[i], "msgget", RING_SMALL, false, "rate", "1");
		assert_true(run.lost > 0);
		for (size_t cpu = 0; cpu < ARRAY_SIZE(run.cpu_seq); cpu++)
			gaps += run.cpu_seq[cpu] - run.cpu_count[cpu];
		/* Others may call msgget too, hence at least. */
		assert_true(run.seen + run.lost >= run_done(&run, "msgget"));
		assert_true(run.seen + run.lost <= run_done(&run, "msgget") + 1000);
		/* Numbers tell what was lost before the last record that came. */
		assert_true(gaps <= run.lost);
		run_free(&run);
	}
}

static void test_full_rate(void **state)
{
	struct run run;

	(void)state;
	if (!ready())
		return;
	run_once(&run, HOOK_NONE, "msgget", 0, true, "rate", "2");
	if (run.lost == 0)
		assert_int_equal(run.seen, run_done(&run, "msgget"));
	else
		assert_true(run.seen + run.lost >= run_done(&run, "msgget"));
	run_free(&run);
}

/* ---- context ----------------------------------------------------------------------------- */

static uint32_t namespace_inode(const char *name)
{
	char path[64];
	struct stat stat_data;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	assert_int_equal(stat(path, &stat_data), 0);
	return (uint32_t)stat_data.st_ino;
}

static void test_header(void **state)
{
	struct run run;

	(void)state;
	if (!ready())
		return;
	run_workload(&run, HOOK_NONE, "msgget", "calls", "2");
	{
		FIRST(&run, msgget, record, msgget);

		assert_non_null(msgget);
		assert_int_equal(record->tid, record->pid);
		assert_int_equal(record->ns_ppid, getpid());
		assert_int_equal(record->uid, getuid());
		assert_int_equal(record->euid, geteuid());
		assert_int_equal(record->gid, getgid());
		assert_int_equal(record->mnt_ns, namespace_inode("mnt"));
		assert_int_equal(record->pid_ns, namespace_inode("pid"));
		assert_int_equal(record->ipc_ns, namespace_inode("ipc"));
		assert_int_equal(record->user_ns, namespace_inode("user"));
		assert_int_equal(record->net_ns, namespace_inode("net"));
		assert_int_equal(record->syscall, 68);
		assert_string_equal(record->comm, "workload");
		assert_int_equal(record->start_time, record->leader_start_time);
		assert_true(record->parent_start_time < record->start_time);
		assert_true(record->start_time < record->time);
		assert_true(record->flags & WIRE_CONTEXT);
		assert_int_equal(record->flags & WIRE_COMPAT, 0);
		assert_int_equal(record->size % 8, 0);
	}
	run_free(&run);
}

static void test_processes(void **state)
{
	struct run run;
	int forks = 0, execs = 0, exits = 0;
	const struct wire_header *record = NULL;

	(void)state;
	if (!ready())
		return;
	run_workload(&run, HOOK_NONE, "sched_process_fork sched_process_exec sched_process_exit",
		     "processes", "5");
	while ((record = run_next(&run, EV_sched_process_fork, record)))
		forks += (pid_t)record->pid == run.child;
	record = NULL;
	while ((record = run_next(&run, EV_sched_process_exec, record))) {
		const struct ev_sched_process_exec *exec =
			(const struct ev_sched_process_exec *)(record + 1);
		struct str path = { (const char *)record + exec->pathname.offset,
				    exec->pathname.len };

		if ((pid_t)record->ppid != run.child)
			continue;
		execs++;
		assert_true(path.len > 9 && memcmp(path.data + path.len - 9, "/workload", 9) == 0);
		assert_int_equal(exec->argv.len, sizeof("workload\0nothing"));
		assert_memory_equal((const char *)record + exec->argv.offset, "workload\0nothing",
				    exec->argv.len);
	}
	record = NULL;
	while ((record = run_next(&run, EV_sched_process_exit, record)))
		exits += (pid_t)record->ppid == run.child;
	assert_int_equal(forks, 5);
	assert_int_equal(execs, 5);
	assert_int_equal(exits, 5);
	run_free(&run);
}

struct sighting {
	bool process, cgroup;
	uint64_t cgroup_id;
};

/* Two passes: the cgroup's record comes before its first process. */
static void find_self(void *ctx, const struct wire_header *record, const struct event_given *given)
{
	struct sighting *self = ctx;
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

	(void)given;
	if (record->id == EV_process_existing && (pid_t)record->ns_pid == getpid()) {
		const struct ev_process_existing *body =
			(const struct ev_process_existing *)(record + 1);

		self->process = true;
		self->cgroup_id = record->cgroup_id;
		assert_int_equal(body->pathname.len, len);
		assert_memory_equal((const char *)record + body->pathname.offset, path, len);
	}
	if (record->id == EV_cgroup_existing && self->cgroup_id) {
		const struct ev_cgroup_existing *body =
			(const struct ev_cgroup_existing *)(record + 1);

		self->cgroup |= body->cgroup_id == self->cgroup_id &&
				HAS(cgroup_existing, record, cgroup_path);
	}
}

static void test_existing(void **state)
{
	struct sighting self = { 0 };
	struct source *source;
	struct err err = { 0 };

	(void)state;
	if (!ready())
		return;
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(sensor_open(HOOK_NONE, "msgget", 0, &source, &err), 0);
		assert_true(source_live.read(source, 0, find_self, &self, &err) > 0);
		source_live.close(source);
	}
	assert_true(self.process);
	assert_true(self.cgroup);
}

/* ---- the sensor itself, and what it cannot do ------------------------------------------------ */

static void fail_on_own(void *ctx, const struct wire_header *record, const struct event_given *given)
{
	(void)ctx;
	(void)given;
	if (record->id == EV_msgget)
		assert_int_not_equal(record->ns_pid, getpid());
}

static void test_not_itself(void **state)
{
	struct source *source;
	struct err err = { 0 };

	(void)state;
	if (!ready())
		return;
	assert_int_equal(sensor_open(HOOK_NONE, "msgget", 0, &source, &err), 0);
	for (int i = 0; i < 10; i++)
		msgget(0x5f0000fe, 0);
	assert_int_equal(source_live.drain(source, fail_on_own, NULL, &err), 0);
	source_live.close(source);
}

static void test_forced_mode_or_nothing(void **state)
{
	bool all = true;

	(void)state;
	if (!ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct source *source = NULL;
		struct err err = { 0 };

		if (sensor_open(modes[i], all_calls, 0, &source, &err) == 0) {
			source_live.close(source);
			continue;
		}
		all = false;
		assert_int_equal(err.code, -ENOTSUP);
		assert_null(source);
		assert_true(err.message[0] && err.hint[0]);
	}
	if (all)
		print_message("# this kernel offers every kind of hook\n");
}

static void test_without_root(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (!ready())
		return;
	child = fork();
	if (child == 0) {
		struct source *source;
		struct err err = { 0 };

		if (setuid(65534) != 0)
			_exit(2);
		_exit(sensor_open(HOOK_NONE, "msgget", 0, &source, &err) == -EPERM && err.hint[0] ? 0 :
												    1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_two_at_once(void **state)
{
	struct source *first, *second;
	struct err err = { 0 };
	struct run run;

	(void)state;
	if (!ready())
		return;
	assert_int_equal(sensor_open(HOOK_NONE, "msgget", 0, &first, &err), 0);
	assert_int_equal(sensor_open(HOOK_NONE, "msgget", 0, &second, &err), 0);
	run_workload(&run, HOOK_NONE, "msgget", "calls", "10");
	assert_int_equal(run.seen, 10);
	run_free(&run);
	source_live.close(first);
	source_live.close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call_once),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_compat),
		cmocka_unit_test(test_multiplexer_hides_nothing),
		cmocka_unit_test(test_losses_are_exact),
		cmocka_unit_test(test_full_rate),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_existing),
		cmocka_unit_test(test_not_itself),
		cmocka_unit_test(test_forced_mode_or_nothing),
		cmocka_unit_test(test_without_root),
		cmocka_unit_test(test_two_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
