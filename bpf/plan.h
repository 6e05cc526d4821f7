/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hook plan: for every wanted event the rows HOOK() of its file, what this kernel
 * offers of them, and which were chosen.
 *
 * An event is delivered by one mode. Of that mode's rows all are used that exist; a
 * mode is possible if the rows the event cannot do without exist.
 */
#ifndef SPOOR_BPF_PLAN_H
#define SPOOR_BPF_PLAN_H

#include "live.h"

enum { PLAN_ROWS_MAX = 1024, REASON_MAX = 200, HOOK_MODES = HOOK_RAW + 1 };

struct plan_row {
	const struct event_def *event;
	const struct event_hook *hook;
	char program_text[PROGRAM_NAME_MAX]; /* name in the BPF object, "" none */
	char symbol[SYMBOL_MAX];	     /* the target as this kernel names it */
	bool optional;			     /* the event can do without */
	const char *skip; /* why the row is none of this plan's business, NULL: it is */
	bool usable, chosen;
	bool idle; /* attach.c: chosen, but nobody wants its event now */
	char reason[REASON_MAX];
};

struct plan {
	struct plan_row rows[PLAN_ROWS_MAX];
	uint32_t count;
	enum hook_mode forced; /* HOOK_NONE: the best */
};

/* Chooses. -ENOTSUP with err filled: no mode (or not the forced one) for some event. */
int plan_make(struct plan *plan, const struct source_want *want, struct err *err);
/*
 * Makes the rows of `event` with this program and symbol unusable (loading or attaching
 * it failed) and chooses again.
 */
int plan_refuse(struct plan *plan, const char *program, const char *symbol, const char *why,
		struct err *err);
/* Says on standard error which wanted events no hook of this kernel can deliver, and why. */
void plan_tell_absent(const struct plan *plan);
bool row_is_entry(const struct plan_row *row);
/* The mode chosen for an event, HOOK_NONE if it is not in the plan. */
enum hook_mode plan_mode(const struct plan *plan, const struct event_def *event);

/* ---- kernel.c: what the kernel offers ------------------------------------------ */

enum kernel_state { KERNEL_HAS, KERNEL_LACKS, KERNEL_UNKNOWN /* cannot be tried: no root */ };

/* Is the function in /proc/kallsyms? */
bool kernel_has_symbol(const char *name);
/* Is the function in the kernel's BTF, and (parameter != NULL) its parameter of that name? */
bool kernel_has_function(const char *name, const char *parameter, unsigned index);
bool kernel_has_btf(void);
bool kernel_has_typedef(const char *name);
/* How many arguments a tracepoint gives to tp_btf programs, 0 if it is not in the BTF. */
unsigned kernel_tracepoint_args(const char *name);
/* May this process load and attach programs? */
bool kernel_may(void);
/* Preemptible almost everywhere (PREEMPT_RT); true if it cannot be told. */
bool kernel_is_realtime(void);
/* By trying it on a harmless function, once; why gets the reason if not. */
enum kernel_state kernel_fentry(char why[REASON_MAX]);
enum kernel_state kernel_kprobe(char why[REASON_MAX]);
/* Mount point of tracefs, "" if there is none. */
const char *kernel_tracefs(void);
bool kernel_has_tracepoint(const char *group_and_name);

#endif
