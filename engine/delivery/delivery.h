/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable delivery of alerts: from the pipeline through a queue in memory into the spool, and
 * from there to every output at its own pace.
 *
 *	pipeline --queue--> writer thread --spool--> a thread per output --transport--> receiver
 *
 * Promise: an alert is accepted once the transaction that holds it is synced to the disk, at most
 * commit_ms after it was handed over. From then on every output gets it at least once and in
 * order, through crashes of the program and of the machine; a receiver knows a repetition by the
 * alert's id. Before that it is in memory, and a crash loses it. Whatever else is not delivered is
 * counted and told to receivers by an alerts_lost event (include/events/alerts_lost.def).
 */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include <stdatomic.h>

#include "base/arena.h"
#include "delivery/queue.h"
#include "format.h"
#include "transport.h"

/* ---- configuration --------------------------------------------------------------- */

enum { DELIVERY_OUTPUTS_MAX = 32, DELIVERY_FILTERS_MAX = 2 };

struct names_wanted {
	const struct str *names; /* a name, or prefix* */
	uint32_t count;		 /* 0: all */
};

/* What an output wants. Reports of losses pass every filter. */
struct delivery_filter {
	int32_t severity; /* at least; SEVERITY_NONE: also what is no detection */
	struct names_wanted events, policies;
	struct names_wanted detectors; /* by name or id */
};

/* Does the filter let it through? */
bool filter_passes(const struct delivery_filter *filter, const struct row *row);

struct delivery_output {
	const char *name;
	const struct transport *transport;
	struct transport_settings settings;
	const struct format *format;
	struct format_options format_options; /* host and stores are set by delivery */
	struct format_state *format_state;    /* closed with the config */
	struct delivery_filter filters[DELIVERY_FILTERS_MAX]; /* all must pass */
	uint32_t filter_count;
	bool streamed;			      /* a stream chooses what it gets */
	uint64_t timeout_ms;		      /* for one exchange with the receiver */
	uint64_t backoff_least, backoff_most; /* ms between attempts */
	uint32_t give_up_after; /* failures of one while others pass, see suspect.c; 0: never */
	uint32_t batch_records; /* 0: what the transport wants */
	size_t batch_bytes;
	uint64_t rate, burst; /* alerts a second, and at once; 0: no limit */
};

/* Do all its filters let it through? */
bool output_wants(const struct delivery_output *output, const struct row *row);

/* Shared by those who use it; everything in it is in its arena. */
struct delivery_config {
	atomic_int users;
	struct arena arena;
	const char *path; /* of the spool */
	uint64_t spool_bytes, spool_age_ms;
	enum full_policy full;
	uint64_t queue_bytes;
	uint64_t commit_ms; /* longest time an alert waits for its transaction */
	uint64_t drain_ms;  /* how long outputs may go on at the end */
	/* Set by a signal: the pipeline is not to wait for room any more. NULL: never. */
	const volatile sig_atomic_t *stop;
	struct delivery_output *outputs;
	uint32_t output_count;
};

/* One user: the caller. NULL: out of memory. */
struct delivery_config *delivery_config_new(void);
struct delivery_config *delivery_config_hold(struct delivery_config *config);
/* The last user frees it. NULL is fine. */
void delivery_config_release(struct delivery_config *config);

/* ---- the engine ------------------------------------------------------------------ */

struct delivery;

/*
 * Opens the spool and the transports. The config is held as long as it is needed; host must
 * outlive the delivery and not change after delivery_start. 0 or negative errno with err filled.
 */
int delivery_open(struct delivery_config *config, const struct host *host, const char *version,
		  struct delivery **out, struct err *err);
/* The configuration whose spool settings hold: that of delivery_open. */
const struct delivery_config *delivery_settings(const struct delivery *delivery);
/* Starts the threads. */
int delivery_start(struct delivery *delivery, struct err *err);
/* The highest sequence number that this or an earlier process gave to an alert; 0: none. */
uint64_t delivery_sequence(const struct delivery *delivery);
/*
 * Hands over an event: called by the pipeline's thread, which neither waits (but for the policy
 * block) nor allocates. False: dropped, and counted.
 */
bool delivery_take(struct delivery *delivery, const struct event *event,
		   const struct format_options *options);
/*
 * Other outputs from now on; those whose name stays go on behind their cursor. The spool's own
 * settings stay as they are. On failure nothing changes.
 */
int delivery_reload(struct delivery *delivery, struct delivery_config *config, struct err *err);
/*
 * Takes no more alerts, writes what is in memory, lets the outputs send what waits for at most
 * config->drain_ms and ends the threads. What is not sent stays in the spool.
 */
void delivery_drain(struct delivery *delivery);
/* Drains if that was not done. NULL is fine. */
void delivery_close(struct delivery *delivery);

/* ---- counters ----------------------------------------------------------------------- */

/* Why a record was not taken, or not at once. */
enum output_failure {
	FAILURE_UNREACHABLE, /* no connection, or nonsense */
	FAILURE_RETRY,	     /* the receiver wants it again later */
	FAILURE_TOO_LARGE,
	FAILURE_REFUSED, /* to the dead letters */
	FAILURE_COUNT
};

extern const char *const output_failure_names[FAILURE_COUNT];

/* Why alerts are gone; as alerts_lost tells it (include/events/alerts_lost.def). */
enum loss_reason {
	LOSS_QUEUE_FULL,     /* before they were in the spool */
	LOSS_SPOOL_FULL,     /* spool.max_bytes: not let in, or given up by an output */
	LOSS_TOO_OLD,	     /* spool.max_age */
	LOSS_NOT_CONFIGURED, /* deleted while the output was missing in the configuration */
	LOSS_DEAD_LETTERS,   /* more of them than are kept */
	LOSS_SENSOR_ENDED,   /* in memory when the sensor before this one was killed */
	LOSS_REASONS
};
extern const char *const loss_reason_names[LOSS_REASONS];

/* Upper bounds of the latency's buckets, ms; one more bucket for what is longer. */
enum { LATENCY_BUCKETS = 12 };
extern const uint32_t latency_bounds[LATENCY_BUCKETS];

struct output_stats {
	const char *name, *transport, *format;
	uint64_t sent, bytes, batches;
	uint64_t failed[FAILURE_COUNT];
	uint64_t retried;		/* records sent again */
	uint64_t dropped[LOSS_REASONS]; /* never sent, or dead letters that were not kept */
	uint64_t dead;			/* dead letters made */
	uint64_t filtered;
	uint64_t waiting;      /* records in the spool behind the cursor */
	uint64_t oldest_ns;    /* age of the first of them; 0: none */
	uint64_t throttled_ns; /* waited because of the rate */
	uint64_t latency[LATENCY_BUCKETS + 1], latency_ns;
	uint32_t failures; /* in a row; 0: fine */
	char answer[512];  /* the receiver's last, or the error */
};

struct delivery_stats {
	struct queue_stats queue;
	uint64_t committed, commits, commit_ns, commit_failures;
	uint64_t lost[LOSS_REASONS]; /* before they were in the spool */
	uint64_t spool_bytes, spool_limit;
	bool spool_failing;
	char spool_error[256];
	uint32_t output_count;
	struct output_stats outputs[DELIVERY_OUTPUTS_MAX];
};

/* Alerts of this process that never reached the spool. From any thread, as is the next. */
uint64_t delivery_lost(struct delivery *delivery);
void delivery_stats(struct delivery *delivery, struct delivery_stats *out);

#endif
