/* SPDX-License-Identifier: Apache-2.0 */
/* What the store of System V objects does not know, see ipc_gap.h. */
#include "ipc_gap.h"

#include <errno.h>

#include "base/common.h"
#include "base/pages.h"

enum { GAP_BYTES = GAP_BITS / 8, WORD_BITS = 64 };

int ipc_gaps_init(struct ipc_gaps *gaps)
{
	for (unsigned i = 0; i < 2; i++) {
		gaps->evicted[i] = pages_reserve(GAP_BYTES, SIZE_MAX);
		if (!gaps->evicted[i])
			return -ENOMEM;
	}
	return 0;
}

void ipc_gaps_free(struct ipc_gaps *gaps)
{
	for (unsigned i = 0; i < 2; i++)
		pages_free(gaps->evicted[i], GAP_BYTES);
}

void ipc_gaps_lose(struct ipc_gaps *gaps, struct str event, uint64_t time)
{
	static const char *const makers[IPC_KINDS] = { "msgget", "shmget", "semget" };

	for (unsigned kind = 0; kind < IPC_KINDS; kind++)
		if (!event.len || str_equal(event, str_of(makers[kind])))
			gaps->lost[kind] = MAX(gaps->lost[kind], time);
}

void ipc_gaps_evict(struct ipc_gaps *gaps, uint64_t hash)
{
	uint64_t *older = gaps->evicted[1], bit = hash % GAP_BITS;

	if (gaps->evicted_count == GAP_EVICTED) {
		memset(older, 0, GAP_BYTES);
		gaps->evicted[1] = gaps->evicted[0];
		gaps->evicted[0] = older;
		gaps->evicted_count = 0;
	}
	gaps->evicted[0][bit / WORD_BITS] |= 1ULL << bit % WORD_BITS;
	gaps->evicted_count++;
}

bool ipc_gaps_may_hide(const struct ipc_gaps *gaps, enum ipc_kind kind, uint64_t hash)
{
	uint64_t bit = hash % GAP_BITS, mask = 1ULL << bit % WORD_BITS;

	return gaps->lost[kind] > gaps->listed || gaps->evicted[0][bit / WORD_BITS] & mask ||
	       gaps->evicted[1][bit / WORD_BITS] & mask;
}
