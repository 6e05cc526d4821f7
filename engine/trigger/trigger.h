/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers: harmless instances of what the built-in detectors look for, one per detector,
 * under the name of the event the detector produces.
 *
 * Each runs in a process of its own (the worker). Every object it makes is noted in a ledger
 * in shared memory before anything else is done with it, and removed by the worker at its end
 * or by its parent if the worker dies; a key that is in use is never touched.
 */
#ifndef TRIGGER_TRIGGER_H
#define TRIGGER_TRIGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/common.h"

enum trigger_result {
	TRIGGER_DONE,
	TRIGGER_SKIPPED, /* not here or not by this user; nothing was done */
	TRIGGER_FAILED,
};

enum {
	TRIGGER_TEXT_MAX = 240,
	TRIGGER_OBJECTS_MAX = 16,
	TRIGGER_SECONDS_MAX = 10,
	TRIGGER_PATH_MAX = 64
};

enum object_kind { OBJECT_QUEUE, OBJECT_SEGMENT, OBJECT_SEMAPHORES };

/* Shared by the worker, its children and its parent. */
struct ledger {
	unsigned count;
	struct {
		int kind, id;
		bool removed;
	} objects[TRIGGER_OBJECTS_MAX];
	char folder[TRIGGER_PATH_MAX];	/* of a copy of the program, "" none */
	char program[TRIGGER_PATH_MAX]; /* the copy */
	char text[TRIGGER_TEXT_MAX];	/* what was done, or why not */
};

struct trigger {
	const char *name; /* of the event the detector produces */
	const char *doc;  /* what it does, for --list */
	/* In the worker; says what happened with trigger_done and its like. */
	enum trigger_result (*run)(struct ledger *ledger);
	/* It takes that long, so only who names it wants it; 0: TRIGGER_SECONDS_MAX at most. */
	unsigned seconds;
};

/* Sorted by name. */
extern const struct trigger triggers[];
extern const size_t trigger_count;
/* NULL if there is none. */
const struct trigger *trigger_by_name(const char *name);

/*
 * Run one, wait for it, clean up. `text` takes what was done or why not. The signals SIGINT,
 * SIGTERM, SIGHUP and SIGCHLD must be blocked; they are left pending, and end what takes long.
 */
enum trigger_result trigger_perform(const struct trigger *trigger, char text[TRIGGER_TEXT_MAX]);

/* ---- for the triggers themselves ------------------------------------------------ */

/* Set the text and return the result. */
enum trigger_result trigger_done(struct ledger *ledger, const char *format, ...) PRINTF_LIKE(2, 3);
enum trigger_result trigger_skip(struct ledger *ledger, const char *format, ...) PRINTF_LIKE(2, 3);
/* The system call `what` failed with errno. */
enum trigger_result trigger_fail(struct ledger *ledger, const char *what);

/*
 * Make an object that did not exist and note it. key: IPC_PRIVATE, or a key that must be free
 * (flags get IPC_CREAT|IPC_EXCL). size: bytes of a segment, semaphores of a set, else unused.
 * The identifier, or -1 with errno set.
 */
int object_make(struct ledger *ledger, enum object_kind kind, key_t key, size_t size, int flags);
/* Remove it now, if it is there. */
void object_remove(struct ledger *ledger, int id);
/* A key of ours that no queue, segment or semaphore set has at the moment; -1 if none was found. */
key_t key_free(void);

/*
 * A second process beside the worker. It runs `side` up to the point where that calls
 * helper_ready, and goes on when the worker calls helper_finish (or dies).
 */
struct helper {
	pid_t pid;	    /* 0: not ours to wait for */
	int ready, release; /* ends of pipes */
};

typedef void (*helper_fn)(struct ledger *ledger, struct helper *helper);

enum helper_kind {
	HELPER_NOBODY = 1 << 0,	   /* as user nobody, keeping none of our rights; needs root */
	HELPER_UNRELATED = 1 << 1, /* in a process tree of its own: child of init or a subreaper */
};

/* kind: HELPER_ bits. 0 once it is ready, -1 with errno. */
int helper_start(struct ledger *ledger, unsigned kind, helper_fn side, struct helper *out);
/* In the helper: tell the worker how it went (0 or an errno), and wait until it says go on. */
void helper_ready(struct helper *helper, int error);
/* In the worker: let it go on, and wait for its end. */
void helper_finish(struct helper *helper);

/*
 * trigger_program.c, for detectors that look at the executable: copies this program to NAME in
 * a new folder below `parent` (NULL: a temporary folder that lets programs run) and runs
 * `NAME trigger TRIGGER` there. 0, or -1 with errno (EPROTO: it ran and could not do it; EACCES:
 * it must not run there). A program that uses triggers must understand these arguments.
 */
int program_copy_run(struct ledger *ledger, const char *parent, const char *name,
		     const char *trigger);
/* Are we that copy? */
bool program_is_copy(const char *name);
/* The folder of a copy begins with this, below /tmp or the like. */
#define PROGRAM_FOLDER "/spoor-trigger."
/* Path of the running program. 0 or -1. */
int program_path(char *path, size_t size);
/* Removes the copy, if there is one. */
void program_forget(struct ledger *ledger);

/* trigger_exec.c */
enum trigger_result trigger_fileless_execution(struct ledger *ledger);
enum trigger_result trigger_illegitimate_shell(struct ledger *ledger);
enum trigger_result trigger_rcd_modification(struct ledger *ledger);
enum trigger_result trigger_scheduled_task_mod(struct ledger *ledger);

/* trigger_spray.c */
enum trigger_result trigger_spray_queues(struct ledger *ledger);
enum trigger_result trigger_spray_sequence(struct ledger *ledger);
enum trigger_result trigger_spray_user_namespace(struct ledger *ledger);
enum trigger_result trigger_message_flood(struct ledger *ledger);
enum trigger_result trigger_root_after_spray(struct ledger *ledger);
enum trigger_result trigger_root_child_after_spray(struct ledger *ledger);
enum trigger_result trigger_create_flood(struct ledger *ledger);
enum trigger_result trigger_quota_half(struct ledger *ledger);
enum trigger_result trigger_limit_reached(struct ledger *ledger);
enum trigger_result trigger_attach_failures(struct ledger *ledger);
enum trigger_result trigger_enumeration(struct ledger *ledger);
enum trigger_result trigger_listing_read(struct ledger *ledger);
enum trigger_result trigger_key_guessing(struct ledger *ledger);
enum trigger_result trigger_limits_tamper(struct ledger *ledger);
enum trigger_result trigger_next_id(struct ledger *ledger);
enum trigger_result trigger_remove_all(struct ledger *ledger);
enum trigger_result trigger_remove_all_then_spray(struct ledger *ledger);
enum trigger_result trigger_lifetime_race(struct ledger *ledger);
enum trigger_result trigger_create_race(struct ledger *ledger);
enum trigger_result trigger_exec_protect(struct ledger *ledger);
enum trigger_result trigger_readonly_written(struct ledger *ledger);
enum trigger_result trigger_orphan_reattach(struct ledger *ledger);
enum trigger_result trigger_stranger_channel(struct ledger *ledger);
enum trigger_result trigger_exists_then_used(struct ledger *ledger);
enum trigger_result trigger_key_squatting(struct ledger *ledger);
enum trigger_result trigger_probe_then_create(struct ledger *ledger);
enum trigger_result trigger_left_behind(struct ledger *ledger);
enum trigger_result trigger_cross_container(struct ledger *ledger);

#endif
