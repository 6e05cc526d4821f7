/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The triggers of the System V IPC detectors. Each makes objects of its own under keys that
 * were free, does what its detector looks for once, and leaves the removal to the ledger.
 */
#include "trigger/trigger.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	MSG_COPY_FLAG = 040000,
	LOW_ADDRESS = 0x1000,
	FIRST_USER = 1000,
	HOARD_BYTES = 64 << 20,
	EBURY_BYTES = 3 << 20
};

static const key_t derusbi_key = (key_t)0x82015f0d;
static const key_t ntp_key_first = 0x4e545030, ntp_key_last = 0x4e5450ff;

static bool is_root(void)
{
	return geteuid() == 0;
}

/* For objects whose mode or key alone is the trigger. */
static enum trigger_result make_only(struct ledger *ledger, key_t key, int flags, const char *what)
{
	int id = object_make(ledger, OBJECT_SEGMENT, key, PAGE, flags);

	if (id < 0)
		return trigger_fail(ledger, "shmget");
	return trigger_done(ledger, "%s (id %d)", what, id);
}

/* ---- message queues ------------------------------------------------------------- */

static enum trigger_result run_msg_copy(struct ledger *ledger)
{
	struct {
		long type;
		char text[16];
	} message = { 1, "spoor" };
	int id = object_make(ledger, OBJECT_QUEUE, IPC_PRIVATE, 0, IPC_CREAT | 0600);

	if (id < 0)
		return trigger_fail(ledger, "msgget");
	if (msgsnd(id, &message, sizeof(message.text), IPC_NOWAIT) < 0)
		return trigger_fail(ledger, "msgsnd");
	ssize_t got = msgrcv(id, &message, sizeof(message.text), 0, MSG_COPY_FLAG | IPC_NOWAIT);

	if (got < 0 && errno != ENOSYS)
		return trigger_fail(ledger, "msgrcv");
	return trigger_done(ledger, "copied a message of its own queue %d without taking it%s", id,
			    got < 0 ? " (this kernel cannot, the attempt counts)" : "");
}

/* ---- keys ------------------------------------------------------------------------ */

static enum trigger_result run_derusbi_key(struct ledger *ledger)
{
	int id = object_make(ledger, OBJECT_SEGMENT, derusbi_key, 64, 0600);

	if (id < 0 && errno == EEXIST)
		return trigger_skip(
			ledger, "a segment with the key 0x82015f0d exists on this host and is not "
				"ours: look at it (ipcs -m)");
	if (id < 0)
		return trigger_fail(ledger, "shmget");
	return trigger_done(ledger, "made a 64-byte segment with the key 0x82015f0d (id %d)", id);
}

static enum trigger_result run_ntp_shm(struct ledger *ledger)
{
	/* From the end: low units are those that time daemons use. */
	for (key_t key = ntp_key_last; key >= ntp_key_first; key--) {
		int id = object_make(ledger, OBJECT_SEGMENT, key, PAGE, 0600);

		if (id >= 0)
			return trigger_done(ledger,
					    "made the segment of NTP unit %d, key 0x%x (id %d)",
					    key - ntp_key_first, (unsigned)key, id);
		if (errno != EEXIST)
			return trigger_fail(ledger, "shmget");
	}
	return trigger_skip(ledger, "all keys of NTP segments are in use on this host");
}

static enum trigger_result run_private_excl(struct ledger *ledger)
{
	int id = object_make(ledger, OBJECT_QUEUE, IPC_PRIVATE, 0, IPC_CREAT | IPC_EXCL | 0600);

	if (id < 0)
		return trigger_fail(ledger, "msgget");
	return trigger_done(ledger, "made a queue with IPC_PRIVATE and IPC_EXCL (id %d)", id);
}

/* ---- modes ------------------------------------------------------------------------ */

static enum trigger_result run_private_world_writable(struct ledger *ledger)
{
	return make_only(ledger, IPC_PRIVATE, IPC_CREAT | 0666,
			 "made a segment with IPC_PRIVATE that everybody may write");
}

static enum trigger_result run_world_writable(struct ledger *ledger)
{
	key_t key;

	if (!is_root())
		return trigger_skip(ledger,
				    "needs root: the detector looks for privileged creators");
	key = key_free();
	if (key < 0)
		return trigger_fail(ledger, "no free key");
	return make_only(ledger, key, 0666, "made a segment of root that everybody may write");
}

/* ---- attaching ---------------------------------------------------------------------- */

static enum trigger_result run_exec_segment(struct ledger *ledger)
{
	int id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, PAGE, IPC_CREAT | 0700);

	if (id < 0)
		return trigger_fail(ledger, "shmget");
	void *at = shmat(id, NULL, SHM_EXEC);

	if (at == (void *)-1)
		return trigger_fail(ledger, "shmat with SHM_EXEC");
	shmdt(at);
	return trigger_done(ledger, "attached its own segment %d executable, ran nothing in it",
			    id);
}

/* The worker's own address space; nothing uses the page and it is gone with the worker. */
static enum trigger_result run_low_map(struct ledger *ledger)
{
	int id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, PAGE, IPC_CREAT | 0600);

	if (id < 0)
		return trigger_fail(ledger, "shmget");
	void *at = shmat(id, (void *)(uintptr_t)LOW_ADDRESS, 0);

	if (at == (void *)-1)
		return trigger_done(ledger, "tried to attach at 0x%x: %s, as it should be",
				    LOW_ADDRESS, strerror(errno));
	shmdt(at);
	return trigger_done(ledger, "attached at 0x%x and detached again", LOW_ADDRESS);
}

/* ---- several processes --------------------------------------------------------------- */

static void side_attach(struct ledger *ledger, struct helper *helper)
{
	void *at = shmat(ledger->objects[0].id, NULL, 0);
	int error = at == (void *)-1 ? errno : 0;

	if (!error)
		shmdt(at);
	helper_ready(helper, error);
}

static enum trigger_result run_private_shared(struct ledger *ledger)
{
	struct helper helper;
	int id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, PAGE, IPC_CREAT | 0600);

	if (id < 0)
		return trigger_fail(ledger, "shmget");
	if (helper_start(ledger, HELPER_UNRELATED, side_attach, &helper) < 0)
		return trigger_fail(ledger, "attaching in another process tree");
	helper_finish(&helper);
	return trigger_done(
		ledger,
		"made a segment with IPC_PRIVATE (id %d), attached it in another process tree", id);
}

/* The key travels to nobody's process in the image of the worker that it is forked from. */
static key_t agreed_key;

static void side_squat(struct ledger *ledger, struct helper *helper)
{
	int id = object_make(ledger, OBJECT_QUEUE, agreed_key, 0, 0600);

	helper_ready(helper, id < 0 ? errno : 0);
	object_remove(ledger, id);
}

static enum trigger_result run_create_squatted(struct ledger *ledger)
{
	struct helper helper;

	if (!is_root())
		return trigger_skip(ledger, "needs root: it takes two users");
	agreed_key = key_free();
	if (agreed_key < 0)
		return trigger_fail(ledger, "no free key");
	if (helper_start(ledger, HELPER_NOBODY, side_squat, &helper) < 0)
		return trigger_fail(ledger, "making a queue as user nobody");
	int id = msgget(agreed_key, IPC_CREAT | 0600);
	int error = errno;

	helper_finish(&helper);
	errno = error;
	if (id < 0)
		return trigger_fail(ledger, "msgget");
	return trigger_done(
		ledger, "created a queue without IPC_EXCL as root and was given nobody's (id %d)",
		id);
}

static void side_own(struct ledger *ledger, struct helper *helper)
{
	int id = object_make(ledger, OBJECT_QUEUE, IPC_PRIVATE, 0, IPC_CREAT | 0600);

	helper_ready(helper, id < 0 ? errno : 0);
}

static enum trigger_result run_foreign_control(struct ledger *ledger)
{
	struct helper helper;

	if (!is_root())
		return trigger_skip(ledger, "needs root: it takes two users");
	if (helper_start(ledger, HELPER_NOBODY, side_own, &helper) < 0)
		return trigger_fail(ledger, "making a queue as user nobody");
	int id = ledger->objects[0].id;

	object_remove(ledger, id);
	helper_finish(&helper);
	if (!ledger->objects[0].removed)
		return trigger_fail(ledger, "msgctl");
	return trigger_done(ledger,
			    "removed, as root, a queue that user nobody had just made (id %d)", id);
}

/* Nobody's segment in a process tree of its own. */
static void side_segment(struct ledger *ledger, struct helper *helper)
{
	int id = object_make(ledger, OBJECT_SEGMENT, agreed_key, PAGE, 0600);

	helper_ready(helper, id < 0 ? errno : 0);
	object_remove(ledger, id);
}

static enum trigger_result run_cross_owner_attach(struct ledger *ledger)
{
	struct helper helper;

	if (!is_root())
		return trigger_skip(ledger, "needs root: it takes two users");
	agreed_key = key_free();
	if (agreed_key < 0)
		return trigger_fail(ledger, "no free key");
	if (helper_start(ledger, HELPER_NOBODY | HELPER_UNRELATED, side_segment, &helper) < 0)
		return trigger_fail(ledger, "making a segment as user nobody");
	int id = ledger->objects[0].id;
	void *at = shmat(id, NULL, 0);
	int error = errno;

	if (at != (void *)-1)
		shmdt(at);
	helper_finish(&helper);
	errno = error;
	if (at == (void *)-1)
		return trigger_fail(ledger, "shmat");
	return trigger_done(ledger, "attached, as root, a segment of user nobody (id %d)", id);
}

/* ---- what is under control ------------------------------------------------------------ */

static enum trigger_result run_mode_widened(struct ledger *ledger)
{
	struct msqid_ds queue;
	int id = object_make(ledger, OBJECT_QUEUE, IPC_PRIVATE, 0, IPC_CREAT | 0600);

	if (id < 0)
		return trigger_fail(ledger, "msgget");
	if (msgctl(id, IPC_STAT, &queue) < 0)
		return trigger_fail(ledger, "msgctl(IPC_STAT)");
	queue.msg_perm.mode = 0666;
	if (msgctl(id, IPC_SET, &queue) < 0)
		return trigger_fail(ledger, "msgctl(IPC_SET)");
	return trigger_done(ledger, "changed the mode of its own queue %d from 0600 to 0666", id);
}

/* Nobody touches a page of it, so nothing is really locked. */
static enum trigger_result run_locked_hoard(struct ledger *ledger)
{
	int id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, HOARD_BYTES, IPC_CREAT | 0600);

	if (id < 0)
		return trigger_fail(ledger, "shmget");
	if (shmctl(id, SHM_LOCK, NULL) < 0)
		return errno == EPERM || errno == ENOMEM
			       ? trigger_skip(ledger, "needs root: this user may not lock 64 MiB")
			       : trigger_fail(ledger, "shmctl(SHM_LOCK)");
	shmctl(id, SHM_UNLOCK, NULL);
	return trigger_done(ledger, "locked its own empty segment %d of 64 MiB and unlocked it",
			    id);
}

/* ---- who it is ------------------------------------------------------------------------ */

/* Runs the trigger in a copy of this program, unless this is the copy. */
static enum trigger_result copy_result(struct ledger *ledger, int result, const char *done)
{
	if (result == 0)
		return trigger_done(ledger, "%s", done);
	if (errno == EPROTO)
		return trigger_skip(ledger, "a copy of this program could not do it");
	return trigger_fail(ledger, "running a copy of this program");
}

static enum trigger_result run_ebury_segment(struct ledger *ledger)
{
	if (program_is_copy("sshd")) {
		int id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, EBURY_BYTES,
				     IPC_CREAT | 0600);

		return id < 0 ? trigger_fail(ledger, "shmget") : trigger_done(ledger, "id %d", id);
	}
	return copy_result(ledger, program_copy_run(ledger, NULL, "sshd", "ipc_ebury_segment"),
			   "made an empty segment of 3 MB, as a program named sshd");
}

static enum trigger_result run_derusbi_shape(struct ledger *ledger)
{
	if (program_is_copy("spoor-copy")) {
		/* Everybody may write it for the moment it is there, and it is empty. */
		key_t key = key_free();
		int id = key < 0 ? -1 : object_make(ledger, OBJECT_SEGMENT, key, 64, 0666);

		return id < 0 ? trigger_fail(ledger, "shmget") : trigger_done(ledger, "id %d", id);
	}
	return copy_result(
		ledger, program_copy_run(ledger, NULL, "spoor-copy", "ipc_derusbi_shape"),
		"made a 64-byte segment of mode 0666, as a program in a temporary folder");
}

const struct trigger triggers[] = {
	{ "fileless_execution", "start a program from shared memory", trigger_fileless_execution },
	{ "illegitimate_shell", "start a program named sh from a process named nginx",
	  trigger_illegitimate_shell },
	{ "ipc_attach_failures", "fail to attach a segment a thousand times",
	  trigger_attach_failures },
	{ "ipc_create_flood", "make 256 semaphore sets in an IPC namespace", trigger_create_flood },
	{ "ipc_create_race", "look, as nobody, at queues of root just made", trigger_create_race },
	{ "ipc_create_squatted",
	  "create a queue without IPC_EXCL, as root, on a key that user nobody took",
	  run_create_squatted },
	{ "ipc_cross_container", "attach a segment made in a control group named as a container",
	  trigger_cross_container },
	{ "ipc_cross_owner_attach", "attach, as root, a segment of user nobody",
	  run_cross_owner_attach },
	{ "ipc_derusbi_key", "make a segment under the key of the Derusbi malware",
	  run_derusbi_key },
	{ "ipc_derusbi_shape", "make a segment of the size and mode that Derusbi uses",
	  run_derusbi_shape },
	{ "ipc_ebury_segment", "make a large segment as a program named sshd", run_ebury_segment },
	{ "ipc_enumeration", "look at the table of queues place by place", trigger_enumeration },
	{ "ipc_exec_protect", "make an attached segment executable", trigger_exec_protect },
	{ "ipc_exec_segment", "attach a segment executable", run_exec_segment },
	{ "ipc_exists_then_used", "be told EEXIST by a queue of nobody, and open it",
	  trigger_exists_then_used },
	{ "ipc_foreign_control", "remove, as root, another user's queue", run_foreign_control },
	{ "ipc_key_guessing", "ask for 64 keys that nobody uses", trigger_key_guessing },
	{ "ipc_key_squatting", "look for a queue in vain, and open the one that nobody then makes",
	  trigger_key_squatting },
	{ "ipc_left_behind", "end without removing a queue", trigger_left_behind },
	{ "ipc_lifetime_race", "remove segments while another thread attaches",
	  trigger_lifetime_race },
	{ "ipc_limit_reached", "reach the limit of queues of an IPC namespace",
	  trigger_limit_reached },
	{ "ipc_limits_tamper", "open a limit of the kernel for writing", trigger_limits_tamper },
	{ "ipc_listing_read", "open the list of all segments", trigger_listing_read },
	{ "ipc_locked_hoard", "lock a large segment in memory", run_locked_hoard },
	{ "ipc_low_map", "attach a segment at a very low address", run_low_map },
	{ "ipc_message_flood", "fill queues with messages of one size", trigger_message_flood },
	{ "ipc_mode_widened", "open a queue to everybody with IPC_SET", run_mode_widened },
	{ "ipc_msg_copy", "copy a message with MSG_COPY", run_msg_copy },
	{ "ipc_next_id", "open the choice of the next identifier for writing, make a segment",
	  trigger_next_id },
	{ "ipc_ntp_shm", "make a segment under a key of NTP reference clocks", run_ntp_shm },
	{ "ipc_orphan_reattach", "attach a segment left behind ten minutes ago (takes as long)",
	  trigger_orphan_reattach, 620 },
	{ "ipc_private_excl", "make a queue with IPC_PRIVATE and IPC_EXCL", run_private_excl },
	{ "ipc_private_shared", "attach an IPC_PRIVATE segment in another process tree",
	  run_private_shared },
	{ "ipc_private_world_writable", "make an IPC_PRIVATE segment that everybody may write",
	  run_private_world_writable },
	{ "ipc_probe_then_create", "look for a key, then create it without IPC_EXCL",
	  trigger_probe_then_create },
	{ "ipc_quota_half", "make 16,000 queues in an IPC namespace", trigger_quota_half },
	{ "ipc_readonly_written", "try to write to a segment attached read-only",
	  trigger_readonly_written },
	{ "ipc_remove_all", "run ipcrm --all in an empty IPC namespace", trigger_remove_all },
	{ "ipc_remove_all_then_spray", "run ipcrm --all, then make 64 queues",
	  trigger_remove_all_then_spray },
	{ "ipc_root_after_spray", "make queues as nobody, become root, run a program",
	  trigger_root_after_spray },
	{ "ipc_root_child_after_spray", "make queues as nobody, become root, make a child",
	  trigger_root_child_after_spray },
	{ "ipc_spray_queues", "make 64 private queues in an IPC namespace", trigger_spray_queues },
	{ "ipc_spray_sequence", "pin to a processor, then make 24 queues", trigger_spray_sequence },
	{ "ipc_spray_user_namespace", "make a user namespace, then 24 queues",
	  trigger_spray_user_namespace },
	{ "ipc_stranger_channel", "send to an open queue of another process tree",
	  trigger_stranger_channel },
	{ "ipc_world_writable", "make a segment of root that everybody may write",
	  run_world_writable },
	{ "rcd_modification", "start a program named update-rc.d", trigger_rcd_modification },
	{ "scheduled_task_mod", "start a program named crontab", trigger_scheduled_task_mod },
};
const size_t trigger_count = ARRAY_SIZE(triggers);
