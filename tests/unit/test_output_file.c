/* SPDX-License-Identifier: Apache-2.0 */
/* The file output: what reaches the file, and what is counted when it cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"
#include "output.h"

extern const struct output_ops output_file;

static char folder[] = "/tmp/spoor-output-XXXXXX";
static char path[64];

static struct output *open_path(const char *destination)
{
	struct output *output = NULL;
	struct err err = { 0 };

	assert_int_equal(output_file.open(destination, &output, &err), 0);
	assert_non_null(output);
	return output;
}

static void contents_are(const char *expected)
{
	char text[256] = { 0 };
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	assert_string_equal(text, expected);
}

static void test_appends(void **state)
{
	(void)state;
	struct output_stats stats;
	struct stat found;

	for (int i = 0; i < 2; i++) {
		struct output *output = open_path(path);

		assert_int_equal(output_file.write(output, "a\nb\n", 4, 2), 0);
		assert_int_equal(output_file.flush(output), 0);
		output_file.stats(output, &stats);
		assert_int_equal(stats.records, 2);
		assert_int_equal(stats.bytes, 4);
		assert_int_equal(stats.failed, 0);
		output_file.close(output);
	}
	contents_are("a\nb\na\nb\n");
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0640);
	unlink(path);
}

static void refused(const char *destination, int code, const char *expected)
{
	struct output *output = NULL;
	struct err err = { 0 };

	assert_int_equal(output_file.open(destination, &output, &err), code);
	assert_null(output);
	assert_non_null(strstr(err.message, destination));
	assert_non_null(strstr(err.hint, expected));
}

static void test_refused(void **state)
{
	(void)state;
	refused(folder, -EISDIR, "name a file in it");
	refused("/tmp/no/such/place", -ENOENT, "the directory must exist");
	output_file.close(NULL);
}

static void test_full(void **state)
{
	(void)state;
	struct output *output = open_path("/dev/full");
	struct output_stats stats;

	assert_int_equal(output_file.write(output, "a\nb\n", 4, 2), -ENOSPC);
	assert_int_equal(output_file.write(output, "c\n", 2, 1), -ENOSPC);
	output_file.stats(output, &stats);
	assert_int_equal(stats.failed, 3);
	assert_int_equal(stats.records, 0);
	output_file.close(output);
}

static void test_closed_pipe(void **state)
{
	(void)state;
	struct output_stats stats;
	int ends[2], kept = dup(STDOUT_FILENO);
	struct output *output;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
	output = open_path("stdout");
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(ends[1]);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(output_file.write(output, "a\n", 2, 1), -EPIPE);
	output_file.stats(output, &stats);
	assert_int_equal(stats.failed, 1);
	output_file.close(output);
}

static void limit_file_size(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What went out whole counts as delivered; a line cut short is ended before the next. */
static void test_cut_short(void **state)
{
	(void)state;
	struct output *output = open_path(path);
	struct output_stats stats;

	signal(SIGXFSZ, SIG_IGN);
	limit_file_size(7);
	assert_int_equal(output_file.write(output, "one\ntwo2\nthree\n", 15, 3), -EFBIG);
	limit_file_size(RLIM_INFINITY);
	output_file.stats(output, &stats);
	assert_int_equal(stats.records, 1);
	assert_int_equal(stats.failed, 2);
	assert_int_equal(output_file.write(output, "four\n", 5, 1), 0);
	contents_are("one\ntwo\nfour\n");
	output_file.stats(output, &stats);
	assert_int_equal(stats.records, 2);
	output_file.close(output);
	unlink(path);
}

static void test_registered(void **state)
{
	(void)state;
	bool found = false;

	for (size_t i = 0; outputs[i]; i++)
		found |= outputs[i] == &output_file;
	assert_true(found);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/records", folder);
	umask(022);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends),	  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_full),	  cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_cut_short), cmocka_unit_test(test_registered),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
