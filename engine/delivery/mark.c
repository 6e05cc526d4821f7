/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline has handed over, through the end of the process. */
#include <fcntl.h>
#include <sys/mman.h>

#include "delivery/private.h"

enum { MARK_MAGIC = 0x4b52414d };

struct mark {
	uint32_t magic, reserved;
	_Atomic uint64_t sequence;    /* of the last alert */
	_Atomic uint64_t life, taken; /* records handed over in this life of the spool */
};

/* The block is there before it is written: a full disk is an error here, and no signal later. */
struct mark *mark_open(int fd)
{
	if (posix_fallocate(fd, 0, sizeof(struct mark)) != 0)
		return NULL;
	struct mark *mark = mmap(NULL, sizeof(*mark), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mark == MAP_FAILED)
		return NULL;
	if (mark->magic != MARK_MAGIC) {
		mark->sequence = mark->life = mark->taken = 0;
		mark->magic = MARK_MAGIC;
	}
	return mark;
}

uint64_t mark_sequence(const struct mark *mark)
{
	return mark ? mark->sequence : 0;
}

uint64_t mark_taken(const struct mark *mark, uint64_t life)
{
	return mark && mark->life == life ? mark->taken : 0;
}

void mark_begin(struct mark *mark, uint64_t life)
{
	if (!mark)
		return;
	mark->taken = 0;
	mark->life = life;
}

void mark_count(struct mark *mark, uint64_t sequence)
{
	if (!mark)
		return;
	if (sequence)
		atomic_store_explicit(&mark->sequence, sequence, memory_order_relaxed);
	atomic_store_explicit(&mark->taken, mark->taken + 1, memory_order_relaxed);
}

void mark_close(struct mark *mark)
{
	if (mark)
		munmap(mark, sizeof(*mark));
}
