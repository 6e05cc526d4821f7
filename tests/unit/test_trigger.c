/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers leave nothing behind, whatever happens to them, and say how it went. Runs in an IPC
 * namespace of its own, where that is possible, so that nothing else makes objects there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include "base/common.h"
#include "detect/detect.h"
#include "trigger/trigger.h"

static bool own_namespace;

static int setup(void **state)
{
	sigset_t held;

	(void)state;
	own_namespace = unshare(CLONE_NEWIPC) == 0;
	sigemptyset(&held);
	sigaddset(&held, SIGCHLD);
	return sigprocmask(SIG_BLOCK, &held, NULL);
}

static unsigned objects_in(const char *path)
{
	autoclean(fclosep) FILE *file = fopen(path, "r");
	char line[512];
	unsigned lines = 0;

	while (file && fgets(line, sizeof(line), file))
		lines++;
	return lines ? lines - 1 : 0;
}

static void assert_no_objects(void)
{
	assert_int_equal(objects_in("/proc/sysvipc/msg"), 0);
	assert_int_equal(objects_in("/proc/sysvipc/shm"), 0);
	assert_int_equal(objects_in("/proc/sysvipc/sem"), 0);
}

static void test_sorted(void **state)
{
	(void)state;
	assert_true(trigger_count > 0);
	for (size_t i = 1; i < trigger_count; i++)
		assert_true(strcmp(triggers[i - 1].name, triggers[i].name) < 0);
}

static void test_all_run_and_clean_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < trigger_count; i++) {
		if (triggers[i].seconds)
			continue;
		char text[TRIGGER_TEXT_MAX] = "";
		enum trigger_result result = trigger_perform(&triggers[i], text);

		bool may_skip = !strcmp(triggers[i].name, "ipc_cross_container") ||
				!strcmp(triggers[i].name, "ipc_spray_user_namespace") ||
				geteuid() != 0;

		if (result == TRIGGER_FAILED || (result == TRIGGER_SKIPPED && !may_skip))
			fail_msg("%s: %s", triggers[i].name, text);
		assert_true(strlen(text) > 0);
		if (own_namespace)
			assert_no_objects();
	}
}

static enum trigger_result run_and_die(struct ledger *ledger)
{
	object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, 1, IPC_CREAT | 0600);
	object_make(ledger, OBJECT_QUEUE, IPC_PRIVATE, 0, IPC_CREAT | 0600);
	object_make(ledger, OBJECT_SEMAPHORES, IPC_PRIVATE, 1, IPC_CREAT | 0600);
	raise(SIGKILL);
	return TRIGGER_DONE;
}

static void test_cleans_up_after_a_dead_worker(void **state)
{
	const struct trigger dies = { "dies", "", run_and_die };
	char text[TRIGGER_TEXT_MAX];

	(void)state;
	assert_int_equal(trigger_perform(&dies, text), TRIGGER_FAILED);
	assert_string_equal(text, "ended by signal 9");
	if (!own_namespace)
		skip();
	assert_no_objects();
}

static enum trigger_result run_long(struct ledger *ledger)
{
	object_make(ledger, OBJECT_SEGMENT, IPC_PRIVATE, 1, IPC_CREAT | 0600);
	kill(getppid(), SIGINT);
	pause();
	return TRIGGER_DONE;
}

/* What takes minutes ends at once by Ctrl-C, which its caller gets as well. */
static void test_long_one_is_interrupted(void **state)
{
	const struct trigger takes_long = { "long", "", run_long, .seconds = 60 };
	char text[TRIGGER_TEXT_MAX];
	const struct timespec none = { 0 };
	sigset_t interrupt, before;

	(void)state;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &before);
	assert_int_equal(trigger_perform(&takes_long, text), TRIGGER_FAILED);
	assert_string_equal(text, "not finished, ended");
	assert_int_equal(sigtimedwait(&interrupt, NULL, &none), SIGINT);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (own_namespace)
		assert_no_objects();
}

static enum trigger_result run_taken_key(struct ledger *ledger)
{
	key_t key = key_free();
	int first = object_make(ledger, OBJECT_SEGMENT, key, 1, 0600);

	if (first < 0 || object_make(ledger, OBJECT_SEGMENT, key, 1, 0600) >= 0)
		return trigger_done(ledger, "a key was taken twice");
	if (ledger->count != 1)
		return trigger_done(ledger, "an object that is not ours was noted");
	object_remove(ledger, first);
	if (shmget(key, 1, 0) >= 0)
		return trigger_done(ledger, "the segment was not removed");
	return trigger_skip(ledger, "as it should be");
}

static void test_keeps_off_what_exists(void **state)
{
	const struct trigger taken = { "taken", "", run_taken_key };
	char text[TRIGGER_TEXT_MAX];

	(void)state;
	assert_int_equal(trigger_perform(&taken, text), TRIGGER_SKIPPED);
	assert_string_equal(text, "as it should be");
}

/* The real thing: a segment under the key that the trigger wants. */
static void test_skips_a_key_in_use(void **state)
{
	char text[TRIGGER_TEXT_MAX];

	(void)state;
	if (!own_namespace)
		skip();
	int id = shmget((key_t)0x82015f0d, 1, IPC_CREAT | IPC_EXCL | 0600);

	assert_true(id >= 0);
	for (size_t i = 0; i < trigger_count; i++)
		if (!strcmp(triggers[i].name, "ipc_derusbi_key")) {
			assert_int_equal(trigger_perform(&triggers[i], text), TRIGGER_SKIPPED);
			assert_non_null(strstr(text, "exists on this host"));
		}
	assert_int_equal(shmctl(id, IPC_RMID, NULL), 0); /* still there: nobody touched it */
}

/*
 * Built-in detectors that a live sensor runs and triggers are the same set, by the name of the
 * event produced.
 */
static void test_one_for_each_detector(void **state)
{
	struct ruleset_options options = { .live = true };
	struct err_list problems = { 0 };
	struct ruleset *ruleset = ruleset_load_builtin(&options, &problems);
	struct detector_info info;

	(void)state;
	assert_non_null(ruleset);
	assert_int_equal(problems.errors, 0);
	uint32_t count = ruleset_detector_count(ruleset);

	uint32_t alerts = 0; /* derived events are parts of other detectors */

	for (uint32_t i = 0; i < count; i++) {
		ruleset_detector(ruleset, i, &info);
		if (!info.threat)
			continue;
		alerts++;
		if (!trigger_by_name(info.produces->name))
			fail_msg("no trigger for %s", info.produces->name);
	}
	for (size_t i = 0; i < trigger_count; i++)
		if (!ruleset_event(ruleset, str_of(triggers[i].name)))
			fail_msg("no detector for the trigger %s", triggers[i].name);
	assert_int_equal(alerts, trigger_count);
	err_list_free(&problems);
	ruleset_free(ruleset);
}

/* A copy of this program, made by a trigger: does what `spoor trigger NAME` would. */
static int run_as_copy(const char *name)
{
	char text[TRIGGER_TEXT_MAX];

	setup(NULL);
	return trigger_by_name(name) ? trigger_perform(trigger_by_name(name), text)
				     : TRIGGER_FAILED;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "trigger"))
		return run_as_copy(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_all_run_and_clean_up),
		cmocka_unit_test(test_cleans_up_after_a_dead_worker),
		cmocka_unit_test(test_long_one_is_interrupted),
		cmocka_unit_test(test_keeps_off_what_exists),
		cmocka_unit_test(test_skips_a_key_in_use),
		cmocka_unit_test(test_one_for_each_detector),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
