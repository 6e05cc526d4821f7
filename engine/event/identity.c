/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and hashes by which an event's process and system call are known. The hash must
 * equal Tracee's bit for bit; test vectors are in tests/unit/test_event.c.
 */
#include "event.h"

#include <endian.h>

#include "base/common.h"

enum { HASH_SEED = 0x18273645, HASH_STEP_NS = 100000000 };

static uint32_t rotate(uint32_t x, int by)
{
	return x << by | x >> (32 - by);
}

/* MurmurHash3 x86-32 of three whole blocks. */
static uint32_t murmur3(const uint32_t block[3])
{
	uint32_t hash = HASH_SEED;

	for (int i = 0; i < 3; i++) {
		hash ^= rotate(block[i] * 0xcc9e2d51u, 15) * 0x1b873593u;
		hash = rotate(hash, 13) * 5 + 0xe6546b64u;
	}
	hash ^= 12;
	hash = (hash ^ hash >> 16) * 0x85ebca6bu;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
	return hash ^ hash >> 16;
}

uint32_t entity_hash(uint32_t pid, uint64_t start_epoch_ns)
{
	uint64_t start = start_epoch_ns / HASH_STEP_NS * HASH_STEP_NS;
	uint32_t block[3] = { htobe32(pid), htobe32((uint32_t)(start >> 32)),
			      htobe32((uint32_t)start) };

	return murmur3(block);
}

static uint32_t task_hash(const struct event *event, uint32_t pid, uint64_t start)
{
	return entity_hash(pid, start + event->clock->boot_epoch_ns);
}

uint32_t event_process_hash(const struct event *event)
{
	if (event->given && event->given->has_process)
		return event->given->process_id;
	return task_hash(event, event->wire->pid, event->wire->leader_start_time);
}

uint32_t event_thread_hash(const struct event *event)
{
	if (event->given && event->given->has_process)
		return event->given->thread_id;
	return task_hash(event, event->wire->tid, event->wire->start_time);
}

/* A recording that names no parent has none: 0, which is not printed. */
uint32_t event_parent_hash(const struct event *event)
{
	if (event->given)
		return event->given->has_parent ? event->given->parent_id : 0;
	return task_hash(event, event->wire->ppid, event->wire->parent_start_time);
}

/* ---- system calls ------------------------------ */

enum { SYSCALL_MAX = 512, SYSCALL32_MAX = 512 };

/* x86-64 numbers first; calls that only i386 has stand behind them. */
static const struct str syscall_names[SYSCALL_MAX + SYSCALL32_MAX] = {
#define SYSCALL_NAME(number, number32, name, tracee_id) \
	[(number) < 0 ? SYSCALL_MAX + (number32) : (number)] = { #name, sizeof(#name) - 1 },
#include "syscalls.def"
#undef SYSCALL_NAME
};

struct str syscall_name(int number)
{
	return number >= 0 && number < SYSCALL_MAX ? syscall_names[number] : (struct str){ 0 };
}

int syscall_number(struct str name)
{
	for (int i = 0; name.len && i < SYSCALL_MAX; i++)
		if (str_equal(syscall_names[i], name))
			return i;
	return -1;
}
