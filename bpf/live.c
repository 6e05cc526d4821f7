// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The live source: attach what is wanted, describe what was there before, then hand
 * over what the kernel writes.
 *
 * Invariants: every event that happened while a hook was attached is either handed
 * over or counted in an events_lost record; nobody is woken per event.
 */
#include "live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <time.h>

#include "skeleton.h"

enum {
	PERIOD_MS = 5, /* an event waits at most this long */
	BATCH = 8192,  /* records of one read: what a batch arena must bear */
	LOSS_COUNTERS = SLOT_COUNT * LOSS_REASON_COUNT,
	DRAIN_MS = 500, /* how long a record may be under way at the end */
	MISSED_EVERY_MS = 1000,
	LIST_EVERY_MS = 10000,
};

struct source {
	struct collector collector;
	struct spoor_bpf *skeleton; /* the collector's first object: the maps */
	struct ring_reader ring;
	struct existing *existing;
	struct clock clock;
	struct source_stats stats;
	uint64_t sequence;  /* of records made here */
	uint64_t from_ring; /* records read from the ring */
	bool started, stopped, more;
	bool doubtful;	    /* calls were lost that make or remove System V objects */
	uint64_t list_next; /* when they may be listed again */
	int cpus;
	uint64_t missed_seen, missed_look; /* skipped programs reported; when to look next */
	uint64_t lost_seen;		   /* lost_total when we last looked */
	uint64_t *losses;		   /* reported so far: [counter][cpu] */
	uint64_t *fresh;		   /* one counter, all processors */
};

/* ---- losses -------------------------------------------------------------------- */

/* The kernel side's reasons come first. */
_Static_assert((int)LOSS_RING_FULL == SPOOR_LOST_RING_FULL &&
		       (int)LOSS_RETPROBE_MISSED == SPOOR_LOST_KRETPROBE_MISSED,
	       "one order");

static const char *const slot_names[SLOT_COUNT] = {
#define EVENT(name, id, version, sets) [SLOT_##name] = #name,
#include "each_event.h"
};

static uint64_t now_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* "": any. */
static bool changes_objects(const char *event)
{
	static const char *const events[] = { "",	"msgget", "msgctl", "shmget",
					      "shmctl", "semget", "semctl" };

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (strcmp(events[i], event) == 0)
			return true;
	return false;
}

/* event "": it cannot be told. cpu < 0: nor can the processor. */
static void loss_emit(struct source *source, const char *event, enum spoor_lost why, int cpu,
		      uint64_t lost, source_sink sink, void *ctx)
{
	struct {
		struct wire_header header;
		struct ev_events_lost body;
		char text[64];
	} record = { .header = { .id = EV_events_lost,
				 .cpu = WIRE_CPU_NONE,
				 .seq = ++source->sequence,
				 .time = now_ns(CLOCK_BOOTTIME),
				 .syscall = -1,
				 .size = sizeof(record) } };
	const char *reason = spoor_lost_names[why];
	struct wire_ref name = { offsetof(__typeof__(record), text), (uint32_t)strlen(event) };
	struct wire_ref text = { name.offset + name.len, (uint32_t)strlen(reason) };

	memcpy(record.text, event, name.len);
	memcpy(record.text + name.len, reason, text.len);
	record.body.lost = lost;
	record.body.lost_event = name;
	record.body.reason = text;
	record.header.present = FIELD_BIT(events_lost, lost) | FIELD_BIT(events_lost, lost_event) |
				FIELD_BIT(events_lost, reason);
	if (cpu >= 0) {
		record.body.lost_cpu = (uint32_t)cpu;
		record.header.present |= FIELD_BIT(events_lost, lost_cpu);
	}
	source->doubtful |= changes_objects(event);
	source->stats.lost += lost;
	source->stats.lost_by[why] += lost;
	sink(ctx, &record.header, NULL);
}

/*
 * The kernel does not run a program that is running already on the processor (a task
 * that preempted another). It counts that, and so do we: at most so many events are
 * missing, since a raw hook may have been skipped for a call nobody wants.
 */
static uint32_t missed_report(struct source *source, source_sink sink, void *ctx)
{
	uint64_t missed = collector_missed(&source->collector);
	uint64_t fresh = missed - source->missed_seen;

	source->missed_look = now_ns(CLOCK_MONOTONIC) + MISSED_EVERY_MS * 1000000ULL;
	if (fresh == 0)
		return 0;
	source->missed_seen = missed;
	loss_emit(source, "", SPOOR_LOST_PROGRAM_BUSY, -1, fresh, sink, ctx);
	return 1;
}

/* Turns what the counters grew by into records. Returns how many. */
static uint32_t losses_report(struct source *source, source_sink sink, void *ctx)
{
	uint64_t total = __atomic_load_n(&source->skeleton->data->lost_total, __ATOMIC_ACQUIRE);
	int fd = bpf_map__fd(source->skeleton->maps.losses);
	uint32_t count = 0;

	if (total == source->lost_seen)
		return 0;
	source->lost_seen = total;
	for (uint32_t counter = 0; counter < LOSS_COUNTERS; counter++) {
		uint64_t *old = source->losses + (size_t)counter * (size_t)source->cpus;

		if (bpf_map_lookup_elem(fd, &counter, source->fresh) != 0)
			continue;
		for (int cpu = 0; cpu < source->cpus; cpu++) {
			if (source->fresh[cpu] == old[cpu])
				continue;
			loss_emit(source, slot_names[counter / LOSS_REASON_COUNT],
				  (enum spoor_lost)(counter % LOSS_REASON_COUNT), cpu,
				  source->fresh[cpu] - old[cpu], sink, ctx);
			old[cpu] = source->fresh[cpu];
			count++;
		}
	}
	return count;
}

/* ---- opening ------------------------------------------------------------------- */

/*
 * The difference of the two clocks, from the tightest of a few readings: the boot
 * clock does not jump, and neither may our idea of it.
 */
static struct clock clock_measure(void)
{
	uint64_t best = UINT64_MAX;
	struct clock clock = { 0 };

	for (int i = 0; i < 10; i++) {
		uint64_t before = now_ns(CLOCK_BOOTTIME);
		uint64_t epoch = now_ns(CLOCK_REALTIME);
		uint64_t took = now_ns(CLOCK_BOOTTIME) - before;

		if (took < best) {
			best = took;
			clock.boot_epoch_ns = epoch - before - took / 2;
		}
	}
	return clock;
}

static void live_close(struct source *source)
{
	if (!source)
		return;
	collector_detach(&source->collector);
	ring_close(&source->ring);
	existing_free(source->existing);
	collector_free(&source->collector);
	free(source->losses);
	free(source->fresh);
	free(source);
}

static void live_closep(struct source **source)
{
	live_close(*source);
}

static int buffers_make(struct source *source, struct err *err)
{
	char mount[CGROUP_MOUNT_MAX];
	int subsystem = cgroup_choose(mount);

	source->cpus = libbpf_num_possible_cpus();
	if (source->cpus <= 0)
		return err_set(err, -EIO, "cannot tell the number of processors");
	source->losses = calloc((size_t)LOSS_COUNTERS * (size_t)source->cpus, sizeof(uint64_t));
	source->fresh = calloc((size_t)source->cpus, sizeof(uint64_t));
	source->existing = existing_new(subsystem, mount, &source->sequence);
	if (!source->losses || !source->fresh || !source->existing)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int live_open(const struct source_want *want, struct source **out, struct err *err)
{
	autoclean(live_closep) struct source *source = calloc(1, sizeof(*source));
	int result;

	if (!source)
		return err_set(err, -ENOMEM, "out of memory");
	source->ring = (struct ring_reader){ .map_fd = -1, .epoll_fd = -1 };
	source->clock = clock_measure();
	result = buffers_make(source, err);
	if (result < 0)
		return result;
	result = collector_want(&source->collector, want, err);
	if (result < 0)
		return result;
	source->skeleton = collector_first(&source->collector);
	result = ring_open(&source->ring, bpf_map__fd(source->skeleton->maps.ring),
			   bpf_map__max_entries(source->skeleton->maps.ring), err);
	if (result < 0)
		return result;
	source->ring.soon = want->soon;
	source->ring.soon_ctx = want->soon_ctx;
	*out = take(source);
	return 0;
}

static int live_rewant(struct source *source, const struct source_want *want, struct err *err)
{
	return collector_want(&source->collector, want, err);
}

/* ---- reading ------------------------------------------------------------------- */

/* What a pass over all processes tells. */
static uint32_t look_around(struct source *source,
			    uint32_t (*tell)(struct existing *existing, int iterator_fd,
					     source_sink sink, void *ctx),
			    source_sink sink, void *ctx)
{
	struct bpf_link *link = bpf_program__attach_iter(source->skeleton->progs.process_existing,
							 NULL);
	autoclean(closep) int fd = -1;
	uint32_t count = 0;

	if (!link)
		return 0; /* describe() will do it one by one */
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd >= 0)
		count = tell(source->existing, fd, sink, ctx);
	bpf_link__destroy(link);
	return count;
}

/* Processes and cgroups that were there before us; the hooks are attached already. */
static uint32_t start(struct source *source, source_sink sink, void *ctx)
{
	source->started = true;
	return look_around(source, existing_all, sink, ctx);
}

/* Where calls were lost, what there is now makes up for it. */
static uint32_t objects_again(struct source *source, source_sink sink, void *ctx)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);

	if (!source->doubtful || now < source->list_next || source->stopped)
		return 0;
	source->doubtful = false;
	source->list_next = now + LIST_EVERY_MS * 1000000ULL;
	return look_around(source, existing_objects, sink, ctx);
}

static uint32_t ring_drain(struct source *source, source_sink sink, void *ctx)
{
	uint32_t count = ring_read(&source->ring, BATCH, sink, ctx);

	source->from_ring += count;
	source->more = count == BATCH;
	if (!source->more || source->stats.records % (64 * BATCH) < BATCH)
		count += losses_report(source, sink, ctx);
	if (now_ns(CLOCK_MONOTONIC) >= source->missed_look)
		count += missed_report(source, sink, ctx);
	count += objects_again(source, sink, ctx);
	source->stats.records += count;
	return count;
}

static int live_read(struct source *source, int timeout_ms, source_sink sink, void *ctx,
		     struct err *err)
{
	uint64_t deadline = now_ns(CLOCK_MONOTONIC) + (uint64_t)MAX(timeout_ms, 0) * 1000000u;

	(void)err;
	if (!source->started) {
		uint32_t count = start(source, sink, ctx);

		source->stats.records += count;
		if (count)
			return (int)count;
	}
	for (;;) {
		uint64_t now;
		uint32_t count;

		/* Reading too often only takes cache lines from the producers: wait for a lot. */
		if (timeout_ms > 0 && !source->more && !source->stopped &&
		    ring_waiting(&source->ring) < source->ring.bytes / 4)
			ring_wait(&source->ring, MIN(timeout_ms, PERIOD_MS));
		count = ring_drain(source, sink, ctx);
		if (count)
			return (int)count;
		if (source->stopped)
			return -ENODATA;
		now = now_ns(CLOCK_MONOTONIC);
		if (now >= deadline)
			return 0;
		timeout_ms = (int)((deadline - now + 999999) / 1000000);
	}
}

/* Numbers given out so far: by the invariant of maps.h those of records and losses. */
static uint64_t numbers_taken(const struct source *source)
{
	const struct cpu_counters *counters = source->skeleton->data_cpus->cpu_counters;
	uint64_t taken = 0;

	for (int cpu = 0; cpu < CPU_SLOTS; cpu++)
		taken += __atomic_load_n(&counters[cpu].seq, __ATOMIC_ACQUIRE);
	return taken;
}

static bool all_arrived(const struct source *source)
{
	uint64_t lost = __atomic_load_n(&source->skeleton->data->lost_total, __ATOMIC_ACQUIRE);

	return numbers_taken(source) == source->from_ring + lost;
}

/*
 * A program that began before it was detached may still be writing its record: wait for
 * it, but not for ever.
 */
static int live_drain(struct source *source, source_sink sink, void *ctx, struct err *err)
{
	uint64_t deadline;

	(void)err;
	collector_detach(&source->collector);
	deadline = now_ns(CLOCK_MONOTONIC) + DRAIN_MS * 1000000u;
	source->stopped = true;
	do {
		while (ring_drain(source, sink, ctx))
			deadline = now_ns(CLOCK_MONOTONIC) + DRAIN_MS * 1000000u;
		if (all_arrived(source))
			break;
		ring_wait(&source->ring, 1);
	} while (now_ns(CLOCK_MONOTONIC) < deadline);
	source->stats.records += losses_report(source, sink, ctx) +
				 missed_report(source, sink, ctx);
	return 0;
}

static void live_describe(struct source *source, const struct wire_header *record, source_sink sink,
			  void *ctx)
{
	existing_one(source->existing, record, sink, ctx);
}

static const struct clock *live_clock(const struct source *source)
{
	return &source->clock;
}

static void live_stats(const struct source *source, struct source_stats *out)
{
	*out = source->stats;
}

const struct source_ops source_live = {
	.name = "live",
	.open = live_open,
	.rewant = live_rewant,
	.read = live_read,
	.describe = live_describe,
	.clock = live_clock,
	.stats = live_stats,
	.drain = live_drain,
	.close = live_close,
};
