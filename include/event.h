/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what one is (event_def, the table) and one occurrence of it (event, a
 * read-only view of a record). Fields are read in place, by position, when
 * somebody asks; nothing is decoded before that.
 */
#ifndef SPOOR_EVENT_H
#define SPOOR_EVENT_H

#include <stddef.h>

#include "value.h"
#include "wire.h"

struct arena;
struct process; /* store.h */
struct container;

/* ---- the table ---------------------------------------------------------- */

enum field_owner { TRACEE, OWN };

/* Of a record, only where the bytes are stands in its fixed part; see types.def. */
static inline bool field_is_ref(uint8_t type)
{
	return type >= FIELD_str;
}

struct event_field {
	const char *name;
	uint8_t type;	      /* enum field_type */
	uint8_t owner;	      /* TRACEE: in its JSON; OWN: after it, and left out of tracee-json */
	uint16_t offset;      /* into the record, header included */
	const char *names;    /* how to print it: a row of engine/event/names.def; "raw" none */
	const char *origin;   /* tags, space-separated: K U TOCTOU OPT */
	const char *captured; /* where: "register at entry", ... */
	const char *doc;
};

struct event_hook {
	uint8_t mode;	    /* enum hook_mode */
	const char *type;   /* fentry fexit kprobe kretprobe tracepoint tp_btf */
	const char *target; /* function, tracepoint */
	const char *purpose;
};

struct event_def {
	uint16_t id;
	const char *name;
	const char *version;
	const char *sets; /* space-separated */
	int16_t syscall;  /* x86-64 number, -1 none */
	int16_t syscall32;
	uint16_t field_count;
	uint16_t hook_count;
	uint16_t body_size; /* bytes behind the header: sizeof(struct ev_NAME) */
	bool replay_only;   /* known, but not collected yet: recordings of it can be read */
	const struct event_field *fields;
	const struct event_hook *hooks;
	const char *intro, *description, *advantages, *drawbacks, *example, *issues, *related;
};

/* The known events, sorted by name. */
extern const struct event_def event_table[];
extern const size_t event_table_count;

/* Is it a row of the table? Else rules made it. */
static inline bool event_is_known(const struct event_def *def)
{
	return def >= event_table && def < event_table + event_table_count;
}
/* NULL if there is none. */
const struct event_def *event_by_name(struct str name);
const struct event_def *event_by_id(uint32_t id);
bool event_in_set(const struct event_def *def, struct str set);
/* Made by one of Tracee's own detectors: known, so that it can be named, and made by a rule. */
bool event_is_detection(const struct event_def *def);
/* Position of a field, or -1. */
int event_field_index(const struct event_def *def, struct str name);

/* ---- what a recording knew (JSON replay) --------------------------------- */

/*
 * Things that live events get from the stores and a recording brings along.
 * Strings with data == NULL are absent. Lives in the batch arena.
 */
struct event_given {
	bool has_process, has_container, has_parent;
	uint32_t process_id, thread_id, parent_id; /* entity hashes */
	struct str executable;
	struct str container_id, container_name, image_id, image_name, image_digest;
	bool container_started;
	struct str pod_name, pod_uid, pod_namespace;
	struct str host_name;
	struct str syscall_name;
	struct str timestamp; /* as it was written, so that it prints the same */
	bool has_sequence;    /* seq and cpu were there */
	struct str container_runtime;
	struct str source_event;		/* detections: name of the event they began with */
	const struct given_ancestor *ancestors; /* parent first; only where one has a name */
	uint32_t ancestor_count;
};

struct given_ancestor {
	uint32_t process_id, pid, ns_pid;
	struct str executable, comm;
};

/* ---- one event ------------------------------------------------------------ */

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };
enum { SEVERITY_COUNT = SEVERITY_CRITICAL + 1 };
/* "info" to "critical", as rules and commands write them; NULL-terminated. */
extern const char *const severity_names[SEVERITY_COUNT + 1];
/* -1: there is none of this name. */
int severity_by_name(struct str name);

struct threat_property {
	struct str key, value;
};

/* Static threat data of a detector; lives in the ruleset arena. */
struct threat {
	struct str name, description, tactic, technique_id, technique_name;
	bool has_mitre;
	enum severity severity;
	struct threat_property *properties; /* sorted by key */
	uint32_t property_count;
};

/* The host a sensor watches. Texts with len == 0 are not known. */
struct host {
	struct str name;
	struct str machine_id, boot_id; /* as in /etc/machine-id and the kernel's boot_id */
	const struct str *addresses;	/* IPv4 and IPv6, without loopback and link-local ones */
	uint32_t address_count;
};

enum { ALERT_ID_LEN = 36 };

/* Tells a detection that leaves the sensor from all others. */
struct alert_identity {
	char id[ALERT_ID_LEN + 1]; /* a UUID: alert_id() */
	uint64_t sequence;	   /* of the sensor, from 1, without gaps */
};

/* What a rule with memory knew when it fired; times are boot ns. */
struct event_state {
	const char *phase;    /* crossed, again, closed, complete, absent, ...; static */
	uint64_t first, last; /* the first and the last event that counted */
	uint64_t events;      /* how many did */
	uint64_t lost;	      /* so many may be missing from them: the verdict is partial */
};

/*
 * A view. `wire` is always there: a produced event shows the record of the
 * event it was made from (same time, same workload), with data of its own in
 * `values`. Valid until the batch ends.
 */
struct event {
	const struct event_def *def;
	const struct wire_header *wire;
	const struct value *values;	   /* produced events: one per field of def, else NULL */
	const struct event *detected_from; /* produced events: their input */
	const struct threat *threat;	   /* produced events that carry one */
	struct str rule;		   /* produced events: id of the detector */
	uint32_t repeat; /* produced events: how often this detector fired on its input before */
	const struct alert_identity *alert; /* produced events that leave the sensor */
	const struct event_state *state;    /* made by a rule with memory, else NULL */
	bool print_detected_from;	    /* auto_populate.detected_from */
	bool print_ancestry;		    /* auto_populate.process_ancestry */
	const struct process *process;	    /* from the process store, may be NULL */
	const struct container *container;  /* from the container store, may be NULL */
	const struct event_given *given;    /* from a recording, may be NULL */
	const struct str *policies;	    /* names of the matched policies */
	uint32_t policy_count;
	const struct clock *clock; /* boot time to epoch, never NULL */
};

/* epoch ns = boot ns + boot_epoch_ns; measured once per start, or taken from the capture. */
struct clock {
	uint64_t boot_epoch_ns;
};

/*
 * The value of field `index`. VALUE_NULL if it was not captured. Strings and
 * bytes point into the record; lists are built in `arena` (NULL: lists give
 * VALUE_NULL).
 */
struct value event_field_value(const struct event *event, unsigned index, struct arena *arena);

/* Host name of the workload's UTS namespace; data == NULL: not known, as nobody asked for it. */
struct str event_host_name(const struct event *event);

/* Was this field read from user memory this time? */
bool event_field_from_user(const struct event *event, unsigned index);

/*
 * Can the path of a program in this user namespace be believed? In one of their own, users mount
 * what they like at any path; the first always has this number (PROC_USER_INIT_INO in the kernel).
 * 0: not known, as in recordings of others, which then are believed.
 */
#define USER_NS_FIRST 0xeffffffdu
static inline bool user_ns_is_first(uint32_t user_ns)
{
	return user_ns == 0 || user_ns == USER_NS_FIRST;
}

/*
 * Checks a record that comes from outside (a capture): sizes, refs, id. 0, or
 * -EBADMSG with *why set to a static text. Everything else trusts records.
 */
int wire_check(const struct wire_header *record, size_t available, const char **why);

/* Tracee's entity hash (murmur3 of pid and start time in 100 ms steps). */
uint32_t entity_hash(uint32_t pid, uint64_t start_epoch_ns);
uint32_t event_process_hash(const struct event *event);
uint32_t event_thread_hash(const struct event *event);
uint32_t event_parent_hash(const struct event *event);

/*
 * Writes the UUID (version 7) of a detection, with a NUL. The time is the event's, the rest a hash
 * of the host, its boot, the record and the detectors that made it: a replay of the same record
 * gives the same id. Events that are no detections have one as well.
 */
void alert_id(char out[ALERT_ID_LEN + 1], const struct event *event, const struct host *host);

/* Name of an x86-64 system call, data == NULL if unknown. */
struct str syscall_name(int number);
/* The other way; -1 if unknown. */
int syscall_number(struct str name);

#endif
