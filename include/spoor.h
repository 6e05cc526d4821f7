/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libspoor: the sensor as a library. One opaque handle, one thread per handle.
 * Functions that can fail return 0 or a negative errno; spoor_error() then tells
 * what, where and what to do about it.
 */
#ifndef SPOOR_H
#define SPOOR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spoor;
struct event;

struct spoor_config {
	const char *const *detectors;	/* files, folders, NULL-terminated; NULL: built-in */
	const char *const *policies;	/* files, folders, builtin; NULL: see rules/README.md */
	const char *const *events;	/* --events expressions; NULL: alerts only */
	const char *const *scopes;	/* --scope, for events; NULL: all workloads */
	const char *const *outputs;	/* --output expressions; NULL: table to stdout */
	const char *memory;		/* file for what first_seen has learnt; NULL: none */
	const char *const *enrichments; /* "environment"; NULL: none */
	const char *hook;		/* auto fentry kprobe tracepoint raw; NULL: auto */
	size_t ring_bytes;		/* 0: default */
	bool compat_tracee;		/* Tracee's literal behaviour where we differ */
	/*
	 * A configuration file: its destinations, spool and suppression are used, and read again by
	 * spoor_reload. Its other settings are the caller's matter. NULL: none.
	 */
	const char *config_file;
	/* Not 0: the sensor is to end, nothing may wait any more. NULL: never. */
	const volatile sig_atomic_t *stop;
	bool live; /* for spoor_open_live: what cannot be collected is an error, here */
};

/* Why the kernel side could not hand over a record; names as events_lost tells them. */
enum spoor_lost {
	SPOOR_LOST_RING_FULL,
	SPOOR_LOST_KRETPROBE_MISSED,
	SPOOR_LOST_PROGRAM_BUSY,
	SPOOR_LOST_REASONS
};
extern const char *const spoor_lost_names[SPOOR_LOST_REASONS];

struct spoor_stats {
	uint64_t events; /* records seen */
	uint64_t lost;	 /* records lost in the kernel */
	uint64_t lost_by[SPOOR_LOST_REASONS];
	uint64_t malformed;   /* input refused */
	uint64_t unknown;     /* input of unknown events */
	uint64_t alerts;      /* detections sent to outputs */
	uint64_t printed;     /* events of all kinds sent to outputs */
	uint64_t failed;      /* records an output could not take */
	uint64_t rule_errors; /* conditions or outputs that ended in an error */
	uint64_t suppressed;  /* alerts held back by suppress rules */
	/* What rules remember: keys, bytes; keys given up, events too late, inexact counts. */
	uint64_t memory_keys, memory_bytes, memory_evicted, memory_late, memory_inexact;
	uint64_t memory_unheld, memory_replaced, memory_withheld;
	/* What the stores forgot for want of room; of processes those that have ended first. */
	uint64_t processes_evicted, containers_evicted, objects_evicted, attaches_evicted;
};

/* Seen by the caller for every event that leaves the sensor; valid during the call. */
typedef void (*spoor_event_fn)(void *ctx, const struct event *event);

const char *spoor_version(void);
/* NULL only when out of memory. */
struct spoor *spoor_new(void);
/*
 * Loads rules and opens outputs. On failure nothing is left open. -EDOM: no rule and no file is
 * wrong, but the events, scopes or outputs that the config names.
 */
int spoor_load(struct spoor *spoor, const struct spoor_config *config);
/* Optional: a callback beside the outputs. */
void spoor_on_event(struct spoor *spoor, spoor_event_fn fn, void *ctx);
/* Write every record to a capture file as well. */
int spoor_record(struct spoor *spoor, const char *path);
/* Choose the source: the kernel, or a file ("-" is stdin; format by content). */
int spoor_open_live(struct spoor *spoor);
int spoor_open_file(struct spoor *spoor, const char *path);
/* Process what is there, waiting up to timeout_ms. >0 records, 0 none, -ENODATA at the end. */
int spoor_poll(struct spoor *spoor, int timeout_ms);
/* Load the rules again; on failure the old ones stay. */
int spoor_reload(struct spoor *spoor);
/* Stop collecting, process what is left, flush the outputs. */
int spoor_drain(struct spoor *spoor);
/* What delivery did, a line for each output; "" without one. Valid until called again. */
const char *spoor_delivery_report(struct spoor *spoor);
void spoor_stats(const struct spoor *spoor, struct spoor_stats *out);
/* Text of the last failure, one or more lines, ready to print; never NULL. */
const char *spoor_error(const struct spoor *spoor);
/* Warnings of the last load, ready to print; "" if none. */
const char *spoor_warnings(const struct spoor *spoor);
/*
 * Detectors that ended in an error for the first time since this was last asked, a line each,
 * ready to print; "" if none. Valid until the next call.
 */
const char *spoor_faults(struct spoor *spoor);
/* How many detectors are loaded. */
uint32_t spoor_detector_count(const struct spoor *spoor);
/* NULL is fine. */
void spoor_close(struct spoor *spoor);

#ifdef __cplusplus
}
#endif
#endif
