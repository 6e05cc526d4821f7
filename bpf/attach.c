// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Carrying out the plan: load the programs it names, tell them what is wanted, attach
 * them. What the kernel refuses is struck from the plan and all is tried again.
 *
 * Invariants: only programs of chosen rows are loaded; on failure nothing is attached;
 * returns are attached before entries and detached after them, so that an entry is
 * never left waiting for a return nobody sees.
 */
#include "plan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>

#include "skeleton.h"

enum { TRIES_MAX = 64, RING_DEFAULT = 16 << 20, LOG_TEXT_MAX = 400 };

void links_detach(struct links *links)
{
	while (links->count)
		bpf_link__destroy(links->items[--links->count]);
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

static void settings_fill(struct settings *settings, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];
		uint8_t slot = slot_of(row->event), bits = 0, bits32 = 0;

		if (!row->chosen)
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
		syscall_set(settings, slot, row->event->syscall, settings->syscall_slot, bits);
		syscall_set(settings, slot, row->event->syscall32, settings->syscall32_slot,
			    bits32);
	}
}

static void object_configure(struct spoor_bpf *skeleton, const struct plan *plan,
			     const struct source_want *want)
{
	char mount[CGROUP_MOUNT_MAX];
	uint32_t ring = want->ring_bytes ? (uint32_t)want->ring_bytes : RING_DEFAULT;

	skeleton->rodata->has_rdonly_cast = kernel_has_function("bpf_rdonly_cast", NULL, 0);
	skeleton->rodata->has_find_vma = kernel_has_function("bpf_find_vma", NULL, 0);
	skeleton->rodata->exit_tells_last = kernel_tracepoint_args("sched_process_exit") > 1;
	skeleton->rodata->wants_environment = want->environment;
	skeleton->rodata->cgroup_subsystem = cgroup_choose(mount);
	skeleton->rodata->wakeup_bytes = ring / 4;
	bpf_map__set_max_entries(skeleton->maps.ring, ring);
	bpf_map__set_max_entries(skeleton->maps.drafts, (uint32_t)libbpf_num_possible_cpus());
	for (size_t i = 0; i < want->count; i++)
		skeleton->rodata->wanted_slots[slot_of(want->events[i])] = 1;
	settings_fill(&skeleton->data->settings, plan);
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
	return 0;
}

/* ---- attaching ----------------------------------------------------------------- */

static bool is_attached(const struct plan *plan, uint32_t index)
{
	const struct plan_row *row = &plan->rows[index];

	for (uint32_t i = 0; i < index; i++) {
		const struct plan_row *other = &plan->rows[i];

		if (other->chosen && strcmp(other->program_text, row->program_text) == 0 &&
		    strcmp(other->symbol, row->symbol) == 0)
			return true;
	}
	return false;
}

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

static int link_keep(struct links *links, struct bpf_link *link)
{
	if (!link)
		return -errno;
	if (links->count == LINKS_MAX) {
		bpf_link__destroy(link);
		return -E2BIG;
	}
	links->items[links->count++] = link;
	return 0;
}

static bool is_first_pass(const struct plan_row *row)
{
	return !row_is_entry(row) && strcmp(row->program_text, "kprobe_enter") != 0;
}

/* Attaches the rows of one pass; *failed is the row that could not be. */
static int rows_attach(struct spoor_bpf *skeleton, const struct plan *plan, bool first,
		       struct links *links, const struct plan_row **failed)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];
		struct bpf_program *program;
		int result;

		if (!row->chosen || is_first_pass(row) != first || is_attached(plan, i))
			continue;
		program = bpf_object__find_program_by_name(skeleton->obj, row->program_text);
		result = link_keep(links, row_attach(program, row));
		if (result < 0) {
			*failed = row;
			return result;
		}
	}
	return 0;
}

static int own_process_learn(struct spoor_bpf *skeleton)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	return bpf_prog_test_run_opts(bpf_program__fd(skeleton->progs.own_process), &options);
}

/* ---- one try after the other --------------------------------------------------- */

/* 0; -EAGAIN: something was struck from the plan, try again; else final. */
static int load(struct spoor_bpf *skeleton, struct plan *plan, const struct source_want *want,
		struct err *err)
{
	char why[REASON_MAX];
	int result = programs_select(skeleton, plan, err);

	if (result < 0)
		return result;
	object_configure(skeleton, plan, want);
	memset(&last_words, 0, sizeof(last_words));
	result = spoor_bpf__load(skeleton);
	if (result == 0)
		return 0;
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

static int attach(struct spoor_bpf *skeleton, struct plan *plan, struct links *links,
		  struct err *err)
{
	const struct plan_row *failed = NULL;
	char why[REASON_MAX], program[64], symbol[SYMBOL_MAX];
	int result = own_process_learn(skeleton);

	if (result < 0)
		return err_set(err, result, "cannot run a BPF program: %s", strerror(-result));
	if (bpf_program__autoload(skeleton->progs.kprobe_thread_end))
		result = link_keep(links, bpf_program__attach(skeleton->progs.kprobe_thread_end));
	if (result == 0)
		result = rows_attach(skeleton, plan, true, links, &failed);
	if (result == 0)
		result = rows_attach(skeleton, plan, false, links, &failed);
	if (result == 0)
		return 0;
	links_detach(links);
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

int plan_attach(const struct source_want *want, struct spoor_bpf **skeleton, struct links *links,
		struct err *err)
{
	autoclean(freep) struct plan *plan = calloc(1, sizeof(*plan));
	int result = plan ? environment_check(err) : err_set(err, -ENOMEM, "out of memory");

	if (result == 0)
		result = plan_make(plan, want, err);
	libbpf_set_print(log_listen);
	for (int i = 0; result == 0 && i < TRIES_MAX; i++) {
		struct spoor_bpf *opened = spoor_bpf__open();

		if (!opened)
			return err_set(err, -errno, "cannot open the BPF object: %s: %s",
				       strerror(errno), last_words.text);
		result = load(opened, plan, want, err);
		if (result == 0)
			result = attach(opened, plan, links, err);
		if (result == 0) {
			*skeleton = opened;
			return 0;
		}
		spoor_bpf__destroy(opened);
		if (result == -EAGAIN)
			result = 0;
	}
	return result < 0 ? result : err_set(err, -ENOTSUP, "no hooks this kernel accepts");
}
