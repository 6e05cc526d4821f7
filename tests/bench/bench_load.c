/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_load: 1,000 detector files, read, compiled and indexed, in a process of its own. The files
 * are those of the built-in rules over and over, each with a name, an id and a condition of its
 * own. Prints time as a ratio to the floor of this run (reading the same files as YAML
 * and nothing else), and the memory the process took at most and keeps.
 */
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/yaml.h"
#include "detect/builtin.h"
#include "detect/detect.h"

enum { DETECTORS = 1000, ROUNDS = 5 };

struct measured {
	double seconds;
	long peak, kept; /* KiB more than before */
	uint32_t loaded;
};

static char folder[] = "/tmp/spoor-bench-load-XXXXXX";

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A line of /proc/self/status, in KiB. */
static long status_of(const char *name)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long value = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			value = strtol(line + strlen(name) + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

/* ---- the files ------------------------------------------------------------------------- */

static void write_file(const char *room, const char *name, const struct buf *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, room, name);
	file = fopen(path, "w");
	if (!file || fwrite(text->data, 1, text->len, file) != text->len || fclose(file))
		die(path);
}

/* One line of a rule file; a copy of it gets names of its own. */
static void copy_line(struct buf *out, struct str line, const char *above, uint32_t copy)
{
	bool is_id = line.len > 4 && !memcmp(line.data, "id: ", 4);
	bool is_name = line.len > 8 && !memcmp(line.data, "  name: ", 8) &&
		       !strncmp(above, "produced_event:", 15);

	buf_str(out, line);
	if (copy && (is_id || is_name))
		buf_printf(out, "_%u", copy);
	buf_char(out, '\n');
	if (!strncmp(line.data, "conditions:", 11))
		buf_printf(out,
			   "  - workload.process.executable.path != \"/opt/app%u/bin/server\"\n",
			   copy);
}

static void copy_text(struct buf *out, const struct builtin_file *file, uint32_t copy)
{
	const char *above = "", *at = file->data, *end = file->data + file->len;

	buf_clear(out);
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		stop = stop ? stop : end;
		copy_line(out, (struct str){ at, (uint32_t)(stop - at) }, above, copy);
		above = at;
		at = stop + 1;
	}
}

static bool is_list(const struct builtin_file *file)
{
	return memmem(file->data, file->len, "type: string_list", 17);
}

static void write_files(void)
{
	struct buf text = { 0 };
	uint32_t made = 0;
	char path[128], name[64];

	if (!mkdtemp(folder))
		die(folder);
	snprintf(path, sizeof(path), "%s/detectors", folder);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/lists", folder);
	mkdir(path, 0700);
	for (size_t i = 0; i < builtin_file_count; i++) {
		if (!is_list(&builtin_files[i]))
			continue;
		copy_text(&text, &builtin_files[i], 0);
		snprintf(name, sizeof(name), "list%zu.yaml", i);
		write_file("lists", name, &text);
	}
	for (uint32_t copy = 0; made < DETECTORS; copy++)
		for (size_t i = 0; i < builtin_file_count && made < DETECTORS; i++) {
			if (is_list(&builtin_files[i]))
				continue;
			copy_text(&text, &builtin_files[i], copy);
			snprintf(name, sizeof(name), "%04u.yaml", made++);
			write_file("detectors", name, &text);
		}
	buf_free(&text);
}

/* ---- what is measured ------------------------------------------------------------------ */

static void read_yaml(struct measured *out)
{
	struct arena arena = { 0 };

	for (uint32_t i = 0; i < DETECTORS; i++) {
		struct yaml_file file;
		struct err err = { 0 };
		struct str text;
		char path[128];

		snprintf(path, sizeof(path), "%s/detectors/%04u.yaml", folder, i);
		if (yaml_read_file(path, &arena, &text, &err) ||
		    yaml_parse(path, text, &arena, &file, &err))
			die(err.message);
		arena_reset(&arena);
		out->loaded++;
	}
	arena_free(&arena);
}

static struct ruleset *kept;

static void load(struct measured *out)
{
	char path[128];
	const char *const paths[] = { path, NULL };
	struct err_list problems = { 0 };

	snprintf(path, sizeof(path), "%s/detectors", folder);
	kept = ruleset_load(paths, &(struct ruleset_options){ .environment = true }, &problems);
	if (!kept || problems.errors) {
		err_list_print(stderr, &problems);
		exit(1);
	}
	out->loaded = ruleset_detector_count(kept);
	err_list_free(&problems);
}

/* In a child, so that memory is that of the work alone. */
static struct measured measure(void (*work)(struct measured *out))
{
	struct measured result = { 0 };
	int ends[2], status;
	pid_t child = -1;

	if (pipe(ends) || (child = fork()) < 0)
		die("fork");
	if (!child) {
		long before = status_of("VmRSS:");
		double start = now();

		work(&result);
		result.seconds = now() - start;
		result.peak = status_of("VmHWM:") - before;
		result.kept = status_of("VmRSS:") - before;
		exit(write(ends[1], &result, sizeof(result)) != sizeof(result));
	}
	close(ends[1]);
	if (read(ends[0], &result, sizeof(result)) != sizeof(result))
		exit(1);
	close(ends[0]);
	waitpid(child, &status, 0);
	return result;
}

static struct measured best_of(void (*work)(struct measured *out))
{
	struct measured best = measure(work);

	for (int i = 1; i < ROUNDS; i++) {
		struct measured again = measure(work);

		best.seconds = MIN(best.seconds, again.seconds);
		best.peak = MAX(best.peak, again.peak);
		best.kept = MAX(best.kept, again.kept);
	}
	return best;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

int main(void)
{
	struct measured floor, all;

	write_files();
	floor = best_of(read_yaml);
	all = best_of(load);
	printf("%-34s %8.3f s\n", "YAML alone, 1,000 files", floor.seconds);
	printf("%-34s %8.3f s  %5.1f x YAML   peak %.1f MiB, kept %.1f MiB\n",
	       "load, compile, index", all.seconds, all.seconds / floor.seconds,
	       (double)all.peak / 1024, (double)all.kept / 1024);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return all.loaded == DETECTORS ? 0 : 1;
}
