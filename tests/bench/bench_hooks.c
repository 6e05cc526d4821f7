// SPDX-License-Identifier: Apache-2.0
/*
 * bench_hooks [ROUNDS [SECONDS]]: what the collector adds to a system call, as ratios to floors
 * measured in the same run, and whether every call is accounted for at full rate.
 *
 * A child pinned to one processor makes the calls and takes the time; this process attaches one
 * variant after the other, reads the ring on another processor, and starts over: rounds are
 * interleaved, so that other load meets all variants alike. Figures are lower quartiles, ns added.
 *
 *	empty         an empty program on tp_btf/sys_exit
 *	empty pair    an empty one on sys_enter as well
 *	record        the bare 256-byte record, from sys_exit, for msgget only
 *	stamped       the same with the time of the boot clock in it
 *	sensor        source_live, raw hooks, msgget wanted
 *	sensor pair   source_live, raw hooks, msgget and msgctl wanted (sys_enter is needed)
 *	tracepoint    source_live, per-syscall tracepoint, msgget wanted
 */
#include <linux/types.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"
#include "source.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include "bench_hooks.skel.h"
#pragma GCC diagnostic pop

enum { CALLS = 20000, ROUNDS_DEFAULT = 15, ROUNDS_MAX = 101, SECONDS_DEFAULT = 5, SKIPPED = 77 };
enum { KEY_ABSENT = 0x5f0000fe };

/* ---- the child: makes calls, takes the time ------------------------------------ */

enum call { CALL_GETPPID, CALL_ABSENT, CALL_EXISTING, CALL_KINDS };

static const char *const call_names[CALL_KINDS] = { "getppid", "msgget absent", "msgget found" };

/* Shared with the child. order: which call to make; the child clears it when done. */
struct board {
	volatile int order; /* 0 none, 1 + enum call, -1 end, -2 full rate */
	volatile double ns;
	volatile uint64_t done;
	volatile int seconds;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static double time_calls(enum call call, int key)
{
	uint64_t start = now_ns();

	for (int i = 0; i < CALLS; i++) {
		if (call == CALL_GETPPID)
			syscall(SYS_getppid);
		else
			syscall(SYS_msgget, call == CALL_ABSENT ? KEY_ABSENT : key, 0);
	}
	return (double)(now_ns() - start) / CALLS;
}

static void full_rate(struct board *board)
{
	uint64_t end = now_ns() + (uint64_t)board->seconds * 1000000000u;

	while (now_ns() < end)
		for (int i = 0; i < 1000; i++, board->done++)
			syscall(SYS_msgget, KEY_ABSENT, 0);
}

static void child(struct board *board, int key)
{
	struct sched_param param = { .sched_priority = 10 };

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* never alone with a real-time priority */
	pin(1);
	sched_setscheduler(0, SCHED_FIFO, &param);
	for (;;) {
		int order = board->order;

		if (order == -1)
			_exit(0);
		if (order == -2)
			full_rate(board);
		else if (order > 0)
			board->ns = time_calls((enum call)(order - 1), key);
		else {
			usleep(500);
			continue;
		}
		board->order = 0;
	}
}

/* ---- variants ------------------------------------------------------------------ */

struct bench {
	struct board *board;
	pid_t child;
	struct bench_hooks *floor;
	struct ring_buffer *floor_ring;
	struct bpf_link *links[2];
	struct source *source;
	uint64_t seen, lost;
	volatile uint64_t sum; /* so that reading is not optimised away */
};

/* A reader reads: the lines of the ring move to its processor and back, for all variants. */
static uint64_t record_sum(const void *data, size_t len)
{
	uint64_t sum = 0, word;

	for (size_t at = 0; at + sizeof(word) <= len; at += sizeof(word)) {
		memcpy(&word, (const char *)data + at, sizeof(word));
		sum += word;
	}
	return sum;
}

static int read_record(void *ctx, void *data, size_t len)
{
	struct bench *bench = ctx;

	bench->sum += record_sum(data, len);
	return 0;
}

/* Only what the child did counts. */
static void count_record(void *ctx, const struct wire_header *record,
			 const struct event_given *given)
{
	struct bench *bench = ctx;

	(void)given;
	bench->sum += record_sum(record, record->size);
	if (record->id == EV_msgget && record->pid == (uint32_t)bench->child)
		bench->seen++;
	if (record->id == EV_events_lost)
		bench->lost += ((const struct ev_events_lost *)(record + 1))->lost;
}

static void source_start(struct bench *bench, enum hook_mode mode, bool with_control)
{
	const struct event_def *events[2] = { event_by_id(EV_msgget), event_by_id(EV_msgctl) };
	struct source_want want = { .events = events, .count = with_control ? 2 : 1, .hook = mode };
	struct err err = { 0 };

	if (source_live.open(&want, &bench->source, &err) == 0)
		return;
	err_print(stderr, &err);
	exit(1);
}

enum variant {
	BASE,
	EMPTY,
	EMPTY_PAIR,
	RECORD,
	STAMPED,
	SENSOR,
	SENSOR_PAIR,
	TRACEPOINT,
	VARIANTS
};

static const char *const variant_names[VARIANTS] = {
	"base", "empty", "empty pair", "record", "stamped", "sensor", "sensor pair", "tracepoint",
};

static void variant_start(struct bench *bench, enum variant variant)
{
	switch (variant) {
	case EMPTY_PAIR:
		bench->links[1] = bpf_program__attach(bench->floor->progs.empty_enter);
		/* fall through */
	case EMPTY: bench->links[0] = bpf_program__attach(bench->floor->progs.empty_exit); break;
	case RECORD:
		bench->floor->data->traced_syscall = SYS_msgget;
		bench->links[0] = bpf_program__attach(bench->floor->progs.record_exit);
		break;
	case STAMPED:
		bench->floor->data->traced_syscall = SYS_msgget;
		bench->links[0] = bpf_program__attach(bench->floor->progs.stamped_exit);
		break;
	case SENSOR: source_start(bench, HOOK_RAW, false); break;
	case SENSOR_PAIR: source_start(bench, HOOK_RAW, true); break;
	case TRACEPOINT: source_start(bench, HOOK_TRACEPOINT, false); break;
	default: break;
	}
}

/* What a reader does: look every 5 ms. */
static void variant_read(struct bench *bench, enum variant variant)
{
	struct err err;

	if (bench->source) {
		source_live.read(bench->source, 5, count_record, bench, &err);
		return;
	}
	usleep(5000);
	if (variant == RECORD || variant == STAMPED)
		ring_buffer__consume(bench->floor_ring);
}

static void variant_stop(struct bench *bench)
{
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(bench->links); i++)
		bpf_link__destroy(take(bench->links[i]));
	if (!bench->source)
		return;
	source_live.drain(bench->source, count_record, bench, &err);
	source_live.close(take(bench->source));
}

static double variant_time(struct bench *bench, enum variant variant, enum call call)
{
	bench->board->order = 1 + (int)call;
	while (bench->board->order > 0)
		variant_read(bench, variant);
	return bench->board->ns;
}

/* ---- figures ------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Other load only ever adds: a quarter of the rounds is taken to be free of it. */
static double lower_quartile(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 4];
}

static double samples[VARIANTS][CALL_KINDS][ROUNDS_MAX];

static void rounds_run(struct bench *bench, int rounds)
{
	for (int round = 0; round < rounds; round++) {
		for (int step = 0; step < VARIANTS; step++) {
			/* Another order each round. */
			enum variant variant = (enum variant)((step + round) % VARIANTS);

			variant_start(bench, variant);
			variant_time(bench, variant, CALL_GETPPID); /* warm up */
			for (int call = 0; call < CALL_KINDS; call++)
				samples[variant][call][round] = variant_time(bench, variant,
									     (enum call)call);
			variant_stop(bench);
		}
	}
}

static void ratio(const char *what, double value, double floor, double limit)
{
	printf("%-52s %7.2f  (limit %.2f)%s\n", what, value / floor, limit,
	       value / floor > limit ? "  OVER" : "");
}

static void rounds_report(int rounds)
{
	double added[VARIANTS][CALL_KINDS];

	printf("%-14s", "added ns");
	for (int call = 0; call < CALL_KINDS; call++)
		printf("%16s", call_names[call]);
	printf("\n");
	for (int variant = 0; variant < VARIANTS; variant++) {
		printf("%-14s", variant_names[variant]);
		for (int call = 0; call < CALL_KINDS; call++) {
			double value = lower_quartile(samples[variant][call], rounds);

			if (variant)
				value -= lower_quartile(samples[BASE][call], rounds);
			added[variant][call] = value;
			printf("%16.1f", added[variant][call]);
		}
		printf("\n");
	}
	ratio("traced msgget to the bare record", added[SENSOR][CALL_ABSENT],
	      added[RECORD][CALL_ABSENT], 1.5);
	ratio("traced msgget with its queue to the bare record", added[SENSOR][CALL_EXISTING],
	      added[RECORD][CALL_EXISTING], 1.6);
	ratio("traced msgget to the stamped record", added[SENSOR][CALL_ABSENT],
	      added[STAMPED][CALL_ABSENT], 1.25);
	ratio("traced msgget with its queue to the stamped record", added[SENSOR][CALL_EXISTING],
	      added[STAMPED][CALL_EXISTING], 1.25);
	ratio("untraced getppid to an empty program", added[SENSOR][CALL_GETPPID],
	      added[EMPTY][CALL_GETPPID], 1.2);
	ratio("untraced getppid, entry too, to an empty pair", added[SENSOR_PAIR][CALL_GETPPID],
	      added[EMPTY_PAIR][CALL_GETPPID], 1.2);
	ratio("tracepoint to raw, untraced getppid", added[TRACEPOINT][CALL_GETPPID],
	      added[SENSOR][CALL_GETPPID], 9.99);
}

/* One processor as fast as it can: every call is seen or counted as lost. */
static int rate_run(struct bench *bench, int seconds)
{
	uint64_t done, start;

	bench->seen = 0;
	bench->lost = 0;
	bench->board->done = 0;
	bench->board->seconds = seconds;
	source_start(bench, HOOK_NONE, false);
	start = now_ns();
	bench->board->order = -2;
	while (bench->board->order == -2)
		variant_read(bench, SENSOR);
	start = now_ns() - start;
	variant_stop(bench);
	done = bench->board->done;
	printf("full rate: %.2f M calls/s, done %llu, seen %llu, lost %llu: %s\n",
	       (double)done * 1000.0 / (double)start, (unsigned long long)done,
	       (unsigned long long)bench->seen, (unsigned long long)bench->lost,
	       bench->seen + bench->lost == done ? "every one accounted for" : "NOT EQUAL");
	return bench->seen + bench->lost == done ? 0 : 1;
}

static int floor_open(struct bench *bench)
{
	bench->floor = bench_hooks__open_and_load();
	if (!bench->floor)
		return -errno;
	bench->floor_ring = ring_buffer__new(bpf_map__fd(bench->floor->maps.ring), read_record,
					     bench, NULL);
	return bench->floor_ring ? 0 : -errno;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : ROUNDS_DEFAULT;
	int seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : SECONDS_DEFAULT;
	int key = IPC_PRIVATE, queue, result;
	struct bench bench = { 0 };

	if (geteuid() != 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("bench_hooks: needs root and two processors\n");
		return SKIPPED;
	}
	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "bench_hooks: rounds: 1 to %d\n", ROUNDS_MAX);
		return 2;
	}
	key = 0x5e000000 | getpid(); /* others may measure too */
	queue = msgget(key, IPC_CREAT | 0600);
	bench.board = mmap(NULL, sizeof(*bench.board), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (queue < 0 || bench.board == MAP_FAILED || floor_open(&bench) < 0) {
		fprintf(stderr, "bench_hooks: cannot set up: %s\n", strerror(errno));
		return 1;
	}
	bench.child = fork();
	if (bench.child == 0)
		child(bench.board, key);
	pin(0);
	rounds_run(&bench, rounds);
	rounds_report(rounds);
	result = rate_run(&bench, seconds);
	bench.board->order = -1;
	waitpid(bench.child, NULL, 0);
	msgctl(queue, IPC_RMID, NULL);
	ring_buffer__free(bench.floor_ring);
	bench_hooks__destroy(bench.floor);
	return result;
}
