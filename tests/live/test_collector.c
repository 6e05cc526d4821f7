// SPDX-License-Identifier: Apache-2.0
/*
 * The collector against the running kernel: tests/live/workload makes known calls, and
 * what source_live hands over must be exactly those. Every kind of hook this kernel
 * offers is tried. Needs root; says so where it is not.
 */
#include <errno.h>
#include <fcntl.h>
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

enum { RUNS = 1000 };

/* ---- exactly those calls ------------------------------------------------------- */

static void check_counts(struct run *run)
{
	static const char *const calls[] = { "msgget", "msgsnd",     "msgrcv", "msgctl", "shmget",
					     "shmat",  "shmdt",	     "shmctl", "semget", "semop",
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
	if (!sensor_ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hook_modes); i++) {
		struct run run;

		if (!sensor_offers(hook_modes[i]))
			continue;
		run_workload(&run, hook_modes[i], all_calls, "calls", "1000");
		check_counts(&run);
		assert_int_equal(run.seen, 12 * RUNS);
		run_free(&run);
		run_workload(&run, hook_modes[i], all_calls, "all", "3");
		check_counts(&run);
		run_free(&run);
	}
}

/* Round by round, as round_of_calls() of the workload makes them. */
static void test_arguments(void **state)
{
	struct run run;

	(void)state;
	if (!sensor_ready())
		return;
	run_workload(&run, HOOK_NONE, all_calls, "calls", "50");
	{
		FIRST(&run, msgget, get);
		FIRST(&run, msgsnd, snd);
		FIRST(&run, msgrcv, rcv);
		FIRST(&run, semtimedop, timed);
		FIRST(&run, shmat, at);
		FIRST(&run, shmdt, dt);

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
			NEXT(&run, msgget, get);
			NEXT(&run, msgsnd, snd);
			NEXT(&run, msgrcv, rcv);
			NEXT(&run, semtimedop, timed);
			NEXT(&run, shmat, at);
			NEXT(&run, shmdt, dt);
		}
	}
	run_free(&run);
}

/* The calls of run_around() of the workload, in its order. */
static void test_around(void **state)
{
	static const char names[] =
		"unshare setns sched_setaffinity shm_protect proc_open sched_process_fork shmat";
	static const char *const paths[] = { "/proc/sysvipc/shm", "/proc/sys/kernel/msgmni",
					     "/proc/sys/kernel/shmmax", "/proc/sys/kernel/shmmni" };
	static const int modes[] = { O_RDONLY, O_RDWR, O_RDONLY, O_WRONLY };

	(void)state;
	if (!sensor_ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hook_modes); i++) {
		struct run run;

		if (!sensor_offers(hook_modes[i]))
			continue;
		run_workload(&run, hook_modes[i], names, "around", "");
		FIRST(&run, sched_setaffinity, pinned);
		assert_int_equal(sched_setaffinity->cpus, 1);
		FIRST(&run, unshare, left);
		assert_int_equal(unshare->flags, 0x18000000); /* CLONE_NEWUSER, CLONE_NEWIPC */
		assert_true(unshare->returnValue < 0 || left->ipc_ns != pinned->ipc_ns);
		NEXT(&run, unshare, left);
		assert_true(left->flags & WIRE_COMPAT);
		FIRST(&run, setns, joined);
		assert_int_equal(setns->nstype, 0x08000000); /* CLONE_NEWIPC */
		NEXT(&run, setns, joined);
		assert_int_equal(setns->returnValue, -EBADF);
		FIRST(&run, shmat, attached);
		if (run_next(&run, EV_shm_protect, NULL)) { /* Linux 5.17 and later */
			FIRST(&run, shm_protect, protected);
			assert_int_equal(shm_protect->shmid, shmat->shmid);
			assert_int_equal(shm_protect->addr, shmat->returnValue);
			assert_int_equal(shm_protect->prot, 5); /* PROT_READ, PROT_EXEC */
			assert_false(shm_protect->readonly);
			NEXT(&run, shm_protect, protected);
			assert_int_equal(shm_protect->returnValue, -EACCES);
			assert_true(shm_protect->readonly);
			/* Of two segments side by side the one that must not be written. */
			NEXT(&run, shm_protect, protected);
			assert_int_equal(shm_protect->returnValue, -EACCES);
			assert_true(shm_protect->readonly);
			NEXT(&run, shm_protect, protected);
			assert_int_equal(shm_protect->shmid, shmat->shmid);
			assert_int_equal(shm_protect->returnValue, 0);
			assert_int_equal(shm_protect->prot, 1); /* PROT_READ */
			assert_null(run_next(&run, EV_shm_protect, protected));
		}
		const struct wire_header *record = NULL;

		for (size_t file = 0; file < ARRAY_SIZE(paths); file++) {
			record = run_next(&run, EV_proc_open, record);
			assert_non_null(record);
			const struct ev_proc_open *opened = (const void *)(record + 1);

			assert_int_equal(opened->path.len, strlen(paths[file]));
			assert_memory_equal((const char *)record + opened->path.offset, paths[file],
					    opened->path.len);
			assert_int_equal(opened->flags & O_ACCMODE, modes[file]);
		}
		assert_null(run_next(&run, EV_proc_open, record));
		uint32_t apart = 0;

		for (record = NULL; (record = run_next(&run, EV_sched_process_fork, record));)
			apart += ((const struct ev_sched_process_fork *)(record + 1))
					 ->child_user_ns != record->user_ns;
		assert_int_equal(apart, 1); /* clone(CLONE_NEWUSER) */
		run_free(&run);
	}
}

/* The n-th control call of a kind, as control_queue() and its sisters make them. */
static void test_control(void **state)
{
	struct run run;

	(void)state;
	if (!sensor_ready())
		return;
	run_workload(&run, HOOK_NONE, all_calls, "control", "");
	{
		FIRST(&run, msgctl, queue);
		FIRST(&run, shmctl, segment);
		FIRST(&run, semctl, set);

		while (msgctl->cmd != IPC_SET)
			NEXT(&run, msgctl, queue);
		assert_int_equal(msgctl->perm_key, 0x5f000001);
		assert_int_equal(msgctl->perm_uid, 0); /* as it was before */
		assert_int_equal(msgctl->perm_mode, 0600);
		assert_int_equal(msgctl->set_uid, 1234);
		assert_int_equal(msgctl->set_gid, 4321);
		assert_int_equal(msgctl->set_mode, 0666);
		assert_int_equal(msgctl->set_qbytes, 4096);
		assert_int_equal(queue->user & FIELD_BIT(msgctl, set_uid), 0);
		NEXT(&run, msgctl, queue); /* the same on an id that is none */
		assert_int_equal(msgctl->returnValue, -EINVAL);
		assert_int_equal(msgctl->set_uid, 1234);
		assert_true(queue->user & FIELD_BIT(msgctl, set_uid));
		assert_false(HAS(msgctl, queue, perm_id));
		NEXT(&run, msgctl, queue); /* MSG_STAT takes an index */
		assert_int_equal(msgctl->perm_id, msgctl->returnValue);
		assert_int_equal(msgctl->perm_uid, 1234);
		NEXT(&run, msgctl, queue); /* IPC_INFO is about no object */
		assert_false(HAS(msgctl, queue, perm_id));
		NEXT(&run, msgctl, queue);
		assert_int_equal(msgctl->cmd, IPC_RMID);
		assert_int_equal(msgctl->perm_id, msgctl->msqid);
		assert_int_equal(msgctl->perm_key, 0x5f000001);
		assert_int_equal(msgctl->msg_qbytes, 4096);

		while (shmctl->cmd != IPC_SET)
			NEXT(&run, shmctl, segment);
		assert_int_equal(shmctl->perm_mode & 0777, 0600);
		assert_int_equal(shmctl->set_mode, 0606);
		assert_int_equal(shmctl->shm_segsz, 3 * 8192);
		while (shmctl->cmd != IPC_RMID)
			NEXT(&run, shmctl, segment);
		assert_int_equal(shmctl->perm_uid, 1234);

		while (semctl->cmd != IPC_SET)
			NEXT(&run, semctl, set);
		assert_int_equal(semctl->sem_nsems, 4);
		assert_int_equal(semctl->set_mode, 0646);
		while (semctl->cmd != IPC_RMID)
			NEXT(&run, semctl, set);
		assert_int_equal(semctl->perm_id, semctl->semid);
	}
	run_free(&run);
}

/* A receiver that slept got its message from the sender's hands. */
static void test_messages(void **state)
{
	(void)state;
	if (!sensor_ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hook_modes); i++) {
		struct run run;
		bool kernel_copy = hook_modes[i] == HOOK_FENTRY || hook_modes[i] == HOOK_KPROBE;

		if (!sensor_offers(hook_modes[i]))
			continue;
		run_workload(&run, hook_modes[i], "msgsnd msgrcv", "messages", "");
		{
			FIRST(&run, msgrcv, rcv);

			while ((pid_t)rcv->pid == run.child)
				NEXT(&run, msgrcv, rcv);
			assert_int_equal(msgrcv->returnValue, 8);
			assert_int_equal(msgrcv->msg_type, 42);
			assert_int_equal(!(rcv->user & FIELD_BIT(msgrcv, msg_type)), kernel_copy);
			rcv = NULL;
			NEXT(&run, msgrcv, rcv);
			while (msgrcv->msgtyp != -6)
				NEXT(&run, msgrcv, rcv);
			assert_int_equal(msgrcv->msg_type, 3);
			assert_int_equal(msgrcv->msg_size, 4); /* cut */
		}
		run_free(&run);
	}
}

static void test_operations(void **state)
{
	(void)state;
	if (!sensor_ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hook_modes); i++) {
		static const uint32_t sizes[] = { 1, 2, 3, 16, 17, 500 };
		struct run run;

		if (!sensor_offers(hook_modes[i]))
			continue;
		run_workload(&run, hook_modes[i], "semop semtimedop", "operations", "");
		FIRST(&run, semop, record);
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
				NEXT(&run, semop, record);
		}
		run_free(&run);
	}
}

/* ---- 32-bit calls -------------------------------------------------------------- */

static void test_compat(void **state)
{
	(void)state;
	if (!sensor_ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hook_modes); i++) {
		struct run run;

		if (!sensor_offers(hook_modes[i]))
			continue;
		run_workload(&run, hook_modes[i], all_calls, "compat", "");
		check_counts(&run);
		{
			FIRST(&run, msgrcv, rcv);
			FIRST(&run, semctl, set);
			FIRST(&run, msgget, get);

			for (const char *at = run.records.data;
			     at < run.records.data + run.records.len;
			     at += ((const struct wire_header *)(const void *)at)->size)
				assert_true(((const struct wire_header *)(const void *)at)->flags &
					    WIRE_COMPAT);
			assert_int_equal(msgrcv->msgtyp, -20); /* sign kept */
			assert_int_equal(msgrcv->msg_type, 11);
			while (msgrcv->msgtyp !=
			       -13) /* through ipc(2), type and pointer in memory */
				NEXT(&run, msgrcv, rcv);
			assert_true(rcv->user & FIELD_BIT(msgrcv, msgtyp));
			while (semctl->cmd != 16) /* SETVAL, without the bit of the version */
				NEXT(&run, semctl, set);
			assert_int_equal(semctl->arg, 5);
			while (msgget->key == 0)
				NEXT(&run, msgget, get);
			assert_int_equal(msgget->returnValue, -ENOENT);
		}
		run_free(&run);
	}
}

/* Nobody hides behind ipc(2): the call is reported although ipc itself is not wanted. */
static void test_multiplexer_hides_nothing(void **state)
{
	(void)state;
	if (!sensor_ready())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hook_modes); i++) {
		struct run run;

		if (!sensor_offers(hook_modes[i]))
			continue;
		run_workload(&run, hook_modes[i], "msgget", "compat", "");
		assert_int_equal(run.seen, run_done(&run, "msgget"));
		assert_null(run_next(&run, EV_ipc, NULL));
		run_free(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call_once),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_compat),
		cmocka_unit_test(test_multiplexer_hides_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
