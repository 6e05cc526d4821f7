/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes of policies, see scope.h. `follow` asks whether an ancestor known to the process
 * store is in scope, instead of marking processes as they are made: so it also holds for
 * children that were there before the sensor.
 */
#include "scope.h"

#include <errno.h>
#include <time.h>

#include "base/buf.h"
#include "base/suggest.h"
#include "event/encode.h"
#include "flag.h"
#include "store.h"

enum { ENTRY_MAX = 4096 };

enum container_state {
	ANY_CONTAINER,
	NO_CONTAINER,
	NEW_CONTAINER,
	OLD_CONTAINER,
	STARTED_CONTAINER
};

struct executable {
	uint64_t mount_ns; /* 0: any */
	struct str path;
	bool negative;
};

struct scope {
	struct arena *arena;
	bool compat;
	struct number_filter uid, pid, mount_ns, pid_ns, tree;
	struct string_filter comm, uts, container_id;
	struct executable *executables;
	uint32_t executable_count;
	bool container_asked[5]; /* by enum container_state */
	bool pid_new, pid_old, follow;
	bool range_alone;    /* see scope_range_alone */
	uint64_t loaded_at;  /* boot ns */
	struct str *entries; /* as they were accepted */
	uint32_t entry_count;
};

struct scope *scope_new(const struct filter_options *options, struct arena *arena)
{
	struct scope *scope = arena_new(arena, struct scope);
	struct timespec now = { 0 };

	if (!scope)
		return NULL;
	clock_gettime(CLOCK_BOOTTIME, &now);
	scope->loaded_at = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	scope->arena = arena;
	scope->compat = options->compat_tracee;
	scope->comm.compat = scope->uts.compat = scope->container_id.compat = scope->compat;
	/* The kernel side of Tracee takes a lone != for everything but, here as well. */
	number_filter_init(&scope->uid, NUMBER_UINT32, false);
	number_filter_init(&scope->pid, NUMBER_UINT32, false);
	number_filter_init(&scope->tree, NUMBER_UINT32, false);
	number_filter_init(&scope->mount_ns, NUMBER_UINT64, false);
	number_filter_init(&scope->pid_ns, NUMBER_UINT64, false);
	return scope;
}

static int bad_expression(struct err *err, struct str expression, const char *hint)
{
	err_set(err, -EINVAL, "invalid filter expression: %.*s", (int)expression.len,
		expression.data);
	err_hint(err, "%s", hint);
	return -EINVAL;
}

/* = and != only. */
static int add_equality(struct number_filter *filter, struct scope *scope, struct str expression,
			struct err *err)
{
	if (expression.len && (expression.data[0] == '<' || expression.data[0] == '>'))
		return bad_expression(err, expression, "use = or !=");
	return number_filter_add(filter, expression, scope->arena, err);
}

static int add_uid(struct scope *scope, struct str expression, struct err *err)
{
	return number_filter_add(&scope->uid, expression, scope->arena, err);
}

static int add_pid(struct scope *scope, struct str expression, struct err *err)
{
	if (str_equal(expression, STR("=new")))
		scope->pid_new = true;
	else if (str_equal(expression, STR("!=new")))
		scope->pid_old = true;
	else
		return number_filter_add(&scope->pid, expression, scope->arena, err);
	return 0;
}

static int add_mount_ns(struct scope *scope, struct str expression, struct err *err)
{
	return add_equality(&scope->mount_ns, scope, expression, err);
}

static int add_pid_ns(struct scope *scope, struct str expression, struct err *err)
{
	return add_equality(&scope->pid_ns, scope, expression, err);
}

static int add_tree(struct scope *scope, struct str expression, struct err *err)
{
	int code = add_equality(&scope->tree, scope, expression, err);

	if (code == -EINVAL && err->message[0] &&
	    strncmp(err->message, "invalid filter value", 20) == 0)
		err_set(err, -EINVAL, "invalid PID given to filter: %.*s", (int)expression.len - 1,
			expression.data + 1);
	return code;
}

static int add_comm(struct scope *scope, struct str expression, struct err *err)
{
	return string_filter_add(&scope->comm, expression, scope->arena, err);
}

static int add_uts(struct scope *scope, struct str expression, struct err *err)
{
	return string_filter_add(&scope->uts, expression, scope->arena, err);
}

static int add_container(struct scope *scope, struct str expression, struct err *err)
{
	static const struct {
		struct str expression;
		enum container_state state;
	} states[] = { { STR(""), ANY_CONTAINER },
		       { STR("=new"), NEW_CONTAINER },
		       { STR("!=new"), OLD_CONTAINER },
		       { STR("=started"), STARTED_CONTAINER } };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (str_equal(expression, states[i].expression)) {
			scope->container_asked[states[i].state] = true;
			return 0;
		}
	if (scope->compat && expression.data[0] != '=') {
		scope->container_asked[ANY_CONTAINER] = true;
		return 0;
	}
	int code = string_filter_add(&scope->container_id, expression, scope->arena, err);

	/* Ids may be shortened, as everybody writes them. */
	for (uint32_t i = 0; !code && i < scope->container_id.count; i++)
		if (scope->container_id.terms[i].form == STRING_EXACT)
			scope->container_id.terms[i].form = STRING_PREFIX;
	return code;
}

static int add_not_container(struct scope *scope, struct str expression, struct err *err)
{
	if (expression.len)
		return bad_expression(err, expression, "write not-container alone");
	scope->container_asked[NO_CONTAINER] = true;
	return 0;
}

static int add_follow(struct scope *scope, struct str expression, struct err *err)
{
	(void)expression, (void)err;
	scope->follow = true;
	return 0;
}

static bool read_ns(struct str text, uint64_t *out)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		unsigned digit = (unsigned)(text.data[i] - '0');

		if (digit > 9)
			return false;
		value = value * 10 + digit;
		if (value > UINT32_MAX)
			return false;
	}
	*out = value;
	return text.len > 0;
}

static uint64_t host_mount_ns(void)
{
	char link[64];
	ssize_t len = readlink("/proc/1/ns/mnt", link, sizeof(link) - 1);
	unsigned long long ns = 0;

	link[len > 0 ? len : 0] = 0;
	return sscanf(link, "mnt:[%llu]", &ns) == 1 ? ns : 0;
}

static int parse_executable(struct str value, struct executable *out, struct err *err)
{
	const char *colon = value.len ? memchr(value.data, ':', value.len) : NULL;

	out->path = value;
	if (colon && value.data[0] != '/') {
		struct str ns = { value.data, (uint32_t)(colon - value.data) };

		out->path = (struct str){ colon + 1, value.len - ns.len - 1 };
		if (str_equal(ns, STR("host"))) {
			out->mount_ns = host_mount_ns();
			if (!out->mount_ns)
				return err_set(err, -EINVAL,
					       "failed to retrieve host mount namespace");
		} else if (!read_ns(ns, &out->mount_ns)) {
			out->path.len = 0;
		}
	}
	if (out->path.len && out->path.data[0] == '/')
		return 0;
	err_set(err, -EINVAL, "invalid filter value %.*s", (int)value.len, value.data);
	err_hint(err, "expected an absolute path, MOUNT_NAMESPACE:/path or host:/path");
	return -EINVAL;
}

static int add_executable(struct scope *scope, struct str expression, struct err *err)
{
	bool negative = expression.len && expression.data[0] == '!';
	uint32_t start = negative ? 2 : 1;

	if (expression.len < 2 || (expression.data[0] != '=' && !negative))
		return bad_expression(err, expression, "use = or !=");
	for (uint32_t at = start; at <= expression.len; at++) {
		if (at < expression.len && expression.data[at] != ',')
			continue;
		struct executable one = { .negative = negative };
		struct executable *all = arena_array(scope->arena, struct executable,
						     scope->executable_count + 1);
		int code = parse_executable((struct str){ expression.data + start, at - start },
					    &one, err);

		if (code)
			return code;
		one.path = arena_str(scope->arena, one.path.data, one.path.len);
		if (!all || !one.path.data)
			return err_set(err, -ENOMEM, "out of memory");
		if (scope->executable_count)
			memcpy(all, scope->executables, scope->executable_count * sizeof(*all));
		all[scope->executable_count++] = one;
		scope->executables = all;
		start = at + 1;
	}
	return 0;
}

static const struct {
	const char *name;
	int (*add)(struct scope *scope, struct str expression, struct err *err);
	bool bare; /* may stand without an operator */
	const char *canonical;
} kinds[] = {
	{ "uid", add_uid, false, "uid" },
	{ "pid", add_pid, false, "pid" },
	{ "mntns", add_mount_ns, false, "mntns" },
	{ "pidns", add_pid_ns, false, "pidns" },
	{ "uts", add_uts, false, "uts" },
	{ "comm", add_comm, false, "comm" },
	{ "container", add_container, true, "container" },
	{ "not-container", add_not_container, true, "not-container" },
	{ "tree", add_tree, false, "tree" },
	{ "exec", add_executable, false, "executable" },
	{ "executable", add_executable, false, "executable" },
	{ "bin", add_executable, false, "executable" },
	{ "binary", add_executable, false, "executable" },
	{ "follow", add_follow, true, "follow" },
};

static int unknown_scope(struct str name, struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, name);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		suggest_try(&suggest, str_of(kinds[i].name));
	err_set(err, -EINVAL, "scope %.*s is not valid", (int)name.len, name.data);
	if (suggest.best.data)
		err_hint(err, "did you mean %s?", suggest.best.data);
	else
		err_hint(
			err,
			"one of global, uid, pid, mntns, pidns, uts, comm, container, not-container, tree, "
			"executable, follow");
	return -EINVAL;
}

static int note_entry(struct scope *scope, const char *name, struct str expression, struct err *err)
{
	autoclean(buf_free) struct buf text = { 0 };

	buf_str(&text, str_of(name));
	buf_str(&text, expression);
	/* Powers of two are the capacities. */
	if ((scope->entry_count & (scope->entry_count - 1)) == 0) {
		struct str *all = arena_array(scope->arena, struct str,
					      scope->entry_count ? scope->entry_count * 2 : 1);

		if (all && scope->entry_count)
			memcpy(all, scope->entries, scope->entry_count * sizeof(*all));
		scope->entries = all;
	}
	if (!scope->entries || text.truncated)
		return err_set(err, -ENOMEM, "out of memory");
	scope->entries[scope->entry_count++] = arena_str(scope->arena, text.data, text.len);
	return 0;
}

int scope_add_values(struct scope *scope, struct str name, struct str expression, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_equal(name, str_of(kinds[i].name)))
			continue;
		if (!expression.len && !kinds[i].bare) {
			err_set(err, -EINVAL, "scope %s is not valid: it asks for nothing",
				kinds[i].name);
			err_hint(err, "write %s=VALUE", kinds[i].name);
			return -EINVAL;
		}
		int code = kinds[i].add(scope, expression, err);

		return code ? code : note_entry(scope, kinds[i].canonical, expression, err);
	}
	return unknown_scope(name, err);
}

int scope_add_flag(struct scope *scope, struct str text, struct err *err)
{
	struct scope_flag flag;
	int code = flag_scope(text, &flag, err);

	if (code)
		return code;
	/* "not-" is part of the name, of one name. */
	if (flag.negated)
		flag.name = (struct str){ flag.name.data - 4, flag.name.len + 4 };
	return scope_add_values(scope, flag.name, flag.expression, err);
}

int scope_add(struct scope *scope, struct str text, struct err *err)
{
	char clean[ENTRY_MAX];
	struct str entry = { clean, 0 };

	if (text.len >= sizeof(clean))
		return err_set(err, -EINVAL, "a scope of more than %d bytes", ENTRY_MAX - 1);
	for (uint32_t i = 0; i < text.len; i++)
		if (text.data[i] != ' ')
			clean[entry.len++] = text.data[i];
	return scope_add_flag(scope, entry, err);
}

const struct str *scope_entries(const struct scope *scope, uint32_t *count)
{
	*count = scope->entry_count;
	return scope->entries;
}

bool scope_follows(const struct scope *scope)
{
	return scope->follow;
}

bool scope_reads_host_name(const struct scope *scope)
{
	return scope->uts.count > 0;
}

bool scope_wants_container(const struct scope *scope)
{
	for (int i = 0; i <= STARTED_CONTAINER; i++)
		if (i != NO_CONTAINER && scope->container_asked[i])
			return true;
	return scope->container_id.count > 0;
}

bool scope_same_bounds(const struct scope *a, const struct scope *b)
{
	return a->uid.min == b->uid.min && a->uid.max == b->uid.max && a->pid.min == b->pid.min &&
	       a->pid.max == b->pid.max;
}

void scope_range_alone(struct scope *scope)
{
	scope->range_alone = true;
}

/* ---- matching ---------------------------------------------------------------------------- */

static bool executable_hits(const struct executable *e, struct str path, uint64_t mount_ns)
{
	return str_equal(e->path, path) && (!e->mount_ns || e->mount_ns == mount_ns);
}

static bool executables_match(const struct scope *s, struct str path, uint64_t mount_ns)
{
	bool positive = false;

	for (uint32_t i = 0; i < s->executable_count; i++) {
		bool hits = executable_hits(&s->executables[i], path, mount_ns);

		if (hits && s->executables[i].negative)
			return false;
		if (hits)
			return true;
		positive |= !s->executables[i].negative;
	}
	return !positive;
}

static bool containers_match(const struct scope *s, const struct event *event)
{
	bool in = event_in_container(event);

	if ((s->container_asked[ANY_CONTAINER] || s->container_asked[OLD_CONTAINER] ||
	     s->container_asked[NEW_CONTAINER] || s->container_asked[STARTED_CONTAINER] ||
	     s->container_id.count) &&
	    !in)
		return false;
	if (s->container_asked[NO_CONTAINER] && in)
		return false;
	if (s->container_asked[STARTED_CONTAINER] && !event_container_started(event))
		return false;
	/* A container whose processes all started after us is new. */
	if (s->container_asked[NEW_CONTAINER] && event->wire->leader_start_time < s->loaded_at)
		return false;
	if (s->container_asked[OLD_CONTAINER] && event->wire->leader_start_time >= s->loaded_at)
		return false;
	return string_filter_match(&s->container_id, event_container_id(event));
}

static const struct process *process_of(const struct event *event, const struct stores *stores)
{
	if (event->process || !stores || event->given)
		return event->process;
	return process_find(stores, event->wire->pid, event->wire->leader_start_time);
}

/*
 * tree: the process itself has the pid, or who started it, or who started that, ...; the unknown
 * have none. By birth: a daemon stays where it came from when its parent ends.
 */
static bool tree_matches(const struct scope *s, const struct event *event,
			 const struct stores *stores)
{
	const struct process *process = stores ? process_of(event, stores) : NULL;
	bool inside = number_filter_match(&s->tree, event->wire->pid),
	     excludes = s->tree.unequal.count > 0;

	if (!s->tree.enabled)
		return true;
	for (int i = 0; process && i < ANCESTORS_MAX && inside == excludes; i++) {
		process = process_maker(stores, process);
		if (process)
			inside = number_filter_match(&s->tree, process->pid);
	}
	return inside;
}

/*
 * As Tracee's kernel side has it: only whole values are looked up there, and what is not found
 * passes unless = alone is asked for; patterns inside a text do not count as =.
 */
static bool kernel_text_match(const struct string_filter *f, struct str value)
{
	bool equal = false, unequal = false;

	for (uint32_t i = 0; i < f->count; i++) {
		const struct string_term *term = &f->terms[i];

		if (term->form == STRING_CONTAINS)
			continue;
		if (term->form == STRING_EXACT && str_equal(term->text, value))
			return !term->negative;
		*(term->negative ? &unequal : &equal) = true;
	}
	return !equal || unequal;
}

static bool text_match(const struct scope *s, const struct string_filter *f, struct str value)
{
	return s->compat ? kernel_text_match(f, value) : string_filter_match(f, value);
}

bool scope_in_range(const struct scope *s, const struct event *event)
{
	return !s->range_alone || (number_filter_in_range(&s->uid, event->wire->uid) &&
				   number_filter_in_range(&s->pid, event->wire->pid));
}

static bool event_in_scope(const struct scope *s, const struct event *event,
			   const struct stores *stores)
{
	const struct wire_header *w = event->wire;
	struct str comm = { w->comm, (uint32_t)strnlen(w->comm, WIRE_COMM_LEN) };

	if (!number_filter_match(&s->uid, w->uid) ||
	    !number_filter_match(&s->mount_ns, w->mnt_ns) ||
	    !number_filter_match(&s->pid_ns, w->pid_ns) || !text_match(s, &s->comm, comm) ||
	    (s->uts.count && !text_match(s, &s->uts, event_host_name(event))))
		return false;
	if (!number_filter_match(&s->pid, w->pid) && !number_filter_match(&s->pid, w->tid))
		return false;
	if ((s->pid_new && w->leader_start_time < s->loaded_at) ||
	    (s->pid_old && w->leader_start_time >= s->loaded_at))
		return false;
	if (s->executable_count) {
		const struct process *process = process_of(event, stores);
		struct str path = event->given ? event->given->executable
				  : process    ? process->executable
					       : (struct str){ 0 };

		if (!executables_match(s, path, w->mnt_ns))
			return false;
	}
	return containers_match(s, event) && tree_matches(s, event, stores);
}

static bool process_in_scope(const struct scope *s, const struct process *p)
{
	struct str comm = { p->comm, (uint32_t)strnlen(p->comm, WIRE_COMM_LEN) };

	return number_filter_match(&s->uid, p->uid) && number_filter_match(&s->pid, p->pid) &&
	       string_filter_match(&s->comm, comm) && executables_match(s, p->executable, 0);
}

bool scope_matches(const struct scope *scope, const struct event *event,
		   const struct stores *stores)
{
	if (event_in_scope(scope, event, stores))
		return true;
	if (!scope->follow || !stores)
		return false;
	const struct process *process = process_of(event, stores);

	for (int i = 0; process && i < ANCESTORS_MAX; i++) {
		process = process_maker(stores, process);
		if (process && process_in_scope(scope, process))
			return true;
	}
	return false;
}
