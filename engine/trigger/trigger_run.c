/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running triggers: the worker, its ledger of objects, and its helpers. The worker takes no
 * signals but SIGKILL, so between making an object and noting it nothing comes in between.
 */
#include "trigger/trigger.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>

enum { NOBODY = 65534, HELPER_MS_MAX = 3000 };

const struct trigger *trigger_by_name(const char *name)
{
	for (size_t i = 0; i < trigger_count; i++)
		if (!strcmp(triggers[i].name, name))
			return &triggers[i];
	return NULL;
}

/* ---- texts ------------------------------------------------------------------- */

static void set_text(struct ledger *ledger, const char *format, va_list args)
{
	vsnprintf(ledger->text, sizeof(ledger->text), format, args);
}

enum trigger_result trigger_done(struct ledger *ledger, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_text(ledger, format, args);
	va_end(args);
	return TRIGGER_DONE;
}

enum trigger_result trigger_skip(struct ledger *ledger, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_text(ledger, format, args);
	va_end(args);
	return TRIGGER_SKIPPED;
}

enum trigger_result trigger_fail(struct ledger *ledger, const char *what)
{
	snprintf(ledger->text, sizeof(ledger->text), "%s: %s", what, strerror(errno));
	return TRIGGER_FAILED;
}

/* ---- objects ------------------------------------------------------------------- */

static int object_get(enum object_kind kind, key_t key, size_t size, int flags)
{
	switch (kind) {
	case OBJECT_QUEUE: return msgget(key, flags);
	case OBJECT_SEGMENT: return shmget(key, size, flags);
	case OBJECT_SEMAPHORES: return semget(key, (int)size, flags);
	}
	errno = EINVAL;
	return -1;
}

static int object_destroy(int kind, int id)
{
	switch (kind) {
	case OBJECT_QUEUE: return msgctl(id, IPC_RMID, NULL);
	case OBJECT_SEGMENT: return shmctl(id, IPC_RMID, NULL);
	case OBJECT_SEMAPHORES: return semctl(id, 0, IPC_RMID);
	}
	return 0;
}

int object_make(struct ledger *ledger, enum object_kind kind, key_t key, size_t size, int flags)
{
	if (ledger->count == TRIGGER_OBJECTS_MAX) {
		errno = ENOSPC;
		return -1;
	}
	if (key != IPC_PRIVATE)
		flags |= IPC_CREAT | IPC_EXCL;
	int id = object_get(kind, key, size, flags);

	if (id < 0)
		return -1;
	ledger->objects[ledger->count].kind = kind;
	ledger->objects[ledger->count].id = id;
	ledger->count++;
	return id;
}

void object_remove(struct ledger *ledger, int id)
{
	for (unsigned i = 0; i < ledger->count; i++)
		if (ledger->objects[i].id == id && !ledger->objects[i].removed &&
		    object_destroy(ledger->objects[i].kind, id) == 0)
			ledger->objects[i].removed = true;
}

static void ledger_clear(struct ledger *ledger)
{
	for (unsigned i = 0; i < MIN(ledger->count, TRIGGER_OBJECTS_MAX); i++)
		if (!ledger->objects[i].removed &&
		    object_destroy(ledger->objects[i].kind, ledger->objects[i].id) == 0)
			ledger->objects[i].removed = true;
	program_forget(ledger);
}

/* No permission bits: the question alone is always allowed. */
static bool key_in_use(key_t key)
{
	return msgget(key, 0) >= 0 || shmget(key, 0, 0) >= 0 || semget(key, 0, 0) >= 0;
}

key_t key_free(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	for (unsigned i = 0; i < 64; i++) {
		/* "SP" and 16 bits that differ from run to run. */
		key_t key = 0x53500000 |
			    (key_t)((now.tv_nsec / 997 + getpid() + i * 4099) & 0xffff);

		if (!key_in_use(key))
			return key;
	}
	errno = EEXIST;
	return -1;
}

/* ---- helpers ------------------------------------------------------------------- */

static void close_both(int pipe_ends[2])
{
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

/* Pipes: helper to worker (0 and 1 of ready), worker to helper (0 and 1 of release). */
struct helper_pipes {
	int ready[2], release[2];
};

static int pipes_open(struct helper_pipes *pipes)
{
	if (pipe(pipes->ready) < 0)
		return -1;
	if (pipe(pipes->release) < 0) {
		close_both(pipes->ready);
		return -1;
	}
	return 0;
}

/* In the helper: never returns. Only its own ends stay open, so that the worker's death is seen. */
static void side_run(struct ledger *ledger, helper_fn side, struct helper_pipes *pipes, int error)
{
	struct helper helper = { .ready = pipes->ready[1], .release = pipes->release[0] };

	close(pipes->ready[0]);
	close(pipes->release[1]);
	if (error)
		helper_ready(&helper, error);
	else
		side(ledger, &helper);
	_exit(0);
}

/* In the worker: waits until the helper is ready. */
static int pipes_keep(struct helper_pipes *pipes, pid_t pid, struct helper *out)
{
	*out = (struct helper){ .pid = pid,
				.ready = pipes->ready[0],
				.release = pipes->release[1] };
	close(pipes->ready[1]);
	close(pipes->release[0]);
	struct pollfd wait = { .fd = out->ready, .events = POLLIN };
	int error = ETIMEDOUT;

	if (poll(&wait, 1, HELPER_MS_MAX) == 1 &&
	    read(out->ready, &error, sizeof(error)) != sizeof(error))
		error = ECHILD;
	if (!error)
		return 0;
	helper_finish(out);
	errno = error;
	return -1;
}

void helper_ready(struct helper *helper, int error)
{
	char go;

	if (write(helper->ready, &error, sizeof(error)) == sizeof(error))
		(void)!read(helper->release, &go, 1); /* end of file counts too */
}

void helper_finish(struct helper *helper)
{
	struct pollfd wait = { .fd = helper->ready, .events = POLLIN };
	int word;

	close(helper->release);
	/* The end of file on its pipe is its end, also when it is not our child. */
	while (poll(&wait, 1, HELPER_MS_MAX) == 1 && read(helper->ready, &word, sizeof(word)) > 0)
		;
	close(helper->ready);
	if (helper->pid > 0)
		waitpid(helper->pid, NULL, 0);
}

static int become_nobody(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return errno;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

/* Until the process between is gone: only then are we nobody's grandchild. */
static void wait_for_new_parent(pid_t between)
{
	const struct timespec moment = { .tv_nsec = 200 * 1000 };

	for (int i = 0; i < 5000 && getppid() == between; i++)
		nanosleep(&moment, NULL);
}

/* In the first child: leaves the helper behind as an orphan in a session of its own. */
static void orphan(void)
{
	pid_t between = getpid();

	setsid();
	if (fork() != 0)
		_exit(0);
	wait_for_new_parent(between);
}

int helper_start(struct ledger *ledger, unsigned kind, helper_fn side, struct helper *out)
{
	struct helper_pipes pipes;

	if (pipes_open(&pipes) < 0)
		return -1;
	pid_t pid = fork();

	if (pid < 0) {
		close_both(pipes.ready);
		close_both(pipes.release);
		return -1;
	}
	if (pid == 0) {
		if (kind & HELPER_UNRELATED)
			orphan();
		side_run(ledger, side, &pipes, kind & HELPER_NOBODY ? become_nobody() : 0);
	}
	if (kind & HELPER_UNRELATED)
		waitpid(pid, NULL, 0);
	return pipes_keep(&pipes, kind & HELPER_UNRELATED ? 0 : pid, out);
}

/* ---- the worker ------------------------------------------------------------------ */

static bool worker_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return false;
}

/* False if it had to be killed. */
static bool worker_wait(pid_t pid, unsigned seconds, int *status)
{
	struct timespec limit = { .tv_sec = seconds ? seconds : TRIGGER_SECONDS_MAX };
	sigset_t awaited;

	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	for (int i = 0; seconds && i < 3; i++)
		sigaddset(&awaited, (const int[]){ SIGINT, SIGTERM, SIGHUP }[i]);
	for (;;) {
		pid_t ended = waitpid(pid, status, WNOHANG);

		if (ended != 0)
			return ended == pid;
		int signal = sigtimedwait(&awaited, NULL, &limit);

		if (signal < 0 && errno == EAGAIN)
			return worker_kill(pid);
		if (signal > 0 && signal != SIGCHLD) {
			raise(signal); /* pending again */
			return worker_kill(pid);
		}
	}
}

static enum trigger_result worker_result(struct ledger *ledger, bool ended, int status)
{
	if (ended && WIFEXITED(status) && WEXITSTATUS(status) <= TRIGGER_FAILED)
		return (enum trigger_result)WEXITSTATUS(status);
	if (!ended)
		snprintf(ledger->text, sizeof(ledger->text), "not finished, ended");
	else
		snprintf(ledger->text, sizeof(ledger->text), "ended by signal %d",
			 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return TRIGGER_FAILED;
}

static void worker_run(const struct trigger *trigger, struct ledger *ledger)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	enum trigger_result result = trigger->run(ledger);

	ledger_clear(ledger);
	_exit(result);
}

enum trigger_result trigger_perform(const struct trigger *trigger, char text[TRIGGER_TEXT_MAX])
{
	struct ledger *ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	if (ledger == MAP_FAILED) {
		snprintf(text, TRIGGER_TEXT_MAX, "mmap: %s", strerror(errno));
		return TRIGGER_FAILED;
	}
	fflush(NULL);
	pid_t pid = fork();
	enum trigger_result result;

	if (pid == 0)
		worker_run(trigger, ledger);
	if (pid < 0) {
		result = trigger_fail(ledger, "fork");
	} else {
		bool ended = worker_wait(pid, trigger->seconds, &status);

		result = worker_result(ledger, ended, status);
	}
	ledger_clear(ledger);
	snprintf(text, TRIGGER_TEXT_MAX, "%s", ledger->text);
	munmap(ledger, sizeof(*ledger));
	return result;
}
