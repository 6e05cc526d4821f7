/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of delivery: a spool in a folder of its own, and a receiver that keeps what it is
 * sent and answers by a script. The strict counterpart of a transport: it fails the test when a
 * batch breaks the contract of include/transport.h.
 */
#ifndef UNIT_RECEIVER_H
#define UNIT_RECEIVER_H

#include "delivery/private.h"

enum { RECEIVED_MAX = 1 << 20 };

/* One receiver for each output of a test; found by the name of its format setting. */
struct receiver {
	const char *name;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t *sequences; /* received, in order */
	uint32_t count, batches, attempts;
	/* The script. */
	bool dead;		  /* nobody is there */
	uint32_t most;		  /* more records at once are too large; 0: no limit */
	uint64_t refuse;	  /* sequences divisible by it are refused; 0: none */
	uint64_t hang_up;	  /* on a batch with a sequence divisible by it; 0: never */
	uint64_t hang_up_through; /* on one with a sequence up to this */
	uint64_t partial; /* sequences divisible by it are taken at the second attempt only */
	uint32_t retry_after_ms;
	char last[4096]; /* bytes of the last record */
};

extern const struct transport receiver_transport;

/* A spool in a new folder; folder_remove deletes it. Config with small times and one user. */
struct delivery_config *test_config(void);
const char *test_spool_path(void);
void test_folder_make(const char *below);
void test_folder_remove(void);

/* An output of the config that goes to the receiver. At most 8. */
struct delivery_output *test_output(struct delivery_config *config, struct receiver *receiver);
struct delivery *test_start(struct delivery_config *config);
/* An alert with this number; false: dropped. */
bool test_put(struct delivery *delivery, uint64_t number, int severity);
/* What became of the alerts of its i-th output. */
void test_output_counts(struct delivery *delivery, uint32_t i, struct output_stats *out);

void receiver_init(struct receiver *receiver, const char *name);
void receiver_free(struct receiver *receiver);
void receiver_set_dead(struct receiver *receiver, bool dead);
/* How many it has, while it goes on. */
uint32_t receiver_count(struct receiver *receiver);
/* Waits until it has so many records; fails the test after 60 s. */
void receiver_wait(struct receiver *receiver, uint32_t count);

#endif
