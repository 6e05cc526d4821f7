/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of remembering, per event that counts, with 100,000 keys alive: each kind of detector on the
 * same events, in random order of their keys, less what the same detector costs whose memory is
 * not reached (its last condition does not hold). Counts allocations, which must be none, and
 * shows the memory that is held, under a flood of keys as well.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "detect/ruleset.h"

enum { KEYS = 100000, EVENTS = 400000, BATCH = 10000, REPEATS = 5, FLOOD = 3000000 };

/* Counted by the linker's wrapping of malloc (engine/build.mk). */
static unsigned long allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static const struct {
	const char *name, *keys;
} kinds[] = {
	{ "threshold, count", "threshold: {count: 1000, window: 1h, by: [process]}\n" },
	{ "threshold, tumbling",
	  "threshold: {count: 1000, window: 1h, kind: tumbling, by: [process]}\n" },
	{ "threshold, by CEL",
	  "threshold: {count: 1000, window: 1h, by: ['getEventData(\"msgsz\")']}\n" },
	{ "threshold, distinct", "threshold: {window: 1h, by: [process], distinct: {of: "
				 "'getEventData(\"msqid\")', at_least: 100}}\n" },
	{ "threshold, sum", "threshold: {window: 1h, by: [process], sum: {of: "
			    "'getEventData(\"msgsz\")', at_least: 1000000000}}\n" },
	{ "sequence, first step", "sequence:\n  by: [process]\n  within: 1h\n  steps:\n"
				  "    - {conditions: ['getEventData(\"msqid\") == 7']}\n"
				  "    - {conditions: ['getEventData(\"msqid\") == 8']}\n" },
	{ "sequence, kept value", "sequence:\n  by: [process]\n  within: 1h\n  steps:\n"
				  "    - {as: a, conditions: ['getEventData(\"msqid\") == 7']}\n"
				  "    - {conditions: ['getEventData(\"msqid\") == 8', "
				  "'getEventData(\"msgsz\") == state(\"a.msgsz\")']}\n" },
	{ "label", "label: [web]\nsilent: true\n" },
	{ "score", "score: {name: r, add: 1, half_life: 1h}\nsilent: true\n" },
	{ "first_seen", "first_seen: {by: [process], learn: 30d}\n" },
};

static const char head[] = "type: detector\nid: B\nproduced_event: {name: b, version: 1.0.0}\n"
			   "requirements: {events: [{name: msgsnd}]}\n";

struct record {
	struct wire_header h;
	struct ev_msgsnd body;
};

static struct record *events;
static struct arena arena;

static uint64_t random_next(void)
{
	static uint64_t random = 88172645463325252ULL;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return random >> 20;
}

static void make_events(void)
{
	events = calloc(EVENTS, sizeof(*events));
	for (uint32_t i = 0; events && i < EVENTS; i++) {
		struct record *r = &events[i];

		r->h.size = sizeof(*r);
		r->h.id = EV_msgsnd;
		r->h.pid = 1 + (i < KEYS ? i : (uint32_t)(random_next() % KEYS));
		r->h.uid = r->h.pid % 50;
		r->h.time = 1000000000 + i * 1000ULL;
		r->body.msqid = 7;
		r->body.msgsz = r->h.pid;
		r->h.present = FIELD_BIT(msgsnd, msqid) | FIELD_BIT(msgsnd, msgsz);
	}
}

static void ignore(void *ctx, const struct event *produced)
{
	(void)ctx, (void)produced;
}

static void run_one(struct ruleset *ruleset, const struct record *record)
{
	static const struct clock clock = { 0 };
	struct event event = { .def = event_by_id(EV_msgsnd), .wire = &record->h, .clock = &clock };

	ruleset_run(ruleset, &event, NULL, &arena, ignore, NULL);
	arena_reset(&arena);
}

static struct ruleset *load(const char *keys, bool reached, const char *more)
{
	char text[2048];
	struct builtin_file file = { "b.yaml", text, 0 };
	struct err_list problems = { 0 };
	struct ruleset *ruleset;

	file.len = (size_t)snprintf(text, sizeof(text),
				    "%sconditions: ['getEventData(\"msqid\") %s 7']\n%s%s", head,
				    reached ? "==" : "!=", keys, more);
	ruleset = ruleset_load_texts(&file, 1, NULL, &problems);
	err_list_print(stderr, &problems);
	return problems.errors ? NULL : ruleset;
}

/* The least of many batches (others use the machine as well), per event; all keys are there. */
static double measure(struct ruleset *ruleset)
{
	double best = 1e18;

	for (uint32_t i = 0; i < KEYS; i++)
		run_one(ruleset, &events[i]);
	allocations = 0;
	for (int k = 0; k < REPEATS; k++) {
		for (uint32_t i = 0; i < EVENTS; i++)
			events[i].h.time += EVENTS * 1000ULL;
		for (uint32_t i = KEYS; i + BATCH <= EVENTS; i += BATCH) {
			double start = now(), took;

			for (uint32_t n = 0; n < BATCH; n++) {
				/* As sources do: the records ahead are in the ring already. */
				if (i + n + STATE_SOON - 1 < EVENTS)
					ruleset_soon(ruleset, &events[i + n + STATE_SOON - 1].h);
				run_one(ruleset, &events[i + n]);
			}
			took = (now() - start) / BATCH;
			if (took < best)
				best = took;
		}
	}
	return best;
}

static void print_kind(size_t kind)
{
	static const char more[] = "limits: {keys: 131072, bytes: 256M}\n";
	struct ruleset *floor = load(kinds[kind].keys, false, more);
	struct ruleset *ruleset = load(kinds[kind].keys, true, more);
	struct detector_info info;
	double bare, full;

	if (!floor || !ruleset)
		return;
	bare = measure(floor);
	full = measure(ruleset);
	ruleset_detector(ruleset, 0, &info);
	printf("%-24s%8.1f%8.1f%9.1f%10lu", kinds[kind].name, bare, full, full - bare, allocations);
	if (info.has_memory)
		printf("%10llu%8.1f MiB", (unsigned long long)info.memory.keys,
		       (double)info.memory.bytes / 1048576);
	putchar('\n');
	ruleset_free(floor);
	ruleset_free(ruleset);
}

/*
 * The floor of anything that remembers by key: one read from memory at a place that depends on the
 * last, in a table of so many entries of 192 bytes.
 */
static double measure_floor(void)
{
	enum { SIZE = 192, READS = 100000 };
	static volatile uint64_t seen; /* so that the reads are made */
	char *table = calloc(KEYS, SIZE);
	uint64_t at = 0;
	double best = 1e18;

	for (uint32_t i = 0; table && i < KEYS; i++) {
		uint64_t next = random_next();

		memcpy(table + (size_t)i * SIZE, &next, sizeof(next));
	}
	for (int k = 0; table && k < 20; k++) {
		double start = now(), took;

		for (uint32_t i = 0; i < READS; i++) {
			memcpy(&at, table + at * SIZE, sizeof(at));
			at = (at ^ i) % KEYS;
		}
		seen = at;
		(void)seen;
		took = (now() - start) / READS;
		if (took < best)
			best = took;
	}
	free(table);
	return best;
}

/* Keys that are never seen again, from one user: the memory must not grow. */
static void print_flood(void)
{
	struct ruleset *ruleset = load("threshold: {count: 1000, window: 1h, by: [process]}\n",
				       true, "limits: {keys: 16384, bytes: 4M}\n");
	struct record record = events[0];
	struct detector_info info;
	struct rusage usage;
	double start = now();

	for (uint32_t i = 0; ruleset && i < FLOOD; i++) {
		record.h.pid = i + 1;
		record.h.time++;
		run_one(ruleset, &record);
		if (i != FLOOD / 10 && i != FLOOD - 1)
			continue;
		ruleset_detector(ruleset, 0, &info);
		getrusage(RUSAGE_SELF, &usage);
		printf("%8u keys seen: %llu held, %.1f of at most %.1f MiB, %llu evicted; the "
		       "program has had %.0f MiB\n",
		       i + 1, (unsigned long long)info.memory.keys,
		       (double)info.memory.bytes / 1048576, (double)info.memory.bytes_max / 1048576,
		       (unsigned long long)info.memory.evicted, (double)usage.ru_maxrss / 1024);
	}
	printf("%.1f ns an event, each of which evicts a key\n", (now() - start) / FLOOD);
	ruleset_free(ruleset);
}

/* An argument: only kinds with this word in their names. */
int main(int argc, char **argv)
{
	make_events();
	if (!events)
		return 1;
	printf("floor: %.1f ns for one read at random from %d entries\n", measure_floor(), KEYS);
	printf("ns per event, %d keys alive\n%-24s%8s%8s%9s%10s%10s%8s\n", KEYS, "", "before",
	       "all", "memory", "mallocs", "keys", "held");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (argc < 2 || strstr(kinds[i].name, argv[1]))
			print_kind(i);
	if (argc < 2)
		print_flood();
	arena_free(&arena);
	free(events);
	return 0;
}
