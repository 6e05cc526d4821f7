/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads read alerts back and write them in one and the same opened format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "../support/hostile.h"

#include "base/buf.h"
#include "base/common.h"
#include "encode/use.h"
#include "source/alert.h"

enum { THREADS = 4, ROUNDS = 200, ALERTS = 8 };

static struct buf lines[ALERTS]; /* canonical JSON */
static struct buf wanted[ALERTS];
static struct format_use use;

static void make_lines(void)
{
	static struct hostile hostile;

	for (int i = 0; i < ALERTS; i++) {
		char seed = (char)i;

		hostile_alert(&hostile, &seed, 1);
		format_by_name(STR("json"))->write(&lines[i], &hostile.event, &hostile.options);
	}
	arena_free(&hostile.arena);
}

static bool write_alert(struct arena *arena, const struct buf *line, struct buf *out)
{
	struct alert alert;
	struct err err = { 0 };
	bool read = alert_read(arena, (struct str){ line->data, (uint32_t)line->len }, &alert,
			       &err) == 0;

	if (read)
		format_use_write(&use, out, &alert.event, &alert.options);
	arena_reset(arena);
	return read;
}

/* The number of records that were not as they should be. */
static void *work(void *ctx)
{
	struct arena arena = { .limit = ALERT_ARENA_MAX };
	struct buf out = { 0 };
	uintptr_t wrong = 0;

	(void)ctx;
	for (int i = 0; i < ROUNDS; i++) {
		const struct buf *want = &wanted[i % ALERTS];

		buf_clear(&out);
		wrong += !write_alert(&arena, &lines[i % ALERTS], &out) || out.len != want->len ||
			 memcmp(out.data, want->data, want->len) != 0;
	}
	buf_free(&out);
	arena_free(&arena);
	return (void *)wrong;
}

static void run_threads(const char *format)
{
	pthread_t threads[THREADS];
	struct arena arena = { 0 };

	for (int i = 0; i < ALERTS; i++) {
		buf_clear(&wanted[i]);
		assert_true(write_alert(&arena, &lines[i], &wanted[i]));
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		if (wrong)
			fail_msg("%s: %zu records differ", format, (size_t)wrong);
	}
	arena_free(&arena);
}

static void test_threads(void **state)
{
	static const char template[] =
		"{{ range .Data }}{{ .Name | upper }}={{ toJson .Value }}{{ end }}{{ toJson . }}";
	char path[] = "/tmp/spoor-test-XXXXXX";
	int fd = mkstemp(path);
	struct setting_pair file = { STR("file"), str_of(path) };

	(void)state;
	assert_int_equal(write(fd, template, sizeof(template) - 1), sizeof(template) - 1);
	close(fd);
	make_lines();
	for (size_t i = 0; formats[i]; i++) {
		struct err err = { 0 };
		bool is_template = !strcmp(formats[i]->name, "template");

		assert_int_equal(format_use_open(&use, formats[i], &file, is_template, NULL, &err),
				 0);
		run_threads(formats[i]->name);
		format_use_close(&use);
	}
	unlink(path);
	for (int i = 0; i < ALERTS; i++) {
		buf_free(&lines[i]);
		buf_free(&wanted[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_threads) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
