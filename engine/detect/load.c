/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a ruleset: files into trees, lists, detectors; then, when all names are known,
 * inputs and expressions. So neither the order of files nor that of detectors matters.
 *
 * A list is seen by the detectors of its own directory. A directory named `detectors`
 * also sees the lists of a directory `lists` beside it.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "judge.h"
#include "ruleset.h"

enum { FILES_MAX = 20000 };

/* The files of one directory. */
struct folder {
	struct rule_source *files;
	uint32_t count, capacity;
	uint32_t number;
	bool aborted; /* a duplicate list, as Tracee has it */
	bool single;  /* one file was asked for: its neighbours' lists may be unused */
	bool lists_only;
	const char *skip; /* a file that is read otherwise; NULL: none */
};

void *loader_grow(struct arena *arena, void *items, uint32_t count, uint32_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	uint32_t larger = *capacity ? *capacity * 2 : 16;
	void *copy = arena_zalloc(arena, size * larger);

	if (!copy)
		return NULL;
	if (count)
		memcpy(copy, items, size * count);
	*capacity = larger;
	return copy;
}

bool loader_compat(const struct loader *loader)
{
	return loader->options.compat_tracee && !loader->builtin;
}

static struct report report_of(struct loader *loader, const struct yaml_file *file)
{
	return (struct report){ .problems = loader->problems,
				.file = file,
				.arena = &loader->tree,
				.compat = loader_compat(loader) };
}

static void path_error(struct loader *loader, const char *path, const char *message,
		       const char *hint)
{
	struct yaml_file file = { .path = path };
	struct report report = report_of(loader, &file);

	report_error(&report, NULL, "path", hint, "%s", message);
}

/* ---- files ------------------------------------------------------------------------ */

/* The tree of a file that is known to have one; until the next call. False: no memory. */
static bool open_tree(struct loader *loader, const struct rule_source *source,
		      struct yaml_file *out)
{
	struct err err = { 0 };

	arena_reset(&loader->tree);
	return yaml_parse(source->path, source->text, &loader->tree, out, &err) == 0;
}

static void load_list(struct loader *loader, struct folder *folder, const struct yaml_file *file);

/* Lists are loaded at once, the rest when all lists are known. */
static void add_file(struct loader *loader, struct folder *folder, const char *path,
		     struct str text)
{
	struct rule_source source = { .path = path, .text = text };
	struct yaml_file file = { .path = path, .text = text };
	struct report report = report_of(loader, &file);
	struct err err = { .level = ERR_ERROR };
	struct rule_source *files;

	arena_reset(&loader->tree);
	if (yaml_parse(path, text, &loader->tree, &file, &err)) {
		report_add(&report, NULL, &err);
		broken_note(loader, &source, folder->number, folder->lists_only);
		return;
	}
	source.type = rule_file_type(&report, &file);
	if (source.type == RULE_UNKNOWN)
		broken_note(loader, &source, folder->number, folder->lists_only);
	if (source.type == RULE_LIST && !folder->aborted)
		load_list(loader, folder, &file);
	if (source.type == RULE_LIST || source.type == RULE_UNKNOWN || folder->lists_only)
		return;
	files = loader_grow(&loader->scratch, folder->files, folder->count, &folder->capacity,
			    sizeof(*files));
	if (!files)
		return;
	folder->files = files;
	files[folder->count++] = source;
}

static void read_file(struct loader *loader, struct folder *folder, const char *path)
{
	struct yaml_file file = { .path = arena_str(&loader->scratch, path, strlen(path)).data };
	struct report report = report_of(loader, &file);
	struct err err = { .level = ERR_ERROR, .rule = "path" };
	struct str text;

	if (!file.path)
		return;
	if (yaml_read_file(path, &loader->scratch, &text, &err))
		report_add(&report, NULL, &err);
	else
		add_file(loader, folder, file.path, text);
}

static bool is_yaml(const char *name)
{
	return ends_with(name, ".yaml") || ends_with(name, ".yml");
}

/* Tracee skips links; Kubernetes mounts its files as links. */
static bool is_file(const char *path, bool compat)
{
	struct stat st;

	return (compat ? lstat(path, &st) : stat(path, &st)) == 0 && S_ISREG(st.st_mode);
}

/* In the current directory, "./x" is "x". */
static bool is_skipped(const struct folder *folder, const char *path)
{
	return folder->skip &&
	       (strcmp(path, folder->skip) == 0 ||
		(strncmp(path, "./", 2) == 0 && strcmp(path + 2, folder->skip) == 0));
}

/* A folder that is being read. */
struct reading {
	struct loader *loader;
	struct folder *folder;
};

static void read_entry(void *ctx, const char *path)
{
	const struct reading *reading = ctx;

	if (reading->folder->count < FILES_MAX && !is_skipped(reading->folder, path) &&
	    is_file(path, loader_compat(reading->loader)))
		read_file(reading->loader, reading->folder, path);
}

/* 0, or a negative errno. */
static int read_folder(struct loader *loader, struct folder *folder, const char *path)
{
	struct reading reading = { loader, folder };
	int count = folder_each(path, is_yaml, read_entry, &reading);

	return count < 0 ? count : 0;
}

/* ---- lists -------------------------------------------------------------------------- */

static const struct named_list *find_list(const struct loader *loader, struct str name,
					  uint32_t directory)
{
	for (uint32_t i = 0; i < loader->list_count; i++)
		if (loader->lists[i].directory == directory &&
		    str_equal(loader->lists[i].name, name))
			return &loader->lists[i];
	return NULL;
}

static void duplicate_list(struct loader *loader, struct folder *folder, struct report *report,
			   const struct list_text *text, const struct named_list *first)
{
	char hint[ERR_PATH_MAX + 64];

	snprintf(hint, sizeof(hint), "first defined in %s line %u", first->file.path,
		 first->node->line);
	report_error(report, text->name, "duplicate", hint,
		     "duplicate list name '%s': ambiguous definition%s", text->name->text.data,
		     loader_compat(loader) ? ", aborting directory load" : "");
	folder->aborted = loader_compat(loader);
}

const struct yaml_node *loader_keep(struct loader *loader, const struct yaml_node *scalar)
{
	struct yaml_node *kept = arena_new(&loader->scratch, struct yaml_node);

	if (!kept)
		return NULL;
	*kept = *scalar;
	kept->text = arena_str(&loader->scratch, scalar->text.data, scalar->text.len);
	return kept->text.data ? kept : NULL;
}

/* What must outlive the list's tree. */
static bool keep_list(struct loader *loader, const struct list_text *text, struct named_list *out)
{
	const struct yaml_node *name = loader_keep(loader, text->name);
	struct str *values = arena_array(&loader->scratch, struct str, text->values.count + 1);

	if (!name || !values)
		return false;
	for (uint32_t i = 0; i < text->values.count; i++) {
		struct str value = text->values.items[i]->text;

		values[i] = arena_str(&loader->scratch, value.data, value.len);
		if (!values[i].data)
			return false;
	}
	out->name = name->text;
	out->node = name;
	out->values = values;
	out->value_count = text->values.count;
	return true;
}

static void load_list(struct loader *loader, struct folder *folder, const struct yaml_file *file)
{
	struct report report = report_of(loader, file);
	struct list_text text = { 0 };
	const struct named_list *first;
	struct named_list *lists;
	struct named_list list = { .file = { .path = file->path, .text = file->text },
				   .directory = folder->number,
				   .used = folder->single };

	if (!list_text_read(&report, file, &text)) {
		broken_note(loader, &(struct rule_source){ .path = file->path, .text = file->text },
			    folder->number, true);
		return;
	}
	first = find_list(loader, text.name->text, folder->number);
	if (first) {
		duplicate_list(loader, folder, &report, &text, first);
		return;
	}
	lists = loader_grow(&loader->scratch, loader->lists, loader->list_count,
			    &loader->list_capacity, sizeof(*lists));
	if (!lists || !keep_list(loader, &text, &list))
		return;
	loader->lists = lists;
	lists[loader->list_count++] = list;
}

/* ---- detectors ------------------------------------------------------------------------ */

/* Names that must be unique in the whole ruleset. */
static void check_names(struct loader *loader, struct report *report,
			const struct detector_text *text)
{
	for (uint32_t i = 0; i < loader->pending_count; i++) {
		const struct pending *other = &loader->pending[i];

		if (str_equal(other->detector->id, text->id->text))
			report_error(report, text->id, "duplicate", other->source.path,
				     "detector ID %s already registered", text->id->text.data);
		if (str_equal(str_of(other->detector->def.name), text->produced.name->text))
			report_error(report, text->produced.name, "duplicate", other->source.path,
				     "duplicate event name '%s'", text->produced.name->text.data);
	}
	const struct event_def *known = event_by_name(text->produced.name->text);

	if (known && !event_is_detection(known))
		report_error(report, text->produced.name, "duplicate",
			     "choose another name for the produced event",
			     "definition name already exists: %s is a built-in event",
			     text->produced.name->text.data);
}

static void load_detector(struct loader *loader, const struct folder *folder,
			  const struct rule_source *source, const struct yaml_file *file)
{
	struct report report = report_of(loader, file);
	struct detector_text text = { 0 };
	struct pending *pending;
	struct detector *d;

	if (detector_text_read(&report, file, &text)) {
		check_names(loader, &report, &text);
		if (loader->produced_count >= PRODUCED_ID_MAX - PRODUCED_ID_MORE)
			report_error(&report, text.id, "limit", NULL, "too many detectors");
	}
	if (report.errors) {
		broken_note(loader, source, folder->number, false);
		return;
	}
	d = detector_make(loader, &report, &text);
	pending = loader_grow(&loader->scratch, loader->pending, loader->pending_count,
			      &loader->pending_capacity, sizeof(*pending));
	if (!d || !pending)
		return;
	loader->pending = pending;
	pending[loader->pending_count++] =
		(struct pending){ .detector = d, .source = *source, .directory = folder->number };
}

static void misplaced(struct loader *loader, const struct yaml_file *file, enum rule_type type)
{
	struct report report = report_of(loader, file);
	const struct yaml_node *node = yaml_get(file->root, "type");

	if (loader_compat(loader))
		report_error(&report, node, "value", NULL,
			     "invalid type '%s', must be 'detector' or 'string_list'",
			     node->text.data);
	else
		report_warning(&report, node, "misplaced",
			       type == RULE_POLICY ? "give it to --policy"
						   : "rule tests are run by `spoor test`",
			       "'%s' is not loaded from here", node->text.data);
}

static void load_folder(struct loader *loader, struct folder *folder)
{
	for (uint32_t i = 0; i < folder->count && !folder->aborted; i++) {
		const struct rule_source *source = &folder->files[i];
		struct yaml_file file;

		if (!open_tree(loader, source, &file))
			return;
		if (source->type == RULE_DETECTOR)
			load_detector(loader, folder, source, &file);
		else
			misplaced(loader, &file, source->type);
	}
}

/* ---- paths -------------------------------------------------------------------------------- */

/* "a/detectors" or "a/detectors/": "a/lists" if there is one. */
static void read_lists_beside(struct loader *loader, struct folder *folder, const char *directory)
{
	char path[ERR_PATH_MAX];
	size_t len = strlen(directory);

	while (len > 1 && directory[len - 1] == '/')
		len--;
	if (loader_compat(loader) || len < strlen("detectors") || len + 1 >= sizeof(path) ||
	    strncmp(directory + len - strlen("detectors"), "detectors", strlen("detectors")) != 0)
		return;
	len -= strlen("detectors");
	if (len && directory[len - 1] != '/')
		return;
	snprintf(path, sizeof(path), "%.*slists", (int)len, directory);
	bool before = folder->lists_only;

	folder->lists_only = true;
	read_folder(loader, folder, path);
	folder->lists_only = before;
}

static void load_directory(struct loader *loader, const char *path)
{
	struct folder folder = { .number = loader->directory_count++ };
	int code = read_folder(loader, &folder, path);

	if (code)
		path_error(loader, path, strerror(-code), NULL);
	if (code)
		return;
	read_lists_beside(loader, &folder, path);
	load_folder(loader, &folder);
}

/* One file sees the lists of its directory, but no other detectors of it. */
static void load_single(struct loader *loader, const char *path)
{
	struct folder folder = { .number = loader->directory_count++,
				 .single = true,
				 .lists_only = true,
				 .skip = path };
	struct err_list ignored = { 0 }, *problems = loader->problems;
	const char *slash = strrchr(path, '/');
	char directory[ERR_PATH_MAX];

	snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 1,
		 slash ? path : ".");
	/* Its neighbours' mistakes are not asked for. */
	loader->problems = &ignored;
	read_folder(loader, &folder, directory[0] ? directory : "/");
	read_lists_beside(loader, &folder, directory);
	loader->problems = problems;
	err_list_free(&ignored);
	folder.aborted = folder.lists_only = false;
	read_file(loader, &folder, path);
	load_folder(loader, &folder);
}

static void load_texts(struct loader *loader, const struct builtin_file *files, size_t count)
{
	struct folder folder = { .number = loader->directory_count++ };

	for (size_t i = 0; i < count; i++)
		add_file(loader, &folder, files[i].path,
			 (struct str){ files[i].data, files[i].len });
	load_folder(loader, &folder);
}

static void load_builtin(struct loader *loader)
{
	loader->builtin = true;
	load_texts(loader, builtin_files, builtin_file_count);
	loader->builtin = false;
}

static void load_path(struct loader *loader, const char *path)
{
	struct stat st;

	if (path[0] == 0)
		path_error(loader, "detectors", "the path is empty",
			   "give a detector file or a directory of them");
	else if (strcmp(path, "builtin") == 0)
		load_builtin(loader);
	else if (stat(path, &st) < 0)
		path_error(loader, path, strerror(errno),
			   "give a detector file or a directory of them");
	else if (S_ISDIR(st.st_mode))
		load_directory(loader, path);
	else
		load_single(loader, path);
}

/* ---- names and expressions --------------------------------------------------------------- */

static int add_lists(struct loader *loader, struct cel_env *env, uint32_t directory)
{
	int code = 0;

	for (uint32_t i = 0; !code && i < loader->list_count; i++) {
		const struct named_list *list = &loader->lists[i];
		uint32_t count = list->value_count;
		struct value_list *values;

		if (list->directory != directory)
			continue;
		values = arena_alloc(&loader->scratch,
				     sizeof(*values) + count * sizeof(struct value));
		if (!values)
			return -ENOMEM;
		values->count = count;
		for (uint32_t k = 0; k < count; k++)
			values->items[k] = value_str(list->values[k]);
		code = cel_env_constant(
			env, list->name.data, "list(string)",
			(struct value){ .tag = VALUE_LIST, .len = count, .list = values });
	}
	return code;
}

static struct cel_env *make_env(struct loader *loader, uint32_t directory)
{
	struct ruleset *ruleset = loader->ruleset;
	struct cel_env **envs = loader_grow(&ruleset->arena, ruleset->envs, ruleset->env_count,
					    &ruleset->env_capacity, sizeof(*envs));
	struct cel_env *env = envs ? environment_new(0, ruleset_resolve, &ruleset_resolvers, loader)
				   : NULL;

	if (!env)
		return NULL;
	ruleset->envs = envs;
	envs[ruleset->env_count++] = env;
	return add_lists(loader, env, directory) || broken_explain_lists(loader, env, directory)
		       ? NULL
		       : env;
}

const struct cel_env *loader_item_env(struct loader *loader, uint32_t directory)
{
	if (!loader->item_env || loader->item_directory != directory) {
		struct cel_env *env = make_env(loader, directory);

		if (!env || environment_item(env))
			return NULL;
		loader->item_env = env;
		loader->item_directory = directory;
	}
	return loader->item_env;
}

/* What Tracee would take in this directory, where it is asked. */
static int make_tracee_env(struct loader *loader, uint32_t directory)
{
	cel_env_free(loader->tracee_env);
	loader->tracee_env = NULL;
	if (!loader_compat(loader) || !loader->options.advise)
		return 0;
	loader->tracee_env = environment_new_tracee();
	return loader->tracee_env ? add_lists(loader, loader->tracee_env, directory) : -ENOMEM;
}

static bool is_word_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* The name stands in the text as a word of its own. */
static bool mentions(struct str text, struct str name)
{
	for (uint32_t at = 0; at + name.len <= text.len; at++)
		if (memcmp(text.data + at, name.data, name.len) == 0 &&
		    (at == 0 || !is_word_char(text.data[at - 1])) &&
		    (at + name.len == text.len || !is_word_char(text.data[at + name.len])))
			return true;
	return false;
}

bool tree_mentions(const struct yaml_node *node, struct str name)
{
	bool found = node && node->kind == YAML_SCALAR && mentions(node->text, name);

	for (uint32_t i = 0; node && !found && i < node->count; i++)
		found = tree_mentions(
			node->kind == YAML_LIST ? node->items[i] : node->pairs[i].value, name);
	return found;
}

static void note_lists(struct loader *loader, uint32_t directory, const struct yaml_node *root)
{
	for (uint32_t i = 0; i < loader->list_count; i++) {
		struct named_list *list = &loader->lists[i];

		if (list->directory == directory && !list->used)
			list->used = tree_mentions(root, list->name);
	}
}

/* A list that no detector of its directory names is likely misspelt somewhere. */
static void warn_unused(struct loader *loader)
{
	for (uint32_t i = 0; i < loader->list_count; i++) {
		const struct named_list *list = &loader->lists[i];
		struct report report = report_of(loader, &list->file);

		if (!list->used)
			report_warning(&report, list->node, "unused-list", NULL,
				       "no detector beside it uses list %s", list->name.data);
	}
}

/* Names that the detector reads, and those it declares. */
static int link_one(struct loader *loader, struct pending *pending, struct report *report)
{
	detector_link(loader, pending, report);
	facts_declare(loader, pending);
	return 0;
}

/* Its expressions, when all names are known. */
static int compile_one(struct loader *loader, struct pending *pending, struct report *report)
{
	if (!loader->env || loader->env_directory != pending->directory) {
		loader->env = make_env(loader, pending->directory);
		loader->env_directory = pending->directory;
		if (make_tracee_env(loader, pending->directory))
			return -ENOMEM;
	}
	if (!loader->env)
		return -ENOMEM;
	detector_compile(loader, pending, report, loader->env);
	if (loader->options.advise && !loader_compat(loader) && !pending->broken)
		detector_judge(loader, report, pending);
	note_lists(loader, pending->directory, pending->file->root);
	return 0;
}

/* One step with one detector, whose text is there meanwhile. */
static int with_text(struct loader *loader, struct pending *pending,
		     int (*step)(struct loader *loader, struct pending *pending,
				 struct report *report))
{
	struct err_list again = { 0 }, *problems = loader->problems;
	struct detector_text text = { 0 };
	struct yaml_file file;
	struct report report;
	bool fine = open_tree(loader, &pending->source, &file);
	int code;

	loader->builtin = pending->detector->builtin;
	report = report_of(loader, &file);

	/* What is wrong with the text has been said when it was read first. */
	report.problems = &again;
	fine = fine && detector_text_read(&report, &file, &text);
	err_list_free(&again);
	if (!fine)
		return -ENOMEM;
	report.problems = problems;
	pending->file = &file;
	pending->text = &text;
	code = step(loader, pending, &report);
	pending->file = NULL;
	pending->text = NULL;
	loader->builtin = false;
	return code;
}

static int finish_all(struct loader *loader)
{
	int code = 0;

	for (uint32_t i = 0; !code && i < loader->pending_count; i++)
		code = with_text(loader, &loader->pending[i], link_one);
	for (uint32_t i = 0; !code && i < loader->pending_count; i++)
		code = with_text(loader, &loader->pending[i], compile_one);
	return code;
}

/* What is whole goes into the ruleset, in load order. */
static int keep(struct loader *loader)
{
	struct ruleset *ruleset = loader->ruleset;

	for (uint32_t i = 0; i < loader->pending_count; i++) {
		const struct pending *pending = &loader->pending[i];
		struct detector **all;

		if (pending->broken)
			broken_note_detector(loader, pending);
		if (pending->broken || pending->detector->skipped)
			continue;
		all = loader_grow(&ruleset->arena, ruleset->detectors, ruleset->detector_count,
				  &ruleset->detector_capacity, sizeof(*all));
		if (!all)
			return -ENOMEM;
		ruleset->detectors = all;
		all[ruleset->detector_count++] = pending->detector;
	}
	return ruleset_remember(ruleset) ? -ENOMEM : ruleset_index(ruleset);
}

static int finish(struct loader *loader)
{
	int code = finish_all(loader);

	if (!loader->problems->errors)
		warn_unused(loader);
	return code ? code : keep(loader);
}

/* One line for all of them: they are not the user's to mend. In a replay they work. */
static void warn_idle(const struct loader *loader)
{
	struct err err = { .level = ERR_WARNING, .rule = "not-collected" };

	if (!loader->idle)
		return;
	err_set(&err, 0,
		"%u built-in detectors need events that cannot be collected yet and are left out "
		"('spoor list detectors' shows which)",
		loader->idle);
	err_list_add(loader->problems, &err);
}

static struct ruleset *load(const char *const *paths, const struct builtin_file *files,
			    size_t count, const struct ruleset_options *options,
			    struct err_list *problems)
{
	struct ruleset *ruleset = calloc(1, sizeof(*ruleset));
	struct loader loader = { .ruleset = ruleset, .problems = problems };
	int code;

	if (!ruleset)
		return NULL;
	if (options)
		loader.options = *options;
	ruleset->slack = loader.options.slack;
	ruleset->fixed = loader.options.fixed_secret;
	if (files == builtin_files)
		load_builtin(&loader);
	else if (files)
		load_texts(&loader, files, count);
	for (; paths && *paths; paths++)
		load_path(&loader, *paths);
	code = finish(&loader);
	warn_idle(&loader);
	err_list_sort(problems);
	cel_env_free(loader.tracee_env);
	arena_free(&loader.scratch);
	arena_free(&loader.tree);
	if (!code)
		return ruleset;
	ruleset_free(ruleset);
	return NULL;
}

struct ruleset *ruleset_load_texts(const struct builtin_file *files, size_t count,
				   const struct ruleset_options *options, struct err_list *problems)
{
	return load(NULL, files, count, options, problems);
}

struct ruleset *ruleset_load(const char *const *paths, const struct ruleset_options *options,
			     struct err_list *problems)
{
	return load(paths, NULL, 0, options, problems);
}

struct ruleset *ruleset_load_builtin(const struct ruleset_options *options,
				     struct err_list *problems)
{
	return load(NULL, builtin_files, builtin_file_count, options, problems);
}
