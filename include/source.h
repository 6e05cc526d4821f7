/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source yields records: the live kernel, a capture, recorded JSON. Everything
 * that is not in a record (executables of processes that were already running,
 * paths of cgroups) enters as records too (process_existing, cgroup_existing), so
 * that a capture replays to the same bytes.
 */
#ifndef SPOOR_SOURCE_H
#define SPOOR_SOURCE_H

#include "event.h"
#include "spoor.h"

struct err;

/* Called for each record; the record is valid during the call only. given: NULL unless JSON. */
typedef void (*source_sink)(void *ctx, const struct wire_header *record,
			    const struct event_given *given);

/*
 * A record that is to come after SOURCE_AHEAD - 1 others (fewer at first): whoever will need
 * memory for it may fetch that ahead. Checked for nothing but its size.
 */
enum { SOURCE_AHEAD = 3 };
typedef void (*source_soon)(void *ctx, const struct wire_header *record);

struct source_want {
	const struct event_def *const *events; /* what the rules and --events need */
	size_t count;
	enum hook_mode hook; /* HOOK_NONE: the best there is */
	size_t ring_bytes;   /* power of two; 0: default */
	bool environment;    /* collect environments of programs (sched_process_exec.env) */
	bool host_names;     /* collect the host name of each event's UTS namespace */
	const char *path;    /* file sources */
	int fd;		     /* file sources: the path, open already; the caller's. 0: it is not */
	source_soon soon;    /* told as far as the source can; NULL: nobody is */
	void *soon_ctx;
};

struct source_stats {
	uint64_t records; /* handed to the sink */
	uint64_t lost;	  /* counted by the kernel side, all reasons */
	uint64_t lost_by[SPOOR_LOST_REASONS];
	uint64_t malformed; /* refused lines or records */
	uint64_t unknown;   /* well-formed, of an event that is not in the table */
};

struct source; /* each source's own */

struct source_ops {
	const char *name;
	/* File sources: is this the beginning of one of mine? NULL: not a file source. */
	bool (*recognise)(const char *head, size_t len);
	/* On success the caller owns *out until close. */
	int (*open)(const struct source_want *want, struct source **out, struct err *err);
	/* Change what is collected without a gap; NULL: not possible. */
	int (*rewant)(struct source *source, const struct source_want *want, struct err *err);
	/*
	 * Hand over what is there. Waits up to timeout_ms if there is nothing. Returns the number
	 * of records, 0 for none yet, -ENODATA at the end, or another negative errno (err filled).
	 */
	int (*read)(struct source *source, int timeout_ms, source_sink sink, void *ctx,
		    struct err *err);
	/*
	 * The process or cgroup of `record` is not known to the stores: hand records that
	 * describe it to the sink, if the source can tell. NULL: cannot.
	 */
	void (*describe)(struct source *source, const struct wire_header *record, source_sink sink,
			 void *ctx);
	/*
	 * Stop collecting and hand over everything that is left: detach first, then the ring,
	 * then the last events_lost. After it `read` answers -ENODATA. NULL: nothing to do (files).
	 */
	int (*drain)(struct source *source, source_sink sink, void *ctx, struct err *err);
	const struct clock *(*clock)(const struct source *source);
	/*
	 * The host the records come from, as far as the source knows, until it is closed, and the
	 * sequence number of the last alert before the first record. NULL: this one, and none.
	 */
	const struct host *(*host)(const struct source *source, uint64_t *sequence);
	void (*stats)(const struct source *source, struct source_stats *out);
	void (*close)(struct source *source);
};

/* engine/source: recorded events. `path` "-" is stdin. */
extern const struct source_ops source_capture; /* our own, made by `spoor record` */
extern const struct source_ops source_json;    /* Tracee's v1beta1 and legacy JSON, a line each */

/* ---- the live kernel: bpf/live.c and bpf/plan.c -------------------------------- */

extern const struct source_ops source_live;

enum check_state { CHECK_OK, CHECK_DEGRADED, CHECK_MISSING };

/* One line of `spoor doctor`: what was looked at, what was found, what to do. */
struct source_check {
	const char *name; /* "BTF", "kprobes", "lockdown", "ring buffer", ... */
	enum check_state state;
	char found[200];
	char advice[300]; /* "" none */
};

/* One line of the hook plan. */
struct source_hook {
	const struct event_def *event;
	enum hook_mode mode;
	const char *type; /* kprobe, fexit, ... */
	char target[96];  /* the symbol as resolved */
	bool chosen;
	char reason[200]; /* why chosen, or why not */
};

void source_live_check(void (*report)(void *ctx, const struct source_check *check), void *ctx);
/* Works without root as far as it can: what cannot be tried is said in `reason`. */
int source_live_plan(const struct source_want *want,
		     void (*report)(void *ctx, const struct source_hook *hook), void *ctx,
		     struct err *err);

/* ---- writing captures: engine/source/capture.c --------------------------------- */

struct capture_writer;

/* sequence: number of the last alert before the first record. */
int capture_create(const char *path, const struct clock *clock, const struct host *host,
		   uint64_t sequence, struct capture_writer **out, struct err *err);
/* Buffered. 0 or negative errno. */
int capture_write(struct capture_writer *writer, const struct wire_header *record);
/* Flushes, closes, frees; the error of the last write if there was one. NULL is fine. */
int capture_close(struct capture_writer *writer);

#endif
