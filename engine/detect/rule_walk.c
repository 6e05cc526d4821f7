/* SPDX-License-Identifier: Apache-2.0 */
/* Finding rule files, see rule_walk.h. */
#include "rule_walk.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 16 };

struct walk {
	struct err_list *problems;
	rule_visit visit;
	void *ctx;
};

static void problem(struct walk *walk, const char *path, const char *message, const char *hint)
{
	struct err err = { .level = ERR_ERROR, .rule = "path" };

	err_set(&err, -EINVAL, "%s", message);
	err_at(&err, path, 0, 0);
	if (hint)
		err_hint(&err, "%s", hint);
	err_list_add(walk->problems, &err);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), want = strlen(suffix);

	return len > want && strcmp(name + len - want, suffix) == 0;
}

static bool is_rule_file(const char *name)
{
	return has_suffix(name, ".yaml") || has_suffix(name, ".yml") || has_suffix(name, ".json");
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void walk_path(struct walk *walk, const char *path, int depth);

static void walk_directory(struct walk *walk, const char *path, int depth)
{
	struct dirent **entries = NULL;
	int count = depth < DEPTH_MAX ? scandir(path, &entries, is_visible, by_bytes) : 0;

	if (count < 0)
		problem(walk, path, strerror(errno), NULL);
	for (int i = 0; i < count; i++) {
		char inner[ERR_PATH_MAX];
		int need = snprintf(inner, sizeof(inner), "%s%s%s", path,
				    has_suffix(path, "/") ? "" : "/", entries[i]->d_name);

		if (need < (int)sizeof(inner))
			walk_path(walk, inner, depth + 1);
		else
			problem(walk, path, "a path below it is too long", NULL);
		free(entries[i]);
	}
	free(entries);
}

/* Links to directories may lead in circles; those to files are how Kubernetes mounts them. */
static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static void walk_path(struct walk *walk, const char *path, int depth)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		problem(walk, path, strerror(errno),
			depth ? NULL : "give a rule file or a directory of them");
	} else if (S_ISDIR(st.st_mode)) {
		if (depth == 0 || !is_link(path))
			walk_directory(walk, path, depth);
	} else if (depth == 0 || (S_ISREG(st.st_mode) && is_rule_file(path))) {
		walk->visit(walk->ctx, path, depth == 0);
	}
}

void rule_walk(const char *path, struct err_list *problems, rule_visit visit, void *ctx)
{
	struct walk walk = { problems, visit, ctx };

	walk_path(&walk, path, 0);
}
