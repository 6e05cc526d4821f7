/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a detector remembers: the keys of YAML that say so, and events. The input is the end of a
 * detector (threshold, sequence, label, ...), then after a line "%%" a stream: four bytes say what
 * happens, when, to whom and what about. Without a stream there is one that follows from the
 * text. The limits are tiny unless the text gives others, so that keys, matches and memory are
 * given up all the time; rules are reloaded and forgotten between events.
 */
#include "fuzz_rules.h"
#include "state/internal.h"

static const char head[] = "type: detector\nid: S\n"
			   "produced_event: {name: s, version: 1.0}\n"
			   "requirements: {events: [{name: msgsnd}, {name: msgrcv}]}\n";
static const char tiny[] = "\nlimits: {keys: 5, bytes: 64K, partials: 2}\n";

enum { STEP = 4, STREAM_MAX = 4096, STREAM_MADE = 1024, RECORD_MAX = 512, MS = 1000000 };

struct world {
	struct ruleset *ruleset;
	const struct builtin_file *file;
	const struct ruleset_options *options;
	struct arena arena;
	uint64_t now;
	uint32_t seen;
};

static void made_one(void *ctx, const struct event *produced)
{
	const struct event_state *state = produced->state;

	(void)ctx;
	CHECK(produced->def->id >= PRODUCED_ID_FIRST);
	CHECK(!state || (state->events && state->first <= state->last && state->phase));
}

static struct ruleset *load(const struct world *world)
{
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load_texts(world->file, 1, world->options, &problems);

	CHECK(ruleset);
	check_problems(&problems, world->file->path);
	if (problems.errors) {
		ruleset_free(ruleset);
		ruleset = NULL;
	}
	for (size_t i = 0; ruleset && i < ARRAY_SIZE(ruleset->states); i++)
		if (ruleset->states[i])
			ruleset->states[i]->soon.least = 0;
	err_list_free(&problems);
	return ruleset;
}

static void reload(struct world *world)
{
	struct ruleset *fresh = load(world);

	CHECK(fresh);
	ruleset_adopt(fresh, world->ruleset);
	ruleset_free(world->ruleset);
	world->ruleset = fresh;
}

/* Room for any event that is made here, all fields absent. */
static struct wire_header *record_of(struct world *world, uint16_t id, const uint8_t *step)
{
	struct wire_header *h = arena_zalloc(&world->arena, RECORD_MAX);

	CHECK(h);
	h->size = RECORD_MAX;
	h->id = id;
	h->pid = h->tid = 1 + (step[2] & 7);
	h->ppid = step[2] & 3;
	h->uid = step[2] >> 6;
	h->start_time = h->leader_start_time = 1 + (step[2] & 7);
	h->parent_start_time = step[2] & 3;
	h->flags = step[2] & 8 ? 0 : WIRE_CONTEXT;
	h->time = world->now;
	if (step[2] & 16) /* somewhat late */
		h->time -= step[3] * (uint64_t)MS;
	return h;
}

static void feed(struct world *world, const struct wire_header *h)
{
	static const struct clock clock = { 0 };
	struct event event = { .def = event_by_id(h->id), .wire = h, .clock = &clock };
	struct {
		struct wire_header h;
		char body[RECORD_MAX];
	} other;
	uint32_t k = world->seen++;

	/* What is told ahead: this, others, later ones, wrong ones. */
	memcpy(&other, h, h->size);
	if (k % 3 == 1)
		other.h.pid ^= 1;
	if (k % 7 == 1)
		other.h.id = k % 2 ? EV_msgrcv : EV_msgsnd;
	if (k % 11 == 3)
		other.h.size = 160;
	for (uint32_t i = k % 5; i; i--) {
		void *exact = malloc(other.h.size);
		memcpy(exact, &other, other.h.size);
		ruleset_soon(world->ruleset, exact);
		free(exact);
	}
	ruleset_run(world->ruleset, &event, NULL, &world->arena, made_one, NULL);
}

static void feed_message(struct world *world, bool sent, const uint8_t *step)
{
	struct wire_header *h = record_of(world, sent ? EV_msgsnd : EV_msgrcv, step);
	struct ev_msgsnd *snd = (void *)(h + 1);
	struct ev_msgrcv *rcv = (void *)(h + 1);

	if (sent) {
		snd->msqid = step[3] % 5;
		snd->msgsz = step[3];
		h->present = step[2] & 32 ? 0 : FIELD_BIT(msgsnd, msqid) | FIELD_BIT(msgsnd, msgsz);
	} else {
		rcv->msqid = step[3] % 5;
		rcv->msgsz = step[3];
		h->present = step[2] & 32 ? 0 : FIELD_BIT(msgrcv, msqid) | FIELD_BIT(msgrcv, msgsz);
	}
	feed(world, h);
}

static void feed_fork(struct world *world, const uint8_t *step)
{
	struct wire_header *h = record_of(world, EV_sched_process_fork, step);
	struct ev_sched_process_fork *fork = (void *)(h + 1);

	fork->parent_process_pid = (int32_t)h->pid;
	fork->parent_process_start_time = h->leader_start_time;
	fork->child_tid = fork->child_pid = 1 + (step[3] & 7);
	fork->start_time = (uint64_t)fork->child_pid;
	feed(world, h);
}

static void feed_exit(struct world *world, const uint8_t *step)
{
	struct wire_header *h = record_of(world, EV_sched_process_exit, step);

	((struct ev_sched_process_exit *)(h + 1))->process_group_exit = true;
	feed(world, h);
}

static void feed_loss(struct world *world, const uint8_t *step)
{
	struct wire_header *h = record_of(world, EV_events_lost, step);

	((struct ev_events_lost *)(h + 1))->lost = step[3];
	h->present = FIELD_BIT(events_lost, lost);
	feed(world, h);
}

static void take_step(struct world *world, const uint8_t *step)
{
	/* From no time at all to hours. */
	world->now += step[1] < 200 ? step[1] * (uint64_t)MS / 4
				    : (uint64_t)MS << ((step[1] - 200) / 2);
	switch (step[0] % 32) {
	case 0: feed_fork(world, step); break;
	case 1: feed_exit(world, step); break;
	case 2: feed_loss(world, step); break;
	case 3: reload(world); break;
	case 4:
		ruleset_advance(world->ruleset, world->now, NULL, &world->arena, made_one, NULL);
		break;
	case 5:
		if (!step[3])
			ruleset_forget(world->ruleset);
		break;
	default: feed_message(world, step[0] & 64, step);
	}
	arena_reset(&world->arena);
}

static void check_bounds(const struct world *world)
{
	struct detector_info info;

	ruleset_detector(world->ruleset, 0, &info);
	if (!info.has_memory)
		return;
	CHECK(info.memory.keys <= info.memory.keys_max);
	CHECK(info.memory.bytes <= info.memory.bytes_max);
}

/* From the text, so that every text has events. */
static size_t make_stream(uint8_t *out, const char *text, size_t len)
{
	uint64_t random = 88172645463325252ULL;

	for (size_t i = 0; i < len; i++)
		random = (random ^ (uint8_t)text[i]) * 0x100000001b3ULL;
	random |= 1;
	for (size_t i = 0; i < STREAM_MADE; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		out[i] = (uint8_t)(random >> 32);
	}
	return STREAM_MADE;
}

static void run(struct world *world, const uint8_t *stream, size_t len)
{
	for (size_t i = 0; i + STEP <= MIN(len, (size_t)STREAM_MAX); i += STEP) {
		take_step(world, stream + i);
		check_bounds(world);
	}
	ruleset_finish(world->ruleset, NULL, &world->arena, made_one, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *input = (const char *)data;
	const char *cut = len ? memmem(input, len, "\n%%\n", 4) : NULL;
	size_t text = cut ? (size_t)(cut - input) : len;
	struct ruleset_options options = { .fixed_secret = true, .slack = len % 2 ? 5 * MS : 0 };
	struct buf yaml = { 0 };
	struct builtin_file file = { .path = "s.yaml" };
	struct world world = { .file = &file,
			       .options = &options,
			       .arena = { .limit = 64 << 20 },
			       .now = 3600ULL * 1000 * MS };
	uint8_t made[STREAM_MADE];

	if (len > RULES_SIZE_MAX)
		return 0;
	buf_add(&yaml, head, sizeof(head) - 1);
	buf_add(&yaml, input, text);
	if (!memmem(yaml.data, yaml.len, "limits", 6))
		buf_add(&yaml, tiny, sizeof(tiny) - 1);
	file.data = yaml.data;
	file.len = (uint32_t)yaml.len;
	world.ruleset = load(&world);
	if (world.ruleset && ruleset_detector_count(world.ruleset)) {
		if (cut)
			run(&world, data + text + 4, len - text - 4);
		else
			run(&world, made, make_stream(made, input, text));
	}
	ruleset_free(world.ruleset);
	arena_free(&world.arena);
	buf_free(&yaml);
	return 0;
}
