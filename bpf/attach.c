// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Carrying out the plan: load the programs it names, tell them what is wanted, attach
 * them. What the kernel refuses is struck from the plan and all is tried again. Rules that
 * are loaded again may want more: that comes in a further object.
 *
 * Invariants: only programs of chosen rows are loaded; on failure all is as it was; an
 * event is served by one object for good; returns are attached before entries and
 * detached after them, so that an entry is never left waiting for a return nobody sees.
 */
#include "plan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>

#include "skeleton.h"

enum { TRIES_MAX = 64, RING_DEFAULT = 16 << 20, LOG_TEXT_MAX = 400 };

struct object {
	struct spoor_bpf *skeleton;
	struct plan *plan;
	struct link {
		struct bpf_link *link;
		char program[PROGRAM_NAME_MAX], symbol[SYMBOL_MAX]; /* of its row */
	} links[LINKS_MAX];					    /* detached in reverse order */
	uint32_t link_count;
};

/* ---- links ----------------------------------------------------------------------- */

static void links_detach(struct object *object, uint32_t keep)
{
	while (object->link_count > keep)
		bpf_link__destroy(object->links[--object->link_count].link);
}

static bool is_attached(const struct object *object, const char *program, const char *symbol)
{
	for (uint32_t i = 0; i < object->link_count; i++)
		if (strcmp(object->links[i].program, program) == 0 &&
		    strcmp(object->links[i].symbol, symbol) == 0)
			return true;
	return false;
}

static int link_keep(struct object *object, struct bpf_link *link, const char *program,
		     const char *symbol)
{
	struct link *kept = &object->links[object->link_count];

	if (!link)
		return -errno;
	if (object->link_count == LINKS_MAX) {
		bpf_link__destroy(link);
		return -E2BIG;
	}
	kept->link = link;
	snprintf(kept->program, sizeof(kept->program), "%s", program);
	snprintf(kept->symbol, sizeof(kept->symbol), "%s", symbol);
	object->link_count++;
	return 0;
}

static void object_free(struct object *object)
{
	if (!object)
		return;
	links_detach(object, 0);
	spoor_bpf__destroy(object->skeleton);
	free(object->plan);
	free(object);
}

static void object_freep(struct object **object)
{
	object_free(*object);
}

/* Runs an iterator for what it does, not for what it says. */
static void iterator_run(struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	autoclean(closep) int fd = -1;
	char nothing[64];

	if (!link)
		return;
	fd = bpf_iter_create(bpf_link__fd(link));
	while (fd >= 0 && (read(fd, nothing, sizeof(nothing)) > 0 || errno == EAGAIN))
		errno = 0;
	bpf_link__destroy(link);
}

void collector_detach(struct collector *collector)
{
	while (collector->detached < collector->count) {
		struct object *object = collector->objects[collector->detached++];
		struct bpf_program *left = object->skeleton->progs.kprobe_left;

		links_detach(object, 0);
		if (bpf_program__autoload(left))
			iterator_run(left);
	}
}

uint64_t collector_missed(const struct collector *collector)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < collector->count; i++) {
		struct bpf_program *program;

		bpf_object__for_each_program(program, collector->objects[i]->skeleton->obj)
		{
			struct bpf_prog_info info = { 0 };
			uint32_t len = sizeof(info);

			if (bpf_program__fd(program) >= 0 &&
			    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) == 0)
				total += info.recursion_misses;
		}
	}
	return total;
}

void collector_free(struct collector *collector)
{
	while (collector->count)
		object_free(collector->objects[--collector->count]);
}

struct spoor_bpf *collector_first(const struct collector *collector)
{
	return collector->objects[0]->skeleton;
}

/* ---- what libbpf says ---------------------------------------------------------- */

/* The program that failed to load, and the last words about it. */
static struct {
	char program[64];
	char text[LOG_TEXT_MAX];
} last_words;

static int log_listen(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[4096];
	const char *at, *end;

	if (level > LIBBPF_WARN)
		return 0;
	if (getenv("SPOOR_BPF_LOG")) { /* for people who write programs, see README.md */
		va_list copy;

		va_copy(copy, args);
		vfprintf(stderr, format, copy);
		va_end(copy);
	}
	vsnprintf(text, sizeof(text), format, args);
	at = strstr(text, "prog '");
	end = at ? strchr(at + 6, '\'') : NULL;
	if (end && strstr(end, "failed to load"))
		snprintf(last_words.program, sizeof(last_words.program), "%.*s",
			 (int)(end - at - 6), at + 6);
	else
		snprintf(last_words.text, sizeof(last_words.text), "%.*s", (int)strcspn(text, "\n"),
			 text);
	return 0;
}

/* ---- settings ------------------------------------------------------------------ */

static const struct {
	uint8_t slot;
	uint16_t id;
} slots[] = {
#define EVENT(name, id, version, sets) { SLOT_##name, id },
#include "each_event.h"
};

static uint8_t slot_of(const struct event_def *event)
{
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++)
		if (slots[i].id == event->id)
			return slots[i].slot;
	return SLOT_NONE;
}

static void syscall_set(struct settings *settings, uint8_t slot, int number, uint8_t *table,
			uint8_t bits)
{
	if (number < 0 || number >= SYSCALL_NUMBERS)
		return;
	table[number] = slot;
	settings->syscall_filter[number] |= bits;
}

/* Events that several calls lead to: those beside the one in the event's file. */
static const struct {
	uint16_t id;
	int16_t number, number32;
} more_calls[] = {
	{ EV_shm_protect, 329, 380 }, /* pkey_mprotect */
	{ EV_proc_open, 2, 5 },	      /* open */
	{ EV_proc_open, 437, 437 },   /* openat2 */
	{ EV_proc_open, 85, 8 },      /* creat */
};

static void syscalls_set(struct settings *settings, const struct event_def *event, uint8_t bits,
			 uint8_t bits32)
{
	uint8_t slot = slot_of(event);

	syscall_set(settings, slot, event->syscall, settings->syscall_slot, bits);
	syscall_set(settings, slot, event->syscall32, settings->syscall32_slot, bits32);
	for (size_t i = 0; i < ARRAY_SIZE(more_calls); i++) {
		if (more_calls[i].id != event->id)
			continue;
		syscall_set(settings, slot, more_calls[i].number, settings->syscall_slot, bits);
		syscall_set(settings, slot, more_calls[i].number32, settings->syscall32_slot,
			    bits32);
	}
}

static void settings_add(struct settings *settings, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];
		uint8_t slot = slot_of(row->event), bits = 0, bits32 = 0;

		if (!row->chosen || row->idle)
			continue;
		settings->mode[slot] = row->hook->mode;
		/* Only the raw programs see all calls and look into the filter. */
		if (strcmp(row->program_text, "raw_exit") == 0) {
			bits = FILTER_EXIT;
			bits32 = FILTER_EXIT_COMPAT;
		} else if (strcmp(row->program_text, "raw_enter") == 0) {
			bits = FILTER_ENTER;
			bits32 = FILTER_ENTER_COMPAT;
		}
		syscalls_set(settings, row->event, bits, bits32);
	}
}

/* Bytes that stay as they are never read as anything else meanwhile. */
static void settings_renew(const struct collector *collector)
{
	struct settings *settings = &collector_first(collector)->data->settings;
	struct settings after = { .own_pid = settings->own_pid };

	for (uint32_t i = 0; i < collector->count; i++)
		settings_add(&after, collector->objects[i]->plan);
	*settings = after;
}

static void skeleton_configure(struct spoor_bpf *skeleton, const struct source_want *want,
			       uint32_t number)
{
	char mount[CGROUP_MOUNT_MAX];
	uint32_t ring = want->ring_bytes ? (uint32_t)want->ring_bytes : RING_DEFAULT;

	skeleton->rodata->has_rdonly_cast = kernel_has_function("bpf_rdonly_cast", NULL, 0);
	skeleton->rodata->has_find_vma = kernel_has_function("bpf_find_vma", NULL, 0);
	skeleton->rodata->exit_tells_last = kernel_tracepoint_args("sched_process_exit") > 1;
	skeleton->rodata->raw_runs_alone = !kernel_is_realtime() &&
					   libbpf_num_possible_cpus() <= CPU_SLOTS;
	skeleton->rodata->wants_environment = want->environment;
	skeleton->rodata->wants_host_names = want->host_names;
	skeleton->rodata->cgroup_subsystem = cgroup_choose(mount);
	skeleton->rodata->wakeup_bytes = ring / 4;
	skeleton->rodata->object_number = number;
	bpf_map__set_max_entries(skeleton->maps.ring, ring);
	bpf_map__set_max_entries(skeleton->maps.drafts, (uint32_t)libbpf_num_possible_cpus());
	for (size_t i = 0; i < want->count; i++)
		skeleton->rodata->wanted_slots[slot_of(want->events[i])] = 1;
}

/* Later objects work on the maps of the first; their constants are their own. */
static int maps_share(struct spoor_bpf *skeleton, const struct spoor_bpf *first)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		const char *name = bpf_map__name(map);
		const struct bpf_map *shared = bpf_object__find_map_by_name(first->obj, name);
		int result;

		if (!shared || strstr(name, ".rodata"))
			continue;
		result = bpf_map__reuse_fd(map, bpf_map__fd(shared));
		if (result < 0)
			return result;
	}
	return 0;
}

/* ---- loading ------------------------------------------------------------------- */

static bool is_trampoline(const struct plan_row *row)
{
	return strcmp(row->hook->type, "fentry") == 0 || strcmp(row->hook->type, "fexit") == 0;
}

static int programs_select(struct spoor_bpf *skeleton, const struct plan *plan, struct err *err)
{
	struct bpf_program *program;
	bool kprobes = false;

	bpf_object__for_each_program(program, skeleton->obj)
		bpf_program__set_autoload(program, false);
	bpf_program__set_autoload(skeleton->progs.process_existing, true);
	bpf_program__set_autoload(skeleton->progs.own_process, true);
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];
		int result = 0;

		if (!row->chosen)
			continue;
		program = bpf_object__find_program_by_name(skeleton->obj, row->program_text);
		if (!program)
			return err_set(err, -EINVAL, "event %s: no program for %s %s",
				       row->event->name, row->hook->type, row->hook->target);
		bpf_program__set_autoload(program, true);
		if (is_trampoline(row))
			result = bpf_program__set_attach_target(program, 0, row->symbol);
		if (result < 0)
			return err_set(err, result, "cannot aim %s at %s: %s", row->program_text,
				       row->symbol, strerror(-result));
		kprobes |= row->hook->mode == HOOK_KPROBE;
	}
	bpf_program__set_autoload(skeleton->progs.kprobe_thread_end, kprobes);
	bpf_program__set_autoload(skeleton->progs.kprobe_left, kprobes);
	return 0;
}

/* ---- attaching ----------------------------------------------------------------- */

static struct bpf_link *row_attach(struct bpf_program *program, const struct plan_row *row)
{
	char group[SYMBOL_MAX];
	const char *colon = strchr(row->symbol, ':');

	if (strcmp(row->hook->type, "kprobe") == 0)
		return bpf_program__attach_kprobe(program, false, row->symbol);
	if (strcmp(row->hook->type, "kretprobe") == 0)
		return bpf_program__attach_kprobe(program, true, row->symbol);
	if (strcmp(row->hook->type, "tracepoint") != 0 || !colon)
		return bpf_program__attach(program);
	snprintf(group, sizeof(group), "%.*s", (int)(colon - row->symbol), row->symbol);
	return bpf_program__attach_tracepoint(program, group, colon + 1);
}

static bool is_first_pass(const struct plan_row *row)
{
	return !row_is_entry(row) && strcmp(row->program_text, "kprobe_enter") != 0;
}

/* Attaches the rows of one pass; *failed is the row that could not be. */
static int rows_attach(struct object *object, bool first, const struct plan_row **failed)
{
	for (uint32_t i = 0; i < object->plan->count; i++) {
		const struct plan_row *row = &object->plan->rows[i];
		struct bpf_program *program;
		int result;

		if (!row->chosen || row->idle || is_first_pass(row) != first ||
		    is_attached(object, row->program_text, row->symbol))
			continue;
		program = bpf_object__find_program_by_name(object->skeleton->obj,
							   row->program_text);
		result = link_keep(object, row_attach(program, row), row->program_text,
				   row->symbol);
		if (result < 0) {
			*failed = row;
			return result;
		}
	}
	return 0;
}

static const char thread_end[] = "kprobe_thread_end";

/* What is needed and not there yet. On failure the links are those there were before. */
static int object_attach(struct object *object, const struct plan_row **failed)
{
	struct bpf_program *end = object->skeleton->progs.kprobe_thread_end;
	uint32_t before = object->link_count;
	int result = 0;

	*failed = NULL;
	if (bpf_program__autoload(end) && !is_attached(object, thread_end, ""))
		result = link_keep(object, bpf_program__attach(end), thread_end, "");
	if (result == 0)
		result = rows_attach(object, true, failed);
	if (result == 0)
		result = rows_attach(object, false, failed);
	if (result < 0)
		links_detach(object, before);
	return result;
}

static bool is_needed(const struct object *object, const struct link *link)
{
	if (strcmp(link->program, thread_end) == 0)
		return true;
	for (uint32_t i = 0; i < object->plan->count; i++) {
		const struct plan_row *row = &object->plan->rows[i];

		if (row->chosen && !row->idle && strcmp(row->program_text, link->program) == 0 &&
		    strcmp(row->symbol, link->symbol) == 0)
			return true;
	}
	return false;
}

/* Takes away what is not needed any more, entries before their returns. */
static void object_trim(struct object *object)
{
	uint32_t kept = 0;

	for (uint32_t i = object->link_count; i-- > 0;)
		if (!is_needed(object, &object->links[i]))
			bpf_link__destroy(take(object->links[i].link));
	for (uint32_t i = 0; i < object->link_count; i++)
		if (object->links[i].link)
			object->links[kept++] = object->links[i];
	object->link_count = kept;
}

static int own_process_learn(struct spoor_bpf *skeleton)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	return bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.own_process), &options);
}

/* ---- a further object: one try after the other ----------------------------------- */

/* -EAGAIN: something was struck from the plan, try again; else final. */
static int load_refused(int result, struct plan *plan, struct err *err)
{
	char why[REASON_MAX];

	if (!last_words.program[0]) {
		err_set(err, result, "cannot load the BPF programs: %s%s%s", strerror(-result),
			last_words.text[0] ? ": " : "", last_words.text);
		err_hint(err, "`spoor doctor` shows what is missing");
		return result;
	}
	snprintf(why, sizeof(why), "the kernel refused to load %s: %s", last_words.program,
		 strerror(-result));
	result = plan_refuse(plan, last_words.program, NULL, why, err);
	return result < 0 ? result : -EAGAIN;
}

/* Likewise. */
static int attach_refused(int result, struct plan *plan, const struct plan_row *failed,
			  struct err *err)
{
	char why[REASON_MAX], program[PROGRAM_NAME_MAX], symbol[SYMBOL_MAX];

	if (!failed)
		return err_set(err, result, "cannot attach to sched_process_exit: %s",
			       strerror(-result));
	snprintf(program, sizeof(program), "%s", failed->program_text);
	snprintf(symbol, sizeof(symbol), "%s", failed->symbol);
	snprintf(why, sizeof(why), "attaching to %s failed: %s", symbol,
		 result == -524 ? "not supported" : strerror(-result));
	result = plan_refuse(plan, program, symbol, why, err);
	return result < 0 ? result : -EAGAIN;
}

static int object_load(struct object *object, const struct collector *collector,
		       const struct source_want *want, struct err *err)
{
	int result;

	object->skeleton = spoor_bpf__open();
	if (!object->skeleton)
		return err_set(err, -errno, "cannot open the BPF object: %s: %s", strerror(errno),
			       last_words.text);
	result = programs_select(object->skeleton, object->plan, err);
	if (result < 0)
		return result;
	skeleton_configure(object->skeleton, want, collector->count);
	memset(&last_words, 0, sizeof(last_words));
	if (collector->count)
		result = maps_share(object->skeleton, collector_first(collector));
	if (result >= 0)
		result = spoor_bpf__load(object->skeleton);
	if (result < 0)
		return load_refused(result, object->plan, err);
	if (collector->count)
		return 0;
	result = own_process_learn(object->skeleton);
	return result < 0 ? err_set(err, result, "cannot run a BPF program: %s", strerror(-result))
			  : 0;
}

/* Loads the object, adds it to the collector, tells its programs what is wanted, attaches. */
static int object_try(struct object *object, struct collector *collector,
		      const struct source_want *want, struct err *err)
{
	const struct plan_row *failed;
	int result = object_load(object, collector, want, err);

	if (result < 0)
		return result;
	collector->objects[collector->count++] = object;
	settings_renew(collector);
	result = object_attach(object, &failed);
	if (result == 0)
		return 0;
	collector->count--;
	if (collector->count)
		settings_renew(collector);
	return attach_refused(result, object->plan, failed, err);
}

static int object_add(struct collector *collector, const struct source_want *want, struct err *err)
{
	autoclean(object_freep) struct object *object = calloc(1, sizeof(*object));

	if (collector->count == OBJECTS_MAX)
		return err_set(err, -E2BIG,
			       "rules added events %d times: start the sensor again for more",
			       OBJECTS_MAX);
	if (!object || !(object->plan = calloc(1, sizeof(*object->plan))))
		return err_set(err, -ENOMEM, "out of memory");
	int result = plan_make(object->plan, want, err);

	if (result < 0)
		return result;
	for (int i = 0; i < TRIES_MAX; i++) {
		result = object_try(object, collector, want, err);
		if (result == 0) {
			plan_tell_absent(object->plan);
			(void)take(object); /* the collector's now */
		}
		if (result != -EAGAIN)
			return result;
		spoor_bpf__destroy(take(object->skeleton));
	}
	return err_set(err, -ENOTSUP, "no hooks this kernel accepts");
}

/* The two things without which nothing works get words of their own. */
static int environment_check(struct err *err)
{
	if (!kernel_may()) {
		err_set(err, -EPERM, "no permission to load BPF programs");
		err_hint(err,
			 "run as root (sudo), or with the capabilities CAP_BPF and CAP_PERFMON");
		return -EPERM;
	}
	if (!kernel_has_btf()) {
		err_set(err, -ENOTSUP, "this kernel has no BTF (/sys/kernel/btf/vmlinux)");
		err_hint(err, "the sensor needs a kernel built with CONFIG_DEBUG_INFO_BTF=y");
		return -ENOTSUP;
	}
	return 0;
}

/* ---- what is wanted now ---------------------------------------------------------- */

static bool is_wanted(const struct source_want *want, const struct event_def *event)
{
	for (size_t i = 0; i < want->count; i++)
		if (want->events[i] == event)
			return true;
	return false;
}

static bool is_served(const struct collector *collector, const struct event_def *event)
{
	for (uint32_t i = 0; i < collector->count; i++)
		if (collector->objects[i]->skeleton->rodata->wanted_slots[slot_of(event)])
			return true;
	return false;
}

/* Rows of unwanted events are idle; those of ipc(2) if no call it may stand for is wanted. */
static void rows_idle(struct plan *plan, const struct source_want *want)
{
	bool called = false;

	for (uint32_t i = 0; i < plan->count; i++) {
		struct plan_row *row = &plan->rows[i];

		row->idle = !is_wanted(want, row->event);
		called |= !row->idle && row->event->syscall >= 0;
	}
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->rows[i].event->id == EV_ipc && called)
			plan->rows[i].idle = false;
}

/* Hooks that were there before and are wanted again. */
static int objects_resume(struct collector *collector, const struct source_want *want,
			  struct err *err)
{
	for (uint32_t i = 0; i < collector->count; i++)
		rows_idle(collector->objects[i]->plan, want);
	if (collector->count)
		settings_renew(collector);
	for (uint32_t i = 0; i < collector->count; i++) {
		const struct plan_row *failed;
		int result = object_attach(collector->objects[i], &failed);

		if (result < 0)
			return err_set(err, result, "attaching to %s again failed: %s",
				       failed ? failed->symbol : "sched_process_exit",
				       strerror(-result));
	}
	return 0;
}

static void objects_trim(struct collector *collector)
{
	for (uint32_t i = 0; i < collector->count; i++)
		object_trim(collector->objects[i]);
}

/* Adds what is missing before it takes away what is not needed. */
static int collector_change(struct collector *collector, const struct source_want *want,
			    struct err *err)
{
	autoclean(freep)
		const void *list = calloc(want->count + 1, sizeof(const struct event_def *));
	const struct event_def **fresh = (const struct event_def **)(uintptr_t)list;
	struct source_want more = *want;
	int result;

	more.host_names |= collector->host_names;
	if (!fresh)
		return err_set(err, -ENOMEM, "out of memory");
	more.events = fresh;
	more.count = 0;
	for (size_t i = 0; i < want->count; i++)
		if (!is_served(collector, want->events[i]))
			fresh[more.count++] = want->events[i];
	result = objects_resume(collector, want, err);
	if (result == 0 && more.count)
		result = object_add(collector, &more, err);
	if (result == 0)
		objects_trim(collector);
	return result;
}

/* The programs that run were loaded without: the verifier does not bear both ways in one. */
static int host_names_check(const struct collector *collector, const struct source_want *want,
			    struct err *err)
{
	if (!want->host_names || collector->host_names || !collector->count)
		return 0;
	err_set(err, -ENOTSUP, "host names (uts, hostName) have not been collected so far");
	err_hint(err, "start the sensor again with these rules");
	return -ENOTSUP;
}

int collector_want(struct collector *collector, const struct source_want *want, struct err *err)
{
	const struct source_want before = { .events = collector->wanted,
					    .count = collector->wanted_count };
	struct err ignored = { 0 };
	int result = environment_check(err);

	if (result == 0 && want->count > WANTED_MAX)
		result = err_set(err, -E2BIG, "more than %d events", WANTED_MAX);
	if (result < 0)
		return result;
	result = host_names_check(collector, want, err);
	if (result < 0)
		return result;
	libbpf_set_print(log_listen);
	result = collector_change(collector, want, err);
	if (result < 0) {
		if (collector->count && objects_resume(collector, &before, &ignored) == 0)
			objects_trim(collector);
		return result;
	}
	if (want->count)
		memcpy(collector->wanted, want->events, want->count * sizeof(*want->events));
	collector->wanted_count = want->count;
	collector->host_names |= want->host_names;
	return 0;
}
