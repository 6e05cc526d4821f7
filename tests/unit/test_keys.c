/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys against a list: whatever is added, removed, timed and expired in whatever
 * order, both know the same. Digests are bad on purpose: many keys belong to the same group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../cel/random.h"
#include "base/common.h"
#include "state/keys.h"

enum { KEYS = 3000, STEPS = 200000 };

struct known {
	bool there;
	uint64_t deadline, timer, bytes;
};

struct world {
	struct keys keys;
	struct random random;
	struct known known[KEYS];
	uint32_t count, released;
};

static struct digest key_of(uint32_t id)
{
	return (struct digest){ .high = id * 0x9e3779b97f4a7c15ULL, .low = id % 7 };
}

static void release(void *ctx, struct entry *entry)
{
	struct world *world = ctx;
	struct known *known = &world->known[entry->payload[0]];

	assert_true(known->there);
	known->there = false;
	world->count--;
	world->released++;
}

static void add(struct world *world, uint32_t id)
{
	struct known *known = &world->known[id];
	struct entry *entry;

	*known = (struct known){ .deadline = 1 + random_below(&world->random, 1000) };
	entry = keys_add(&world->keys, key_of(id), id % 5, known->deadline);
	assert_int_equal(entry->payload[0], 0);
	entry->payload[0] = id;
	*(uint32_t *)keys_rest(&world->keys, entry) = ~id;
	known->there = true;
	world->count++;
}

static void set_timer(struct world *world, uint32_t id)
{
	struct known *known = &world->known[id];

	known->timer = random_below(&world->random, 1000);
	keys_timer(&world->keys, keys_find(&world->keys, key_of(id)), known->timer);
}

static void check_timers(const struct world *world)
{
	uint64_t first = UINT64_MAX, time = UINT64_MAX;

	for (uint32_t id = 0; id < KEYS; id++)
		if (world->known[id].there && world->known[id].timer)
			first = MIN(first, world->known[id].timer);
	keys_timer_first(&world->keys, &time);
	assert_int_equal(time, first);
}

static void check_books(const struct world *world)
{
	uint64_t all = 0;

	for (uint32_t id = 0; id < KEYS; id++)
		all += world->known[id].there ? world->known[id].bytes : 0;
	assert_int_equal(world->keys.booked, all);
	for (uint32_t owner = 0; owner < world->keys.owner_high; owner++)
		if (world->keys.owners[owner].holds[KEYS_ENTRIES])
			all -= world->keys.owners[owner].holds[KEYS_BYTES];
	assert_int_equal(all, 0);
}

static void book(struct world *world, uint32_t id)
{
	struct known *known = &world->known[id];
	uint64_t bytes = random_below(&world->random, 1000);

	keys_book(&world->keys, keys_find(&world->keys, key_of(id)),
		  (int64_t)(bytes - known->bytes));
	known->bytes = bytes;
}

/* For another of the key's owner; it stays itself. */
static void evict(struct world *world, uint32_t id)
{
	bool bytes = random_below(&world->random, 2);
	uint64_t booked = world->keys.booked;
	bool done = keys_evict(&world->keys, keys_find(&world->keys, key_of(id)), id % 5,
			       bytes ? KEYS_BYTES : KEYS_ENTRIES);

	assert_true(world->known[id].there);
	if (bytes)
		assert_int_equal(done, world->keys.booked < booked);
	else
		assert_true(done || world->count == 1);
}

static void check(struct world *world)
{
	uint32_t seen = 0;

	assert_int_equal(world->keys.count, world->count);
	for (uint32_t id = 0; id < KEYS; id++) {
		const struct entry *entry = keys_find(&world->keys, key_of(id));

		assert_int_equal(entry != NULL, world->known[id].there);
		if (!entry)
			continue;
		assert_int_equal(entry->payload[0], id);
		assert_int_equal(entry->deadline, world->known[id].deadline);
		assert_int_equal(keys_owner(&world->keys, entry), id % 5);
		assert_int_equal(*(uint32_t *)keys_rest(&world->keys, entry), ~id);
		assert_ptr_equal(keys_at(&world->keys, entry->number), entry);
	}
	for (uint32_t i = 0; i < world->keys.high; i++)
		seen += keys_at(&world->keys, i) != NULL;
	assert_int_equal(seen, world->count);
	check_timers(world);
	check_books(world);
}

static void step(struct world *world, uint32_t keys)
{
	uint32_t id = random_below(&world->random, keys);
	bool there = world->known[id].there;

	switch (random_below(&world->random, 9)) {
	case 0:
		if (there)
			keys_remove(&world->keys, keys_find(&world->keys, key_of(id)));
		return;
	case 1:
		if (there)
			set_timer(world, id);
		return;
	case 2: keys_expire(&world->keys, random_below(&world->random, 100), 2); return;
	case 3:
		if (there)
			evict(world, id);
		return;
	case 4:
		if (there)
			book(world, id);
		/* It is a guess. */
		world->keys.hint = random_below(&world->random, 2 * KEYS);
		return;
	default:
		if (!there)
			add(world, id);
	}
}

static void run(uint32_t capacity, uint32_t keys, uint32_t steps)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->random.state = capacity;
	world->keys = (struct keys){ .capacity = capacity,
				     .payload_size = 100,
				     .rest_size = 8,
				     .secret = { 1, 2 },
				     .release = release,
				     .ctx = world };
	assert_int_equal(keys_start(&world->keys), 0);
	for (uint32_t i = 0; i < steps; i++) {
		step(world, keys);
		assert_true(world->count <= capacity);
		assert_true(keys_bytes(&world->keys) <= keys_bytes_max(&world->keys));
		if (i % 4096 == 0)
			check(world);
	}
	check(world);
	assert_true(world->released > 0);
	keys_free(&world->keys);
	free(world);
}

static void the_table_knows_what_the_list_knows(void **state)
{
	(void)state;
	run(1, 10, STEPS / 10);
	run(100, 300, STEPS);
	run(KEYS, KEYS, STEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_knows_what_the_list_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
