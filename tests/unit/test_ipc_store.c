/* SPDX-License-Identifier: Apache-2.0 */
/* The store of System V objects, taught by hand-made records; lines of /proc/sysvipc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "base/common.h"
#include "base/sysvipc.h"
#include "ipc.h"
#include "store.h"

enum { NS = 4026531839u, PID = 4242, START = 777, USER = 1000 };

static struct stores *stores;

static int set_up(void **state)
{
	(void)state;
	stores = stores_new(16, 8);
	return stores ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	stores_free(stores);
	return 0;
}

static struct wire_header header(uint16_t id, size_t size, uint32_t uid)
{
	static uint64_t time = 1000;

	return (struct wire_header){ .size = (uint32_t)size,
				     .id = id,
				     .pid = PID,
				     .tid = PID,
				     .leader_start_time = START,
				     .start_time = START,
				     .uid = uid,
				     .euid = uid,
				     .ipc_ns = NS,
				     .time = time++,
				     .present = UINT64_MAX };
}

#define RECORD(event, user) \
	struct { \
		struct wire_header h; \
		struct ev_##event e; \
	} r = { .h = header(EV_##event, sizeof(r), user), \
		.e = { .perm_id = id, .perm_cuid = user, .perm_uid = user, .perm_mode = 0600 } }

static void msgget_call(int id, int key, int flags, uint32_t user)
{
	RECORD(msgget, user);

	r.e.key = r.e.perm_key = key;
	r.e.msgflg = flags;
	r.e.returnValue = id;
	stores_update(stores, &r.h);
}

static void msgctl_call(int id, int command, uint32_t mode, int64_t result)
{
	RECORD(msgctl, USER);

	r.e.cmd = command;
	r.e.set_mode = mode;
	r.e.set_uid = 7;
	r.e.returnValue = result;
	stores_update(stores, &r.h);
}

static const struct ipc_object *queue(int id)
{
	return ipc_find(stores, NS, IPC_KIND_MSG, id);
}

/* ---- tests --------------------------------------------------------------------------- */

static void test_makes(void **state)
{
	(void)state;
	assert_null(queue(5));
	msgget_call(5, 0x77, IPC_CREAT | IPC_EXCL | 0600, USER);
	assert_int_equal(queue(5)->creator.pid, PID);
	assert_int_equal(queue(5)->creator.start_time, START);
	assert_false(queue(5)->existing);
	assert_int_equal(queue(5)->last_event, EV_msgget);
	assert_null(ipc_find(stores, NS, IPC_KIND_SEM, 5));
	assert_null(ipc_find(stores, NS + 1, IPC_KIND_MSG, 5));
}

/* Without IPC_EXCL: made if it was not there, and found if it was. */
static void test_plain_creat(void **state)
{
	(void)state;
	msgget_call(5, 0x77, IPC_CREAT | 0600, USER);
	assert_int_equal(queue(5)->creator.pid, PID);
	msgget_call(5, 0x77, 0, 2000);
	assert_int_equal(queue(5)->cuid, 2000); /* another creator: another object */
	assert_int_equal(queue(5)->creator.pid, 0);
	assert_true(queue(5)->existing);
}

static void lose(const char *event)
{
	struct {
		struct wire_header h;
		struct ev_events_lost e;
		char text[8];
	} lost = { .h = header(EV_events_lost, sizeof(lost), 0) };

	lost.e.lost_event = (struct wire_ref){ offsetof(__typeof__(lost), text),
					       (uint32_t)strlen(event) };
	memcpy(lost.text, event, strlen(event));
	stores_update(stores, &lost.h);
}

/* As if it were in /proc/sysvipc. */
static void list_queue(int id, uint32_t user, uint32_t mode)
{
	struct {
		struct wire_header h;
		struct ev_ipc_existing e;
		char text[8];
	} r = { .h = header(EV_ipc_existing, sizeof(r), 0), .text = "msg" };

	r.e = (struct ev_ipc_existing){ .kind = { offsetof(__typeof__(r), text), 3 },
					.perm_id = id,
					.perm_cuid = user,
					.perm_uid = user,
					.perm_mode = mode };
	stores_update(stores, &r.h);
}

static void list_end(void)
{
	struct {
		struct wire_header h;
		struct ev_ipc_listed e;
	} r = { .h = header(EV_ipc_listed, sizeof(r), 0) };

	stores_update(stores, &r.h);
}

static void test_plain_creat_after_loss(void **state)
{
	(void)state;
	lose("msgget");
	msgget_call(5, 0x77, IPC_CREAT | 0600, USER);
	assert_true(queue(5)->existing); /* perhaps its making is what was lost */
	msgget_call(6, IPC_PRIVATE, 0600, USER);
	assert_false(queue(6)->existing); /* this cannot be another */
}

/* What was lost says nothing of other kinds, and what removes says nothing of what is made. */
static void test_loss_of_others(void **state)
{
	(void)state;
	lose("shmget");
	lose("msgctl");
	lose("msgsnd");
	msgget_call(5, 0x77, IPC_CREAT | 0600, USER);
	assert_false(queue(5)->existing);
	lose(""); /* nobody knows of what */
	msgget_call(6, 0x78, IPC_CREAT | 0600, USER);
	assert_true(queue(6)->existing);
}

/* When all there are have been listed, loss is made up for. */
static void test_listing(void **state)
{
	(void)state;
	msgget_call(5, 0x77, IPC_CREAT | 0600, USER);
	msgget_call(6, 0x78, IPC_CREAT | 0600, USER);
	lose("");
	list_queue(5, USER, 0640);
	list_queue(7, 2000, 0600); /* its making was lost */
	list_end();
	assert_int_equal(queue(5)->creator.pid, PID); /* known still */
	assert_int_equal(queue(5)->mode, 0640);	      /* IPC_SET was lost */
	assert_true(queue(6)->removed);		      /* so was IPC_RMID */
	assert_true(queue(7)->existing);
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, USER), 1);
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, 2000), 1);
	msgget_call(8, 0x79, IPC_CREAT | 0600, USER);
	assert_false(queue(8)->existing); /* nothing is in doubt any more */
	msgget_call(7, 0x7a, IPC_CREAT | 0600, 2000);
	assert_true(queue(7)->existing);
	list_queue(5, USER, 0640);
	list_queue(7, 2000, 0600);
	list_queue(8, USER, 0600);
	list_end();
	assert_false(queue(8)->removed);
	lose("msgget"); /* anew */
	msgget_call(9, 0x7b, IPC_CREAT | 0600, USER);
	assert_true(queue(9)->existing);
}

/* What was given up for want of room is still there, and others are as new as ever. */
static void test_plain_creat_after_eviction(void **state)
{
	enum { MADE = 32768 + 1000 };
	uint32_t doubted = 0;
	int gone = 0;

	(void)state;
	for (int id = 0; id < MADE; id++)
		msgget_call(id, IPC_PRIVATE, 0600, USER);
	while (queue(gone))
		gone++;
	msgget_call(gone, 0x77, IPC_CREAT | 0600, USER);
	assert_true(queue(gone)->existing);
	for (int id = MADE; id < MADE + 1000; id++) {
		msgget_call(id, id, IPC_CREAT | 0600, USER);
		doubted += queue(id)->existing;
	}
	assert_true(doubted < 20);
}

/* ---- attaches ------------------------------------------------------------------------ */

enum { SEGMENT = 9 };

/* A call of process `pid`; `attached`: as the kernel counts then. */
static void attach_call(uint16_t event, uint32_t pid, uint64_t attached)
{
	const int id = SEGMENT;

	if (event == EV_shmdt) {
		RECORD(shmdt, USER);

		r.h.pid = r.h.tid = pid;
		r.e.shm_nattch = attached;
		r.e.returnValue = 0;
		stores_update(stores, &r.h);
	} else {
		RECORD(shmat, USER);

		r.h.pid = r.h.tid = pid;
		r.e.shm_nattch = attached;
		r.e.returnValue = 0x7f0000000000;
		stores_update(stores, &r.h);
	}
}

static void process_forks(uint32_t pid, uint32_t child, bool shares_memory)
{
	struct {
		struct wire_header h;
		struct ev_sched_process_fork e;
	} r = { .h = header(EV_sched_process_fork, sizeof(r), USER) };

	r.h.pid = r.h.tid = pid;
	r.e = (struct ev_sched_process_fork){ .parent_process_pid = (int32_t)pid,
					      .parent_process_start_time = START,
					      .child_pid = (int32_t)child,
					      .child_tid = (int32_t)child,
					      .start_time = START,
					      .shares_memory = shares_memory };
	stores_update(stores, &r.h);
}

static void process_ends(uint32_t pid, bool whole)
{
	struct {
		struct wire_header h;
		struct ev_sched_process_exit e;
	} r = { .h = header(EV_sched_process_exit, sizeof(r), USER),
		.e = { .process_group_exit = whole } };

	r.h.pid = r.h.tid = pid;
	stores_update(stores, &r.h);
}

static void process_executes(uint32_t pid)
{
	struct {
		struct wire_header h;
		struct ev_sched_process_exec e;
	} r = { .h = header(EV_sched_process_exec, sizeof(r), USER) };

	r.h.pid = r.h.tid = pid;
	stores_update(stores, &r.h);
}

static uint64_t users(void)
{
	return ipc_find(stores, NS, IPC_KIND_SHM, SEGMENT)->users;
}

/* The kernel detaches what a process has attached when it ends or executes: no call tells. */
static void test_users(void **state)
{
	(void)state;
	attach_call(EV_shmat, 10, 1);
	attach_call(EV_shmat, 10, 2); /* at another address */
	attach_call(EV_shmat, 20, 3);
	process_ends(10, false); /* a thread of it */
	assert_int_equal(users(), 3);
	process_forks(10, 11, false);
	assert_int_equal(users(), 5);
	process_executes(11);
	assert_int_equal(users(), 3);
	process_forks(10, 12, true); /* vfork: it has the memory of its parent */
	assert_int_equal(users(), 3);
	process_executes(12);
	assert_int_equal(users(), 3);
	attach_call(EV_shmdt, 10, 3);
	assert_int_equal(users(), 2);
	process_ends(10, true);
	assert_int_equal(users(), 1);
	process_ends(10, true); /* told twice, it ended once */
	assert_int_equal(users(), 1);
	process_ends(20, true);
	assert_int_equal(users(), 0);
	attach_call(EV_shmat, 30, 7); /* the kernel knows best */
	assert_int_equal(users(), 7);
}

/* However many processes come and go: who made an object that is there is known. */
static void test_makers_stay(void **state)
{
	enum { MANY = 100000 };

	(void)state;
	stores_free(stores);
	stores = stores_new(64, 8);
	msgget_call(5, IPC_PRIVATE, 0600, USER);
	process_ends(PID, true);
	for (uint32_t pid = 10000; pid < 10000 + MANY; pid++) {
		process_forks(1, pid, false);
		process_ends(pid, true);
	}
	assert_non_null(process_find(stores, PID, START));
	assert_null(process_find(stores, 10000, START));
	msgctl_call(5, IPC_RMID, 0, 0);
	for (uint32_t pid = 10000; pid < 10000 + MANY; pid++) {
		process_forks(1, pid, false);
		process_ends(pid, true);
	}
	assert_null(process_find(stores, PID, START));
	/* Even where all that ended have left objects somebody must go, and soon. */
	for (uint32_t pid = 10000; pid < 10000 + MANY; pid++) {
		const int id = (int)pid;
		RECORD(msgget, USER);

		r.h.pid = r.h.tid = pid;
		r.e.returnValue = id;
		stores_update(stores, &r.h);
		process_ends(pid, true);
	}
}

/* Whoever attaches more than we keep is not known to detach it, and nobody else is forgotten. */
static void test_users_are_bounded(void **state)
{
	enum { MANY = 300, KEPT = 256 };
	struct store_stats stats;

	(void)state;
	for (int id = 0; id < MANY; id++) {
		RECORD(shmat, USER);

		r.e.shm_nattch = 1;
		r.e.returnValue = 0x7f0000000000;
		stores_update(stores, &r.h);
	}
	process_ends(PID, true);
	stores_stats(stores, &stats);
	assert_int_equal(stats.attaches_evicted, MANY - KEPT);
	assert_int_equal(ipc_find(stores, NS, IPC_KIND_SHM, 0)->users, 0);
	assert_int_equal(ipc_find(stores, NS, IPC_KIND_SHM, KEPT)->users, 1);
	for (uint32_t pid = 100; pid < 100 + 20000; pid++)
		attach_call(EV_shmat, pid, pid - 99);
	stores_stats(stores, &stats);
	assert_int_equal(stats.attaches_evicted, MANY - KEPT + 20000 - 16384);
	process_ends(100, true);
	assert_int_equal(users(), 20000);
	process_ends(100 + 19999, true);
	assert_int_equal(users(), 19999);
}

static void test_removal(void **state)
{
	(void)state;
	msgget_call(5, IPC_PRIVATE, 0600, USER);
	msgctl_call(5, IPC_RMID, 0, -1);
	assert_false(queue(5)->removed);
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, USER), 1);
	msgctl_call(5, IPC_RMID | 0x100, 0, 0); /* IPC_64 */
	assert_true(queue(5)->removed);		/* still told, to rules about the removal itself */
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, USER), 0);
	msgctl_call(5, IPC_RMID, 0, 0);
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, USER), 0);
	msgget_call(5, IPC_PRIVATE, 0600, USER); /* the identifier comes round */
	assert_false(queue(5)->removed);
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, USER), 1);
}

static void test_changes(void **state)
{
	const uint32_t modes[] = { 0660, 0666, 0640, 0604, 0602, 0777 };

	(void)state;
	msgget_call(5, IPC_PRIVATE, 0600, USER);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		msgctl_call(5, IPC_SET, modes[i], 0);
	assert_int_equal(queue(5)->mode, 0777);
	assert_int_equal(queue(5)->uid, 7);
	assert_int_equal(queue(5)->change_count, 6);
	/* Every record shows the mode before its call. */
	assert_int_equal(queue(5)->changes[5 % IPC_CHANGES_MAX].mode, 0600);
	assert_int_equal(queue(5)->changes[5 % IPC_CHANGES_MAX].actor.pid, PID);
}

static void shm_call(uint16_t event, int id, int command, uint64_t attached)
{
	if (event == EV_shmget) {
		RECORD(shmget, USER);
		r.e.returnValue = id;
		r.e.shm_segsz = 4096;
		r.e.shm_nattch = attached;
		stores_update(stores, &r.h);
	} else if (event == EV_shmdt) {
		RECORD(shmdt, USER);
		r.e.shm_nattch = attached;
		stores_update(stores, &r.h);
	} else {
		RECORD(shmctl, USER);
		r.e.cmd = command;
		r.e.shm_nattch = attached;
		stores_update(stores, &r.h);
	}
}

static void test_segment(void **state)
{
	const struct ipc_object *segment;

	(void)state;
	shm_call(EV_shmget, 9, 0, 0);
	segment = ipc_find(stores, NS, IPC_KIND_SHM, 9);
	assert_int_equal(segment->size, 4096);
	shm_call(EV_shmctl, 9, SHM_LOCK, 2);
	assert_true(segment->mode & SHM_LOCKED);
	assert_int_equal(segment->users, 2);
	shm_call(EV_shmctl, 9, IPC_RMID, 2); /* attached: goes later */
	assert_true(segment->removed && segment->mode & SHM_DEST);
	shm_call(EV_shmdt, 9, 0, 2); /* the record is from before the call */
	assert_int_equal(segment->users, 1);
}

static void test_made_by(void **state)
{
	const struct ipc_object *found[2];

	(void)state;
	for (int id = 1; id <= 4; id++)
		msgget_call(id, IPC_PRIVATE, 0600, USER);
	msgctl_call(4, IPC_RMID, 0, 0);
	assert_int_equal(ipc_made_by(stores, PID, START, found, 2), 3);
	assert_int_equal(found[0]->id, 3);
	assert_int_equal(found[1]->id, 2);
	assert_int_equal(ipc_made_by(stores, PID, START + 1, found, 2), 0);
}

/* A flood of one user must not push out what another made. */
static void test_flood(void **state)
{
	struct store_stats stats;
	uint32_t kept = 0;

	(void)state;
	for (int id = 0; id < 1000; id++)
		msgget_call(id, IPC_PRIVATE, 0600, 2000);
	for (int id = 1000; id < 200000; id++)
		msgget_call(id, IPC_PRIVATE, 0600, USER);
	stores_stats(stores, &stats);
	assert_int_equal(stats.ipc_objects, 32768);
	assert_int_equal(stats.ipc_evicted, 200000 - 32768);
	for (int id = 0; id < 1000; id++)
		kept += queue(id) != NULL;
	assert_true(kept > 950);
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, 2000), kept);
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, USER), 32768 - kept);
}

/*
 * All of one process, and gone again: each must cost the same, or whoever does this blinds the
 * sensor. (At the cost of a search through those that are gone this takes minutes.)
 */
static void test_churn(void **state)
{
	enum { PAIRS = 400000 };
	const struct ipc_object *found[1];

	(void)state;
	for (int id = 0; id < PAIRS; id++) {
		msgget_call(id, IPC_PRIVATE, 0600, USER);
		if (id % 1000)
			msgctl_call(id, IPC_RMID, 0, 0);
	}
	assert_int_equal(ipc_made_by(stores, PID, START, found, 1), PAIRS / 1000);
	assert_int_equal(ipc_count(stores, NS, IPC_KIND_MSG, USER), PAIRS / 1000);
	assert_null(queue(1));
	assert_false(queue(0)->removed);
	assert_true(queue(PAIRS - 1)->removed);
}

/* A child takes over what its parent leaves, as far as that can be done at once. */
static void test_heirs(void **state)
{
	enum { MADE = 2000, TAKEN = 1024, GENERATIONS = 20000 };
	const struct ipc_object *found[1];
	struct {
		struct wire_header h;
		struct ev_sched_process_fork e;
	} fork = { .h = header(EV_sched_process_fork, sizeof(fork), USER) };
	struct {
		struct wire_header h;
		struct ev_sched_process_exit e;
	} ends = { .h = header(EV_sched_process_exit, sizeof(ends), USER),
		   .e = { .process_group_exit = 1 } };

	(void)state;
	for (int id = 0; id < MADE; id++)
		msgget_call(id, IPC_PRIVATE, 0600, USER);
	for (uint64_t n = 0; n < GENERATIONS; n++) {
		fork.h.leader_start_time = ends.h.leader_start_time = START + n;
		fork.e = (struct ev_sched_process_fork){ .parent_process_pid = PID,
							 .parent_process_start_time = START + n,
							 .child_pid = PID,
							 .child_tid = PID,
							 .start_time = START + n + 1 };
		stores_update(stores, &fork.h);
		stores_update(stores, &ends.h);
	}
	assert_int_equal(ipc_made_by(stores, PID, START + GENERATIONS, found, 1), TAKEN);
	assert_int_equal(ipc_made_by(stores, PID, START, found, 1), MADE - TAKEN);
}

static void test_lines(void **state)
{
	struct sysv_object object;

	(void)state;
	assert_true(sysvipc_line("msg",
				 "-2113839347    2621441   600          12          3    41    42"
				 "  1000  1001  1002  1003 1795696860 1795696870 1795696866\n",
				 &object));
	assert_int_equal(object.key, -2113839347);
	assert_int_equal(object.id, 2621441);
	assert_int_equal(object.mode, 0600);
	assert_int_equal(object.size, 12);
	assert_int_equal(object.users, 3);
	assert_int_equal(object.last, 42);
	assert_int_equal(object.cuid, 1002);
	assert_int_equal(object.used, 1795696870);
	assert_true(
		sysvipc_line("shm",
			     "      4660          7  1606                 65536    50    51      2"
			     "     1     2     3     4 1795696871 1795696872 1795696866"
			     "                     0                     0\n",
			     &object));
	assert_int_equal(object.mode, 01606);
	assert_int_equal(object.creator, 50);
	assert_int_equal(object.users, 2);
	assert_true(sysvipc_line("sem",
				 "         0          3   640          9     1     2     3     4"
				 "          0 1795696866\n",
				 &object));
	assert_int_equal(object.size, 9);
	assert_false(object.has_pids);
	assert_false(sysvipc_line("shm", "       key      shmid perms\n", &object));
	assert_false(sysvipc_line("sem", "", &object));
	assert_false(sysvipc_line("queue", "0 0 0", &object));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_makes),
		TEST(test_plain_creat),
		TEST(test_plain_creat_after_loss),
		TEST(test_loss_of_others),
		TEST(test_listing),
		TEST(test_plain_creat_after_eviction),
		TEST(test_users),
		TEST(test_makers_stay),
		TEST(test_users_are_bounded),
		TEST(test_removal),
		TEST(test_changes),
		TEST(test_segment),
		TEST(test_made_by),
		TEST(test_flood),
		TEST(test_churn),
		TEST(test_heirs),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
