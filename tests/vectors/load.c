/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading folders of detectors and lists as Tracee does (compat). Tracee judges events, filters,
 * versions and enrichments later, so problems of those kinds do not count here.
 */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "detect/ruleset.h"
#include "kinds.h"

/* Kinds of problems that Tracee finds later, when detectors are registered. */
static bool is_later(const struct err *err)
{
	static const char *const later[] = { "unknown-event", "filter", "version", "enrichment" };

	for (size_t i = 0; err->rule && i < ARRAY_SIZE(later); i++)
		if (strcmp(err->rule, later[i]) == 0)
			return true;
	return err->rule && strcmp(err->rule, "duplicate") == 0 &&
	       (strstr(err->message, "already") || strstr(err->message, "duplicate event name"));
}

static enum outcome compare_detector(struct row *row, const struct detector *d, const json_t *want)
{
	static const char *const severities[] = { "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL" };
	const json_t *populate = json_object_get(want, "auto_populate");
	const json_t *severity = json_object_get(want, "severity");
	const char *id = json_is_string(want) ? json_string_value(want) : text_of(want, "id");

	if (!str_equal(d->id, str_of(id)))
		return row_failed(row, "detector %s, expected %s", d->id.data, id);
	if (json_is_string(want) || !json_object_get(want, "event"))
		return PASSED;
	if (strcmp(d->def.name, text_of(want, "event")) != 0)
		return row_failed(row, "event %s, expected %s", d->def.name,
				  text_of(want, "event"));
	if (populate &&
	    (d->populate_threat != json_is_true(json_object_get(populate, "Threat")) ||
	     d->detected_from != json_is_true(json_object_get(populate, "DetectedFrom")) ||
	     d->ancestry != json_is_true(json_object_get(populate, "ProcessAncestry"))))
		return row_failed(row, "auto_populate differs");
	if (json_is_string(severity) && (!d->threat || strcmp(severities[d->threat->severity],
							      json_string_value(severity)) != 0))
		return row_failed(row, "severity differs");
	return PASSED;
}

static uint32_t count_errors(const struct err_list *problems)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < problems->count; i++)
		count += problems->items[i].level == ERR_ERROR && !is_later(&problems->items[i]);
	return count;
}

/* We show all errors of a file, Tracee the first: where it has one there must be one of ours. */
static enum outcome compare_errors(struct row *row, const struct err_list *problems,
				   const json_t *want)
{
	size_t wanted = json_array_size(json_object_get(want, "errors"));
	uint32_t found = count_errors(problems);

	if (json_is_true(json_object_get(want, "ok")))
		wanted = 0;
	if (wanted && !found)
		return row_failed(
			row, "no error, expected: %s",
			json_string_value(json_array_get(json_object_get(want, "errors"), 0)));
	if (found && !wanted)
		for (uint32_t i = 0; i < problems->count; i++)
			if (problems->items[i].level == ERR_ERROR && !is_later(&problems->items[i]))
				return row_failed(row, "error: %s:%u: %s", problems->items[i].path,
						  problems->items[i].line,
						  problems->items[i].message);
	for (uint32_t i = 0; i < problems->count; i++)
		if (problems->items[i].level == ERR_ERROR && !is_later(&problems->items[i]) &&
		    (!problems->items[i].path[0] || !problems->items[i].line ||
		     !problems->items[i].column))
			return row_failed(row, "error without a place: %s",
					  problems->items[i].message);
	return PASSED;
}

static enum outcome compare(struct row *row, const struct ruleset *ruleset,
			    const struct err_list *problems)
{
	const json_t *want = json_object_get(row->json, "expect");
	const json_t *detectors = json_object_get(want, "detectors");
	enum outcome outcome = compare_errors(row, problems, want);

	if (outcome != PASSED || !json_is_array(detectors))
		return outcome;
	/* What Tracee judges when it registers a detector leaves ours out at once. */
	for (uint32_t i = 0; i < problems->count; i++)
		if (is_later(&problems->items[i]) && problems->items[i].level == ERR_ERROR)
			return PASSED;
	if (json_array_size(detectors) != ruleset->detector_count)
		return row_failed(row, "%u detectors, expected %zu%s%s", ruleset->detector_count,
				  json_array_size(detectors), problems->count ? ": " : "",
				  problems->count ? problems->items[0].message : "");
	for (uint32_t i = 0; outcome == PASSED && i < ruleset->detector_count; i++)
		outcome = compare_detector(row, ruleset->detectors[i],
					   json_array_get(detectors, i));
	return outcome;
}

/* ---- rows whose folder is not all there is ------------------------------------------------- */

enum { BIG = 1024 * 1024 };

static bool copy_file(const char *from, const char *to)
{
	char data[4096];
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	size_t len;

	while (in && out && (len = fread(data, 1, sizeof(data), in)) > 0)
		fwrite(data, 1, len, out);
	if (in)
		fclose(in);
	return in && out && fclose(out) == 0;
}

static bool copy_folder(const char *from, const char *to)
{
	DIR *folder = opendir(from);
	struct dirent *entry;
	bool fine = true;

	while (folder && (entry = readdir(folder))) {
		char source[2 * ERR_PATH_MAX], target[2 * ERR_PATH_MAX];

		snprintf(source, sizeof(source), "%s/%s", from, entry->d_name);
		snprintf(target, sizeof(target), "%s/%s", to, entry->d_name);
		if (entry->d_type == DT_REG)
			fine &= copy_file(source, target);
	}
	if (folder)
		closedir(folder);
	return fine;
}

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	rmdir(path);
}

static FILE *new_file(const char *folder, const char *name)
{
	char path[ERR_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, "we");
}

/* A detector with a comment of 1 MiB behind it. */
static bool add_big_file(const char *folder)
{
	FILE *file = new_file(folder, "big.yaml");

	if (!file)
		return false;
	fputs("type: detector\nid: BIG\nproduced_event: {name: big, version: 1.0.0}\n"
	      "requirements: {events: [{name: execve}]}\n#",
	      file);
	for (int i = 0; i < BIG; i++)
		fputc('x', file);
	return fclose(file) == 0;
}

static bool add_links(const char *folder, const json_t *links)
{
	const char *name;
	json_t *target;
	bool fine = true;

	json_object_foreach((json_t *)links, name, target)
	{
		char path[ERR_PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		fine &= symlink(json_string_value(target), path) == 0;
	}
	return fine;
}

/* Our loader is given lists as files. */
static bool add_lists(const char *folder, const json_t *lists)
{
	const char *name;
	json_t *values;
	bool fine = true;

	json_object_foreach((json_t *)lists, name, values)
	{
		json_t *list = json_pack("{ss ss sO}", "type", "string_list", "name", name,
					 "values", values);
		char file_name[256];
		FILE *file;

		snprintf(file_name, sizeof(file_name), "given-%s.yaml", name);
		file = new_file(folder, file_name);
		fine &= file && json_dumpf(list, file, 0) == 0 && fclose(file) == 0;
		json_decref(list);
	}
	return fine;
}

/* The folder of the row, completed in a copy where it has to be. False: it cannot be had. */
static bool prepare(struct row *row, char path[ERR_PATH_MAX], bool *copied)
{
	const json_t *links = json_object_get(row->json, "links"),
		     *lists = json_object_get(row->json, "lists_given");
	bool big = json_is_string(json_object_get(row->json, "generate"));
	char folder[] = "/tmp/tracee-vectors.XXXXXX";
	bool fine;

	snprintf(path, ERR_PATH_MAX, "%s/%s", row->folder, text_of(row->json, "dir"));
	*copied = big || json_object_size(links) || json_object_size(lists);
	if (!*copied)
		return access(path, F_OK) == 0;
	if (!mkdtemp(folder))
		return false;
	fine = (access(path, F_OK) < 0 || copy_folder(path, folder)) &&
	       (!big || add_big_file(folder)) && add_links(folder, links) &&
	       add_lists(folder, lists);
	snprintf(path, ERR_PATH_MAX, "%s", folder);
	return fine;
}

static const struct difference differences[] = {
	{ "load/108-arch_arm64", "detectors of other architectures are left out at once" },
	{ "load/180-cond_workload.process.pid_1000", "int and uint can be compared" },
	{ NULL, NULL },
};

static enum outcome run_folder(struct row *row, const char *path)
{
	struct ruleset_options options = { .compat_tracee = true, .foreign = true };
	const char *const paths[] = { path, NULL };
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load(paths, &options, &problems);
	enum outcome outcome = ruleset ? compare(row, ruleset, &problems)
				       : row_failed(row, "out of memory");

	ruleset_free(ruleset);
	err_list_free(&problems);
	return outcome;
}

enum outcome run_load(struct row *row)
{
	char path[ERR_PATH_MAX];
	enum outcome outcome;
	bool copied;

	if (prepare(row, path, &copied))
		outcome = run_folder(row, path);
	else
		outcome = row_failed(row, "%s cannot be had", path);
	if (copied)
		remove_folder(path);
	return row_differs(row, difference(differences, text_of(row->json, "dir")), outcome);
}
