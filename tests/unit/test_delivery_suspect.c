/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on which a receiver always hangs up: others pass them, in order, and leave nothing
 * behind; they become dead letters, but not while it is the receiver that is away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sched.h>

#include "base/common.h"
#include "receiver.h"

static struct receiver one;

static int setup(void **state)
{
	(void)state;
	test_folder_make("/dev/shm");
	receiver_init(&one, "one");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receiver_free(&one);
	test_folder_remove();
	return 0;
}

static uint64_t dead_count(struct delivery *delivery)
{
	struct output_stats stats;

	test_output_counts(delivery, 0, &stats);
	return stats.dead;
}

/* Puts alerts until there are so many dead letters; the number of the last. */
static uint64_t put_until_dead(struct delivery *delivery, uint64_t number, uint64_t dead)
{
	uint64_t deadline = clock_now() + 60 * CLOCK_SECOND, there = number;

	while (dead_count(delivery) < dead) {
		if (clock_now() > deadline)
			fail_msg("%llu dead letters after 60 s",
				 (unsigned long long)dead_count(delivery));
		if (receiver_count(&one) + 5 > there && ++number % 100) {
			test_put(delivery, number, SEVERITY_LOW);
			there++;
		}
		sched_yield();
	}
	return number;
}

/* Records on which the receiver hangs up become dead letters, and hold up no others. */
static void test_hang_up(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct delivery_output *output = test_output(config, &one);
	struct output_stats stats;

	output->give_up_after = 3;
	one.hang_up = 100;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 300; i++)
		test_put(delivery, i, SEVERITY_LOW);
	/* Nothing is behind the third, so nothing says that it is its fault. */
	receiver_wait(&one, 297);
	uint64_t last = put_until_dead(delivery, 300, 3);

	delivery_drain(delivery);
	test_output_counts(delivery, 0, &stats);
	assert_int_equal(stats.dead, 3);
	assert_int_equal(stats.failed[FAILURE_REFUSED], 3);
	assert_int_equal(stats.waiting, 0);
	assert_int_equal(stats.sent + stats.dead, last - (last - 300) / 100);
	delivery_close(delivery);
	delivery_config_release(config);
	/* Nobody else was left out or sent twice, and it went in order but past those. */
	assert_int_equal(one.count, stats.sent);
	for (uint32_t i = 1; i < one.count; i++)
		assert_true(one.sequences[i] > one.sequences[i - 1]);
}

/* Three in a row on which it hangs up: those behind them pass. */
static void test_neighbours_hang_up(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();

	test_output(config, &one)->give_up_after = 0;
	one.hang_up_through = 3;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 20; i++)
		test_put(delivery, i, SEVERITY_LOW);
	receiver_wait(&one, 17);
	pthread_mutex_lock(&one.lock);
	one.hang_up_through = 0;
	pthread_mutex_unlock(&one.lock);
	delivery_close(delivery);
	delivery_config_release(config);
	assert_int_equal(one.count, 20);
	for (uint32_t i = 0; i < 17; i++)
		assert_int_equal(one.sequences[i], 4 + i);
}

/* One that stays while thousands pass it: they leave nothing behind, and do not wait for it. */
static void test_one_stays(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();

	test_output(config, &one)->give_up_after = 0;
	one.hang_up_through = 1;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 3000; i++)
		test_put(delivery, i, SEVERITY_LOW);
	receiver_wait(&one, 2999);
	pthread_mutex_lock(&one.lock);
	one.hang_up_through = 0;
	pthread_mutex_unlock(&one.lock);
	delivery_drain(delivery);
	assert_int_equal(one.count, 3000);
	assert_true(delivery->outputs[0]->outbox.now.bytes.len < 64 * 1024);
	delivery_close(delivery);
	delivery_config_release(config);
}

/* As long as none passes, it is the receiver that is away: nobody is given up. */
static void test_all_hang_up(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();
	struct delivery_output *output = test_output(config, &one);

	output->give_up_after = 1;
	one.hang_up = 1;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 20; i++)
		test_put(delivery, i, SEVERITY_LOW);
	for (uint32_t batches = 0; batches < 60; sched_yield()) {
		pthread_mutex_lock(&one.lock);
		batches = one.batches;
		pthread_mutex_unlock(&one.lock);
	}
	pthread_mutex_lock(&one.lock);
	one.hang_up = 0;
	pthread_mutex_unlock(&one.lock);
	receiver_wait(&one, 20);
	assert_int_equal(dead_count(delivery), 0);
	delivery_close(delivery);
	delivery_config_release(config);
	/* If the receiver came back while another was tried, that one passes those before it. */
	uint64_t last = 0;

	assert_int_equal(one.count, 20);
	for (uint32_t i = 1; i < 20; i++) {
		if (one.sequences[i] == 1)
			continue;
		assert_true(one.sequences[i] > last && one.sequences[i] != one.sequences[0]);
		last = one.sequences[i];
	}
}

/* give_up_after: 0: it waits for as long as it takes, but not the others. */
static void test_never_given_up(void **state)
{
	(void)state;
	struct delivery_config *config = test_config();

	test_output(config, &one)->give_up_after = 0;
	one.hang_up = 7;
	struct delivery *delivery = test_start(config);

	for (uint64_t i = 1; i <= 13; i++)
		test_put(delivery, i, SEVERITY_LOW);
	receiver_wait(&one, 12);
	for (uint64_t i = 15; i <= 20; i++)
		test_put(delivery, i, SEVERITY_LOW);
	receiver_wait(&one, 18);
	pthread_mutex_lock(&one.lock);
	one.hang_up = 0;
	pthread_mutex_unlock(&one.lock);
	receiver_wait(&one, 19);
	assert_int_equal(dead_count(delivery), 0);
	assert_int_equal(one.sequences[18], 7);
	delivery_close(delivery);
	delivery_config_release(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hang_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighbours_hang_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_hang_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_given_up, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("delivery past suspects", tests, NULL, NULL);
}
