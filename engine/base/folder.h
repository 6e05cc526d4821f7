/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a folder, always in the same order. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <stdbool.h>

/*
 * Calls visit with the path of each entry that `wants` its name, in order of the names' bytes; not
 * below folders in it. The number of entries wanted, or a negative errno: the folder cannot be
 * read, or (-ENAMETOOLONG) an entry was left out because its path has ERR_PATH_MAX bytes or more.
 */
int folder_each(const char *path, bool (*wants)(const char *name),
		void (*visit)(void *ctx, const char *path), void *ctx);

/* Is it the end of the text, or all of it? */
bool ends_with(const char *text, const char *suffix);

#endif
