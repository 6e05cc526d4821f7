/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of this program under another name, for detectors that look at the executable. The
 * copy lies in a new folder only we can enter and is named in the ledger, so that it is
 * removed even if the worker dies.
 */
#include "trigger/trigger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

int program_path(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);

	if (len < 0)
		return -1;
	path[len] = 0;
	return 0;
}

void program_forget(struct ledger *ledger)
{
	if (ledger->program[0])
		unlink(ledger->program);
	if (ledger->folder[0])
		rmdir(ledger->folder);
	ledger->program[0] = ledger->folder[0] = 0;
}

static int copy_self(int to)
{
	autoclean(closep) int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ssize_t sent;

	if (from < 0)
		return -1;
	while ((sent = sendfile(to, from, NULL, 1 << 20)) > 0)
		;
	return sent < 0 ? -1 : 0;
}

/* A folder whose files may be executed; not all of these may on a hardened host. */
static int copy_make(struct ledger *ledger, const char *parent, const char *name)
{
	char folder[TRIGGER_PATH_MAX];

	snprintf(folder, sizeof(folder), "%s%sXXXXXX", parent, PROGRAM_FOLDER);
	if (!mkdtemp(folder))
		return -1;
	snprintf(ledger->folder, sizeof(ledger->folder), "%s", folder);
	snprintf(ledger->program, sizeof(ledger->program), "%.*s/%s", TRIGGER_PATH_MAX / 2, folder,
		 name);
	autoclean(closep) int to = open(ledger->program, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
					0700);

	return to < 0 ? -1 : copy_self(to);
}

static void copy_exec(struct ledger *ledger, const char *trigger)
{
	char *const argv[] = { ledger->program, (char[]){ "trigger" }, (char *)trigger, NULL };
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(ledger->program, argv);
	_exit(errno == EACCES || errno == EPERM ? 126 : 127);
}

/* 0 done, 1 may not be executed there, -1 with errno. */
static int copy_run(struct ledger *ledger, const char *trigger)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		copy_exec(ledger, trigger);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 126)
		return 1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	errno = EPROTO;
	return -1;
}

int program_copy_run(struct ledger *ledger, const char *parent, const char *name,
		     const char *trigger)
{
	static const char *const temporary[] = { "/tmp", "/var/tmp", "/dev/shm", "/run" };
	const char *const *parents = parent ? &parent : temporary;
	size_t count = parent ? 1 : ARRAY_SIZE(temporary);
	int result = 1;

	errno = EACCES;
	for (size_t i = 0; result == 1 && i < count; i++) {
		int error = EACCES;

		if (copy_make(ledger, parents[i], name) == 0) {
			result = copy_run(ledger, trigger);
			error = result == 1 ? EACCES : errno;
		}
		program_forget(ledger);
		errno = error;
	}
	return result ? -1 : 0;
}

bool program_is_copy(const char *name)
{
	char path[4096];

	return program_path(path, sizeof(path)) == 0 && strstr(path, PROGRAM_FOLDER) &&
	       !strcmp(strrchr(path, '/') + 1, name);
}
