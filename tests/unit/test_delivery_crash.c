/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery is killed at every named point, again and again, with one spool and one receiver.
 * The producer goes on behind what the spool has, as a source that can be read again would. In the
 * end the receiver and the dead letters together have every number: gaps 0, and repetitions only of
 * whole records with equal ids.
 *
 * SPOOR_CRASH_ROUNDS (default 200) is the number of processes.
 */
#define SPOOR_FAULTS
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/common.h"
#include "delivery/fault.h"
#include "delivery/private.h"

/*
 * So rare that those refused between two rounds that take them stay below what the spool keeps of
 * dead letters: one beyond that is lost, counted, and no matter of this test.
 */
enum { ROWS_A_ROUND = 30, POISON = 37, NUMBERS_MAX = 100 * 1000 };

static char folder[] = "/dev/shm/spoor-crash-XXXXXX";
static char spool_path[64], received_path[64];
static struct host host = { .name = { "crash-test", 10 } };

static const char *const points[] = {
#define X(name) #name,
	FAULT_POINTS(X)
#undef X
};

/* ---- a receiver: a file, to which each record goes with one write -------------------- */

struct transport_state {
	int fd;
	unsigned turn;
	bool generous; /* takes the poison as well */
};

static int receiver_open(const struct transport_settings *settings, struct transport_state **out,
			 struct err *err)
{
	struct transport_state *state = calloc(1, sizeof(*state));

	(void)err;
	assert_non_null(state);
	state->fd = open(received_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	assert_true(state->fd >= 0);
	state->generous = settings->format[0] == 'g';
	*out = state;
	return 0;
}

static void receive(struct transport_state *state, struct transport_record *record)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%.*s\n", (int)record->bytes.len,
			   record->bytes.data);

	assert_int_equal(write(state->fd, line, (size_t)len), len);
	record->result = DELIVERY_DONE;
}

/* Every seventh batch is taken in part only, every fifth is too large. */
static int receiver_send(struct transport_state *state, struct transport_batch *batch)
{
	unsigned turn = state->turn++;

	for (uint32_t i = 0; i < batch->count; i++) {
		struct transport_record *record = &batch->records[i];

		if (turn % 5 == 4 && batch->count > 3)
			record->result = DELIVERY_TOO_LARGE;
		else if (record->sequence % POISON == 0 && !state->generous)
			record->result = DELIVERY_REFUSED;
		else if (turn % 7 != 6 || i % 2)
			receive(state, record);
	}
	return 0;
}

static void receiver_close(struct transport_state *state, uint64_t deadline)
{
	(void)deadline;
	if (state)
		close(state->fd);
	free(state);
}

static const struct transport receiver = {
	.name = "receiver",
	.batch_records = 16,
	.batch_bytes = 1 << 20,
	.open = receiver_open,
	.send = receiver_send,
	.close = receiver_close,
};

/* ---- a sensor that is killed -------------------- */

static struct delivery *start(bool generous)
{
	static struct delivery_output output;
	struct delivery_config *config = delivery_config_new();
	struct delivery *delivery = NULL;
	struct err err = { 0 };

	assert_non_null(config);
	output = (struct delivery_output){
		.name = "file",
		.transport = &receiver,
		.settings = { .output = "file", .format = generous ? "generous" : "strict" },
		.format = format_by_name(STR("json")),
		.timeout_ms = 1000,
		.backoff_least = 1,
		.backoff_most = 2,
		.batch_records = 16,
		.batch_bytes = 1 << 20,
	};
	config->path = spool_path;
	config->spool_bytes = 200 << 10;
	config->full = FULL_BLOCK;
	config->queue_bytes = 1 << 18;
	config->commit_ms = 1;
	config->drain_ms = 5000;
	config->outputs = &output;
	config->output_count = 1;
	if (delivery_open(config, &host, "test", &delivery, &err) < 0 ||
	    delivery_start(delivery, &err) < 0)
		fail_msg("%s", err.message);
	delivery_config_release(config);
	return delivery;
}

static void put(struct delivery *delivery, uint64_t number)
{
	static const char padding[4000];
	char id[ALERT_ID_LEN + 1], json[64];
	struct row row = { .sequence = number, .time = clock_epoch(), .severity = SEVERITY_HIGH };

	snprintf(id, sizeof(id), "%036" PRIu64, number);
	snprintf(json, sizeof(json), "%" PRIu64, number);
	row.id = str_of(id);
	row.event = STR("test");
	row.process = (struct str){ padding, sizeof(padding) }; /* so that the spool fills */
	row.json = str_of(json);
	assert_true(queue_put(&delivery->queue, &row));
}

static void retry_dead(void)
{
	struct spool *spool = NULL;
	struct err err = { 0 };

	if (spool_open(spool_path, SPOOL_EDITOR, &spool, &err) == 0)
		assert_true(spool_dead_mark(spool, NULL, 0) >= 0);
	spool_close(spool);
}

static void sensor(const char *point, unsigned count, uint32_t rows, bool retry)
{
	if (retry)
		retry_dead();
	fault_arm(point, count);
	struct delivery *delivery = start(retry);
	uint64_t next = delivery_sequence(delivery) + 1;

	for (uint32_t i = 0; i < rows; i++)
		put(delivery, next + i);
	delivery_close(delivery);
}

/* True if it was killed. */
static bool run_sensor(const char *point, unsigned count, uint32_t rows, bool retry)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		freopen("/dev/null", "w", stderr);
		sensor(point, count, rows, retry);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

/* ---- what is there in the end -------------------- */

struct seen {
	uint32_t times[NUMBERS_MAX];
	uint64_t last, repeated;
};

static void read_received(struct seen *seen)
{
	autoclean(fclosep) FILE *file = fopen(received_path, "r");
	char line[64];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *end;
		uint64_t number = strtoull(line, &end, 10);

		assert_true(*end == '\n' && number && number < NUMBERS_MAX);
		seen->repeated += seen->times[number]++ > 0;
		seen->last = MAX(seen->last, number);
	}
}

static bool count_dead(void *ctx, const struct dead_letter *letter)
{
	(void)letter;
	++*(uint32_t *)ctx;
	return true;
}

static uint32_t dead_count(void)
{
	struct spool *spool = NULL;
	struct err err = { 0 };
	uint32_t count = 0;

	assert_int_equal(spool_open(spool_path, SPOOL_READER, &spool, &err), 0);
	assert_int_equal(spool_dead(spool, NULL, 0, false, count_dead, &count), 0);
	spool_close(spool);
	return count;
}

static void test_crash(void **state)
{
	(void)state;
	const char *wanted = getenv("SPOOR_CRASH_ROUNDS");
	unsigned rounds = wanted ? (unsigned)strtoul(wanted, NULL, 10) : 200;
	unsigned killed = 0, kills[ARRAY_SIZE(points)] = { 0 };
	static struct seen seen;

	for (unsigned i = 0; i < rounds; i++) {
		size_t point = i % ARRAY_SIZE(points), cycle = i / ARRAY_SIZE(points);
		bool dead = run_sensor(points[point], 1 + (unsigned)(cycle % 3), ROWS_A_ROUND,
				       point % 6 == 2 || point + 1 == ARRAY_SIZE(points) ||
					       cycle % 4 == 3);

		killed += dead;
		kills[point] += dead;
	}
	/* Nothing kills it now; dead letters are taken. */
	assert_false(run_sensor(NULL, 0, 1, true));
	for (int i = 0; i < 20 && dead_count(); i++)
		assert_false(run_sensor(NULL, 0, 1, true));
	assert_int_equal(dead_count(), 0);
	read_received(&seen);
	for (uint64_t i = 1; i <= seen.last; i++)
		if (!seen.times[i])
			fail_msg("number %" PRIu64 " of %" PRIu64 " is missing", i, seen.last);
	for (size_t i = 0; i < ARRAY_SIZE(points); i++)
		if (!kills[i])
			fail_msg("nothing was ever killed at %s", points[i]);
	printf("# %u of %u processes killed, %" PRIu64 " alerts, 0 missing, %" PRIu64 " repeated\n",
	       killed, rounds, seen.last, seen.repeated);
	assert_true(killed > rounds / 2);
	assert_true(seen.last > rounds);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(spool_path, sizeof(spool_path), "%s/spool.db", folder);
	snprintf(received_path, sizeof(received_path), "%s/received", folder);
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "spool.db", "spool.db-wal", "spool.db-shm",
					     "spool.db.lock", "received" };
	char path[96];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_crash) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("delivery crash", tests, make_folder, remove_folder);
}
