/* SPDX-License-Identifier: Apache-2.0 */
/* The process and container stores, taught by hand-made records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store.h"

static struct stores *fresh(uint32_t capacity)
{
	static const struct clock clock = { .boot_epoch_ns = 1700000000000000000ULL };
	struct stores *stores = stores_new(capacity, 8);

	assert_non_null(stores);
	stores_set_clock(stores, &clock);
	return stores;
}

static struct wire_header header(uint16_t id, uint32_t pid, uint64_t start, uint32_t ppid,
				 uint64_t pstart)
{
	struct wire_header h = {
		.size = sizeof(h),
		.id = id,
		.pid = pid,
		.tid = pid,
		.ppid = ppid,
		.start_time = start,
		.leader_start_time = start,
		.parent_start_time = pstart,
		.uid = 1000,
	};

	return h;
}

static void learn_fork(struct stores *stores, uint32_t parent, uint64_t parent_start,
		       uint32_t child, uint64_t start)
{
	struct {
		struct wire_header h;
		struct ev_sched_process_fork e;
	} r = { .h = header(EV_sched_process_fork, parent, parent_start, 1, 1) };

	r.e.child_pid = r.e.child_tid = (int)child;
	r.e.start_time = start;
	r.e.parent_process_pid = (int)parent;
	r.e.parent_process_start_time = parent_start;
	stores_update(stores, &r.h);
}

static void learn_exec(struct stores *stores, uint32_t pid, uint64_t start, uint32_t ppid,
		       uint64_t pstart, const char *path, const char *argv, uint32_t argv_len)
{
	struct {
		struct wire_header h;
		struct ev_sched_process_exec e;
		char tail[2048];
	} r = { .h = header(EV_sched_process_exec, pid, start, ppid, pstart) };
	uint32_t at = (uint32_t)(sizeof(r.h) + sizeof(r.e));

	r.e.pathname = (struct wire_ref){ at, (uint32_t)strlen(path) };
	memcpy(r.tail, path, strlen(path));
	r.e.argv = (struct wire_ref){ at + (uint32_t)strlen(path), argv_len };
	memcpy(r.tail + strlen(path), argv, argv_len);
	stores_update(stores, &r.h);
}

static void learn_exit(struct stores *stores, uint32_t pid, uint64_t start)
{
	struct {
		struct wire_header h;
		struct ev_sched_process_exit e;
	} r = { .h = header(EV_sched_process_exit, pid, start, 1, 1) };

	r.h.time = 77;
	r.e.process_group_exit = 1;
	stores_update(stores, &r.h);
}

static void learn_cgroup(struct stores *stores, uint64_t id, const char *path)
{
	struct {
		struct wire_header h;
		struct ev_cgroup_existing e;
		char tail[256];
	} r = { .h = header(EV_cgroup_existing, 0, 0, 0, 0) };

	r.e.cgroup_id = id;
	r.e.cgroup_path = (struct wire_ref){ sizeof(r.h) + sizeof(r.e), (uint32_t)strlen(path) };
	memcpy(r.tail, path, strlen(path));
	stores_update(stores, &r.h);
}

static void make_cgroup(struct stores *stores, uint64_t id, const char *path, bool tracked)
{
	struct {
		struct wire_header h;
		struct ev_cgroup_mkdir e;
		char tail[256];
	} r = { .h = header(EV_cgroup_mkdir, 100, 5, 1, 1) };

	r.e.cgroup_id = id;
	r.e.tracked = tracked;
	r.h.present = FIELD_BIT(cgroup_mkdir, tracked);
	r.e.cgroup_path = (struct wire_ref){ sizeof(r.h) + sizeof(r.e), (uint32_t)strlen(path) };
	memcpy(r.tail, path, strlen(path));
	stores_update(stores, &r.h);
}

static void fork_shares_and_exec_replaces(void **state)
{
	struct stores *stores = fresh(64);

	(void)state;
	learn_exec(stores, 100, 5, 1, 1, "/bin/sh", "sh\0-c\0", 6);
	learn_fork(stores, 100, 5, 101, 9);
	const struct process *child = process_find(stores, 101, 9);

	assert_non_null(child);
	assert_true(str_equal(child->executable, STR("/bin/sh")));
	assert_int_equal(child->argv_len, 6);
	assert_ptr_equal(process_parent(stores, child), process_find(stores, 100, 5));
	learn_exec(stores, 101, 9, 100, 5, "/bin/ls", "ls\0", 3);
	assert_true(str_equal(child->executable, STR("/bin/ls")));
	assert_true(str_equal(process_find(stores, 100, 5)->executable, STR("/bin/sh")));
	stores_free(stores);
}

static void a_reused_pid_is_another_process(void **state)
{
	struct stores *stores = fresh(64);

	(void)state;
	learn_exec(stores, 100, 5, 1, 1, "/bin/old", "", 0);
	learn_exit(stores, 100, 5);
	learn_exec(stores, 100, 50, 1, 1, "/bin/new", "", 0);
	assert_true(str_equal(process_find(stores, 100, 5)->executable, STR("/bin/old")));
	assert_int_equal(process_find(stores, 100, 5)->exit_time, 77);
	assert_true(str_equal(process_find(stores, 100, 50)->executable, STR("/bin/new")));
	assert_int_equal(process_find_pid(stores, 100)->start_time, 50);
	assert_null(process_find(stores, 100, 6));
	stores_free(stores);
}

static void relations(void **state)
{
	struct stores *stores = fresh(64);

	(void)state;
	learn_exec(stores, 1, 1, 0, 0, "/sbin/init", "", 0);
	learn_fork(stores, 1, 1, 10, 10);
	learn_fork(stores, 10, 10, 20, 20);
	learn_fork(stores, 10, 10, 21, 21);
	learn_fork(stores, 20, 20, 30, 30);
	learn_fork(stores, 1, 1, 11, 11);
#define P(pid) process_find(stores, pid, pid)
	assert_true(process_related(stores, P(10), P(30)));  /* ancestor */
	assert_true(process_related(stores, P(30), P(10)));  /* descendant */
	assert_true(process_related(stores, P(20), P(21)));  /* siblings */
	assert_true(process_related(stores, P(20), P(20)));  /* itself */
	assert_false(process_related(stores, P(30), P(21))); /* uncle: not near enough */
	assert_false(process_related(stores, P(10), P(11))); /* only init in common */
	assert_false(process_related(stores, P(1), P(30)));
	const struct process *children[4];

	assert_int_equal(process_children(stores, P(10), children, 4), 2);
	assert_int_equal(process_children(stores, P(10), children, 1), 1);
#undef P
	stores_free(stores);
}

/* Who is given a process when its parent ends has not started it. */
static void makers_stay(void **state)
{
	struct stores *stores = fresh(64);

	(void)state;
	learn_exec(stores, 1, 1, 0, 0, "/sbin/init", "", 0);
	learn_fork(stores, 1, 1, 10, 10);
	learn_fork(stores, 10, 10, 20, 20);
	learn_fork(stores, 20, 20, 30, 30);
	learn_exit(stores, 20, 20);
	learn_exec(stores, 30, 30, 1, 1, "/usr/sbin/daemon", "", 0);
#define P(pid) process_find(stores, pid, pid)
	assert_ptr_equal(process_parent(stores, P(30)), P(1));
	assert_ptr_equal(process_maker(stores, P(30)), P(20));
	assert_ptr_equal(process_maker(stores, P(20)), P(10));
	assert_null(process_maker(stores, P(1)));
	/* The first parent we see is who made it, if its start was not seen. */
	learn_exec(stores, 40, 40, 10, 10, "/bin/x", "", 0);
	learn_exec(stores, 40, 40, 1, 1, "/bin/x", "", 0);
	assert_ptr_equal(process_maker(stores, P(40)), P(10));
#undef P
	stores_free(stores);
}

/* Families are looked at so far and no further, whatever somebody builds. */
static void relations_are_bounded(void **state)
{
	enum { DEEP = 4096 };
	struct stores *stores = fresh(2 * DEEP);

	(void)state;
	learn_exec(stores, 10, 10, 1, 1, "/bin/x", "", 0);
	for (uint32_t pid = 11; pid < 10 + DEEP; pid++)
		learn_fork(stores, pid - 1, pid - 1, pid, pid);
#define P(pid) process_find(stores, pid, pid)
	assert_true(process_related(stores, P(10), P(10 + ANCESTORS_MAX)));
	assert_true(process_related(stores, P(10 + ANCESTORS_MAX), P(10)));
	assert_false(process_related(stores, P(10), P(10 + ANCESTORS_MAX + 1)));
	assert_false(process_related(stores, P(10), P(10 + DEEP - 1)));
#undef P
	stores_free(stores);
}

/* Full of living processes, the store stays bounded, counts, and keeps its links sound. */
static void eviction_is_bounded_and_counted(void **state)
{
	enum { CAPACITY = 64, FORKS = 10000 };
	struct stores *stores = fresh(CAPACITY);
	struct store_stats stats;

	(void)state;
	learn_exec(stores, 1, 1, 0, 0, "/sbin/init", "", 0);
	for (uint32_t i = 0; i < FORKS; i++) {
		uint32_t pid = 1000 + i, parent = i % 3 ? pid - 1 : 1;

		learn_fork(stores, parent, parent, pid, pid);
		if (i % 5 == 0)
			learn_exit(stores, pid, pid);
		const struct process *newest = process_find(stores, pid, pid);

		assert_non_null(newest);
		/* Walking up never loops. */
		uint32_t depth = 0;

		while ((newest = process_parent(stores, newest)))
			assert_true(++depth <= CAPACITY);
	}
	stores_stats(stores, &stats);
	assert_int_equal(stats.processes, CAPACITY);
	assert_true(stats.process_evicted >= FORKS - CAPACITY);
	stores_free(stores);
}

static void exited_go_before_the_living(void **state)
{
	struct stores *stores = fresh(64);

	(void)state;
	for (uint32_t pid = 100; pid < 164; pid++)
		learn_exec(stores, pid, pid, 1, 1, "/bin/x", "", 0);
	learn_exit(stores, 130, 130);
	/* Let the hand clear the marks once, by pretending time passes: two newcomers. */
	learn_exec(stores, 500, 500, 1, 1, "/bin/x", "", 0);
	uint32_t alive = 0;

	for (uint32_t pid = 100; pid < 164; pid++)
		alive += process_find(stores, pid, pid) != NULL;
	assert_int_equal(alive, 63);
	assert_null(process_find(stores, 130, 130));
	stores_free(stores);
}

/* At start processes come by pid, and pids are used again: children before their parents. */
static void a_parent_may_come_after_its_child(void **state)
{
	struct stores *stores = fresh(64);
	const struct process *children[4];

	(void)state;
	learn_exec(stores, 100, 50, 900, 9, "/bin/child", "", 0);
	assert_null(process_parent(stores, process_find(stores, 100, 50)));
	learn_exec(stores, 900, 9, 1, 1, "/bin/parent", "", 0);
	assert_ptr_equal(process_parent(stores, process_find(stores, 100, 50)),
			 process_find(stores, 900, 9));
	learn_exec(stores, 100, 50, 900, 9, "/bin/other", "", 0); /* anything it does */
	assert_int_equal(process_children(stores, process_find(stores, 900, 9), children, 4), 1);
	/* Nobody is their own parent, whatever a recording says. */
	learn_exec(stores, 7, 7, 7, 7, "/bin/odd", "", 0);
	assert_null(process_parent(stores, process_find(stores, 7, 7)));
	stores_free(stores);
}

/* Far more living processes than fit: a full scan for each newcomer would take minutes. */
static void room_is_made_quickly(void **state)
{
	enum { CAPACITY = 65536, FORKS = 400000, SECONDS_MAX = 8 };
	struct stores *stores = fresh(CAPACITY);
	clock_t began = clock();

	(void)state;
	for (uint32_t pid = 10; pid < FORKS; pid++) {
		learn_fork(stores, 1, 1, pid, pid);
		if (pid % 1000 == 0)
			learn_exit(stores, pid, pid);
	}
	assert_true(clock() - began < (clock_t)SECONDS_MAX * CLOCKS_PER_SEC);
	stores_free(stores);
}

/* Long arguments fill the memory for texts; a short text then must not cost the whole store. */
static void long_arguments_do_not_empty_the_store(void **state)
{
	enum { CAPACITY = 16384, PROGRAMS = 20000 };
	static char argument[1500]; /* with the path it takes 2048 bytes */
	struct stores *stores = stores_new(CAPACITY, 8);
	struct store_stats stats;

	(void)state;
	assert_non_null(stores);
	memset(argument, 'x', sizeof(argument) - 1);
	for (uint32_t pid = 10; pid < PROGRAMS; pid++) {
		learn_exec(stores, pid, pid, 1, 1, "/bin/true", argument, sizeof(argument));
		learn_exit(stores, pid, pid);
	}
	stores_stats(stores, &stats);
	uint32_t before = stats.processes;

	assert_true(before > 12000);
	for (uint32_t pid = 30000; pid < 30100; pid++) {
		learn_exec(stores, pid, pid, 1, 1, "/bin/ls", "", 0);
		assert_true(str_equal(process_find(stores, pid, pid)->executable, STR("/bin/ls")));
	}
	stores_stats(stores, &stats);
	assert_true(stats.processes > before / 2);
	stores_free(stores);
}

static void learn_loss(struct stores *stores, const char *event)
{
	struct {
		struct wire_header h;
		struct ev_events_lost e;
		char tail[64];
	} r = { .h = header(EV_events_lost, 0, 0, 0, 0) };

	r.e.lost_event = (struct wire_ref){ sizeof(r.h) + sizeof(r.e), (uint32_t)strlen(event) };
	memcpy(r.tail, event, strlen(event));
	stores_update(stores, &r.h);
}

/* After a lost exec any executable may be out of date, so all are asked for again. */
static void a_lost_exec_makes_all_unknown(void **state)
{
	struct stores *stores = fresh(64);
	struct wire_header h = header(EV_msgget, 100, 5, 1, 1);
	struct {
		struct wire_header h;
		struct ev_process_existing e;
	} gone = { .h = header(EV_process_existing, 100, 5, 1, 1) };

	(void)state;
	learn_exec(stores, 100, 5, 1, 1, "/bin/sh", "sh\0", 3);
	learn_loss(stores, "msgget");
	assert_true(stores_know(stores, &h));
	learn_loss(stores, "sched_process_exec");
	assert_false(stores_know(stores, &h));
	learn_fork(stores, 100, 5, 101, 9);
	h = header(EV_msgget, 101, 9, 100, 5);
	assert_false(stores_know(stores, &h));
	/* It has ended meanwhile: what we had is all there is. */
	stores_update(stores, &gone.h);
	h = header(EV_msgget, 100, 5, 1, 1);
	assert_true(stores_know(stores, &h));
	assert_true(str_equal(process_find(stores, 100, 5)->executable, STR("/bin/sh")));
	stores_free(stores);
}

static void unknown_process_becomes_known(void **state)
{
	struct stores *stores = fresh(64);
	struct {
		struct wire_header h;
		struct ev_msgget e; /* the store of objects reads it */
	} record = { .h = header(EV_msgget, 4242, 9, 1, 1) };
	struct wire_header *h = &record.h;

	(void)state;
	h->cgroup_id = 7;
	assert_false(stores_know(stores, h));
	stores_update(stores, h);
	assert_true(stores_know(stores, h)); /* asked about once only */
	assert_null(process_find(stores, 4242, 9)->executable.data);
	assert_null(container_find(stores, 7));
	assert_ptr_equal(process_find_hash(stores, entity_hash(4242, 1700000000000000009ULL)),
			 process_find(stores, 4242, 9));
	stores_free(stores);
}

static void containers_by_path(void **state)
{
#define ID "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
	static const struct {
		const char *path, *id, *runtime;
	} cases[] = {
		{ "/docker/" ID, ID, "docker" },
		{ "/system.slice/docker-" ID ".scope", ID, "docker" },
		{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", ID,
		  "containerd" },
		{ "/kubepods.slice/crio-" ID ".scope", ID, "crio" },
		{ "/machine.slice/libpod-" ID ".scope/container", ID, "podman" },
		{ "/kubepods/burstable/pod0b9b/" ID, ID, "" },
		{ "/ecs/task/0123456789abcdef0123456789abcdef-42",
		  "0123456789abcdef0123456789abcdef-42", "ecs" },
		{ "/garden/01234567-89ab-cdef-0123-456789abcdef",
		  "01234567-89ab-cdef-0123-456789abcdef", "garden" },
		{ "/user.slice/user-0.slice/session-1.scope", NULL, "" },
		{ "/01234567-89ab-cdef-0123-456789abcdef", NULL, "" },
		{ "/docker/c0ffee", NULL, "" },
		{ "/docker-c0ffee.scope", NULL, "" },
		{ "/", NULL, "" },
		{ "", NULL, "" },
		{ "///", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stores *stores = fresh(64);

		learn_cgroup(stores, 9, cases[i].path);
		const struct container *container = container_find(stores, 9);

		if (!cases[i].id) {
			assert_null(container);
		} else {
			assert_non_null(container);
			assert_true(str_equal(container->id, str_of(cases[i].id)));
			assert_true(str_equal(container->runtime, str_of(cases[i].runtime)));
			assert_ptr_equal(container_find_id(stores, str_of(cases[i].id)), container);
		}
		stores_free(stores);
	}
}

/* Known when they are made, whoever looks for them later. */
static void containers_that_are_made(void **state)
{
	struct stores *stores = fresh(64);

	(void)state;
	make_cgroup(stores, 9, "/docker/" ID, true);
	assert_non_null(container_find(stores, 9));
	learn_cgroup(stores, 9, ""); /* it is gone when its path is looked up */
	assert_non_null(container_find(stores, 9));
	make_cgroup(stores, 9, "/docker/a" ID, false); /* the same number in another hierarchy */
	assert_true(str_equal(container_find(stores, 9)->id, STR(ID)));
	make_cgroup(stores, 9, "/system.slice/cron.service", true); /* the number came round */
	assert_null(container_find(stores, 9));
	stores_free(stores);
}

static void cgroups_are_bounded(void **state)
{
	struct stores *stores = fresh(64);
	struct store_stats stats;

	(void)state;
	for (uint64_t id = 1; id <= 100; id++)
		learn_cgroup(stores, id, "/docker/" ID);
	assert_null(container_find(stores, 1));
	assert_non_null(container_find(stores, 100));
	stores_stats(stores, &stats);
	assert_int_equal(stats.containers, 8);
	assert_int_equal(stats.container_evicted, 92);
	stores_free(stores);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_shares_and_exec_replaces),
		cmocka_unit_test(a_reused_pid_is_another_process),
		cmocka_unit_test(relations),
		cmocka_unit_test(makers_stay),
		cmocka_unit_test(relations_are_bounded),
		cmocka_unit_test(eviction_is_bounded_and_counted),
		cmocka_unit_test(exited_go_before_the_living),
		cmocka_unit_test(a_parent_may_come_after_its_child),
		cmocka_unit_test(room_is_made_quickly),
		cmocka_unit_test(a_lost_exec_makes_all_unknown),
		cmocka_unit_test(long_arguments_do_not_empty_the_store),
		cmocka_unit_test(unknown_process_becomes_known),
		cmocka_unit_test(containers_by_path),
		cmocka_unit_test(containers_that_are_made),
		cmocka_unit_test(cgroups_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
