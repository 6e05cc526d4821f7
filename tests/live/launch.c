// SPDX-License-Identifier: Apache-2.0
/*
 * Starts and ends programs in all the ways there are, to be watched by a sensor. Links
 * with nothing of ours and is static, so that it is itself a program without an
 * interpreter and runs in a VM with an empty file system.
 *
 *	launch facts PREFIX FILE		what the file is, as an event prints it
 *	launch named NAME[,NAME...] PROGRAM ...	takes these names in turn, then execs
 *	launch child NAME PROGRAM ...		takes a name; a child inherits it and execs
 *	launch thread NAME PROGRAM ...		a thread of this name execs, not the first one
 *	launch memfd NAME PROGRAM ...		from a file in memory, by execveat
 *	launch deleted FILE PROGRAM ...		from the copy FILE, deleted before
 *	launch refused PROGRAM ...		after an execve that fails
 *	launch loader PROGRAM FILE LOADER	FILE: PROGRAM with another interpreter
 *	launch exits NAME STATUS		a child of this name exits
 *	launch killed NAME SIGNAL		a child of this name is killed; says if it dumped
 *	launch threads NAME COUNT		so many threads, all of this name, end with exit
 *	launch nothing ...			nothing
 *
 * PROGRAM ...: path and further arguments. Exit status 1, with a text, if something fails.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_at(int line, int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "launch: line %d: %s failed: %s\n", line, what, strerror(errno));
	exit(1);
}

#define CHECK(condition) check_at(__LINE__, (condition), #condition)

static void run_program(char **program)
{
	execv(program[0], program);
	CHECK(!"execv");
}

/* ---- files --------------------------------------------------------------------- */

static void facts(char **argument)
{
	struct stat file;

	CHECK(stat(argument[1], &file) == 0);
	printf("{\"name\":\"%sdev\",\"u_int32\":%u},{\"name\":\"%sinode\",\"u_int64\":\"%llu\"},"
	       "{\"name\":\"%sctime\",\"u_int64\":\"%lld\"}",
	       argument[0], major(file.st_dev) << 20 | minor(file.st_dev), argument[0],
	       (unsigned long long)file.st_ino, argument[0],
	       file.st_ctim.tv_sec * 1000000000LL + file.st_ctim.tv_nsec);
}

/* The whole of a file, mapped privately; never unmapped. */
static char *file_map(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat file;
	char *bytes;

	CHECK(fd >= 0 && fstat(fd, &file) == 0);
	*size = (size_t)file.st_size;
	bytes = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(bytes != MAP_FAILED);
	close(fd);
	return bytes;
}

static void file_write(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t count = write(fd, bytes, size);

		CHECK(count > 0);
		bytes += count;
		size -= (size_t)count;
	}
}

/* An executable file cannot be run while it is open for writing. */
static int file_make(const char *path, const char *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	CHECK(fd >= 0);
	file_write(fd, bytes, size);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static void loader(char **argument)
{
	size_t size;
	char *bytes = file_map(argument[0], &size);
	const Elf64_Ehdr *head = (const void *)bytes;
	const Elf64_Phdr *parts = (const void *)(bytes + head->e_phoff);

	for (int i = 0; i < head->e_phnum; i++) {
		if (parts[i].p_type != PT_INTERP)
			continue;
		CHECK(strlen(argument[2]) < parts[i].p_filesz);
		memset(bytes + parts[i].p_offset, 0, parts[i].p_filesz);
		memcpy(bytes + parts[i].p_offset, argument[2], strlen(argument[2]));
		/* The kernel wants a NUL at the end, and stops at the first. */
		close(file_make(argument[1], bytes, size));
		return;
	}
	CHECK(!"the program has an interpreter");
}

/* ---- exec ---------------------------------------------------------------------- */

static void named(char **argument)
{
	char *rest = argument[0], *name;

	while ((name = strsep(&rest, ",")))
		CHECK(prctl(PR_SET_NAME, name) == 0);
	run_program(argument + 1);
}

static int child_status(pid_t child)
{
	int status = -1;

	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	return status;
}

static void child(char **argument)
{
	pid_t process;

	CHECK(prctl(PR_SET_NAME, argument[0]) == 0);
	process = fork();
	if (process == 0)
		run_program(argument + 1);
	CHECK(child_status(process) == 0);
}

static void *thread_run(void *argument)
{
	char **arguments = argument;

	CHECK(prctl(PR_SET_NAME, arguments[0]) == 0);
	run_program(arguments + 1);
	return NULL;
}

static void thread(char **argument)
{
	pthread_t other;

	CHECK(pthread_create(&other, NULL, thread_run, argument) == 0);
	pthread_join(other, NULL);
}

static void memfd(char **argument)
{
	size_t size;
	char *bytes = file_map(argument[1], &size);
	int fd = memfd_create(argument[0], MFD_CLOEXEC);

	CHECK(fd >= 0);
	file_write(fd, bytes, size);
	syscall(SYS_execveat, fd, "", argument + 1, environ, AT_EMPTY_PATH);
	CHECK(!"execveat");
}

static void deleted(char **argument)
{
	size_t size;
	char *bytes = file_map(argument[1], &size);
	int fd = file_make(argument[0], bytes, size);

	CHECK(unlink(argument[0]) == 0);
	syscall(SYS_execveat, fd, "", argument + 1, environ, AT_EMPTY_PATH);
	CHECK(!"execveat");
}

static void refused(char **argument)
{
	char *nothing[] = { "nothing", NULL };

	CHECK(execv("/", nothing) == -1 && errno == EACCES);
	run_program(argument);
}

/* ---- exit ---------------------------------------------------------------------- */

static void exits(char **argument)
{
	pid_t process = fork();

	if (process == 0) {
		CHECK(prctl(PR_SET_NAME, argument[0]) == 0);
		_exit((int)strtol(argument[1], NULL, 10));
	}
	CHECK(WIFEXITED(child_status(process)));
}

static void killed(char **argument)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t process = fork();
	int status;

	if (process == 0) {
		CHECK(prctl(PR_SET_NAME, argument[0]) == 0);
		(void)setrlimit(RLIMIT_CORE, &limit);
		raise((int)strtol(argument[1], NULL, 10));
		_exit(1);
	}
	status = child_status(process);
	CHECK(WIFSIGNALED(status));
	puts(WCOREDUMP(status) ? "dumped" : "no dump");
}

static void *thread_wait(void *barrier)
{
	pthread_barrier_wait(barrier);
	return NULL;
}

static void threads(char **argument)
{
	unsigned count = (unsigned)strtoul(argument[1], NULL, 10);
	pthread_barrier_t barrier;

	CHECK(prctl(PR_SET_NAME, argument[0]) == 0); /* which threads inherit */
	CHECK(pthread_barrier_init(&barrier, NULL, count + 1) == 0);
	for (unsigned i = 0; i < count; i++) {
		pthread_t other;

		CHECK(pthread_create(&other, NULL, thread_wait, &barrier) == 0);
	}
	pthread_barrier_wait(&barrier);
	syscall(SYS_exit, 0); /* this thread only; the last one ends the process */
}

static void nothing(char **argument)
{
	(void)argument;
}

static const struct {
	const char *name;
	int arguments; /* at least */
	void (*run)(char **argument);
} parts[] = {
	{ "facts", 2, facts },	   { "named", 2, named },     { "child", 2, child },
	{ "thread", 2, thread },   { "memfd", 2, memfd },     { "deleted", 2, deleted },
	{ "refused", 1, refused }, { "loader", 3, loader },   { "exits", 2, exits },
	{ "killed", 2, killed },   { "threads", 2, threads }, { "nothing", 0, nothing },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(*parts); i++) {
		if (strcmp(parts[i].name, argv[1]) != 0 || argc - 2 < parts[i].arguments)
			continue;
		parts[i].run(argv + 2);
		return 0;
	}
	fprintf(stderr, "launch: see the beginning of launch.c\n");
	return 1;
}
