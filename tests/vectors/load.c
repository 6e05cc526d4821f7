/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading folders of detectors and lists as Tracee does (compat). Tracee judges events, filters,
 * versions and enrichments later, so problems of those kinds do not count here.
 */
#include <sys/stat.h>

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
		    (!problems->items[i].path[0] ||
		     (!problems->items[i].line &&
		      !strstr(problems->items[i].message, "too large"))))
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

enum outcome run_load(struct row *row)
{
	struct ruleset_options options = { .compat_tracee = true, .foreign = true };
	struct err_list problems = { 0 };
	const char *single = json_string_value(json_object_get(row->json, "single_file"));
	char path[ERR_PATH_MAX];
	const char *const paths[] = { path, NULL };
	struct ruleset *ruleset;
	enum outcome outcome;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", row->folder, text_of(row->json, "dir"));
	if (json_is_string(json_object_get(row->json, "generate")))
		return row_skipped(row, "the file of 1 MiB is not stored (unit test yaml has one)");
	if (json_object_size(json_object_get(row->json, "links")))
		return row_skipped(row, "links are not stored (unit test detect_load makes one)");
	if (json_object_get(row->json, "lists_given") &&
	    json_object_size(json_object_get(row->json, "lists_given")))
		return row_skipped(row, "lists cannot be handed to our loader but as files");
	if (strcmp(text_of(row->json, "dir"), "load/108-arch_arm64") == 0)
		return row_skipped(row, "detectors of other architectures are left out at once");
	if (strcmp(text_of(row->json, "dir"), "load/180-cond_workload.process.pid_1000") == 0)
		return row_skipped(row, "differs on purpose: int and uint can be compared");
	if (stat(path, &st) < 0)
		return row_skipped(row, "%s is not there", path);
	(void)single;
	ruleset = ruleset_load(paths, &options, &problems);
	outcome = ruleset ? compare(row, ruleset, &problems) : row_failed(row, "out of memory");
	ruleset_free(ruleset);
	err_list_free(&problems);
	return outcome;
}
