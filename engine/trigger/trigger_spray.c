/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers of detectors that count or follow several calls. What they make in numbers is made
 * in an IPC namespace of the worker's own, where it takes nothing from anybody and ends with
 * the worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "trigger/trigger.h"

enum {
	NOBODY = 65534,
	SPRAY = 64,
	SPRAY_PREPARED = 24,
	FLOOD_QUEUES = 20,
	FLOOD_PER_QUEUE = 16, /* what a queue of 16 KiB holds of ... */
	FLOOD_BYTES = 976,    /* ... messages that fit a slab of 1024 */
	QUOTA = 16000,
	LOOKS = 40,
	KEYS = 64,
	SETS = 256,
	FAILURES = 1000,
	RACES = 120,
	TRIES = 60,
	ORPHAN_SECONDS = 602,
};

/* A namespace of our own, by a user namespace if we are not root. */
static bool own_namespace(void)
{
	return unshare(CLONE_NEWIPC) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWIPC) == 0;
}

static enum trigger_result no_namespace(struct ledger *ledger)
{
	return trigger_skip(ledger, "needs root here: this user may not make an IPC namespace");
}

static bool make_queues(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (msgget(IPC_PRIVATE, IPC_CREAT | 0600) < 0)
			return false;
	return true;
}

/* ---- sprays ------------------------------------------------------------------------ */

enum trigger_result trigger_spray_queues(struct ledger *ledger)
{
	if (!own_namespace())
		return no_namespace(ledger);
	if (!make_queues(SPRAY))
		return trigger_fail(ledger, "msgget");
	return trigger_done(ledger, "made %d private queues in a namespace of its own", SPRAY);
}

enum trigger_result trigger_spray_sequence(struct ledger *ledger)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	if (!own_namespace())
		return no_namespace(ledger);
	CPU_ZERO(&one);
	CPU_SET((size_t)(cpu < 0 ? 0 : cpu), &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		return trigger_fail(ledger, "sched_setaffinity");
	if (!make_queues(SPRAY_PREPARED))
		return trigger_fail(ledger, "msgget");
	return trigger_done(ledger, "pinned itself to a processor, then made %d queues",
			    SPRAY_PREPARED);
}

enum trigger_result trigger_spray_user_namespace(struct ledger *ledger)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) < 0)
		return trigger_skip(ledger, "this host allows no user namespaces");
	if (!make_queues(SPRAY_PREPARED))
		return trigger_fail(ledger, "msgget");
	return trigger_done(ledger, "made a user namespace, then %d queues in it", SPRAY_PREPARED);
}

enum trigger_result trigger_message_flood(struct ledger *ledger)
{
	struct {
		long type;
		char text[FLOOD_BYTES];
	} message = { .type = 1 };

	if (!own_namespace())
		return no_namespace(ledger);
	for (int queue = 0; queue < FLOOD_QUEUES; queue++) {
		int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

		for (int i = 0; i < FLOOD_PER_QUEUE; i++)
			if (msgsnd(id, &message, sizeof(message.text), IPC_NOWAIT) < 0)
				return trigger_fail(ledger, "msgsnd");
	}
	return trigger_done(ledger, "sent %d messages of %d bytes to queues of its own",
			    FLOOD_QUEUES * FLOOD_PER_QUEUE, FLOOD_BYTES);
}

/* A process that was an ordinary user's and is root's: here by the identity it saved. */
static bool spray_as_nobody(void)
{
	bool made;

	if (unshare(CLONE_NEWIPC) < 0 || setresuid(NOBODY, NOBODY, 0) < 0)
		return false;
	made = make_queues(SPRAY);
	return setresuid(0, 0, 0) == 0 && made;
}

static enum trigger_result after_spray(struct ledger *ledger, bool executes, const char *done)
{
	pid_t child;
	int status = 0;

	if (geteuid() != 0)
		return trigger_skip(ledger, "needs root: it takes a process that becomes root");
	child = fork();
	if (child == 0) {
		if (!spray_as_nobody())
			_exit(1);
		if (executes)
			execl("/bin/true", "true", NULL);
		else if (fork() == 0)
			_exit(0);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status)
		return trigger_fail(ledger, "spraying as user nobody");
	return trigger_done(ledger, "%s", done);
}

enum trigger_result trigger_root_after_spray(struct ledger *ledger)
{
	return after_spray(ledger, true,
			   "sprayed queues as user nobody, became root again and ran true");
}

enum trigger_result trigger_root_child_after_spray(struct ledger *ledger)
{
	return after_spray(ledger, false,
			   "sprayed queues as user nobody, became root again and made a child");
}

/* ---- numbers ------------------------------------------------------------------------- */

enum trigger_result trigger_create_flood(struct ledger *ledger)
{
	if (!own_namespace())
		return no_namespace(ledger);
	for (int i = 0; i < SETS; i++)
		if (semget(IPC_PRIVATE, 1, IPC_CREAT | 0600) < 0)
			return trigger_fail(ledger, "semget");
	return trigger_done(ledger, "made %d semaphore sets in a namespace of its own", SETS);
}

enum trigger_result trigger_quota_half(struct ledger *ledger)
{
	if (!own_namespace())
		return no_namespace(ledger);
	if (!make_queues(QUOTA))
		return trigger_fail(ledger, "msgget");
	return trigger_done(ledger, "made %d queues in a namespace of its own", QUOTA);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* The limit of a namespace of its own, which nobody else lives in. */
enum trigger_result trigger_limit_reached(struct ledger *ledger)
{
	int refused = 0;

	if (geteuid() != 0 || unshare(CLONE_NEWIPC) < 0)
		return no_namespace(ledger);
	if (!write_text("/proc/sys/kernel/msgmni", "1"))
		return trigger_fail(ledger, "setting msgmni of its own namespace");
	for (int i = 0; i < 8; i++)
		refused += msgget(IPC_PRIVATE, IPC_CREAT | 0600) < 0 && errno == ENOSPC;
	return trigger_done(ledger, "was refused %d queues in a namespace that allows one",
			    refused);
}

enum trigger_result trigger_attach_failures(struct ledger *ledger)
{
	for (int i = 0; i < FAILURES; i++)
		if (shmat(-1, NULL, 0) != (void *)-1)
			return trigger_fail(ledger, "shmat was to fail, and");
	return trigger_done(ledger, "tried %d times to attach a segment that cannot be", FAILURES);
}

/* ---- looking around -------------------------------------------------------------------- */

enum trigger_result trigger_enumeration(struct ledger *ledger)
{
	struct msqid_ds queue;

	for (int i = 0; i < LOOKS; i++)
		(void)msgctl(i, MSG_STAT, &queue);
	return trigger_done(ledger, "looked at %d places of the table of queues", LOOKS);
}

static int open_and_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd;
}

enum trigger_result trigger_listing_read(struct ledger *ledger)
{
	if (open_and_close("/proc/sysvipc/shm", O_RDONLY) < 0)
		return trigger_fail(ledger, "/proc/sysvipc/shm");
	return trigger_done(ledger, "opened /proc/sysvipc/shm and read nothing");
}

enum trigger_result trigger_key_guessing(struct ledger *ledger)
{
	int absent = 0;

	for (key_t key = 0x5b000000; key < 0x5b000000 + 4 * KEYS && absent < KEYS; key++)
		absent += shmget(key, 0, 0) < 0;
	return trigger_done(ledger, "asked for %d keys that nobody uses", absent);
}

/* ---- parameters of the kernel, opened and left as they are -------------------------------- */

enum trigger_result trigger_limits_tamper(struct ledger *ledger)
{
	if (open_and_close("/proc/sys/kernel/msgmni", O_WRONLY) < 0)
		return trigger_skip(ledger, "needs root: this user may not set msgmni");
	return trigger_done(ledger, "opened /proc/sys/kernel/msgmni for writing and wrote nothing");
}

enum trigger_result trigger_next_id(struct ledger *ledger)
{
	if (open_and_close("/proc/sys/kernel/shm_next_id", O_WRONLY) < 0)
		return trigger_skip(ledger,
				    errno == ENOENT
					    ? "this kernel lets nobody choose identifiers"
					    : "needs root: this user may not choose identifiers");
	if (object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, 1, IPC_CREAT | 0600) < 0)
		return trigger_fail(ledger, "shmget");
	return trigger_done(ledger,
			    "opened shm_next_id for writing, wrote nothing, made a segment");
}

/* ---- ipcrm --------------------------------------------------------------------------------- */

/* In a namespace that holds nothing, so that there is nothing to remove. */
static bool remove_all(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		execl("/usr/bin/ipcrm", "ipcrm", "--all=msg", NULL);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static enum trigger_result with_ipcrm(struct ledger *ledger, unsigned queues, const char *done)
{
	if (access("/usr/bin/ipcrm", X_OK) < 0)
		return trigger_skip(ledger, "there is no /usr/bin/ipcrm here");
	if (!own_namespace())
		return no_namespace(ledger);
	if (!remove_all())
		return trigger_fail(ledger, "ipcrm");
	if (!make_queues(queues))
		return trigger_fail(ledger, "msgget");
	return trigger_done(ledger, "%s", done);
}

enum trigger_result trigger_remove_all(struct ledger *ledger)
{
	return with_ipcrm(ledger, 0, "ran ipcrm --all=msg in an empty namespace");
}

enum trigger_result trigger_remove_all_then_spray(struct ledger *ledger)
{
	return with_ipcrm(ledger, SPRAY,
			  "ran ipcrm --all=msg in an empty namespace, then made 64 queues there");
}

/* ---- races --------------------------------------------------------------------------------- */

static void *attach_nothing(void *unused)
{
	(void)unused;
	for (int i = 0; i < RACES; i++)
		(void)shmat(-1, NULL, 0);
	return NULL;
}

enum trigger_result trigger_lifetime_race(struct ledger *ledger)
{
	pthread_t thread;

	if (!own_namespace())
		return no_namespace(ledger);
	if (pthread_create(&thread, NULL, attach_nothing, NULL))
		return trigger_fail(ledger, "pthread_create");
	for (int i = 0; i < RACES; i++) {
		int id = shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600);

		if (id < 0 || shmctl(id, IPC_RMID, NULL) < 0)
			break;
	}
	pthread_join(thread, NULL);
	return trigger_done(
		ledger, "one thread made and removed %d segments, another attached none", RACES);
}

/* One process with two faces: root makes, nobody looks. */
enum trigger_result trigger_create_race(struct ledger *ledger)
{
	struct msqid_ds queue;

	if (geteuid() != 0 || unshare(CLONE_NEWIPC) < 0)
		return trigger_skip(ledger, "needs root: it takes two users");
	for (int i = 0; i < TRIES; i++) {
		int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);

		if (id < 0 || seteuid(NOBODY) < 0)
			return trigger_fail(ledger, "msgget as root");
		(void)msgctl(id, IPC_STAT, &queue);
		if (seteuid(0) < 0)
			return trigger_fail(ledger, "seteuid");
		msgctl(id, IPC_RMID, NULL);
	}
	return trigger_done(ledger, "looked, as nobody, at %d queues of root just made", TRIES);
}

/* ---- memory ---------------------------------------------------------------------------------- */

enum trigger_result trigger_exec_protect(struct ledger *ledger)
{
	int id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, 4096, IPC_CREAT | 0700);
	void *at = id < 0 ? (void *)-1 : shmat(id, NULL, 0);

	if (at == (void *)-1)
		return trigger_fail(ledger, "shmat");
	if (mprotect(at, 4096, PROT_READ | PROT_EXEC) < 0)
		return trigger_fail(ledger, "mprotect");
	shmdt(at);
	return trigger_done(ledger, "made its own segment %d executable, ran nothing in it", id);
}

enum trigger_result trigger_readonly_written(struct ledger *ledger)
{
	int id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	void *at = id < 0 ? (void *)-1 : shmat(id, NULL, SHM_RDONLY);

	if (at == (void *)-1)
		return trigger_fail(ledger, "shmat");
	int refused = mprotect(at, 4096, PROT_READ | PROT_WRITE) < 0;

	shmdt(at);
	return trigger_done(ledger, "asked to write to its own segment %d, attached read-only: %s",
			    id, refused ? "refused, as it should be" : "this kernel allowed it");
}

/* ---- several processes ------------------------------------------------------ */

static key_t agreed_key;
static int agreed_mode;

static void side_queue(struct ledger *ledger, struct helper *helper)
{
	int id = object_make(ledger, OBJECT_QUEUE, agreed_key, 0, agreed_mode);

	helper_ready(helper, id < 0 ? errno : 0);
	object_remove(ledger, id);
}

enum trigger_result trigger_stranger_channel(struct ledger *ledger)
{
	struct {
		long type;
		char text[8];
	} message = { 1, "spoor" };
	struct helper helper;

	agreed_key = key_free();
	agreed_mode = 0666;
	if (agreed_key < 0)
		return trigger_fail(ledger, "no free key");
	if (helper_start(ledger, HELPER_UNRELATED, side_queue, &helper) < 0)
		return trigger_fail(ledger, "making a queue in another process tree");
	int result = msgsnd(ledger->objects[0].id, &message, sizeof(message.text), IPC_NOWAIT);

	helper_finish(&helper);
	if (result < 0)
		return trigger_fail(ledger, "msgsnd");
	return trigger_done(ledger, "sent a message to an open queue of another process tree");
}

/* probe: ask before it is there. */
static enum trigger_result use_nobodys(struct ledger *ledger, bool probe, const char *done)
{
	struct helper helper;
	int id;

	if (geteuid() != 0)
		return trigger_skip(ledger, "needs root: it takes two users");
	agreed_key = key_free();
	agreed_mode = 0600;
	if (agreed_key < 0)
		return trigger_fail(ledger, "no free key");
	if (probe)
		(void)msgget(agreed_key, 0);
	if (helper_start(ledger, HELPER_NOBODY, side_queue, &helper) < 0)
		return trigger_fail(ledger, "making a queue as user nobody");
	if (!probe)
		(void)msgget(agreed_key, IPC_CREAT | IPC_EXCL | 0600);
	id = msgget(agreed_key, 0);
	helper_finish(&helper);
	if (id < 0)
		return trigger_fail(ledger, "msgget");
	return trigger_done(ledger, "%s", done);
}

enum trigger_result trigger_exists_then_used(struct ledger *ledger)
{
	return use_nobodys(ledger, false,
			   "was told EEXIST by a queue of user nobody and opened it");
}

enum trigger_result trigger_key_squatting(struct ledger *ledger)
{
	return use_nobodys(ledger, true,
			   "looked for a queue in vain, and opened the one that nobody then made");
}

enum trigger_result trigger_probe_then_create(struct ledger *ledger)
{
	key_t key = key_free();
	int id;

	if (!own_namespace())
		return no_namespace(ledger);
	if (key < 0 || msgget(key, 0) >= 0)
		return trigger_fail(ledger, "no free key");
	id = msgget(key, IPC_CREAT | 0600);
	if (id < 0)
		return trigger_fail(ledger, "msgget");
	msgctl(id, IPC_RMID, NULL);
	return trigger_done(ledger, "looked for a key in vain, then created it without IPC_EXCL");
}

static void side_segment(struct ledger *ledger, struct helper *helper)
{
	int id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600);

	helper_ready(helper, id < 0 ? errno : 0);
}

enum trigger_result trigger_orphan_reattach(struct ledger *ledger)
{
	const struct timespec long_enough = { .tv_sec = ORPHAN_SECONDS };
	struct helper helper;
	void *at;

	if (helper_start(ledger, HELPER_UNRELATED, side_segment, &helper) < 0)
		return trigger_fail(ledger, "making a segment in another process tree");
	helper_finish(&helper);
	nanosleep(&long_enough, NULL);
	at = shmat(ledger->objects[0].id, NULL, 0);
	if (at == (void *)-1)
		return trigger_fail(ledger, "shmat");
	shmdt(at);
	return trigger_done(ledger, "attached a segment that another process tree left behind");
}

static void side_leave(struct ledger *ledger, struct helper *helper)
{
	int id = object_make(ledger, OBJECT_QUEUE, IPC_PRIVATE, 0, IPC_CREAT | 0600);

	helper_ready(helper, id < 0 ? errno : 0);
}

enum trigger_result trigger_left_behind(struct ledger *ledger)
{
	struct helper helper;

	if (helper_start(ledger, 0, side_leave, &helper) < 0)
		return trigger_fail(ledger, "making a queue in a child");
	helper_finish(&helper);
	return trigger_done(ledger, "a child ended without removing its queue; removed it then");
}

/* ---- containers ------------------------------------------------------------- */

/* As a container runtime names it; in the hierarchy that the sensor looks at. */
#define CONTAINER_SCOPE \
	"/docker-5900700000000000000000000000000000000000000000000000000000005900.scope"

static char scope[256];

static bool scope_make(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup/memory", "/sys/fs/cgroup" };

	for (size_t i = 0; i < 2; i++) {
		snprintf(scope, sizeof(scope), "%s/cgroup.procs", roots[i]);
		if (access(scope, W_OK) < 0)
			continue;
		snprintf(scope, sizeof(scope), "%s%s", roots[i], CONTAINER_SCOPE);
		rmdir(scope); /* left behind, if somebody killed us */
		return mkdir(scope, 0755) == 0;
	}
	return false;
}

static void side_contained(struct ledger *ledger, struct helper *helper)
{
	char path[sizeof(scope) + 16];
	int id = -1;

	snprintf(path, sizeof(path), "%s/cgroup.procs", scope);
	if (write_text(path, "0"))
		id = object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	helper_ready(helper, id < 0 ? errno : 0);
}

enum trigger_result trigger_cross_container(struct ledger *ledger)
{
	struct helper helper;
	void *at;

	if (!scope_make())
		return trigger_skip(ledger, "needs root and a cgroup hierarchy it may write to");
	if (helper_start(ledger, 0, side_contained, &helper) < 0) {
		rmdir(scope);
		return trigger_fail(ledger, "making a segment in a control group");
	}
	at = shmat(ledger->objects[0].id, NULL, 0);
	if (at != (void *)-1)
		shmdt(at);
	helper_finish(&helper);
	rmdir(scope);
	if (at == (void *)-1)
		return trigger_fail(ledger, "shmat");
	return trigger_done(ledger, "attached a segment made in a group named as a container");
}
