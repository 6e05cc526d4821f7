/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies: loaded from files or from --events, indexed by event id, matched per event.
 * The index is immutable; matching touches only the entries of the event's own id.
 */
#include "policy.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "detect/builtin.h"
#include "detect/detect.h"
#include "policy_file.h"
#include "submit.h"

enum { TRACEE_POLICIES_MAX = 64 };

struct entry {
	uint32_t policy;
	const struct filters *filters; /* NULL: none */
};

struct entries {
	const struct event_def *def;
	uint32_t count;
	struct entry *items; /* in the order of policies */
};

struct policies {
	struct arena arena;
	struct policy *items;
	uint32_t count, capacity;
	struct entries **by_event;
	uint32_t event_limit;
	const struct event_def **events;
	size_t event_count;
	bool compat, reads_host_names;
};

static struct policy *add_policy(struct policies *p)
{
	if (p->count == p->capacity) {
		uint32_t capacity = p->capacity ? p->capacity * 2 : 8;
		struct policy *items = arena_array(&p->arena, struct policy, capacity);

		if (!items)
			return NULL;
		if (p->count)
			memcpy(items, p->items, p->count * sizeof(*items));
		p->items = items;
		p->capacity = capacity;
	}
	return &p->items[p->count];
}

/* ---- from files ------------------------------------------------------------------- */

static void problem(struct err_list *problems, const char *path, const char *hint,
		    const char *message, const char *what)
{
	struct err err = { .level = ERR_ERROR, .rule = "path" };

	err_set(&err, -EINVAL, "%s%s", message, what);
	err_at(&err, path, 0, 0);
	if (hint)
		err_hint(&err, "%s", hint);
	err_list_add(problems, &err);
}

/* builtin: NULL: what the file holds. */
static void load_file(struct policies *p, struct policy_loader *loader, const char *path,
		      const struct builtin_file *builtin)
{
	struct policy *policy = add_policy(p);

	if (!policy ||
	    !(builtin ? policy_bytes_load(loader, path, (struct str){ builtin->data, builtin->len },
					  policy)
		      : policy_file_load(loader, path, policy)))
		return;
	for (uint32_t i = 0; i < p->count; i++)
		if (str_equal(p->items[i].name, policy->name)) {
			problem(loader->problems, path, p->items[i].path,
				"a policy of this name already exists: ", policy->name.data);
			return;
		}
	p->count++;
}

static bool is_policy(const char *name)
{
	return ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".json");
}

/* A directory that is being read. */
struct reading {
	struct policies *policies;
	struct policy_loader *loader;
};

static void load_entry(void *ctx, const char *path)
{
	const struct reading *reading = ctx;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		load_file(reading->policies, reading->loader, path, NULL);
}

static void load_directory(struct policies *p, struct policy_loader *loader, const char *path)
{
	struct reading reading = { p, loader };
	int count = folder_each(path, is_policy, load_entry, &reading);

	if (count < 0)
		problem(loader->problems, path, NULL, strerror(-count), "");
	if (count == 0)
		problem(loader->problems, path, "policy files end in .yaml, .yml or .json",
			"no policies provided", "");
}

static void load_builtin(struct policies *p, struct policy_loader *loader)
{
	for (size_t i = 0; i < builtin_policy_count; i++)
		load_file(p, loader, builtin_policies[i].path, &builtin_policies[i]);
}

static void load_path(struct policies *p, struct policy_loader *loader, const char *path)
{
	struct stat st;

	if (path[0] == 0)
		problem(loader->problems, "policy", NULL, "policy path cannot be empty", "");
	else if (!strcmp(path, "builtin"))
		load_builtin(p, loader);
	else if (stat(path, &st) < 0)
		problem(loader->problems, path,
			"give a policy file, a directory of them, or builtin", strerror(errno), "");
	else if (S_ISDIR(st.st_mode))
		load_directory(p, loader, path);
	else
		load_file(p, loader, path, NULL);
}

/* ---- from the command line ----------------------------------------------------------- */

static void expression_problem(struct policy_loader *loader, const char *text, struct err *err)
{
	err->rule = "event";
	err_at(err, "--events", 0, 0);
	snprintf(err->source, sizeof(err->source), "%s", text);
	err_list_add(loader->problems, err);
}

static void load_scopes(struct policy *policy, struct policy_loader *loader,
			const char *const *scopes)
{
	for (; scopes && *scopes; scopes++) {
		struct err err = { .level = ERR_ERROR, .rule = "scope" };

		if (scope_add_flag(policy->scope, str_of(*scopes), &err) == 0)
			continue;
		err_at(&err, "--scope", 0, 0);
		snprintf(err.source, sizeof(err.source), "%s", *scopes);
		err_list_add(loader->problems, &err);
	}
}

/* One policy without a name; without expressions it takes every detection. */
static bool load_expressions(struct policies *p, struct policy_loader *loader,
			     const char *const *expressions, const char *const *scopes)
{
	static const char *const alerts[] = { "detectors", NULL };
	static const char *const as_tracee[] = { "tag=default", NULL };
	struct policy *policy = add_policy(p);
	bool fallback = !expressions || !expressions[0];

	if (!policy)
		return false;
	*policy = (struct policy){
		.name = STR(""),
		.description = STR(""),
		.scope = scope_new(&loader->options, loader->arena),
		.selection = { .ruleset = loader->ruleset,
			       .arena = loader->arena,
			       .options = loader->options,
			       .live = loader->live },
	};
	if (!policy->scope)
		return false;
	load_scopes(policy, loader, scopes);
	p->count++;
	/* Without any detector there is nothing to select, which is no mistake. */
	if (fallback && !p->compat && !ruleset_detector_count(loader->ruleset))
		return true;
	if (fallback)
		expressions = p->compat ? as_tracee : alerts;
	for (const char *const *e = expressions; *e; e++) {
		struct err err = { .level = ERR_ERROR };

		if (select_expression(&policy->selection, str_of(*e), &err))
			expression_problem(loader, *e, &err);
	}
	struct err err = { .level = ERR_ERROR };

	if (select_finish(&policy->selection, &err))
		expression_problem(loader, "", &err);
	err = (struct err){ .level = ERR_WARNING };
	if (!fallback && select_left_out(&policy->selection, &err))
		expression_problem(loader, "", &err);
	return true;
}

/* ---- index ------------------------------------------------------------------------------ */

static uint32_t highest_id(const struct policies *p)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < p->count; i++)
		for (uint32_t k = 0; k < p->items[i].selection.count; k++)
			highest = MAX(highest, p->items[i].selection.rules[k].def->id);
	return highest;
}

static bool add_entry(struct policies *p, uint32_t policy, const struct select_rule *rule)
{
	struct entries *list = p->by_event[rule->def->id];

	if (!list) {
		list = arena_new(&p->arena, struct entries);
		if (!list)
			return false;
		list->def = rule->def;
		p->by_event[rule->def->id] = list;
	}
	if ((list->count & (list->count - 1)) == 0) {
		struct entry *items = arena_array(&p->arena, struct entry,
						  list->count ? list->count * 2 : 1);

		if (!items)
			return false;
		if (list->count)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
	}
	list->items[list->count++] =
		(struct entry){ policy, filters_empty(rule->filters) ? NULL : rule->filters };
	return true;
}

static bool index_rules(struct policies *p)
{
	p->event_limit = highest_id(p) + 1;
	p->by_event = arena_array(&p->arena, struct entries *, p->event_limit);
	if (!p->by_event)
		return false;
	for (uint32_t i = 0; i < p->count; i++)
		for (uint32_t k = 0; k < p->items[i].selection.count; k++)
			if (!add_entry(p, i, &p->items[i].selection.rules[k]))
				return false;
	return true;
}

static int by_id(const void *a, const void *b)
{
	const struct event_def *x = *(const struct event_def *const *)a,
			       *y = *(const struct event_def *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

/* What is printed and what detectors read; each built-in event once. */
static bool collect_events(struct policies *p, const struct ruleset *ruleset)
{
	size_t reads, unique = 0;
	const struct event_def *const *defs = ruleset_events(ruleset, &reads);

	p->events = arena_array(&p->arena, const struct event_def *, reads + p->event_limit + 1);
	if (!p->events)
		return false;
	for (size_t i = 0; i < reads; i++)
		p->events[p->event_count++] = defs[i];
	for (uint32_t i = 0; i < p->event_limit; i++)
		if (p->by_event[i] && event_is_known(p->by_event[i]->def) &&
		    !event_is_detection(p->by_event[i]->def))
			p->events[p->event_count++] = p->by_event[i]->def;
	if (p->event_count == 0)
		return true;
	qsort(p->events, p->event_count, sizeof(*p->events), by_id);
	for (size_t i = 0; i < p->event_count; i++)
		if (unique == 0 || p->events[i] != p->events[unique - 1])
			p->events[unique++] = p->events[i];
	p->event_count = unique;
	return true;
}

static bool policy_reads_host_names(const struct policy *policy)
{
	bool reads = scope_reads_host_name(policy->scope);

	for (uint32_t i = 0; i < policy->selection.count; i++)
		reads |= filters_read_host_name(policy->selection.rules[i].filters);
	return reads;
}

static bool any_reads_host_names(const struct policies *p, const struct ruleset *ruleset)
{
	bool reads = ruleset_reads_host_names(ruleset);

	for (uint32_t i = 0; i < p->count; i++)
		reads |= policy_reads_host_names(&p->items[i]);
	return reads;
}

/* ---- public -------------------------------------------------------------------------------- */

static bool load_all(struct policies *p, struct policy_loader *loader, const char *const *paths,
		     const char *const *expressions, const char *const *scopes)
{
	if (paths && paths[0] && expressions && expressions[0])
		problem(loader->problems, "--events",
			"put the events into a policy, or leave --policy out",
			"--policy and --events cannot be used together", "");
	if (paths && paths[0] && scopes && scopes[0])
		problem(loader->problems, "--scope",
			"put the scope into the policies, or leave --policy out",
			"--policy and --scope cannot be used together", "");
	if ((!paths || !paths[0]) && loader->builtin && !(expressions && expressions[0]) &&
	    !(scopes && scopes[0]))
		return load_builtin(p, loader), true;
	if (!paths || !paths[0])
		return load_expressions(p, loader, expressions, scopes);
	for (; *paths; paths++)
		load_path(p, loader, *paths);
	if (p->compat && p->count > TRACEE_POLICIES_MAX)
		problem(loader->problems, "--policy", "without --compat tracee there is no limit",
			"too many policies provided, there is a limit of 64 policies", "");
	return true;
}

/* Where Tracee looks again at uid and pid, and only at the open range of each. */
static void mark_ranges(struct policies *p)
{
	bool differ = false;

	for (uint32_t i = 1; i < p->count; i++)
		differ |= !scope_same_bounds(p->items[0].scope, p->items[i].scope);
	for (uint32_t i = 0; i < p->count; i++) {
		const struct selection *s = &p->items[i].selection;
		bool filtered = differ;

		for (uint32_t k = 0; k < s->count; k++)
			filtered |= !filters_empty(s->rules[k].filters);
		if (filtered)
			scope_range_alone(p->items[i].scope);
	}
}

struct policies *policies_load(const char *const *paths, const char *const *expressions,
			       const struct policies_options *options,
			       const struct ruleset *ruleset, struct err_list *problems)
{
	struct policies *p = calloc(1, sizeof(*p));
	struct arena scratch = { 0 };
	bool fine;

	if (!p)
		return NULL;
	struct policy_loader loader = {
		.ruleset = ruleset,
		.options = { .compat_tracee = options && options->compat_tracee },
		.live = options && options->live,
		.arena = &p->arena,
		.scratch = &scratch,
		.problems = problems,
		.judge = options && options->judge,
		.builtin = options && options->builtin && !options->compat_tracee,
	};

	p->compat = loader.options.compat_tracee;
	fine = load_all(p, &loader, paths, expressions, options ? options->scopes : NULL) &&
	       index_rules(p) && collect_events(p, ruleset);
	p->reads_host_names = any_reads_host_names(p, ruleset);
	if (fine && p->compat)
		mark_ranges(p);
	for (uint32_t i = 0; fine && p->compat && i < p->count; i++)
		fine = submit_collect(&p->items[i], ruleset, &p->arena);
	arena_free(&scratch);
	if (fine)
		return p;
	policies_free(p);
	return NULL;
}

void policies_free(struct policies *p)
{
	if (!p)
		return;
	arena_free(&p->arena);
	free(p);
}

const struct event_def *const *policies_events(const struct policies *p, size_t *count)
{
	*count = p->event_count;
	return p->events;
}

bool policies_read_host_names(const struct policies *p)
{
	return p->reads_host_names;
}

/* Do the filters that the policy has on the event itself let it pass? */
static bool filters_of_policy_match(const struct policies *p, uint32_t policy,
				    const struct event *event, struct arena *arena)
{
	const struct entries *list = event->def->id < p->event_limit ? p->by_event[event->def->id]
								     : NULL;
	bool any = false;

	for (uint32_t i = 0; list && list->def == event->def && i < list->count; i++) {
		const struct entry *entry = &list->items[i];

		if (entry->policy != policy)
			continue;
		if (!entry->filters || filters_match(entry->filters, event, arena))
			return true;
		any = true;
	}
	return !any;
}

/*
 * Literally: a detection belongs to the policies that see what it is made from, and that its first
 * event got through; filters on detections themselves are not looked at.
 */
static bool matches_as_tracee(const struct policies *p, const struct entry *entry,
			      const struct event *event, const struct stores *stores,
			      struct arena *arena)
{
	const struct policy *policy = &p->items[entry->policy];
	const struct scope *scope = policy->scope;

	for (; event->detected_from; event = event->detected_from)
		if (!submit_has(policy, event->detected_from->def))
			return false;
	return scope_matches(scope, event, stores) && scope_in_range(scope, event) &&
	       filters_of_policy_match(p, entry->policy, event, arena);
}

static bool entry_matches(const struct policies *p, const struct entry *entry,
			  const struct event *event, const struct stores *stores,
			  struct arena *arena)
{
	if (p->compat)
		return matches_as_tracee(p, entry, event, stores, arena);
	return (!entry->filters || filters_match(entry->filters, event, arena)) &&
	       scope_matches(p->items[entry->policy].scope, event, stores);
}

uint32_t policies_match(struct policies *p, const struct event *event, const struct stores *stores,
			struct arena *arena, const struct str **names)
{
	const struct entries *list = event->def->id < p->event_limit ? p->by_event[event->def->id]
								     : NULL;
	uint32_t last = UINT32_MAX, count = 0;
	struct str *many = NULL;

	/* A recorded detection, where a loaded detector makes the event itself. */
	if (list && list->def != event->def)
		return 0;
	for (uint32_t i = 0; list && i < list->count; i++) {
		const struct entry *entry = &list->items[i];
		const struct policy *policy = &p->items[entry->policy];

		if (entry->policy == last || !entry_matches(p, entry, event, stores, arena))
			continue;
		last = entry->policy;
		if (count == 0) {
			*names = &policy->name;
			count = 1;
			continue;
		}
		if (!many) {
			many = arena_alloc(arena, sizeof(*many) * list->count);
			if (!many)
				return count;
			many[0] = **names;
			*names = many;
		}
		many[count++] = policy->name;
	}
	return count;
}

uint32_t policies_count(const struct policies *p)
{
	return p->count;
}

void policies_info(const struct policies *p, uint32_t index, struct policy_info *out)
{
	const struct policy *policy = &p->items[index];

	*out = (struct policy_info){
		.name = policy->name,
		.description = policy->description,
		.path = policy->path,
		.rule_count = policy->selection.count,
		.follow = scope_follows(policy->scope),
		.container = scope_wants_container(policy->scope),
	};
	out->scope = scope_entries(policy->scope, &out->scope_count);
}

void policies_rule(const struct policies *p, uint32_t policy, uint32_t index,
		   struct policy_rule_info *out)
{
	const struct select_rule *rule = &p->items[policy].selection.rules[index];

	*out = (struct policy_rule_info){ rule->def, rule->texts, rule->text_count };
}
