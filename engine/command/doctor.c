/* SPDX-License-Identifier: Apache-2.0 */
/* spoor doctor: what this kernel and host offer, and how events would be hooked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/common.h"
#include "base/err.h"
#include "base/suggest.h"
#include "command.h"
#include "options.h"
#include "source.h"
#include "spoor.h"

enum { EVENTS_MAX = 256, NAME_WIDTH = 22 };

/* Why a kind of hook is not used: the first reason given. */
struct refusal {
	enum hook_mode mode;
	char why[200];
};

struct report {
	bool missing; /* something without which nothing works */
	const struct event_def *last;
	struct refusal refusals[HOOK_RAW + 1];
	size_t refusal_count;
	struct unhooked {
		const struct event_def *event;
		char why[200];
	} unhooked[8]; /* events that no hook is chosen for */
	size_t unhooked_count;
};

static const char *const mode_names[] = {
	[HOOK_NONE] = "auto",	  [HOOK_FENTRY] = "fentry",
	[HOOK_KPROBE] = "kprobe", [HOOK_TRACEPOINT] = "tracepoint",
	[HOOK_RAW] = "raw",
};

static const char *const state_names[] = {
	[CHECK_OK] = "ok",
	[CHECK_DEGRADED] = "limited",
	[CHECK_MISSING] = "MISSING",
};

static void print_check(void *ctx, const struct source_check *check)
{
	struct report *report = ctx;

	printf("  %-*s %-8s %s\n", NAME_WIDTH, check->name, state_names[check->state],
	       check->found);
	if (check->advice[0])
		printf("  %-*s %-8s -> %s\n", NAME_WIDTH, "", "", check->advice);
	if (check->state == CHECK_MISSING)
		report->missing = true;
}

/* Every hook that was thought of, for events asked for by name. */
static void print_hook(void *ctx, const struct source_hook *hook)
{
	struct report *report = ctx;

	printf("  %-*s %-2s %-10s %-34s %s\n", NAME_WIDTH,
	       hook->event == report->last ? "" : hook->event->name, hook->chosen ? "=>" : "",
	       hook->type, hook->target, hook->reason);
	report->last = hook->event;
}

static void remember_refusal(struct report *report, const struct source_hook *hook)
{
	const char *why = hook->reason;

	for (size_t i = 0; i < report->refusal_count; i++)
		if (report->refusals[i].mode == hook->mode)
			return;
	if (report->refusal_count < ARRAY_SIZE(report->refusals)) {
		struct refusal *refusal = &report->refusals[report->refusal_count++];

		refusal->mode = hook->mode;
		snprintf(refusal->why, sizeof(refusal->why), "%s", why);
	}
}

/* Of an event's hooks the first that is chosen, if any, takes it off the list again. */
static void note_unhooked(struct report *report, const struct source_hook *hook)
{
	struct unhooked *last = report->unhooked + report->unhooked_count;
	bool listed = report->unhooked_count && last[-1].event == hook->event;

	if (hook->chosen)
		report->unhooked_count -= listed;
	else if (!listed && hook->event != report->last &&
		 report->unhooked_count < ARRAY_SIZE(report->unhooked)) {
		last->event = hook->event;
		snprintf(last->why, sizeof(last->why), "%s", hook->reason);
		report->unhooked_count++;
	}
}

/* A line an event: the hooks that would be used. The kinds passed over come once, at the end. */
static void print_chosen(void *ctx, const struct source_hook *hook)
{
	struct report *report = ctx;

	note_unhooked(report, hook);
	if (!hook->chosen) {
		remember_refusal(report, hook);
		return;
	}
	if (hook->event != report->last)
		printf("%s  %-*s %s %s", report->last ? "\n" : "", NAME_WIDTH, hook->event->name,
		       hook->type, hook->target);
	else
		printf(", %s %s", hook->type, hook->target);
	report->last = hook->event;
}

static void print_refusals(const struct report *report)
{
	printf("%s\nNot used:\n", report->last ? "\n" : "");
	for (size_t i = 0; i < report->refusal_count; i++)
		printf("  %-*s %s\n", NAME_WIDTH, mode_names[report->refusals[i].mode],
		       report->refusals[i].why);
	if (report->unhooked_count)
		puts("\nNot collected on this kernel:");
	for (size_t i = 0; i < report->unhooked_count; i++)
		printf("  %-*s %s\n", NAME_WIDTH, report->unhooked[i].event->name,
		       report->unhooked[i].why);
	puts("\n'spoor doctor EVENT' shows every hook of an event and why it is used or not.");
}

/* It is one of them: options.c has seen to that. */
static enum hook_mode hook_mode_of(const char *name)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(mode_names) && strcmp(name, mode_names[i]) != 0)
		i++;
	return (enum hook_mode)i;
}

static bool collectable(const struct event_def *def)
{
	return !event_in_set(def, STR("internal")) && def->id != EV_events_lost &&
	       !def->replay_only;
}

static void complain(const char *name)
{
	struct suggest suggest;

	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; i < event_table_count; i++)
		if (collectable(&event_table[i]))
			suggest_try(&suggest, str_of(event_table[i].name));
	fprintf(stderr, "spoor doctor: there is no event '%s'\n", name);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean '%.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	else
		fputs("    hint: 'spoor list events' shows what there is\n", stderr);
}

static int doctor_run(const struct options *options, int argc, char **argv)
{
	const struct event_def *events[EVENTS_MAX];
	struct source_want want = { .events = events, .hook = hook_mode_of(options->hook) };
	struct report report = { 0 };
	struct err err = { 0 };

	for (int i = 0; i < argc && want.count < EVENTS_MAX; i++) {
		events[want.count] = event_by_name(str_of(argv[i]));
		if (!events[want.count++]) {
			complain(argv[i]);
			return EXIT_BAD_INPUT;
		}
		if (events[want.count - 1]->replay_only) {
			fprintf(stderr,
				"spoor doctor: event %s can be replayed, but not collected yet\n",
				argv[i]);
			return EXIT_BAD_INPUT;
		}
	}
	for (size_t i = 0; !argc && i < event_table_count && want.count < EVENTS_MAX; i++)
		if (collectable(&event_table[i]))
			events[want.count++] = &event_table[i];

	printf("spoor %s\n\nHost:\n", spoor_version());
	source_live_check(print_check, &report);
	printf("\nHook plan of 'spoor run --hook %s':\n", options->hook);
	if (source_live_plan(&want, argc ? print_hook : print_chosen, &report, &err) < 0) {
		printf("\n");
		fflush(stdout);
		err_print(stderr, &err);
		return EXIT_ENVIRONMENT;
	}
	if (!argc)
		print_refusals(&report);
	return report.missing ? EXIT_ENVIRONMENT : EXIT_FINE;
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "[options] [EVENT...]",
	.summary = "tell what this host offers and what is missing",
	.help = "Looks at the kernel and the host, prints what the sensor can use, what is missing and\n"
		"how to get it, and how each event (all, or those named) would be hooked and why.\n"
		"As root it tells more. Exit status 3 if the sensor cannot run here.\n\n"
		"Examples:\n"
		"  spoor doctor\n"
		"  spoor doctor shmat --hook tracepoint",
	.options = "hook",
	.run = doctor_run,
};
