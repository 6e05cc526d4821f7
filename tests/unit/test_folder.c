/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a folder: order, choice, and what is too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/folder.h"

enum { NAME_LONG = 200 };

static bool is_text(const char *name)
{
	return ends_with(name, ".txt");
}

/* ctx: a buf, to which it adds the name, behind a blank. */
static void note(void *ctx, const char *path)
{
	buf_printf(ctx, " %s", strrchr(path, '/') + 1);
}

static void make(const char *folder, const char *name)
{
	char path[2 * ERR_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void forget(const char *folder, const char *name)
{
	char path[2 * ERR_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	remove(path);
}

static void entries_come_in_order(void **state)
{
	static const char *const names[] = { "b.txt", "B.txt", "a.txt", "a.txt.old", "ab.txt" };
	char folder[] = "/tmp/spoor-test-folder.XXXXXX", with_slash[sizeof(folder) + 1];
	struct buf seen = { 0 }, again = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < 5; i++)
		make(folder, names[i]);
	assert_int_equal(folder_each(folder, is_text, note, &seen), 4);
	assert_string_equal(buf_cstr(&seen), " B.txt a.txt ab.txt b.txt");
	snprintf(with_slash, sizeof(with_slash), "%s/", folder);
	assert_int_equal(folder_each(with_slash, is_text, note, &again), 4);
	assert_string_equal(buf_cstr(&again), buf_cstr(&seen));
	for (size_t i = 0; i < 5; i++)
		forget(folder, names[i]);
	assert_int_equal(folder_each(folder, is_text, note, &seen), 0);
	rmdir(folder);
	assert_int_equal(folder_each(folder, is_text, note, &seen), -ENOENT);
	buf_free(&seen);
	buf_free(&again);
}

/* What is left out is told, and the rest comes. */
static void what_is_too_long_is_told(void **state)
{
	char folder[] = "/tmp/spoor-test-folder.XXXXXX", deep[ERR_PATH_MAX], name[NAME_LONG + 5];
	struct buf seen = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	memset(name, 'n', NAME_LONG);
	memcpy(name + NAME_LONG, ".txt", 5);
	snprintf(deep, sizeof(deep), "%s/%.*s", folder, NAME_LONG, name);
	assert_int_equal(mkdir(deep, 0700), 0);
	snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep), "/%.*s", NAME_LONG, name);
	assert_int_equal(mkdir(deep, 0700), 0);
	make(deep, name);
	make(deep, "z.txt");
	assert_int_equal(folder_each(deep, is_text, note, &seen), -ENAMETOOLONG);
	assert_string_equal(buf_cstr(&seen), " z.txt");
	forget(deep, name);
	forget(deep, "z.txt");
	rmdir(deep);
	*strrchr(deep, '/') = 0;
	rmdir(deep);
	rmdir(folder);
	buf_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_in_order),
		cmocka_unit_test(what_is_too_long_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
