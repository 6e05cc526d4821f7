/* SPDX-License-Identifier: Apache-2.0 */
/* Events of rule tests: from short form to a real record: tests run what the sensor runs. */
#ifndef DETECT_TEST_EVENT_H
#define DETECT_TEST_EVENT_H

#include "base/schema.h"
#include "event.h"

struct test_process_text {
	const struct yaml_node *node;
	const struct yaml_node *pid, *tid, *ppid, *uid, *euid, *gid, *loginuid, *comm, *executable;
	const struct yaml_node *mnt_ns, *pid_ns, *ipc_ns, *user_ns, *net_ns, *cgroup_id;
	bool compat, kernel_thread;
};

struct test_container_text {
	const struct yaml_node *node;
	const struct yaml_node *id, *name, *image;
	bool started;
};

struct test_event_text {
	const struct yaml_node *node;
	const struct yaml_node *name, *data, *time, *after, *repeat, *every;
	struct test_process_text process;
	struct test_container_text container;
	const struct yaml_node *from_user; /* fields that were read from user memory */
};

extern const struct schema test_event_schema, test_process_schema;

struct stores;

/* A value of a field's type from its text; -EINVAL with err's message. Lives in the arena. */
int test_value(const struct yaml_node *node, uint8_t type, struct arena *arena, struct value *out,
	       struct err *err);

/* Makes a process known to the stores. */
void test_process_learn(struct report *report, const struct test_process_text *text,
			struct stores *stores, struct arena *arena);

/* When a test begins, boot ns: long after boot. */
enum { TEST_HOURS = 2 };
static const uint64_t test_epoch = TEST_HOURS * 3600ULL * 1000000000;
/* Of the events of tests, and of the stores that know their processes. */
extern const struct clock test_clock;

/* How often it happens, and how long after each other; mistakes are reported. */
uint32_t test_event_repeat(struct report *report, const struct test_event_text *text,
			   uint64_t *every);
/* Nanoseconds: 10, 1.5 (seconds) or 10s, 300ms. */
uint64_t test_time(struct report *report, const struct yaml_node *node);
/* The text for the n-th time, from 0: $n in its values is that number. */
struct test_event_text test_event_nth(const struct test_event_text *text, uint32_t n,
				      struct arena *arena);
/*
 * An event at `time` (boot ns); its own process is made known to the stores first. NULL with
 * problems reported.
 */
struct event *test_event_make(struct report *report, const struct test_event_text *text,
			      const struct event_def *def, struct stores *stores, uint64_t time,
			      struct arena *arena);

#endif
