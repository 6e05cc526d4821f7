// SPDX-License-Identifier: Apache-2.0
/*
 * The collector around its events: losses counted exactly, the context of a record,
 * what was there before, and what the sensor refuses. Needs root; says so where it is not.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/common.h"
#include "../support/sensor.h"

enum { RING_SMALL = 256 << 10 };

/* ---- losses -------------------------------------------------------------------- */

static void test_losses_are_exact(void **state)
{
	(void)state;
	if (!sensor_ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hook_modes); i++) {
		struct run run;
		uint64_t gaps = 0;

		if (!sensor_offers(hook_modes[i]))
			continue;
		run_once(&run, hook_modes[i], "msgget", RING_SMALL, false, "rate", "1");
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
	if (!sensor_ready())
		return;
	run_once(&run, HOOK_NONE, "msgget", 0, true, "rate", "2");
	if (run.lost == 0)
		assert_int_equal(run.seen, run_done(&run, "msgget"));
	else
		assert_true(run.seen + run.lost >= run_done(&run, "msgget"));
	run_free(&run);
}

/* ---- context ------------------------------------------------------------------- */

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
	if (!sensor_ready())
		return;
	run_workload(&run, HOOK_NONE, "msgget", "calls", "2");
	{
		FIRST(&run, msgget, record);

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
	if (!sensor_ready())
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
		const struct ev_cgroup_existing *body = (const struct ev_cgroup_existing *)(record +
											    1);

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
	if (!sensor_ready())
		return;
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(sensor_open(HOOK_NONE, "msgget", 0, &source, &err), 0);
		assert_true(source_live.read(source, 0, find_self, &self, &err) > 0);
		source_live.close(source);
	}
	assert_true(self.process);
	assert_true(self.cgroup);
}

/* ---- the sensor itself, and what it cannot do ---------------------------------- */

static void fail_on_own(void *ctx, const struct wire_header *record,
			const struct event_given *given)
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
	if (!sensor_ready())
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
	if (!sensor_ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hook_modes); i++) {
		struct source *source = NULL;
		struct err err = { 0 };

		if (sensor_open(hook_modes[i], all_calls, 0, &source, &err) == 0) {
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
	if (!sensor_ready())
		return;
	child = fork();
	if (child == 0) {
		struct source *source;
		struct err err = { 0 };

		if (setuid(65534) != 0)
			_exit(2);
		_exit(sensor_open(HOOK_NONE, "msgget", 0, &source, &err) == -EPERM && err.hint[0]
			      ? 0
			      : 1);
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
	if (!sensor_ready())
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
