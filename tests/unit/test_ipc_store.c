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

static void test_plain_creat_after_loss(void **state)
{
	struct {
		struct wire_header h;
		struct ev_events_lost e;
		char text[8];
	} lost = { .h = header(EV_events_lost, sizeof(lost), 0) };

	(void)state;
	lost.e.lost_event = (struct wire_ref){ offsetof(__typeof__(lost), text), 6 };
	memcpy(lost.text, "msgget", 6);
	stores_update(stores, &lost.h);
	msgget_call(5, 0x77, IPC_CREAT | 0600, USER);
	assert_true(queue(5)->existing); /* perhaps its making is what was lost */
	msgget_call(6, IPC_PRIVATE, 0600, USER);
	assert_false(queue(6)->existing); /* this cannot be another */
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
