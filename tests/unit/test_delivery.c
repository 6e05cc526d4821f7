/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery from the queue to receivers that refuse, lag, go away and come back: nothing is
 * lost or late without being counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/common.h"
#include "receiver.h"

static struct receiver one, other;

static int setup(void **state)
{
	(void)state;
	test_folder_make("/dev/shm");
	receiver_init(&one, "one");
	receiver_init(&other, "other");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receiver_free(&one);
	receiver_free(&other);
	test_folder_remove();
	return 0;
}

static void received_in_order(const struct receiver *receiver, uint64_t first, uint64_t last)
{
	assert_int_equal(receiver->count, last - first + 1);
	for (uint32_t i = 0; i < receiver->count; i++)
		assert_int_equal(receiver->sequences[i], first + i);
}

static uint64_t sum(const uint64_t counts[LOSS_REASONS])
{
	uint64_t all = 0;

	for (unsigned i = 0; i < LOSS_REASONS; i++)
		all += counts[i];
	return all;
}

static void test_in_order(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();

	test_output(config, &one);
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 2000; i++)
		assert_true(test_put(delivery, i, SEVERITY_HIGH));
	delivery_drain(delivery);
	struct output_stats stats;

	test_output_counts(delivery, 0, &stats);
	assert_int_equal(stats.sent, 2000);
	assert_int_equal(stats.waiting, 0);
	assert_int_equal(delivery_sequence(delivery), 0);
	delivery_close(delivery);
	received_in_order(&one, 1, 2000);
	/* The next process goes on behind it and sends nothing again. */
	delivery = test_start(config);
	assert_int_equal(delivery_sequence(delivery), 2000);
	test_put(delivery, 2001, SEVERITY_HIGH);
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, 2001);
}

/* A dead output keeps nobody from sending; when it is back it gets everything, in order. */
static void test_dead_output(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct output_stats stats;

	test_output(config, &one);
	test_output(config, &other);
	receiver_set_dead(&other, true);
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 3000; i++)
		test_put(delivery, i, SEVERITY_LOW);
	receiver_wait(&one, 3000);
	test_output_counts(delivery, 1, &stats);
	assert_int_equal(stats.sent, 0);
	assert_string_equal(stats.answer, "nobody is there");
	assert_true(stats.failures > 0);
	receiver_set_dead(&other, false);
	receiver_wait(&other, 3000);
	delivery_drain(delivery);
	test_output_counts(delivery, 1, &stats);
	assert_int_equal(stats.failures, 0);
	assert_int_equal(stats.sent, 3000);
	assert_true(stats.retried > 0 && stats.failed[FAILURE_UNREACHABLE] > 0);
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, 3000);
	received_in_order(&other, 1, 3000);
}

/* Away for 100,000 alerts, then back: all of them, in order, once. */
static void test_away(void **state)
{
	(void)state;
	enum { COUNT = 100000 };
	struct delivery_config *config = test_config();
	struct delivery_stats *stats = calloc(1, sizeof(*stats));

	config->spool_bytes = 1 << 30;
	config->queue_bytes = 16 << 20;
	config->commit_ms = 20;
	test_output(config, &one);
	receiver_set_dead(&one, true);
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= COUNT; i++)
		assert_true(test_put(delivery, i, SEVERITY_LOW));
	receiver_set_dead(&one, false);
	receiver_wait(&one, COUNT);
	delivery_drain(delivery);
	delivery_stats(delivery, stats);
	assert_int_equal(stats->outputs[0].sent, COUNT);
	assert_int_equal(sum(stats->lost) + sum(stats->outputs[0].dropped), 0);
	assert_true(stats->outputs[0].failed[FAILURE_UNREACHABLE] > 0);
	free(stats);
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, COUNT);
}

/* What a dead output has not got at the end waits for the next process, also if killed before. */
static void test_next_process(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();

	test_output(config, &one);
	receiver_set_dead(&one, true);
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 100; i++)
		test_put(delivery, i, SEVERITY_LOW);
	uint64_t start = clock_now();

	delivery_close(delivery);
	assert_true(clock_now() - start < 10 * CLOCK_SECOND); /* not the whole of drain_ms */
	assert_int_equal(one.count, 0);
	receiver_set_dead(&one, false);
	delivery = test_start(config);
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, 100);
}

/* A process that is killed with alerts in memory, the last of them number `last`. */
static void run_killed(struct delivery_config *config, uint64_t first, uint64_t last)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		config->commit_ms = 60000;
		struct delivery *delivery = test_start(config);

		for (uint64_t i = first; i <= last; i++) {
			mark_count(delivery->mark, i);
			test_put(delivery, i, SEVERITY_LOW);
		}
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* What was in memory when the sensor was killed is a gap in the numbers, and is told, once. */
static void test_killed(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct delivery_stats *stats = calloc(1, sizeof(*stats));

	test_output(config, &one);
	struct delivery *delivery = test_start(config);

	test_put(delivery, 1, SEVERITY_LOW);
	mark_count(delivery->mark, 1);
	delivery_close(delivery);
	run_killed(config, 2, 8);
	for (int start = 0; start < 2; start++) {
		delivery = test_start(config);
		assert_int_equal(delivery_sequence(delivery), 8);
		delivery_stats(delivery, stats);
		assert_int_equal(stats->lost[LOSS_SENSOR_ENDED], start ? 0 : 7);
		assert_int_equal(delivery_lost(delivery), 0);
		delivery_close(delivery);
		assert_int_equal(one.count, 2);
	}
	assert_non_null(strstr(one.last, "\"name\":\"lost\",\"u_int64\":\"7\""));
	assert_non_null(strstr(one.last, "\"name\":\"first_sequence\",\"u_int64\":\"2\""));
	assert_non_null(strstr(one.last, "\"name\":\"last_sequence\",\"u_int64\":\"8\""));
	assert_non_null(strstr(one.last, "\"sensor_ended\""));
	delivery_config_release(config);
	free(stats);
}

static void test_too_large(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct output_stats stats;

	test_output(config, &one);
	one.most = 7;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 300; i++)
		test_put(delivery, i, SEVERITY_LOW);
	delivery_drain(delivery);
	test_output_counts(delivery, 0, &stats);
	assert_int_equal(stats.dead, 0);
	assert_true(stats.failed[FAILURE_TOO_LARGE] > 0);
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, 300);
}

/* Partial failure: only what was not taken is sent again. */
static void test_partial(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();

	test_output(config, &one);
	one.partial = 10;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 500; i++)
		test_put(delivery, i, SEVERITY_LOW);
	delivery_close(delivery);
	delivery_config_release(config);
	uint8_t seen[501] = { 0 };

	assert_int_equal(one.count, 500);
	for (uint32_t i = 0; i < one.count; i++)
		assert_int_equal(seen[one.sequences[i]]++, 0);
}

static bool first_letter(void *ctx, const struct dead_letter *letter)
{
	struct dead_letter *out = ctx;

	if (!out->number)
		*out = (struct dead_letter){ .number = letter->number,
					     .attempts = letter->attempts,
					     .row = { .sequence = letter->row.sequence } };
	return true;
}

/* Refused records are kept, listed, and sent again when a person says so. */
static void test_dead_letters(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct dead_letter letter = { 0 };
	struct spool *spool = NULL;
	struct err err = { 0 };

	test_output(config, &one);
	one.refuse = 50;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 120; i++)
		test_put(delivery, i, SEVERITY_LOW);
	delivery_close(delivery);
	assert_int_equal(one.count, 118);
	assert_int_equal(spool_open(test_spool_path(), SPOOL_EDITOR, &spool, &err), 0);
	assert_int_equal(spool_dead(spool, "one", 0, first_letter, &letter), 0);
	assert_int_equal(letter.row.sequence, 50);
	assert_int_equal(letter.attempts, 1);
	assert_int_equal(spool_dead_mark(spool, NULL, letter.number), 1);

	/* Refused again: it stays, the mark is gone. */
	delivery = test_start(config);
	delivery_close(delivery);
	letter = (struct dead_letter){ 0 };
	assert_int_equal(spool_dead_marked(spool, "one", first_letter, &letter), 0);
	assert_int_equal(letter.number, 0);
	assert_int_equal(spool_dead(spool, NULL, 0, first_letter, &letter), 0);
	assert_int_equal(letter.attempts, 2);

	one.refuse = 0;
	assert_int_equal(spool_dead_mark(spool, "one", 0), 2);
	delivery = test_start(config);
	delivery_close(delivery);
	delivery_config_release(config);
	assert_int_equal(one.count, 120);
	letter = (struct dead_letter){ 0 };
	assert_int_equal(spool_dead(spool, NULL, 0, first_letter, &letter), 0);
	assert_int_equal(letter.number, 0);
	spool_close(spool);
}

static void test_filters(void **state)
{
	(void)state;
	static const struct str event = { "test_*", 6 }, policy = { "two", 3 },
				rule = { "TEST-2", 6 };
	struct delivery_config *config = test_config();
	struct delivery_output *output = test_output(config, &one);

	output->filters[0] = (struct delivery_filter){ .severity = SEVERITY_HIGH,
						       .events = { &event, 1 },
						       .policies = { &policy, 1 } };
	output->filter_count = 1;
	output = test_output(config, &other);
	output->filters[0] = (struct delivery_filter){ .severity = SEVERITY_NONE,
						       .detectors = { &rule, 1 } };
	output->filter_count = 1;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 100; i++)
		test_put(delivery, i, i % 2 ? SEVERITY_CRITICAL : SEVERITY_MEDIUM);
	delivery_close(delivery);
	delivery_config_release(config);
	assert_int_equal(one.count, 50);
	assert_int_equal(other.count, 0);
}

/* ---- no room -------------------- */

/* With an output that is dead, and a spool that is small: what is not sent is counted exactly. */
static void fill_spool(enum full_policy full, uint64_t *dropped, uint64_t *refused)
{
	struct delivery_config *config = test_config();
	struct delivery_stats *stats = calloc(1, sizeof(*stats));
	uint64_t accepted = 0;

	config->full = full;
	config->spool_bytes = 1 << 20;
	test_output(config, &one);
	receiver_set_dead(&one, true);
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 4000; i++) {
		accepted += test_put(delivery, i, (int)(i % 5));
		if (i % 200 == 0)
			nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
	}
	/* Every alert that went in is in the spool, sent, or counted. */
	config->drain_ms = 100;
	delivery_drain(delivery);
	delivery_stats(delivery, stats);
	*dropped = sum(stats->outputs[0].dropped);
	*refused = sum(stats->lost);
	assert_true(accepted <= 4000);
	delivery_close(delivery);
	receiver_set_dead(&one, false);
	config->drain_ms = 20000;
	delivery = test_start(config);
	delivery_drain(delivery);
	delivery_stats(delivery, stats); /* it may have to make room as well */
	*dropped += sum(stats->outputs[0].dropped);
	*refused += sum(stats->lost);
	delivery_close(delivery);
	delivery_config_release(config);
	uint64_t got = 0;

	for (uint32_t i = 0; i < one.count; i++)
		got += one.sequences[i] != 0; /* reports of losses have no number */
	assert_int_equal(got + *dropped + *refused, 4000);
	assert_true(one.count > got); /* and the receiver was told */
	free(stats);
}

static void test_drop_oldest(void **state)
{
	(void)state;
	uint64_t dropped, refused;

	fill_spool(FULL_DROP_OLDEST, &dropped, &refused);
	/* On a slow machine the queue in memory overflows as well. */
	assert_true(dropped + refused > 1000 && dropped > 100);
}

static void test_drop_newest(void **state)
{
	(void)state;
	uint64_t dropped, refused;

	fill_spool(FULL_DROP_NEWEST, &dropped, &refused);
	assert_true(refused > 1000);
	assert_int_equal(dropped, 0); /* what is in the spool stays */
}

static void test_drop_least(void **state)
{
	(void)state;
	uint64_t dropped, refused, critical = 0, info = 0;

	fill_spool(FULL_DROP_LEAST, &dropped, &refused);
	assert_true(refused > 1000);
	for (uint32_t i = 0; i < one.count; i++) {
		critical += one.sequences[i] % 5 == SEVERITY_CRITICAL;
		info += one.sequences[i] && one.sequences[i] % 5 == SEVERITY_INFO;
	}
	assert_true(critical > info);
}

static void test_too_old(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct output_stats stats;

	config->spool_age_ms = 300;
	config->drain_ms = 50;
	test_output(config, &one);
	receiver_set_dead(&one, true);
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 2000; i++)
		test_put(delivery, i, SEVERITY_LOW);
	for (int i = 0; i < 200; i++) {
		test_output_counts(delivery, 0, &stats);
		if (stats.dropped[LOSS_TOO_OLD] >= 1000)
			break;
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	}
	/* The window's rows may be on their way: they stay. */
	assert_in_range(stats.dropped[LOSS_TOO_OLD], 1000, 2000);
	receiver_set_dead(&one, false);
	receiver_wait(&one, 1);
	delivery_close(delivery);
	delivery_config_release(config);
}

/* A disk of 2 MB: alerts wait in memory, nothing is lost, and it goes on when there is room. */
static void test_disk_full(void **state)
{
	(void)state;
	char mount_point[] = "/dev/shm/spoor-disk-XXXXXX", filler[48] = "";
	struct delivery_config *config = test_config();
	struct delivery_stats *stats = calloc(1, sizeof(*stats));
	bool failed = false;

	assert_non_null(mkdtemp(mount_point));
	snprintf(filler, sizeof(filler), "%s/fill", mount_point);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", mount_point, "tmpfs", 0, "size=2m") < 0) {
		rmdir(mount_point);
		skip();
	}
	test_folder_remove();
	test_folder_make(mount_point);
	test_output(config, &one);
	struct delivery *delivery = test_start(config);
	FILE *file = fopen(filler, "w");

	assert_non_null(file);
	while (fwrite(filler, 1, sizeof(filler), file) && fflush(file) == 0)
		;
	fclose(file);
	for (uint64_t i = 1; i <= 1000; i++)
		assert_true(test_put(delivery, i, SEVERITY_LOW));
	for (int i = 0; i < 200 && !failed; i++) {
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
		delivery_stats(delivery, stats);
		failed = stats->spool_failing;
	}
	assert_true(failed);
	assert_string_equal(stats->spool_error, "the disk is full");
	assert_int_equal(unlink(filler), 0);
	receiver_wait(&one, 1000);
	delivery_drain(delivery);
	delivery_stats(delivery, stats);
	assert_int_equal(sum(stats->lost), 0);
	assert_false(stats->spool_failing);
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, 1000);
	free(stats);
	test_folder_remove();
	umount(mount_point);
	rmdir(mount_point);
	test_folder_make("/dev/shm");
}

/* ---- reload -------------------- */

static void test_reload(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct err err = { 0 };

	test_output(config, &one);
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 3000; i++) {
		test_put(delivery, i, SEVERITY_LOW);
		if (i % 500)
			continue;
		struct delivery_config *next = test_config();

		test_output(next, &one);
		test_output(next, &other); /* new at the first time */
		if (delivery_reload(delivery, next, &err) < 0)
			fail_msg("%s", err.message);
		delivery_config_release(next);
	}
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, 3000);
	assert_in_range(other.count, 1000, 3000);
	assert_int_equal(other.sequences[other.count - 1], 3000);
}

/* More reloads than there is room for outputs: those that have ended go, their counts stay. */
static void test_reloads(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct err err = { 0 };
	struct output_stats stats;
	enum { RELOADS = 3 * DELIVERY_OUTPUTS_MAX };

	test_output(config, &one);
	struct delivery *delivery = test_start(config);

	for (uint32_t i = 1; i <= RELOADS; i++) {
		struct delivery_config *next = test_config();

		test_output(next, &one);
		test_put(delivery, i, SEVERITY_LOW);
		receiver_wait(&one, i);
		if (delivery_reload(delivery, next, &err) < 0)
			fail_msg("reload %u: %s", i, err.message);
		delivery_config_release(next);
		test_output_counts(delivery, 0, &stats);
		assert_in_range(stats.sent, i - 1, i); /* the last is just being counted */
	}
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, RELOADS);
}

/* The n-th thread that is wanted is not to be had; 0: all are. */
static unsigned fail_thread;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *ctx);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *ctx);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
			  void *ctx)
{
	if (fail_thread && !--fail_thread)
		return EAGAIN;
	return __real_pthread_create(thread, attributes, run, ctx);
}

/* A reload for which there are not enough threads changes nothing; the next one does. */
static void test_reload_fails(void **state)
{
	(void)state;
	struct delivery_config *config = test_config(), *next = test_config();
	struct err err = { 0 };
	struct output_stats stats;

	test_output(config, &one);
	test_output(next, &one);
	test_output(next, &other);
	struct delivery *delivery = test_start(config);

	test_put(delivery, 1, SEVERITY_LOW);
	receiver_wait(&one, 1);
	for (unsigned which = 1; which <= 2; which++) {
		fail_thread = which;
		assert_int_equal(delivery_reload(delivery, next, &err), -EAGAIN);
		assert_non_null(strstr(err.message, "cannot start a thread"));
		test_output_counts(delivery, 0, &stats);
		assert_string_equal(stats.name, "one");
		test_put(delivery, which + 1, SEVERITY_LOW);
		receiver_wait(&one, which + 1);
	}
	assert_int_equal(other.count, 0);
	assert_int_equal(delivery_reload(delivery, next, &err), 0);
	test_put(delivery, 4, SEVERITY_LOW);
	delivery_close(delivery);
	delivery_config_release(config);
	delivery_config_release(next);
	received_in_order(&one, 1, 4);
	assert_int_equal(other.sequences[other.count - 1], 4);
}

static void test_rate(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct delivery_output *output = test_output(config, &one);
	struct output_stats stats;

	output->rate = 1000;
	output->burst = 10;
	struct delivery *delivery = test_start(config);
	uint64_t start = clock_now();

	for (uint64_t i = 1; i <= 310; i++)
		test_put(delivery, i, SEVERITY_LOW);
	receiver_wait(&one, 310);
	assert_true(clock_now() - start >= 290 * CLOCK_MS);
	test_output_counts(delivery, 0, &stats);
	assert_true(stats.throttled_ns > 0);
	delivery_close(delivery);
	delivery_config_release(config);
	received_in_order(&one, 1, 310);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_output, setup, teardown),
		cmocka_unit_test_setup_teardown(test_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_next_process, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_partial, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_letters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_oldest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_newest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drop_least, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_old, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reloads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
