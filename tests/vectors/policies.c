/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy files, in Tracee's literal mode: each row's files are written into a folder and loaded.
 * A recorded panic has to be an error here. What we take on purpose is in `differences`, and
 * has to be taken.
 */
#include <ctype.h>
#include <dirent.h>
#include <sys/stat.h>

#include "detect/detect.h"
#include "summary.h"

static const struct policies_options compat = { .compat_tracee = true };

/* Rows where we differ in both modes; rules/README.md has the table. */
static const struct difference differences[] = {
	{ "p0145", "a key given twice is an error" },
	{ NULL, NULL },
};

/* The unit tests of Tracee register two events of their own. */
static const char fakes[][512] = {
	"type: detector\nid: fake-1\nproduced_event: {name: fake_signature, version: 1.0.0, fields: "
	"[{name: lala, type: string}, {name: lele, type: string}]}\n"
	"requirements: {events: [{name: sched_process_exec}]}\n",
	"type: detector\nid: fake-2\nproduced_event: {name: fake_signature_policies, version: 1.0.0}\n"
	"requirements: {events: [{name: sched_process_exec}]}\n",
};

static bool write_file(const char *folder, const char *name, const char *text)
{
	char path[2048];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");

	if (!file)
		return false;
	fputs(text, file);
	return fclose(file) == 0;
}

static struct ruleset *ruleset_of_fakes(bool any)
{
	char folder[] = "/tmp/tracee-vectors.XXXXXX", path[2048];
	const char *const paths[] = { folder, NULL };
	struct err_list problems = { 0 };
	struct ruleset *ruleset = NULL;

	if (mkdtemp(folder) && (!any || (write_file(folder, "1.yaml", fakes[0]) &&
					 write_file(folder, "2.yaml", fakes[1]))))
		ruleset = ruleset_load(paths, NULL, &problems);
	err_list_print(stderr, &problems);
	err_list_free(&problems);
	for (int i = 1; i <= 2; i++) {
		snprintf(path, sizeof(path), "%s/%d.yaml", folder, i);
		unlink(path);
	}
	rmdir(folder);
	return ruleset;
}

/* Their rows have them, others not. */
static const struct ruleset *events_of(const struct row *row)
{
	static struct ruleset *with, *without;
	char *text = json_dumps(row->json, 0);
	bool fake = text && strstr(text, "fake_signature");

	free(text);
	if (!with) {
		with = ruleset_of_fakes(true);
		without = ruleset_of_fakes(false);
	}
	return fake ? with : without;
}

/* ---- files ------------------------------ */

struct files {
	char folder[64];
	const char *paths[128];
	uint32_t count;
};

static const char *join(struct row *row, const char *folder, const char *name)
{
	size_t len = strlen(folder) + strlen(name) + 2;
	char *path = arena_alloc(&row->arena, len);

	snprintf(path, len, "%s/%s", folder, name);
	return path;
}

static bool put(struct row *row, struct files *files, const char *name, const char *text)
{
	char folder[128];

	if (strncmp(name, "sub/", 4) == 0) {
		snprintf(folder, sizeof(folder), "%s/sub", files->folder);
		mkdir(folder, 0700);
	}
	if (files->count + 1 >= ARRAY_SIZE(files->paths))
		return false;
	files->paths[files->count++] = join(row, files->folder, name);
	return write_file(files->folder, name, text);
}

/* A policy that was given as an object, as a plain file. */
static bool put_object(struct row *row, struct files *files, const json_t *policy, size_t number)
{
	json_t *plain = json_deep_copy(policy), *rule, *rules = json_object_get(plain, "rules");
	char name[32], spelt[256];
	size_t i;

	/* Names of objects were not checked there. */
	snprintf(spelt, sizeof(spelt), "%s", text_of(plain, "name"));
	for (char *at = spelt; *at; at++)
		*at = *at == '_' ? '-' : (char)tolower((unsigned char)*at);
	json_object_set_new(plain, "name", json_string(spelt));
	json_object_set_new(plain, "type", json_string("policy"));
	json_array_foreach(rules, i, rule)
	{
		if (json_is_null(json_object_get(rule, "filters")))
			json_object_del(rule, "filters");
		if (json_is_null(json_object_get(rule, "actions")))
			json_object_del(rule, "actions");
	}
	if (json_is_null(json_object_get(plain, "defaultActions")))
		json_object_del(plain, "defaultActions");
	char *text = json_dumps(plain, 0);

	snprintf(name, sizeof(name), "%03zu.json", number);
	bool fine = text && put(row, files, name, text);

	free(text);
	json_decref(plain);
	return fine;
}

/* Several files that have names of one folder in a set; "." means the whole of it. */
static bool put_set(struct row *row, struct files *files)
{
	const json_t *list = json_object_get(row->json, "files"), *each;
	const json_t *paths = json_object_get(row->json, "paths");
	size_t i;

	json_array_foreach(list, i, each) if (json_is_string(json_object_get(each, "text")) &&
					      !put(row, files, text_of(each, "path"),
						   text_of(each, "text"))) return false;
	/* The files stay; what is loaded are the paths, or all of the folder. */
	files->count = 1;
	files->paths[0] = files->folder;
	files->paths[1] = NULL;
	if (!json_is_array(paths))
		return true;
	files->count = 0;
	json_array_foreach(paths, i, each)
	{
		const char *path = json_string_value(each);

		files->paths[files->count++] = strcmp(path, ".") == 0 ? files->folder
					       : *path ? join(row, files->folder, path)
						       : "";
	}
	files->paths[files->count] = NULL;
	return true;
}

static bool put_files(struct row *row, struct files *files)
{
	const char *kind = text_of(row->json, "kind"), *name = text_of(row->json, "file");
	const json_t *policy;
	size_t i;

	snprintf(files->folder, sizeof(files->folder), "/tmp/tracee-vectors.XXXXXX");
	if (!mkdtemp(files->folder))
		return false;
	if (strcmp(kind, "policy_text") == 0)
		return put(row, files, *name ? name : "policy.yaml", text_of(row->json, "text"));
	if (strcmp(kind, "policy_set") == 0)
		return put_set(row, files);
	json_array_foreach(json_object_get(row->json, "policies"), i,
			   policy) if (!put_object(row, files, policy, i)) return false;
	return true;
}

static void empty_folder(const char *folder)
{
	DIR *directory = opendir(folder);

	for (struct dirent *entry; directory && (entry = readdir(directory));)
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(folder);
}

static void remove_files(struct files *files)
{
	char sub[128];

	snprintf(sub, sizeof(sub), "%s/sub", files->folder);
	empty_folder(sub);
	empty_folder(files->folder);
}

/* ---- rows ------------------------------ */

static const struct err *first_error(const struct err_list *problems)
{
	for (uint32_t i = 0; i < problems->count; i++)
		if (problems->items[i].level == ERR_ERROR)
			return &problems->items[i];
	return NULL;
}

/*
 * Rows that were not taken further than to the form of a file. The form is right, and the rest is
 * an error in Tracee, too, when it gets there.
 */
static bool judged_later(const struct row *row, const char *message)
{
	static const char *const later[] = { "invalid event to trace", "invalid event data field",
					     "invalid filter expression", "invalid filter value",
					     "failed to retrieve host mount namespace" };

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (strncmp(message, later[i], strlen(later[i])) == 0)
			return strcmp(text_of(row->json, "stage"), "full") != 0;
	return false;
}

static enum outcome compare(struct row *row, const struct policies *policies,
			    const struct err_list *problems)
{
	const json_t *want = json_object_get(row->json, "expect");
	const json_t *summaries = json_object_get(want, "policies");
	bool bad = json_object_get(want, "err") || json_object_get(want, "panic");
	const struct err *error = first_error(problems);

	if (bad && !error)
		return row_failed(row, "no error, expected: %s", text_of(want, "err"));
	if (!bad && error && judged_later(row, error->message))
		return PASSED;
	if (!bad && error)
		return row_failed(row, "%s:%u:%u: %s", error->path, error->line, error->column,
				  error->message);
	/* A place: that of a text in its file, or a path that is none. */
	if (bad && !error->path[0])
		return row_failed(row, "an error without a place: %s", error->message);
	return bad || !summaries ? PASSED : summaries_equal(row, policies, summaries, false);
}

enum outcome run_policies(struct row *row)
{
	struct err_list problems = { 0 };
	struct files files = { 0 };
	enum outcome outcome;

	if (!put_files(row, &files))
		return row_failed(row, "cannot write the files");
	struct policies *policies = policies_load(files.paths, NULL, &compat, events_of(row),
						  &problems);

	outcome = compare(row, policies, &problems);
	policies_free(policies);
	err_list_free(&problems);
	remove_files(&files);
	return row_differs(row, difference(differences, text_of(row->json, "id")), outcome);
}
