/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a folder, see folder.h. */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

bool ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), want = strlen(suffix);

	return len >= want && strcmp(text + len - want, suffix) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int folder_each(const char *path, bool (*wants)(const char *name),
		void (*visit)(void *ctx, const char *path), void *ctx)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, NULL, by_bytes), found = 0, code = 0;

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		char inner[ERR_PATH_MAX];
		const char *name = entries[i]->d_name;

		if (wants(name)) {
			found++;
			if (snprintf(inner, sizeof(inner), "%s%s%s", path,
				     ends_with(path, "/") ? "" : "/", name) < (int)sizeof(inner))
				visit(ctx, inner);
			else
				code = -ENAMETOOLONG;
		}
		free(entries[i]);
	}
	free(entries);
	return code ? code : found;
}
