// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reading a BPF ring buffer without copying: records are handed over where they lie
 * and given back to the kernel in groups, since each write of our position takes the
 * cache line away from the producers.
 *
 * Invariant: our position is only moved past records the sink has returned from.
 */
#include "live.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/epoll.h>
#include <sys/mman.h>

enum { RECORD_HEAD = BPF_RINGBUF_HDR_SZ, GIVE_BACK_EVERY = 64 };

int ring_open(struct ring_reader *ring, int map_fd, size_t bytes, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	void *at;

	*ring = (struct ring_reader){ .map_fd = map_fd,
				      .epoll_fd = -1,
				      .bytes = bytes,
				      .page = (size_t)sysconf(_SC_PAGESIZE) };
	at = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (at == MAP_FAILED)
		return err_set(err, -errno, "cannot map the ring buffer: %s", strerror(errno));
	ring->consumer = at;
	at = mmap(NULL, ring->page + 2 * bytes, PROT_READ, MAP_SHARED, map_fd, (off_t)ring->page);
	if (at == MAP_FAILED) {
		int code = -errno;

		ring_close(ring);
		return err_set(err, code, "cannot map %zu bytes of ring buffer: %s", bytes,
			       strerror(-code));
	}
	ring->producer = at;
	ring->data = (const char *)at + ring->page;
	/* Edge-triggered: a ring that merely holds something must not wake us. */
	ring->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ring->epoll_fd < 0 || epoll_ctl(ring->epoll_fd, EPOLL_CTL_ADD, map_fd, &event) < 0) {
		int code = -errno;

		ring_close(ring);
		return err_set(err, code, "cannot watch the ring buffer: %s", strerror(-code));
	}
	return 0;
}

void ring_close(struct ring_reader *ring)
{
	if (ring->consumer)
		munmap(ring->consumer, ring->page);
	if (ring->producer)
		munmap((void *)(uintptr_t)ring->producer, ring->page + 2 * ring->bytes);
	closep(&ring->epoll_fd);
	*ring = (struct ring_reader){ .map_fd = -1, .epoll_fd = -1 };
}

uint64_t ring_waiting(const struct ring_reader *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) - *ring->consumer;
}

void ring_wait(struct ring_reader *ring, int timeout_ms)
{
	struct epoll_event event;

	epoll_wait(ring->epoll_fd, &event, 1, timeout_ms);
}

/* A place in the ring where a record begins, or something that was discarded. */
struct place {
	const struct wire_header *record; /* NULL: it was discarded */
	uint64_t next;
};

/* False: nothing is there yet, or it is still being written. */
static bool look(const struct ring_reader *ring, uint64_t position, uint64_t end, struct place *out)
{
	const char *at = ring->data + (position & (ring->bytes - 1));
	uint32_t head, len;

	if (position >= end)
		return false;
	head = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
	len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	if (head & BPF_RINGBUF_BUSY_BIT)
		return false;
	out->next = position + (len + RECORD_HEAD + 7) / 8 * 8;
	out->record = head & BPF_RINGBUF_DISCARD_BIT ? NULL : (const void *)(at + RECORD_HEAD);
	return true;
}

/* Tells of records until SOURCE_AHEAD of them have been told that are not handed over yet. */
static void look_ahead(const struct ring_reader *ring, uint64_t end, uint64_t *ahead,
		       uint32_t *told)
{
	struct place place;

	while (*told < SOURCE_AHEAD && look(ring, *ahead, end, &place)) {
		*ahead = place.next;
		if (!place.record)
			continue;
		ring->soon(ring->soon_ctx, place.record);
		++*told;
	}
}

uint32_t ring_read(struct ring_reader *ring, uint32_t most, source_sink sink, void *ctx)
{
	uint64_t position = *ring->consumer, ahead = position;
	uint64_t end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	uint32_t count = 0, held = 0, told = 0;
	struct place place;

	while (count < most && look(ring, position, end, &place)) {
		position = place.next;
		if (place.record) {
			told -= told > 0;
			ahead = MAX(ahead, position);
			if (ring->soon)
				look_ahead(ring, end, &ahead, &told);
			sink(ctx, place.record, NULL);
			count++;
		}
		if (++held == GIVE_BACK_EVERY) {
			__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
			held = 0;
		}
	}
	if (held)
		__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
	return count;
}
