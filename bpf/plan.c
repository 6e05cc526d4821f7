// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Choosing hooks: which rows HOOK() of which event this kernel can serve.
 *
 * Invariant: of an event's modes the first possible one is chosen, in the order of its
 * rows; a forced mode is taken or refused, never replaced. Of events without a system call, those
 * with tracepoints are not concerned by it; those with functions alone follow it where they can,
 * and are left out where the kernel has no such hooks.
 */
#include "plan.h"

#include <errno.h>

/* ---- what a row means ---------------------------------------------------------- */

/* How a hook's type and target lead to the program: the target's prefix is cut off. */
static const struct hook_kind {
	const char *type, *prefix;
	const char *program; /* %s: the rest of the target */
} hook_kinds[] = {
	{ "fexit", "__x64_sys_", "fexit_%s" },
	{ "fexit", "__ia32_compat_sys_", "fexit_32_%s" },
	{ "fexit", "__ia32_sys_", "fexit_32_%s" },
	{ "fentry", "__x64_sys_", "fentry_%s" },
	{ "fentry", "__ia32_compat_sys_", "fentry_32_%s" },
	{ "fentry", "__ia32_sys_", "fentry_32_%s" },
	{ "fentry", "", "fentry_%s" },
	{ "kprobe", "__x64_sys_", "kprobe_enter" },
	{ "kprobe", "__ia32_", "kprobe_enter" },
	{ "kprobe", "", "kprobe_%s" },
	{ "kretprobe", "__", "kprobe_exit" },
	{ "tracepoint", "syscalls:sys_enter_", "tracepoint_enter" },
	{ "tracepoint", "syscalls:sys_exit_", "tracepoint_exit" },
	{ "tracepoint", "raw_syscalls:sys_enter", "tracepoint_enter_compat" },
	{ "tracepoint", "raw_syscalls:sys_exit", "tracepoint_exit_compat" },
	{ "tp_btf", "sys_enter", "raw_enter" },
	{ "tp_btf", "sys_exit", "raw_exit" },
	{ "tp_btf", "sched_process_", "process_%s" },
	{ "tp_btf", "task_", "process_%s" },
	{ "tp_btf", "cgroup_", "group_%s" },
};

/* Other names of the same function, tried in this order; %s: what follows the prefix. */
static const struct {
	const char *prefix;
	const char *names[4];
} variants[] = {
	{ "__x64_sys_", { "__x64_sys_%s", "sys_%s", "SyS_%s" } },
	{ "__ia32_compat_sys_", { "__ia32_compat_sys_%s", "compat_sys_%s", "__ia32_sys_%s" } },
	{ "__ia32_sys_", { "__ia32_sys_%s", "sys_%s" } },
};

/* Functions that are no system calls: a parameter, to notice a kernel that passes others. */
static const struct {
	const char *name, *parameter;
	unsigned index;
} inner_functions[] = {
	{ "do_msgsnd", "mtype", 1 },
	{ "security_msg_queue_msgrcv", "msg", 1 },
	{ "__do_semtimedop", "sops", 1 },
	{ "commit_creds", "new", 0 },
};

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void row_program(struct plan_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(hook_kinds); i++) {
		const struct hook_kind *kind = &hook_kinds[i];

		if (strcmp(kind->type, row->hook->type) != 0 ||
		    !starts_with(row->hook->target, kind->prefix))
			continue;
			/* A format of this table, one %s at most. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(row->program_text, sizeof(row->program_text), kind->program,
			 row->hook->target + strlen(kind->prefix));
#pragma GCC diagnostic pop
		return;
	}
}

static bool is_entry_of_32bit(const char *target)
{
	return starts_with(target, "__ia32_") || starts_with(target, "raw_syscalls:");
}

static bool is_inner(const char *target)
{
	for (size_t i = 0; i < ARRAY_SIZE(inner_functions); i++)
		if (strcmp(inner_functions[i].name, target) == 0)
			return true;
	return false;
}

/* Programs that only keep something for the return; kprobe_enter notices losses too. */
bool row_is_entry(const struct plan_row *row)
{
	const char *type = row->hook->type, *target = row->hook->target;

	return (strcmp(type, "fentry") == 0 && !is_inner(target)) || strstr(target, "sys_enter");
}

/* ---- does the kernel have it --------------------------------------------------- */

typedef bool (*has_function)(const char *name);

static bool in_btf(const char *name)
{
	return kernel_has_function(name, NULL, 0);
}

/* Fills row->symbol with the first name of the target that exists. */
static bool symbol_resolve(struct plan_row *row, has_function has)
{
	const char *target = row->hook->target;

	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		if (!starts_with(target, variants[i].prefix))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(variants[i].names) && variants[i].names[j]; j++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(row->symbol, sizeof(row->symbol), variants[i].names[j],
				 target + strlen(variants[i].prefix));
#pragma GCC diagnostic pop
			if (has(row->symbol))
				return true;
		}
		break;
	}
	snprintf(row->symbol, sizeof(row->symbol), "%s", target);
	return has(target);
}

/* BTF knows the parameters; without BTF the name must do. */
static bool inner_fits(struct plan_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(inner_functions); i++) {
		if (strcmp(inner_functions[i].name, row->symbol) != 0)
			continue;
		if (!in_btf(row->symbol) ||
		    kernel_has_function(row->symbol, inner_functions[i].parameter,
					inner_functions[i].index))
			return true;
		snprintf(row->reason, REASON_MAX, "%s has other parameters in this kernel",
			 row->symbol);
		return false;
	}
	return true;
}

static bool function_usable(struct plan_row *row, enum kernel_state state, has_function has,
			    const char *where)
{
	if (!symbol_resolve(row, has)) {
		snprintf(row->reason, REASON_MAX, "no function %s in %s", row->hook->target, where);
		return false;
	}
	return state != KERNEL_LACKS && inner_fits(row);
}

static bool tracepoint_usable(struct plan_row *row)
{
	snprintf(row->symbol, sizeof(row->symbol), "%s", row->hook->target);
	if (!kernel_tracefs()[0]) {
		snprintf(row->reason, REASON_MAX,
			 "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing");
		return false;
	}
	/* Its directories are closed to others than root. */
	if (geteuid() == 0 && !kernel_has_tracepoint(row->symbol)) {
		snprintf(row->reason, REASON_MAX, "no tracepoint %s (CONFIG_FTRACE_SYSCALLS)",
			 row->hook->target);
		return false;
	}
	return true;
}

static bool raw_usable(struct plan_row *row)
{
	snprintf(row->symbol, sizeof(row->symbol), "%s", row->hook->target);
	if (!kernel_has_btf()) {
		snprintf(row->reason, REASON_MAX, "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)");
		return false;
	}
	return true;
}

static bool row_usable(struct plan_row *row)
{
	const char *type = row->hook->type;

	if (strcmp(type, "fentry") == 0 || strcmp(type, "fexit") == 0)
		return function_usable(row, kernel_fentry(row->reason), in_btf, "the kernel's BTF");
	if (strcmp(type, "kprobe") == 0 || strcmp(type, "kretprobe") == 0)
		return function_usable(row, kernel_kprobe(row->reason), kernel_has_symbol,
				       "/proc/kallsyms");
	if (strcmp(type, "tracepoint") == 0)
		return tracepoint_usable(row);
	return raw_usable(row);
}

/* ---- choosing ------------------------------------------------------------------ */

static bool has_syscall(const struct event_def *event)
{
	return event->syscall >= 0 || event->syscall32 >= 0;
}

static int rows_add(struct plan *plan, const struct event_def *event, struct err *err)
{
	for (uint16_t i = 0; i < event->hook_count; i++) {
		struct plan_row *row = &plan->rows[plan->count];
		const char *target = event->hooks[i].target;

		if (plan->count == PLAN_ROWS_MAX)
			return err_set(err, -E2BIG, "more than %d hooks", PLAN_ROWS_MAX);
		*row = (struct plan_row){ .event = event, .hook = &event->hooks[i] };
		row_program(row);
		if (event->id != EV_ipc && strstr(target, "_sys_ipc"))
			row->skip = "see the plan of ipc";
		row->optional = is_inner(target) ||
				(event->syscall >= 0 && is_entry_of_32bit(target));
		row->usable = row_usable(row);
		plan->count++;
	}
	return 0;
}

/* Every row the event needs of this mode is usable, and there is one at least. */
static bool mode_possible(const struct plan *plan, const struct event_def *event,
			  enum hook_mode mode)
{
	bool any = false;

	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];

		if (row->event != event || row->hook->mode != mode || row->skip)
			continue;
		if (!row->usable && !row->optional)
			return false;
		any |= row->usable;
	}
	return any;
}

/* Why the rows that an event would have needed are not there. */
static const char *mode_reason(const struct plan *plan, const struct event_def *event,
			       enum hook_mode mode)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];

		if (row->event == event && (mode == HOOK_NONE || row->hook->mode == mode) &&
		    !row->usable && !row->optional && !row->skip && row->reason[0])
			return row->reason;
	}
	return "the event has no hook of this kind";
}

static const char *const mode_names[HOOK_MODES] = {
	[HOOK_NONE] = "auto",	  [HOOK_FENTRY] = "fentry",
	[HOOK_KPROBE] = "kprobe", [HOOK_TRACEPOINT] = "tracepoint",
	[HOOK_RAW] = "raw",
};

/* What the rest of the kernel can do without: nobody waits for it. */
static bool is_function_alone(const struct event_def *event)
{
	return !has_syscall(event) && event->hook_count && event->hooks[0].mode == HOOK_FENTRY;
}

static enum hook_mode event_mode(const struct plan *plan, const struct event_def *event)
{
	if (plan->forced && is_function_alone(event) && mode_possible(plan, event, plan->forced))
		return plan->forced;
	if (plan->forced && has_syscall(event))
		return mode_possible(plan, event, plan->forced) ? plan->forced : HOOK_NONE;
	for (uint16_t i = 0; i < event->hook_count; i++)
		if (mode_possible(plan, event, event->hooks[i].mode))
			return event->hooks[i].mode;
	return HOOK_NONE;
}

static void row_explain(struct plan_row *row, enum hook_mode mode)
{
	row->chosen = row->usable && row->hook->mode == mode && !row->skip;
	if (row->skip)
		snprintf(row->reason, REASON_MAX, "%s", row->skip);
	else if (row->chosen)
		snprintf(row->reason, REASON_MAX, "first kind this kernel offers");
	else if (row->usable)
		snprintf(row->reason, REASON_MAX, "not needed: %s comes first", mode_names[mode]);
}

/* What an event chosen by force says instead. */
static void event_choose(struct plan *plan, const struct event_def *event, enum hook_mode mode)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		struct plan_row *row = &plan->rows[i];

		if (row->event != event)
			continue;
		row_explain(row, mode);
		if (plan->forced && has_syscall(event) && row->usable && !row->skip)
			snprintf(row->reason, REASON_MAX,
				 row->chosen ? "asked for: --hook %s" : "not asked for: --hook %s",
				 mode_names[plan->forced]);
	}
}

static int plan_choose(struct plan *plan, struct err *err)
{
	int result = 0;

	for (uint32_t i = 0; i < plan->count; i++) {
		const struct event_def *event = plan->rows[i].event;
		enum hook_mode mode;

		if (i && plan->rows[i - 1].event == event)
			continue;
		mode = event_mode(plan, event);
		event_choose(plan, event, mode);
		if (mode != HOOK_NONE || result < 0)
			continue;
		/* A kernel without 32-bit calls has no ipc(2), and misses nothing. */
		if (event->syscall < 0 && event->syscall32 >= 0 && plan->rows[i].optional)
			continue;
		if (is_function_alone(event))
			continue;
		result = err_set(err, -ENOTSUP, "event %s cannot be hooked by %s here: %s",
				 event->name, plan->forced ? mode_names[plan->forced] : "any means",
				 mode_reason(plan, event, plan->forced));
		err_hint(err, "`spoor doctor` shows what this kernel offers%s",
			 plan->forced ? "; --hook auto takes the best of it" : "");
	}
	return result;
}

void plan_tell_absent(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct event_def *event = plan->rows[i].event;

		if ((i && plan->rows[i - 1].event == event) || !is_function_alone(event) ||
		    plan_mode(plan, event) != HOOK_NONE)
			continue;
		fprintf(stderr,
			"warning: event %s is not collected on this kernel (%s): rules about it "
			"see none\n",
			event->name, plan->rows[i].reason);
	}
}

/*
 * The rows of ipc(2): it stands for any of the calls, so it needs what they need. Its
 * entry matters only if somebody wants a call that must be seen at entry.
 */
static void multiplexer_adapt(struct plan *plan, bool wanted)
{
	bool entry = false;

	for (uint32_t i = 0; i < plan->count; i++)
		entry |= plan->rows[i].event->id != EV_ipc && row_is_entry(&plan->rows[i]);
	for (uint32_t i = 0; i < plan->count; i++) {
		struct plan_row *row = &plan->rows[i];

		if (row->event->id != EV_ipc)
			continue;
		row->optional = !wanted || row_is_entry(row);
		if (!entry && row_is_entry(row))
			row->skip = "no event that must be seen at entry is wanted";
	}
}

int plan_make(struct plan *plan, const struct source_want *want, struct err *err)
{
	bool multiplexed = false, has_ipc = false;
	int result = 0;

	plan->count = 0;
	plan->forced = want->hook;
	for (size_t i = 0; i < want->count && result == 0; i++) {
		result = rows_add(plan, want->events[i], err);
		has_ipc |= want->events[i]->id == EV_ipc;
	}
	for (uint32_t i = 0; i < plan->count; i++)
		multiplexed |= plan->rows[i].skip != NULL;
	/* Whoever wants one of the calls must also see it made through ipc(2). */
	if (result == 0 && multiplexed && !has_ipc)
		result = rows_add(plan, event_by_id(EV_ipc), err);
	if (result < 0)
		return result;
	multiplexer_adapt(plan, has_ipc);
	return plan_choose(plan, err);
}

int plan_refuse(struct plan *plan, const char *program, const char *symbol, const char *why,
		struct err *err)
{
	bool found = false;

	for (uint32_t i = 0; i < plan->count; i++) {
		struct plan_row *row = &plan->rows[i];

		if (!row->chosen || strcmp(row->program_text, program) != 0 ||
		    (symbol && strcmp(row->symbol, symbol) != 0))
			continue;
		row->usable = false;
		snprintf(row->reason, REASON_MAX, "%s", why);
		found = true;
	}
	if (!found)
		return err_set(err, -ENOTSUP, "%s: %s", program, why);
	return plan_choose(plan, err);
}

enum hook_mode plan_mode(const struct plan *plan, const struct event_def *event)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->rows[i].event == event && plan->rows[i].chosen)
			return plan->rows[i].hook->mode;
	return HOOK_NONE;
}

/* ---- for the doctor ------------------------------------------------------------ */

int source_live_plan(const struct source_want *want,
		     void (*report)(void *ctx, const struct source_hook *hook), void *ctx,
		     struct err *err)
{
	autoclean(freep) struct plan *plan = calloc(1, sizeof(*plan));
	int result;

	if (!plan)
		return err_set(err, -ENOMEM, "out of memory");
	result = plan_make(plan, want, err);
	for (uint32_t i = 0; i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];
		struct source_hook hook = { .event = row->event,
					    .mode = row->hook->mode,
					    .type = row->hook->type,
					    .chosen = row->chosen };

		snprintf(hook.target, sizeof(hook.target), "%s", row->symbol);
		snprintf(hook.reason, sizeof(hook.reason), "%s", row->reason);
		report(ctx, &hook);
	}
	return result;
}
