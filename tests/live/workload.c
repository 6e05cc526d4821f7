// SPDX-License-Identifier: Apache-2.0
/*
 * A fixed set of System V IPC calls of every kind, to be watched by a sensor: the same
 * arguments and results every time, whatever the machine. Links with nothing of ours;
 * `gcc -static` makes it run in a VM with an empty file system.
 *
 *	workload calls N	N of each of the twelve calls (64-bit), all of them succeed
 *				except one semtimedop in two, which times out
 *	workload errors		each call once with arguments that fail
 *	workload control	IPC_SET, IPC_STAT, STAT_ANY, IPC_INFO, IPC_RMID on each kind
 *	workload messages	a receiver that sleeps, truncation, MSG_COPY, three kinds of types
 *	workload operations	semop with 1, 2, 3, 16, 17 and 500 operations
 *	workload compat		32-bit calls by int 0x80, direct ones and through ipc(2)
 *	workload around		what matters around the calls: processors, namespaces,
 *				protection of a segment, files of /proc
 *	workload sleepers N	N receivers asleep at the same time, then a message for each
 *	workload processes N	N times fork, exec of /proc/self/exe, exit
 *	workload rate S		msgget(ENOENT key) as fast as it goes for S seconds
 *	workload all		everything above but sleepers and rate, N = 3
 *
 * Prints a line `done CALL COUNT` for each call at the end (what a sensor must have seen)
 * and exits with 0; anything unexpected is said on stderr and exits with 1. Objects it
 * makes are removed. Keys are private except KEY_SHARED, which is removed first.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KEY_SHARED = 0x5f000001, KEY_ABSENT = 0x5f0000ff, SEGMENT = 8192 };

/* Calls made by this process and the children it counts for (shared memory). */
enum call_kind {
	CALL_MSGGET,
	CALL_MSGSND,
	CALL_MSGRCV,
	CALL_MSGCTL,
	CALL_SHMGET,
	CALL_SHMAT,
	CALL_SHMDT,
	CALL_SHMCTL,
	CALL_SEMGET,
	CALL_SEMOP,
	CALL_SEMCTL,
	CALL_SEMTIMEDOP,
	CALL_IPC,
	CALL_KINDS
};

static const char *const call_names[CALL_KINDS] = {
	"msgget", "msgsnd", "msgrcv", "msgctl", "shmget",     "shmat", "shmdt",
	"shmctl", "semget", "semop",  "semctl", "semtimedop", "ipc",
};

static uint64_t *done;

#define DO(kind, call) (__atomic_fetch_add(&done[kind], 1, __ATOMIC_RELAXED), (call))

static void check_at(int line, int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "workload: line %d: %s failed: %s\n", line, what, strerror(errno));
	exit(1);
}

#define CHECK(condition) check_at(__LINE__, (condition), #condition)

struct message {
	long type;
	char text[64];
};

/* System calls as such: libc turns semop into semtimedop. */
static int raw_semop(int id, struct sembuf *operations, size_t count)
{
	return (int)syscall(SYS_semop, id, operations, count);
}

static int raw_semtimedop(int id, struct sembuf *operations, size_t count, struct timespec *timeout)
{
	return (int)syscall(SYS_semtimedop, id, operations, count, timeout);
}

static int raw_semctl(int id, int number, int command, unsigned long argument)
{
	return (int)syscall(SYS_semctl, id, number, command, argument);
}

static int raw_msgctl(int id, int command, void *argument)
{
	return (int)syscall(SYS_msgctl, id, command, argument);
}

static int raw_shmctl(int id, int command, void *argument)
{
	return (int)syscall(SYS_shmctl, id, command, argument);
}

/* ---- one round: each call once ------------------------------------------------- */

static void round_of_calls(long turn)
{
	struct message message = { .type = turn + 1, .text = "text" };
	struct sembuf up = { 0, 1, 0 }, down = { 0, -1, IPC_NOWAIT };
	struct timespec timeout = { 0, 1000 };
	int queue = DO(CALL_MSGGET, msgget(IPC_PRIVATE, IPC_CREAT | 0600));
	int segment = DO(CALL_SHMGET, shmget(IPC_PRIVATE, SEGMENT, IPC_CREAT | 0640));
	int set = DO(CALL_SEMGET, semget(IPC_PRIVATE, 3, IPC_CREAT | 0660));
	void *at;

	CHECK(queue >= 0 && segment >= 0 && set >= 0);
	CHECK(DO(CALL_MSGSND, msgsnd(queue, &message, 16, 0)) == 0);
	CHECK(DO(CALL_MSGRCV, msgrcv(queue, &message, sizeof(message.text), 0, MSG_NOERROR)) == 16);
	at = DO(CALL_SHMAT, shmat(segment, NULL, SHM_RDONLY));
	CHECK(at != (void *)-1);
	CHECK(DO(CALL_SHMDT, shmdt(at)) == 0);
	CHECK(DO(CALL_SEMOP, raw_semop(set, &up, 1)) == 0);
	if (turn % 2)
		CHECK(DO(CALL_SEMTIMEDOP, raw_semtimedop(set, &down, 1, &timeout)) == 0);
	else
		CHECK(DO(CALL_SEMTIMEDOP,
			 raw_semtimedop(set, &(struct sembuf){ 1, -1, 0 }, 1, &timeout)) == -1 &&
		      errno == EAGAIN);
	CHECK(DO(CALL_MSGCTL, raw_msgctl(queue, IPC_RMID, NULL)) == 0);
	CHECK(DO(CALL_SHMCTL, raw_shmctl(segment, IPC_RMID, NULL)) == 0);
	CHECK(DO(CALL_SEMCTL, raw_semctl(set, 0, IPC_RMID, 0)) == 0);
}

static void run_calls(long count)
{
	for (long turn = 0; turn < count; turn++)
		round_of_calls(turn);
}

/* ---- calls that fail ----------------------------------------------------------- */

static void run_errors(long unused)
{
	struct sembuf operation = { 0, 1, 0 };

	(void)unused;
	CHECK(DO(CALL_MSGGET, msgget(KEY_ABSENT, 0)) == -1 && errno == ENOENT);
	CHECK(DO(CALL_SHMGET, shmget(KEY_ABSENT, 0, 0)) == -1 && errno == ENOENT);
	CHECK(DO(CALL_SEMGET, semget(KEY_ABSENT, -1, IPC_CREAT)) == -1 && errno == EINVAL);
	CHECK(DO(CALL_MSGSND, msgsnd(-1, &operation, 1, 0)) == -1 && errno == EINVAL);
	CHECK(DO(CALL_MSGSND, msgsnd(0, (void *)8, 1, 0)) == -1 && errno == EFAULT);
	CHECK(DO(CALL_MSGRCV, msgrcv(-1, (void *)8, 1, -5, 0)) == -1 && errno == EINVAL);
	CHECK(DO(CALL_MSGCTL, raw_msgctl(-1, IPC_RMID, NULL)) == -1 && errno == EINVAL);
	CHECK(DO(CALL_SHMAT, shmat(-1, (void *)4096, SHM_RND | SHM_EXEC)) == (void *)-1);
	CHECK(DO(CALL_SHMDT, shmdt((void *)4096)) == -1 && errno == EINVAL);
	CHECK(DO(CALL_SHMCTL, raw_shmctl(-1, IPC_SET, (void *)8)) == -1);
	CHECK(DO(CALL_SEMOP, raw_semop(-1, &operation, 1)) == -1 && errno == EINVAL);
	CHECK(DO(CALL_SEMOP, raw_semop(0, (void *)8, 1)) == -1 && errno == EFAULT);
	CHECK(DO(CALL_SEMOP, raw_semop(0, &operation, 100000)) == -1 && errno == E2BIG);
	CHECK(DO(CALL_SEMOP, raw_semop(0, &operation, 0)) == -1 && errno == EINVAL);
	CHECK(DO(CALL_SEMTIMEDOP, raw_semtimedop(0, &operation, 1, (void *)8)) == -1 &&
	      errno == EFAULT);
	CHECK(DO(CALL_SEMCTL, raw_semctl(-1, 7, SETVAL, 0xdeadbeefUL)) == -1);
}

/* ---- control ------------------------------------------------------------------- */

static void control_queue(void)
{
	struct msqid_ds queue_data;
	int queue, index;

	queue = DO(CALL_MSGGET, msgget(KEY_SHARED, 0));
	if (queue >= 0)
		CHECK(DO(CALL_MSGCTL, raw_msgctl(queue, IPC_RMID, NULL)) == 0);
	queue = DO(CALL_MSGGET, msgget(KEY_SHARED, IPC_CREAT | IPC_EXCL | 0600));
	CHECK(queue >= 0);
	CHECK(DO(CALL_MSGCTL, raw_msgctl(queue, IPC_STAT, &queue_data)) == 0);
	queue_data.msg_perm.uid = 1234;
	queue_data.msg_perm.gid = 4321;
	queue_data.msg_perm.mode = 0666;
	queue_data.msg_qbytes = 4096;
	CHECK(DO(CALL_MSGCTL, raw_msgctl(queue, IPC_SET, &queue_data)) == 0);
	CHECK(DO(CALL_MSGCTL, raw_msgctl(-2, IPC_SET, &queue_data)) == -1);
	CHECK(DO(CALL_MSGCTL, raw_msgctl(queue & 0x7fff, MSG_STAT, &queue_data)) == queue);
	index = DO(CALL_MSGCTL, raw_msgctl(0, IPC_INFO, &queue_data));
	CHECK(index >= 0);
	CHECK(DO(CALL_MSGCTL, raw_msgctl(queue, IPC_RMID, NULL)) == 0);
}

static void control_segment(void)
{
	struct shmid_ds data;
	int segment = DO(CALL_SHMGET, shmget(IPC_PRIVATE, 3 * SEGMENT, IPC_CREAT | 0600));

	CHECK(segment >= 0);
	CHECK(DO(CALL_SHMCTL, raw_shmctl(segment, IPC_STAT, &data)) == 0);
	data.shm_perm.uid = 1234;
	data.shm_perm.gid = 4321;
	data.shm_perm.mode = 0606;
	CHECK(DO(CALL_SHMCTL, raw_shmctl(segment, IPC_SET, &data)) == 0);
	CHECK(DO(CALL_SHMCTL, raw_shmctl(segment, SHM_LOCK, NULL)) == 0);
	CHECK(DO(CALL_SHMCTL, raw_shmctl(segment, SHM_UNLOCK, NULL)) == 0);
	CHECK(DO(CALL_SHMCTL, raw_shmctl(segment & 0x7fff, SHM_STAT, &data)) == segment);
	CHECK(DO(CALL_SHMCTL, raw_shmctl(segment, IPC_RMID, NULL)) == 0);
}

static void control_set(void)
{
	struct semid_ds data;
	unsigned short values[4] = { 1, 2, 3, 4 };
	int set = DO(CALL_SEMGET, semget(IPC_PRIVATE, 4, IPC_CREAT | 0600));

	CHECK(set >= 0);
	CHECK(DO(CALL_SEMCTL, raw_semctl(set, 0, IPC_STAT, (unsigned long)&data)) == 0);
	data.sem_perm.uid = 1234;
	data.sem_perm.gid = 4321;
	data.sem_perm.mode = 0646;
	CHECK(DO(CALL_SEMCTL, raw_semctl(set, 0, IPC_SET, (unsigned long)&data)) == 0);
	CHECK(DO(CALL_SEMCTL, raw_semctl(set, 2, SETVAL, 7)) == 0);
	CHECK(DO(CALL_SEMCTL, raw_semctl(set, 2, GETVAL, 0)) == 7);
	CHECK(DO(CALL_SEMCTL, raw_semctl(set, 0, SETALL, (unsigned long)values)) == 0);
	CHECK(DO(CALL_SEMCTL, raw_semctl(set & 0x7fff, 0, SEM_STAT, (unsigned long)&data)) == set);
	CHECK(DO(CALL_SEMCTL, raw_semctl(set, 0, IPC_RMID, 0)) == 0);
}

static void run_control(long unused)
{
	(void)unused;
	control_queue();
	control_segment();
	control_set();
}

/* ---- messages ------------------------------------------------------------------ */

static void wait_until_asleep(pid_t process)
{
	char path[64], state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
	while (state != 'S') {
		FILE *file = fopen(path, "r");

		CHECK(file && fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
		fclose(file);
	}
}

/* The child sleeps in msgrcv; the parent sends when it is asleep. */
static void blocked_receiver(int queue)
{
	struct message message = { .type = 42, .text = "wake up" };
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		CHECK(DO(CALL_MSGRCV, msgrcv(queue, &message, sizeof(message.text), 42, 0)) == 8);
		_exit(message.type == 42 ? 0 : 1);
	}
	wait_until_asleep(child);
	CHECK(DO(CALL_MSGSND, msgsnd(queue, &message, 8, 0)) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void run_messages(long unused)
{
	struct message message = { .type = 3, .text = "0123456789" };
	int queue = DO(CALL_MSGGET, msgget(IPC_PRIVATE, 0600));

	(void)unused;
	CHECK(queue >= 0);
	blocked_receiver(queue);
	CHECK(DO(CALL_MSGSND, msgsnd(queue, &message, 60, 0)) == 0);
	message.type = 7;
	CHECK(DO(CALL_MSGSND, msgsnd(queue, &message, 5, IPC_NOWAIT)) == 0);
	message.type = 5;
	CHECK(DO(CALL_MSGSND, msgsnd(queue, &message, 0, 0)) == 0);
	/* Lowest type up to 6, cut to 4 bytes. */
	CHECK(DO(CALL_MSGRCV, msgrcv(queue, &message, 4, -6, MSG_NOERROR)) == 4);
	CHECK(message.type == 3);
	/* Anything but type 7. */
	CHECK(DO(CALL_MSGRCV, msgrcv(queue, &message, 64, 7, MSG_EXCEPT)) == 0);
	CHECK(message.type == 5);
	CHECK(DO(CALL_MSGRCV, msgrcv(queue, &message, 2, 0, 0)) == -1 && errno == E2BIG);
	CHECK(DO(CALL_MSGRCV, msgrcv(queue, &message, 64, 9, IPC_NOWAIT)) == -1 && errno == ENOMSG);
	CHECK(DO(CALL_MSGRCV, msgrcv(queue, &message, 64, 7, 0)) == 5);
	CHECK(DO(CALL_MSGCTL, raw_msgctl(queue, IPC_RMID, NULL)) == 0);
}

/* ---- semaphore operations ------------------------------------------------------ */

static void run_operations(long unused)
{
	static const size_t sizes[] = { 1, 2, 3, 16, 17, 500 };
	struct sembuf operations[500];
	struct timespec timeout = { 2, 500000000 };
	int set = DO(CALL_SEMGET, semget(IPC_PRIVATE, 100, 0600));

	(void)unused;
	CHECK(set >= 0);
	for (int i = 0; i < 500; i++)
		operations[i] = (struct sembuf){ (unsigned short)(i % 100), (short)(i % 2 ? -1 : 1),
						 IPC_NOWAIT };
	for (int i = 0; i < 500; i++)
		operations[i].sem_num = (unsigned short)(i / 2 % 100);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		CHECK(DO(CALL_SEMOP, raw_semop(set, operations, sizes[i])) == 0);
		CHECK(DO(CALL_SEMTIMEDOP, raw_semtimedop(set, operations, sizes[i], &timeout)) ==
		      0);
	}
	CHECK(DO(CALL_SEMTIMEDOP, raw_semtimedop(set, operations, 1, NULL)) == 0);
	CHECK(DO(CALL_SEMCTL, raw_semctl(set, 0, IPC_RMID, 0)) == 0);
}

/* ---- 32-bit calls -------------------------------------------------------------- */

#if defined(__x86_64__)

static long call32(long number, long a, long b, long c, long d, long e, long f)
{
	long result;

	/* The kernel takes the sixth argument from ebp. */
	__asm__ volatile("push %%rbp\n\tmov %[f], %%rbp\n\tint $0x80\n\tpop %%rbp"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), [f] "r"(f)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/* Numbers of i386. */
enum {
	I386_IPC = 117,
	I386_SEMGET = 393,
	I386_SEMCTL = 394,
	I386_SHMGET = 395,
	I386_SHMCTL = 396,
	I386_SHMAT = 397,
	I386_SHMDT = 398,
	I386_MSGGET = 399,
	I386_MSGSND = 400,
	I386_MSGRCV = 401,
	I386_MSGCTL = 402,
	I386_SEMTIMEDOP64 = 420,
};

/* What 32-bit code can point to. */
struct low_memory {
	struct {
		int type;
		char text[60];
	} message;
	struct sembuf operation;
	struct {
		unsigned message;
		int type;
	} kludge;
	unsigned address, value;
	struct {
		long long sec, nsec;
	} timeout;
	struct {
		int sec, nsec;
	} old_timeout;
};

static long low(const void *pointer)
{
	return (long)(uintptr_t)pointer;
}

static void compat_direct(struct low_memory *memory)
{
	long queue = DO(CALL_MSGGET, call32(I386_MSGGET, 0, 0600, 0, 0, 0, 0));
	long segment = DO(CALL_SHMGET, call32(I386_SHMGET, 0, SEGMENT, 0600, 0, 0, 0));
	long set = DO(CALL_SEMGET, call32(I386_SEMGET, 0, 2, 0600, 0, 0, 0));
	long at;

	CHECK(queue >= 0 && segment >= 0 && set >= 0);
	memory->message.type = 11;
	CHECK(DO(CALL_MSGSND, call32(I386_MSGSND, queue, low(&memory->message), 8, 0, 0, 0)) == 0);
	CHECK(DO(CALL_MSGRCV, call32(I386_MSGRCV, queue, low(&memory->message), 60, -20, 0, 0)) ==
	      8);
	at = DO(CALL_SHMAT, call32(I386_SHMAT, segment, 0, 0, 0, 0, 0));
	CHECK(at != -1);
	CHECK(DO(CALL_SHMDT, call32(I386_SHMDT, at, 0, 0, 0, 0, 0)) == 0);
	memory->operation = (struct sembuf){ 1, 2, 0 };
	memory->timeout.sec = 3;
	CHECK(DO(CALL_SEMTIMEDOP, call32(I386_SEMTIMEDOP64, set, low(&memory->operation), 1,
					 low(&memory->timeout), 0, 0)) == 0);
	CHECK(DO(CALL_MSGCTL, call32(I386_MSGCTL, queue, IPC_RMID, 0, 0, 0, 0)) == 0);
	CHECK(DO(CALL_SHMCTL, call32(I386_SHMCTL, segment, IPC_RMID, 0, 0, 0, 0)) == 0);
	CHECK(DO(CALL_SEMCTL, call32(I386_SEMCTL, set, 0, IPC_RMID, 0, 0, 0)) == 0);
	/* A negative result keeps its sign. */
	CHECK(DO(CALL_MSGGET, call32(I386_MSGGET, KEY_ABSENT, 0, 0, 0, 0, 0)) == -ENOENT);
}

/* ipc(2): each call counts as ipc and as the one it stands for. */
#define DO_IPC(kind, call, a, b, c, d, e) \
	(done[kind]++, done[CALL_IPC]++, call32(I386_IPC, call, a, b, c, d, e))

static void compat_multiplexed(struct low_memory *memory)
{
	enum { VERSION_64 = 0x100 };
	long queue = DO_IPC(CALL_MSGGET, 13, 0, 0600, 0, 0, 0);
	long segment = DO_IPC(CALL_SHMGET, 23, 0, SEGMENT, 0600, 0, 0);
	long set = DO_IPC(CALL_SEMGET, 2, 0, 2, 0600, 0, 0);

	CHECK(queue >= 0 && segment >= 0 && set >= 0);
	memory->message.type = 12;
	CHECK(DO_IPC(CALL_MSGSND, 11, queue, 8, 0, low(&memory->message), 0) == 0);
	memory->kludge.message = (unsigned)low(&memory->message);
	memory->kludge.type = -13;
	CHECK(DO_IPC(CALL_MSGRCV, 12, queue, 60, 0, low(&memory->kludge), 0) == 8);
	CHECK(DO_IPC(CALL_MSGSND, 11, queue, 4, 0, low(&memory->message), 0) == 0);
	CHECK(DO_IPC(CALL_MSGRCV, 12 | 1 << 16, queue, 60, 0, low(&memory->message), 12) == 4);
	CHECK(DO_IPC(CALL_SHMAT, 21, segment, 0, low(&memory->address), 0, 0) == 0);
	CHECK(DO_IPC(CALL_SHMDT, 22, 0, 0, 0, memory->address, 0) == 0);
	memory->operation = (struct sembuf){ 1, 2, 0 };
	memory->old_timeout.sec = 4;
	CHECK(DO_IPC(CALL_SEMOP, 1, set, 1, 0, low(&memory->operation), 0) == 0);
	CHECK(DO_IPC(CALL_SEMTIMEDOP, 4, set, 1, 0, low(&memory->operation),
		     low(&memory->old_timeout)) == 0);
	memory->value = 5;
	CHECK(DO_IPC(CALL_SEMCTL, 3, set, 1, SETVAL | VERSION_64, low(&memory->value), 0) == 0);
	CHECK(DO_IPC(CALL_MSGCTL, 14, queue, IPC_RMID | VERSION_64, 0, 0, 0) == 0);
	CHECK(DO_IPC(CALL_SHMCTL, 24, segment, IPC_RMID, 0, 0, 0) == 0);
	CHECK(DO_IPC(CALL_SEMCTL, 3, set, 0, IPC_RMID, low(&memory->value), 0) == 0);
}

/* unshare, by its i386 number. */
static void unshare_compat(void)
{
	CHECK(call32(310, CLONE_FS, 0, 0, 0, 0, 0) == 0);
}

static void run_compat(long unused)
{
	struct low_memory *memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	(void)unused;
	CHECK(memory != MAP_FAILED);
	compat_direct(memory);
	compat_multiplexed(memory);
}

#else

static void run_compat(long unused)
{
	(void)unused;
}

static void unshare_compat(void)
{
}

#endif

/* ---- many asleep at once ------------------------------------------------------- */

/* They stay until all have got their message: whoever was missed cannot end unseen. */
static void sleeper(int queue, volatile uint64_t *woken, long count)
{
	struct message message;

	CHECK(DO(CALL_MSGRCV, msgrcv(queue, &message, sizeof(message.text), 0, 0)) == 4);
	__atomic_fetch_add(woken, 1, __ATOMIC_SEQ_CST);
	while (*woken < (uint64_t)count)
		usleep(1000);
	_exit(0);
}

static void run_sleepers(long count)
{
	struct message message = { .type = 1, .text = "up" };
	int queue = DO(CALL_MSGGET, msgget(IPC_PRIVATE, 0600)), status;
	/* Behind the counts of calls, in the same shared page. */
	volatile uint64_t *woken = &done[CALL_KINDS];

	CHECK(queue >= 0);
	for (long i = 0; i < count; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0)
			sleeper(queue, woken, count);
		wait_until_asleep(child);
	}
	for (long i = 0; i < count; i++)
		CHECK(DO(CALL_MSGSND, msgsnd(queue, &message, 4, 0)) == 0);
	while (wait(&status) > 0)
		CHECK(status == 0);
	CHECK(DO(CALL_MSGCTL, raw_msgctl(queue, IPC_RMID, NULL)) == 0);
}

/* ---- processes ----------------------------------------------------------------- */

static void run_processes(long count)
{
	for (long i = 0; i < count; i++) {
		int status;
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0) {
			execl("/proc/self/exe", "workload", "nothing", NULL);
			_exit(127);
		}
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	}
}

/* ---- around the calls ------------------------------------------------------------ */

static int new_child(void *unused)
{
	(void)unused;
	return 0;
}

static void run_namespaces(void)
{
	static char stack[65536];
	int status, fd = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		/* A name of nobody's capabilities; failing is an answer too. */
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWIPC) != 0 && errno != EPERM);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(fd >= 0 && setns(fd, CLONE_NEWIPC) == 0);
	close(fd);
	CHECK(setns(-1, 0) == -1 && errno == EBADF);
	child = clone(new_child, stack + sizeof(stack), CLONE_NEWUSER | SIGCHLD, NULL);
	CHECK(child >= 0 || errno == EPERM);
	if (child > 0)
		CHECK(waitpid(child, &status, 0) == child);
}

static void run_protection(void)
{
	int id = DO(CALL_SHMGET, shmget(IPC_PRIVATE, SEGMENT, IPC_CREAT | 0600));
	char *writable = DO(CALL_SHMAT, shmat(id, NULL, 0));
	char *readable = DO(CALL_SHMAT, shmat(id, NULL, SHM_RDONLY));

	CHECK(id >= 0 && writable != (void *)-1 && readable != (void *)-1);
	CHECK(mprotect(writable, SEGMENT, PROT_READ | PROT_EXEC) == 0);
	CHECK(mprotect(readable, SEGMENT, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	char *room = mmap(NULL, 2 * SEGMENT, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* Behind a part that may be written. */
	CHECK(DO(CALL_SHMAT, shmat(id, room, SHM_REMAP)) == room);
	CHECK(DO(CALL_SHMAT, shmat(id, room + SEGMENT, SHM_REMAP | SHM_RDONLY)) == room + SEGMENT);
	CHECK(mprotect(room, 2 * SEGMENT, PROT_READ | PROT_WRITE) == -1 && errno == EACCES);
	CHECK(DO(CALL_SHMDT, shmdt(room)) == 0);
	CHECK(DO(CALL_SHMDT, shmdt(room + SEGMENT)) == 0);
	/* Behind pages of another kind, which the range begins with. */
	room = mmap(NULL, 2 * SEGMENT, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(DO(CALL_SHMAT, shmat(id, room + SEGMENT, SHM_REMAP)) == room + SEGMENT);
	CHECK(mprotect(room, 2 * SEGMENT, PROT_READ) == 0);
	CHECK(DO(CALL_SHMDT, shmdt(room + SEGMENT)) == 0);
	CHECK(mprotect(room, SEGMENT, PROT_READ | PROT_WRITE) == 0); /* none of ours */
	munmap(room, SEGMENT);
	CHECK(DO(CALL_SHMDT, shmdt(writable)) == 0);
	CHECK(DO(CALL_SHMDT, shmdt(readable)) == 0);
	CHECK(DO(CALL_SHMCTL, raw_shmctl(id, IPC_RMID, NULL)) == 0);
}

static void open_and_close(long fd)
{
	CHECK(fd >= 0);
	close((int)fd);
}

static void run_proc_files(void)
{
	open_and_close(open("/proc/sysvipc/shm", O_RDONLY));
	open_and_close(syscall(SYS_open, "/proc/sys/kernel/msgmni", O_RDWR));
	open_and_close(open("/proc/sys/fs/../kernel/shmmax", O_RDONLY));
	open_and_close(syscall(SYS_creat, "/proc/sys/kernel/shmmni", 0));
	open_and_close(open("/proc/self/status", O_RDONLY)); /* none of ours */
	open_and_close(open("/proc/sys/vm/overcommit_memory", O_RDONLY));
}

static void run_around(long unused)
{
	cpu_set_t one;

	(void)unused;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
	run_namespaces();
	run_protection();
	run_proc_files();
	unshare_compat();
}

static void run_nothing(long unused)
{
	(void)unused;
	exit(0);
}

static void run_rate(long seconds)
{
	struct timespec now;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + seconds;
	while (now.tv_sec < end) {
		for (int i = 0; i < 1000; i++)
			(void)DO(CALL_MSGGET, msgget(KEY_ABSENT, 0));
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
}

static void run_all(long unused)
{
	(void)unused;
	run_calls(3);
	run_errors(0);
	run_control(0);
	run_messages(0);
	run_operations(0);
	run_compat(0);
	run_processes(3);
	run_around(0);
}

static const struct {
	const char *name;
	void (*run)(long argument);
} parts[] = {
	{ "calls", run_calls },
	{ "errors", run_errors },
	{ "control", run_control },
	{ "messages", run_messages },
	{ "operations", run_operations },
	{ "compat", run_compat },
	{ "around", run_around },
	{ "sleepers", run_sleepers },
	{ "processes", run_processes },
	{ "nothing", run_nothing },
	{ "rate", run_rate },
	{ "all", run_all },
};

int main(int argc, char **argv)
{
	long argument = argc > 2 ? strtol(argv[2], NULL, 10) : 1;

	done = mmap(NULL, sizeof(*done) * (CALL_KINDS + 1), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(done != MAP_FAILED);
	for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(*parts); i++) {
		if (strcmp(parts[i].name, argv[1]) != 0)
			continue;
		parts[i].run(argument);
		for (int kind = 0; kind < CALL_KINDS; kind++)
			if (done[kind])
				printf("done %s %llu\n", call_names[kind],
				       (unsigned long long)done[kind]);
		return 0;
	}
	fprintf(stderr, "usage: workload calls N | errors | control | messages | operations | "
			"compat | around | sleepers N | processes N | rate SECONDS | all\n");
	return 1;
}
