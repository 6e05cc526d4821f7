/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of rules: YAML files that say which events go in and which detections come out.
 *
 *	type: rule_test
 *	detector: IPC-03		(only its detections count; absent: all)
 *	tests:
 *	  - name: what is shown
 *	    processes: [{pid, ppid, executable, ...}]	(others that the process store knows)
 *	    events:
 *	      - name: msgrcv
 *	        data: {msqid: 3, msgflg: MSG_COPY|IPC_NOWAIT}
 *	        process: {pid: 100, euid: 0, executable: /usr/bin/x}
 *	    expect:			([]: nothing may fire)
 *	      - event: ipc_msg_copy
 *	        severity: critical
 *	        data: {msqid: 3}
 *
 * Numbers may be decimal, 0x..., 0... (octal) or the kernel's names joined by |, with a minus in
 * front. What is not given has a default; the clock is virtual.
 */
#ifndef DETECT_RULE_TEST_H
#define DETECT_RULE_TEST_H

#include "base/schema.h"
#include "detect.h"

extern const struct schema rule_test_schema;

struct rule_test_count {
	uint32_t passed, failed;
	/* In: sees what each test detects, before it is compared; NULL: nobody does. */
	detect_sink sink;
	void *ctx;
};

/*
 * Runs all tests of a file. Failures and mistakes in the file go to `problems` with their place.
 * golden, if not NULL, takes what differs instead: such a test counts as passed. 0, or -ENOMEM.
 */
struct golden;
int rule_test_run(struct ruleset *ruleset, const struct yaml_file *file, struct err_list *problems,
		  struct rule_test_count *count, struct golden *golden);

/*
 * One detection in a line, all of it that a rule decides: fields, rule, time, what its
 * memory says. For messages, and to compare.
 */
struct buf;
void detection_print(const struct event *event, struct buf *out);

/* Without running them: keys, kinds, names of detectors and events. */
void rule_test_check(struct ruleset *ruleset, const struct yaml_file *file,
		     struct err_list *problems);

#endif
