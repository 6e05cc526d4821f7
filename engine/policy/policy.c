/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies: loaded from files or from --events, indexed by event id, matched per event.
 * The index is immutable; matching touches only the entries of the event's own id.
 */
#include "policy.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "detect/detect.h"
#include "policy_file.h"

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

static void load_file(struct policies *p, struct policy_loader *loader, const char *path)
{
	struct policy *policy = add_policy(p);

	if (!policy || !policy_file_load(loader, path, policy))
		return;
	for (uint32_t i = 0; i < p->count; i++)
		if (str_equal(p->items[i].name, policy->name)) {
			problem(loader->problems, path, p->items[i].path,
				"a policy of this name already exists: ", policy->name.data);
			return;
		}
	p->count++;
}

static int is_policy(const struct dirent *entry)
{
	static const char *const suffixes[] = { ".yaml", ".yml", ".json" };
	size_t len = strlen(entry->d_name);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t want = strlen(suffixes[i]);

		if (len > want && strcmp(entry->d_name + len - want, suffixes[i]) == 0)
			return 1;
	}
	return 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_directory(struct policies *p, struct policy_loader *loader, const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_policy, by_bytes);

	if (count < 0) {
		problem(loader->problems, path, NULL, strerror(errno), "");
		return;
	}
	if (count == 0)
		problem(loader->problems, path, "policy files end in .yaml, .yml or .json",
			"no policies provided", "");
	for (int i = 0; i < count; i++) {
		char file[ERR_PATH_MAX];
		struct stat st;

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (stat(file, &st) == 0 && !S_ISDIR(st.st_mode))
			load_file(p, loader, file);
		free(entries[i]);
	}
	free(entries);
}

static void load_path(struct policies *p, struct policy_loader *loader, const char *path)
{
	struct stat st;

	if (path[0] == 0)
		problem(loader->problems, "policy", NULL, "policy path cannot be empty", "");
	else if (stat(path, &st) < 0)
		problem(loader->problems, path, "give a policy file or a directory of them",
			strerror(errno), "");
	else if (S_ISDIR(st.st_mode))
		load_directory(p, loader, path);
	else
		load_file(p, loader, path);
}

/* ---- from the command line ----------------------------------------------------------- */

static void expression_problem(struct policy_loader *loader, const char *text, struct err *err)
{
	err->rule = "event";
	err_at(err, "--events", 0, 0);
	snprintf(err->source, sizeof(err->source), "%s", text);
	err_list_add(loader->problems, err);
}

/* One policy without a name; without expressions it takes every detection. */
static bool load_expressions(struct policies *p, struct policy_loader *loader,
			     const char *const *expressions)
{
	static const char *const alerts[] = { "detectors", NULL };
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
	p->count++;
	/* Without any detector there is nothing to select, which is no mistake. */
	if (fallback && !ruleset_detector_count(loader->ruleset))
		return true;
	for (const char *const *e = fallback ? alerts : expressions; *e; e++) {
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

/* ---- public -------------------------------------------------------------------------------- */

static bool load_all(struct policies *p, struct policy_loader *loader, const char *const *paths,
		     const char *const *expressions)
{
	if (paths && paths[0] && expressions && expressions[0])
		problem(loader->problems, "--events",
			"put the events into a policy, or leave --policy out",
			"--policy and --events cannot be used together", "");
	if (!paths || !paths[0])
		return load_expressions(p, loader, expressions);
	for (; *paths; paths++)
		load_path(p, loader, *paths);
	return true;
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
	};

	fine = load_all(p, &loader, paths, expressions) && index_rules(p) &&
	       collect_events(p, ruleset);
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

		if (entry->policy == last ||
		    (entry->filters && !filters_match(entry->filters, event, arena)) ||
		    !scope_matches(policy->scope, event, stores))
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

	*out = (struct policy_info){ policy->name, policy->description, policy->path,
				     policy->selection.count };
}
