/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For live tests: run tests/live/workload under source_live and keep what it hands over.
 * Failures are those of cmocka.
 */
#ifndef SUPPORT_SENSOR_H
#define SUPPORT_SENSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "source.h"

struct run {
	struct buf records;	  /* those of the workload and its children, as they came */
	pid_t child;		  /* the workload */
	uint64_t lost;		  /* sum of events_lost */
	uint32_t seen;		  /* records of the workload */
	struct buf printed;	  /* by the workload */
	uint64_t cpu_seq[1024];	  /* highest sequence number + 1 */
	uint64_t cpu_count[1024]; /* records of any process */
};

extern const char all_calls[]; /* names of the twelve calls and ipc */
extern const enum hook_mode hook_modes[4];

/* False (and the test skipped) where the kernel cannot be watched. */
bool sensor_ready(void);
/* Does this kernel offer the kind of hook? */
bool sensor_offers(enum hook_mode mode);
/* names: events, separated by spaces. As source_live.open. */
int sensor_open(enum hook_mode mode, const char *names, size_t ring, struct source **source,
		struct err *err);

/* One run; meanwhile: read while the workload runs, else only when it has ended. */
void run_once(struct run *run, enum hook_mode mode, const char *names, size_t ring, bool meanwhile,
	      const char *what, const char *argument);
/*
 * Without losses: others on this machine may fill the ring faster than we are given time to
 * read it, so a run that lost something is made again.
 */
void run_workload(struct run *run, enum hook_mode mode, const char *names, const char *what,
		  const char *argument);
void run_free(struct run *run);
/* How often the workload says it made a call. */
uint64_t run_done(struct run *run, const char *call);
/* The records of an event one after the other; start with NULL. */
const struct wire_header *run_next(const struct run *run, uint16_t id,
				   const struct wire_header *after);

/* FIRST(run, msgget, record): the first record of an event, its body is `msgget`. */
#define FIRST(run, event, record) \
	const struct wire_header *record = run_next(run, EV_##event, NULL); \
	const struct ev_##event *event = (const struct ev_##event *)(record + 1); \
	assert_non_null(record)

/* The one after. */
#define NEXT(run, event, record) \
	({ \
		record = run_next(run, EV_##event, record); \
		assert_non_null(record); \
		event = (const struct ev_##event *)(record + 1); \
	})

#define HAS(event, record, field) ((record)->present >> FIELD_AT(event, field) & 1)

#endif
