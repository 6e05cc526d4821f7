/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detectors for people: how events find them (`spoor check --explain-plan`), what they look for
 * in words, and what they cost (`spoor explain`).
 */
#include "base/buf.h"
#include "cel/words.h"
#include "ruleset.h"

static void explain_event(const struct listeners *l, struct buf *out)
{
	buf_printf(out, "%s: %u detector%s\n", l->def->name, l->count, l->count == 1 ? "" : "s");
	cel_index_summary(l->index, "  ", out);
	for (uint32_t i = 0; i < l->count; i++) {
		const struct subscription *s = &l->items[i];

		buf_printf(out, "  %s (%s)%s\n", s->detector->id.data, s->detector->path,
			   s->filters ? ", then its filters" : "");
		cel_index_explain(l->index, i, "    ", out);
	}
	buf_char(out, '\n');
}

void ruleset_explain(const struct ruleset *ruleset, struct buf *out)
{
	for (uint32_t i = 0; i < ruleset->event_limit; i++)
		if (ruleset->by_event[i])
			explain_event(ruleset->by_event[i], out);
}

/* ---- in words ------------------------------------------------------------------------------ */

static const struct cel_word names[] = {
	{ "event.name", "the event" },
	{ "workload.process.executable.path", "the program's path" },
	{ "workload.process.pid", "the process id" },
	{ "workload.process.host_pid", "the process id on the host" },
	{ "workload.process.real_user.id", "the user id" },
	{ "workload.process.thread.name", "the thread's name" },
	{ "workload.container.id", "the container's id" },
	{ "workload.container.name", "the container's name" },
	{ "workload.container.image.name", "the container's image" },
	{ "context.euid", "the effective user id" },
	{ "context.gid", "the group id" },
	{ "context.loginuid", "the login user id" },
	{ "context.kernel_thread", "it is a kernel thread, which" },
	{ "context.mnt_ns", "the mount namespace" },
	{ "context.pid_ns", "the PID namespace" },
	{ "context.ipc_ns", "the IPC namespace" },
	{ "context.user_ns", "the user namespace" },
	{ "context.program", "the executable (by a path that nobody can have forged)" },
	{ "context.net_ns", "the network namespace" },
};

static const struct {
	struct str text;
	const char *words;
} operators[] = {
	{ STR("!="), "is not" }, { STR(">="), "is at least" }, { STR("<="), "is at most" },
	{ STR("="), "is" },	 { STR(">"), "is above" },     { STR("<"), "is below" },
};

/* abc*: abc... */
static void put_pattern(struct str value, struct buf *out)
{
	bool front = value.len && value.data[0] == '*';
	bool back = value.len > 1 && value.data[value.len - 1] == '*';

	buf_printf(out, "%s%.*s%s", front ? "..." : "", (int)value.len - front - back,
		   value.data + front, back ? "..." : "");
}

/* "key!=0,1": "key is not 0 or 1 (filter)" */
static void put_filter(struct str filter, struct buf *out)
{
	struct str field, expression;
	uint32_t start;
	size_t i = 0;

	filter_split(filter, &field, &expression);
	if (!expression.len) {
		buf_printf(out, "%s (filter)",
			   str_equal(field, STR("container")) ? "it is in a container"
			   : str_equal(field, STR("host"))    ? "it is in no container"
							      : filter.data);
		return;
	}
	while (i + 1 < ARRAY_SIZE(operators) &&
	       (expression.len < operators[i].text.len ||
		memcmp(expression.data, operators[i].text.data, operators[i].text.len) != 0))
		i++;
	buf_printf(out, "%.*s %s ", (int)field.len, field.data, operators[i].words);
	start = operators[i].text.len;
	for (uint32_t at = start; at <= expression.len; at++) {
		if (at < expression.len && expression.data[at] != ',')
			continue;
		buf_printf(out, "%s", start > operators[i].text.len ? " or " : "");
		put_pattern((struct str){ expression.data + start, at - start }, out);
		start = at + 1;
	}
	buf_lit(out, " (filter)");
}

static void filter_words(const struct str *filters, uint32_t count,
			 void (*line)(void *ctx, const char *text), void *ctx)
{
	struct buf out = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		uint32_t first = 0;

		/* The same on several events is said once. */
		while (!str_equal(filters[first], filters[i]))
			first++;
		if (first < i)
			continue;
		buf_clear(&out);
		put_filter(filters[i], &out);
		line(ctx, buf_cstr(&out));
	}
	buf_free(&out);
}

void ruleset_words(const struct ruleset *ruleset, uint32_t detector,
		   void (*line)(void *ctx, const char *text), void *ctx)
{
	const struct detector *d = ruleset->detectors[detector];

	filter_words(d->scope_filters, d->scope_filter_count, line, ctx);
	filter_words(d->data_filters, d->data_filter_count, line, ctx);
	for (uint32_t i = 0; i < d->condition_count; i++)
		cel_words(d->conditions[i].program, names, ARRAY_SIZE(names), line, ctx);
}

bool ruleset_cost(const struct ruleset *ruleset, uint32_t detector, uint32_t input,
		  struct detect_cost *out)
{
	const struct detector *d = ruleset->detectors[detector];
	const struct listeners *l = ruleset->by_event[d->inputs[input].def->id];

	for (uint32_t i = 0; l && i < l->count; i++) {
		struct cel_cost cost;

		if (l->items[i].detector != d)
			continue;
		cel_index_cost(l->index, i, &cost);
		*out = (struct detect_cost){ cost.event, cost.found, cost.by };
		return true;
	}
	return false;
}
