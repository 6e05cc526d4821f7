/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of finished alerts, see queue.h. A buffer is a ring of entries, each in one piece:
 * where the next one does not fit before the end, a gap is marked and it goes to the start.
 */
#include "delivery/queue.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/common.h"
#include "delivery/clock.h"

enum { STOP_MS = 100 }; /* between looks whether to go on waiting */

struct entry {
	uint32_t size; /* with this head, a multiple of 8; 0: the rest of the buffer is a gap */
	uint32_t lengths[ROW_TEXTS];
	struct row row; /* its texts are not valid */
};

_Static_assert(sizeof(struct entry) % 8 == 0, "entries are aligned");

unsigned full_mark(int severity)
{
	static const uint8_t marks[] = { 80, 85, 90, 95, 100 };

	return marks[MAX(MIN(severity, (int)SEVERITY_CRITICAL), 0)];
}

static bool buffer_open(struct queue_buffer *buffer, size_t size)
{
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (data == MAP_FAILED)
		return false;
	*buffer = (struct queue_buffer){ .data = data, .size = size };
	return true;
}

int queue_open(struct queue *queue, size_t size, enum full_policy full)
{
	pthread_condattr_t attributes;

	*queue = (struct queue){ .full = full };
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->filled, &attributes);
	pthread_cond_init(&queue->emptied, &attributes);
	pthread_condattr_destroy(&attributes);
	for (unsigned i = 0; i < 2; i++)
		if (!buffer_open(&queue->buffers[i], size)) {
			queue_close(queue);
			return -ENOMEM;
		}
	return 0;
}

void queue_close(struct queue *queue)
{
	for (unsigned i = 0; i < 2; i++)
		if (queue->buffers[i].data)
			munmap(queue->buffers[i].data, queue->buffers[i].size);
	pthread_cond_destroy(&queue->filled);
	pthread_cond_destroy(&queue->emptied);
	pthread_mutex_destroy(&queue->lock);
	*queue = (struct queue){ 0 };
}

/* ---- the ring ------------------------------------------------------------------ */

static struct entry *entry_at(const struct queue_buffer *buffer, size_t at)
{
	return (struct entry *)(buffer->data + at);
}

/* Is there a gap from `at` to the end of the buffer? */
static bool is_gap(const struct queue_buffer *buffer, size_t at)
{
	return buffer->size - at < sizeof(struct entry) || !entry_at(buffer, at)->size;
}

static void buffer_clear(struct queue_buffer *buffer)
{
	buffer->head = buffer->tail = buffer->used = buffer->count = 0;
}

/* Room for an entry in one piece; NULL: none. */
static struct entry *buffer_room(struct queue_buffer *buffer, size_t need)
{
	if (!buffer->count)
		buffer_clear(buffer);
	bool wrapped = buffer->count && buffer->tail <= buffer->head;
	size_t end = wrapped ? buffer->head : buffer->size;

	if (end - buffer->tail >= need)
		return entry_at(buffer, buffer->tail);
	if (wrapped || buffer->head < need)
		return NULL;
	if (buffer->size - buffer->tail >= sizeof(struct entry))
		entry_at(buffer, buffer->tail)->size = 0;
	buffer->used += buffer->size - buffer->tail;
	buffer->tail = 0;
	return entry_at(buffer, 0);
}

static void buffer_drop_oldest(struct queue_buffer *buffer, struct loss *loss)
{
	if (is_gap(buffer, buffer->head)) {
		buffer->used -= buffer->size - buffer->head;
		buffer->head = 0;
	}
	const struct entry *entry = entry_at(buffer, buffer->head);

	loss_add(loss, entry->row.sequence, entry->row.time);
	buffer->head += entry->size;
	buffer->used -= entry->size;
	buffer->count--;
}

static void entry_fill(struct entry *entry, size_t size, const struct row *row)
{
	char *at = (char *)(entry + 1);

	entry->size = (uint32_t)size;
	entry->row = *row;
	for (unsigned i = 0; i < ROW_TEXTS; i++) {
		entry->lengths[i] = row->texts[i].len;
		if (row->texts[i].len)
			memcpy(at, row->texts[i].data, row->texts[i].len);
		at += row->texts[i].len;
	}
}

bool queue_next(const struct queue_buffer *buffer, size_t *at, struct row *row)
{
	size_t place = *at ? *at : buffer->head;

	if (!buffer->count || (*at && place == buffer->tail))
		return false;
	if (is_gap(buffer, place))
		place = 0;
	const struct entry *entry = entry_at(buffer, place);
	const char *text = (const char *)(entry + 1);

	*row = entry->row;
	for (unsigned i = 0; i < ROW_TEXTS; i++) {
		row->texts[i] = (struct str){ text, entry->lengths[i] };
		text += entry->lengths[i];
	}
	*at = place + entry->size;
	return true;
}

/* ---- putting ------------------------------------------------------------------- */

static size_t entry_size(const struct row *row)
{
	size_t size = sizeof(struct entry);

	for (unsigned i = 0; i < ROW_TEXTS; i++)
		size += row->texts[i].len;
	return (size + 7) & ~(size_t)7;
}

/* The lock is released meanwhile, and the buffer being filled may be another one after it. */
static void wait_for_room(struct queue *queue)
{
	uint64_t start = clock_now();
	struct timespec until = clock_timespec(start + STOP_MS * CLOCK_MS);

	pthread_cond_signal(&queue->filled);
	pthread_cond_timedwait(&queue->emptied, &queue->lock, &until);
	queue->blocked += clock_now() - start;
}

static bool is_refused(const struct queue *queue, const struct row *row, size_t need)
{
	const struct queue_buffer *buffer = &queue->buffers[queue->filling];

	return queue->closed || need > buffer->size ||
	       (queue->full == FULL_DROP_LEAST &&
		buffer->used + need > buffer->size / 100 * full_mark(row->severity));
}

/* With the lock held. NULL: to be dropped. */
static struct entry *find_room(struct queue *queue, const struct row *row, size_t need)
{
	while (!is_refused(queue, row, need)) {
		struct queue_buffer *buffer = &queue->buffers[queue->filling];
		struct entry *entry = buffer_room(buffer, need);

		if (entry)
			return entry;
		if (queue->full == FULL_BLOCK && !(queue->stop && *queue->stop))
			wait_for_room(queue);
		else if (queue->full == FULL_DROP_OLDEST && buffer->count)
			buffer_drop_oldest(buffer, &queue->loss);
		else
			break;
	}
	return NULL;
}

/* A waiting thread is woken once: for the first entry, or when half the room is gone. */
static void wake(struct queue *queue)
{
	const struct queue_buffer *buffer = &queue->buffers[queue->filling];

	if (queue->waiting && (buffer->count == 1 || buffer->used >= buffer->size / 2)) {
		queue->waiting = false;
		pthread_cond_signal(&queue->filled);
	}
}

bool queue_put(struct queue *queue, const struct row *row)
{
	size_t need = entry_size(row);

	pthread_mutex_lock(&queue->lock);
	uint64_t before = queue->loss.count;
	struct entry *entry = find_room(queue, row, need);

	if (entry) {
		struct queue_buffer *buffer = &queue->buffers[queue->filling];

		entry_fill(entry, need, row);
		buffer->tail += need;
		buffer->used += need;
		buffer->count++;
		queue->taken++;
		wake(queue);
	} else {
		loss_add(&queue->loss, row->sequence, row->time);
	}
	queue->dropped += queue->loss.count - before;
	pthread_mutex_unlock(&queue->lock);
	return entry != NULL;
}

bool queue_refuse(struct queue *queue, const struct row *row)
{
	pthread_mutex_lock(&queue->lock);
	loss_add(&queue->loss, row->sequence, row->time);
	queue->dropped++;
	pthread_mutex_unlock(&queue->lock);
	return false;
}

void queue_shut(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->closed = true;
	pthread_cond_broadcast(&queue->emptied);
	pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
}

bool queue_is_shut(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	bool closed = queue->closed;

	pthread_mutex_unlock(&queue->lock);
	return closed;
}

void queue_poke(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->poked = true;
	pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->lock);
}

/* ---- taking -------------------------------------------------------------------- */

void queue_wait(struct queue *queue, bool half, uint64_t deadline)
{
	struct timespec until = clock_timespec(deadline);
	int r = 0;

	pthread_mutex_lock(&queue->lock);
	while (r == 0 && !queue->poked && !queue->closed) {
		const struct queue_buffer *buffer = &queue->buffers[queue->filling];

		if (half ? buffer->used >= buffer->size / 2 : buffer->count || queue->loss.count)
			break;
		queue->waiting = true;
		r = pthread_cond_timedwait(&queue->filled, &queue->lock, &until);
	}
	queue->waiting = queue->poked = false;
	pthread_mutex_unlock(&queue->lock);
}

struct queue_buffer *queue_take(struct queue *queue, struct loss *loss)
{
	pthread_mutex_lock(&queue->lock);
	struct queue_buffer *full = &queue->buffers[queue->filling];

	queue->filling ^= 1;
	buffer_clear(&queue->buffers[queue->filling]);
	*loss = take(queue->loss);
	pthread_cond_broadcast(&queue->emptied);
	pthread_mutex_unlock(&queue->lock);
	return full;
}

void queue_stats(struct queue *queue, struct queue_stats *out)
{
	pthread_mutex_lock(&queue->lock);
	const struct queue_buffer *buffer = &queue->buffers[queue->filling];

	*out = (struct queue_stats){
		.records = buffer->count,
		.bytes = buffer->used,
		.size = buffer->size,
		.taken = queue->taken,
		.dropped = queue->dropped,
		.blocked = queue->blocked,
	};
	pthread_mutex_unlock(&queue->lock);
}
