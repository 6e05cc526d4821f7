/* SPDX-License-Identifier: Apache-2.0 */
/* Finding rule files, see rule_walk.h. */
#include "rule_walk.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/folder.h"

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

static bool is_rule_file(const char *name)
{
	return ends_with(name, ".yaml") || ends_with(name, ".yml") || ends_with(name, ".json");
}

static bool is_visible(const char *name)
{
	return name[0] != '.';
}

static void walk_path(struct walk *walk, const char *path, int depth);

/* A directory that is being looked at. */
struct level {
	struct walk *walk;
	int depth;
};

static void walk_entry(void *ctx, const char *path)
{
	const struct level *level = ctx;

	walk_path(level->walk, path, level->depth + 1);
}

static void walk_directory(struct walk *walk, const char *path, int depth)
{
	struct level level = { walk, depth };
	int code = depth < DEPTH_MAX ? folder_each(path, is_visible, walk_entry, &level) : 0;

	if (code == -ENAMETOOLONG)
		problem(walk, path, "a path below it is too long", NULL);
	else if (code < 0)
		problem(walk, path, strerror(-code), NULL);
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
