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

uint32_t ring_read(struct ring_reader *ring, uint32_t most, source_sink sink, void *ctx)
{
	uint64_t position = *ring->consumer;
	uint64_t end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	uint32_t count = 0, held = 0;

	while (position < end && count < most) {
		const char *at = ring->data + (position & (ring->bytes - 1));
		uint32_t head = __atomic_load_n((const uint32_t *)(const void *)at,
						__ATOMIC_ACQUIRE);
		uint32_t len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (head & BPF_RINGBUF_BUSY_BIT)
			break; /* still being written */
		position += (len + RECORD_HEAD + 7) / 8 * 8;
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			sink(ctx, (const struct wire_header *)(const void *)(at + RECORD_HEAD),
			     NULL);
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
