/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue against a list: whatever is put and taken, in whatever sizes, comes out once, whole
 * and in order, or is counted as dropped; and the policies drop what they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/common.h"
#include "delivery/queue.h"

enum { SIZE = 16384, STEPS = 200000, TEXT = 3000 };

static uint64_t state = 88172645463325252ULL;
static char text[TEXT];

static uint32_t below(uint32_t bound)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % bound;
}

static bool put(struct queue *queue, uint64_t number, int severity, uint32_t len)
{
	struct row row = { .sequence = number,
			   .time = number,
			   .severity = severity,
			   .id = STR("id"),
			   .json = { text + number % 7, len } };

	return queue_put(queue, &row);
}

struct seen {
	uint64_t last, count, lost;
};

static void take_all(struct queue *queue, struct seen *seen)
{
	struct loss loss;
	struct queue_buffer *buffer = queue_take(queue, &loss);
	struct row row;
	size_t at = 0;

	while (queue_next(buffer, &at, &row)) {
		assert_true(row.sequence > seen->last);
		assert_true(str_equal(row.id, STR("id")));
		assert_int_equal(memcmp(row.json.data, text + row.sequence % 7, row.json.len), 0);
		seen->last = row.sequence;
		seen->count++;
	}
	seen->lost += loss.count;
	if (loss.count)
		assert_true(loss.first && loss.first <= loss.last && loss.since <= loss.until);
}

static void random_steps(enum full_policy full, uint32_t largest)
{
	struct queue queue;
	struct seen seen = { 0 };
	struct queue_stats stats;
	uint64_t number = 0;

	assert_int_equal(queue_open(&queue, SIZE, full), 0);
	for (int i = 0; i < STEPS; i++)
		if (below(40))
			put(&queue, ++number, (int)below(6) - 1, below(largest));
		else
			take_all(&queue, &seen);
	take_all(&queue, &seen);
	assert_int_equal(seen.count + seen.lost, number);
	queue_stats(&queue, &stats);
	assert_int_equal(stats.dropped, seen.lost);
	assert_int_equal(stats.records, 0);
	queue_close(&queue);
}

static void test_random(void **unused)
{
	(void)unused;
	for (uint32_t i = 0; i < TEXT; i++)
		text[i] = (char)('a' + i % 26);
	for (uint32_t largest = 16; largest < TEXT; largest *= 3) {
		random_steps(FULL_DROP_NEWEST, largest);
		random_steps(FULL_DROP_OLDEST, largest);
		random_steps(FULL_DROP_LEAST, largest);
	}
}

static void fill(enum full_policy full, uint64_t *first, uint64_t *last, uint64_t *critical)
{
	struct queue queue;
	struct loss loss;
	struct row row;
	size_t at = 0;

	assert_int_equal(queue_open(&queue, SIZE, full), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		put(&queue, i, (int)(i % 5), 500);
	struct queue_buffer *buffer = queue_take(&queue, &loss);

	*first = *critical = 0;
	while (queue_next(buffer, &at, &row)) {
		*first = *first ? *first : row.sequence;
		*last = row.sequence;
		*critical += row.severity == SEVERITY_CRITICAL;
	}
	queue_close(&queue);
}

static void test_policies(void **unused)
{
	(void)unused;
	uint64_t first, last, critical, critical_newest;

	fill(FULL_DROP_OLDEST, &first, &last, &critical);
	assert_true(first > 900);
	assert_int_equal(last, 1000);
	fill(FULL_DROP_NEWEST, &first, &last, &critical_newest);
	assert_int_equal(first, 1);
	assert_true(last < 100);
	fill(FULL_DROP_LEAST, &first, &last, &critical);
	assert_int_equal(first, 1);
	assert_true(critical > critical_newest);
}

/* Too large for the queue at all, and after the end: refused and counted, never waited for. */
static void test_refused(void **unused)
{
	(void)unused;
	struct queue queue;
	struct queue_stats stats;
	static char large[SIZE];
	struct row row = { .sequence = 1, .json = { large, SIZE } };

	assert_int_equal(queue_open(&queue, SIZE, FULL_BLOCK), 0);
	assert_false(queue_put(&queue, &row));
	queue_shut(&queue);
	assert_false(put(&queue, 2, 0, 10));
	queue_stats(&queue, &stats);
	assert_int_equal(stats.dropped, 2);
	queue_close(&queue);
}

/* The policy block waits for room; a signal to end the sensor ends the waiting. */
static void test_stop(void **unused)
{
	(void)unused;
	static volatile sig_atomic_t stop = 1;
	struct queue queue;
	uint64_t taken = 0;

	assert_int_equal(queue_open(&queue, SIZE, FULL_BLOCK), 0);
	queue.stop = &stop;
	for (uint64_t i = 1; i <= 100; i++)
		taken += put(&queue, i, 0, 1000);
	assert_in_range(taken, 1, 16);
	queue_close(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stop),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
