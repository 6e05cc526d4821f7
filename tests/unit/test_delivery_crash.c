/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery is killed at every named point, again and again, with one spool and one receiver.
 * The producer goes on behind what the spool has, as a source that can be read again would. In the
 * end the receiver and the dead letters together have every number: gaps 0, and repetitions only of
 * whole records with equal ids.
 *
 * The other tests have policies that drop: a receiver that is away half of the time, a spool that
 * is too small, records that fit into no buffer. In the end what was received and what alerts_lost
 * records tell are together every number that was ever handed over.
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
enum { ROWS_A_ROUND = 30, POISON = 37, NUMBERS_MAX = 100 * 1000, LINE_MAX_LEN = 4096 };
enum { LARGE = 11, QUEUE_BYTES = 1 << 18, REPORTS_MAX = 10000 };

static char folder[32];
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
	bool away;
};

/* How a sensor of a test is set up. */
struct setup {
	const char *receiver; /* strict, generous, away */
	enum full_policy full;
	bool large; /* every LARGE-th record fits nowhere */
};

static const struct setup strict = { "strict", FULL_BLOCK, false };
static const struct setup generous = { "generous", FULL_BLOCK, false };

/* Of a policy that drops: away and there. */
static const struct setup newest[] = { { "away", FULL_DROP_NEWEST, true },
				       { "generous", FULL_DROP_NEWEST, true } };
static const struct setup oldest[] = { { "away", FULL_DROP_OLDEST, true },
				       { "generous", FULL_DROP_OLDEST, true } };

static int receiver_open(const struct transport_settings *settings, struct transport_state **out,
			 struct err *err)
{
	struct transport_state *state = calloc(1, sizeof(*state));

	(void)err;
	assert_non_null(state);
	state->fd = open(received_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	assert_true(state->fd >= 0);
	state->generous = settings->format[0] == 'g';
	state->away = settings->format[0] == 'a';
	*out = state;
	return 0;
}

static void receive(struct transport_state *state, struct transport_record *record)
{
	char line[LINE_MAX_LEN];
	int len = snprintf(line, sizeof(line), "%.*s\n", (int)record->bytes.len,
			   record->bytes.data);

	assert_true(len < LINE_MAX_LEN);
	assert_int_equal(write(state->fd, line, (size_t)len), len);
	record->result = DELIVERY_DONE;
}

/* Every seventh batch is taken in part only, every fifth is too large. */
static int receiver_send(struct transport_state *state, struct transport_batch *batch)
{
	unsigned turn = state->turn++;

	if (state->away)
		return -ECONNREFUSED;
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

static struct delivery *start(const struct setup *setup)
{
	static struct delivery_output output;
	struct delivery_config *config = delivery_config_new();
	struct delivery *delivery = NULL;
	struct err err = { 0 };

	assert_non_null(config);
	output = (struct delivery_output){
		.name = "file",
		.transport = &receiver,
		.settings = { .output = "file", .format = setup->receiver },
		.format = format_by_name(STR("json")),
		.timeout_ms = 1000,
		.backoff_least = 1,
		.backoff_most = 2,
		.batch_records = 16,
		.batch_bytes = 1 << 20,
	};
	config->path = spool_path;
	config->spool_bytes = 200 << 10;
	config->full = setup->full;
	config->queue_bytes = QUEUE_BYTES;
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

static void put(struct delivery *delivery, uint64_t number, bool large)
{
	static const char padding[4000], too_large[QUEUE_BYTES];
	char id[ALERT_ID_LEN + 1], json[64];
	struct row row = { .sequence = number, .time = clock_epoch(), .severity = SEVERITY_HIGH };

	snprintf(id, sizeof(id), "%036" PRIu64, number);
	snprintf(json, sizeof(json), "%" PRIu64, number);
	row.id = str_of(id);
	row.event = STR("test");
	row.process = (struct str){ padding, sizeof(padding) }; /* so that the spool fills */
	row.json = str_of(json);
	if (large)
		row.container = (struct str){ too_large, sizeof(too_large) };
	assert_true(queue_put(&delivery->queue, &row) == !large);
}

static void retry_dead(void)
{
	struct spool *spool = NULL;
	struct err err = { 0 };

	if (spool_open(spool_path, SPOOL_EDITOR, &spool, &err) == 0)
		assert_true(spool_dead_mark(spool, NULL, 0) >= 0);
	spool_close(spool);
}

static void sensor(const char *point, unsigned count, uint32_t rows, const struct setup *setup)
{
	if (setup == &generous)
		retry_dead();
	fault_arm(point, count);
	struct delivery *delivery = start(setup);
	uint64_t next = delivery_sequence(delivery) + 1;

	for (uint32_t i = 0; i < rows; i++) {
		if (setup->full != FULL_BLOCK)
			mark_count(delivery->mark, next + i);
		put(delivery, next + i, setup->large && (next + i) % LARGE == 0);
	}
	delivery_close(delivery);
}

/* True if it was killed. */
static bool run_sensor(const char *point, unsigned count, uint32_t rows, const struct setup *setup)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		freopen("/dev/null", "w", stderr);
		sensor(point, count, rows, setup);
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
	uint64_t last, count, repeated;
	uint64_t lost;	  /* what the reports tell */
	uint64_t highest; /* of the numbers in them */
	uint64_t reports[REPORTS_MAX];
	uint32_t report_count;
};

/* The number behind a text in a line; the test fails without it. */
static uint64_t number_behind(const char *line, const char *text)
{
	const char *at = strstr(line, text);

	if (!at)
		fail_msg("no %s in %s", text, line);
	return strtoull(at + strlen(text), NULL, 10);
}

/* A report that comes again, with its own place in the spool, tells nothing new. */
static void take_report(struct seen *seen, const char *line)
{
	uint64_t place = number_behind(line, "\"seq\":");

	for (uint32_t i = 0; i < seen->report_count; i++)
		if (seen->reports[i] == place)
			return;
	assert_true(seen->report_count < REPORTS_MAX);
	seen->reports[seen->report_count++] = place;
	seen->lost += number_behind(line, "\"name\":\"lost\",\"u_int64\":\"");
	seen->highest = MAX(seen->highest,
			    number_behind(line, "\"name\":\"last_sequence\",\"u_int64\":\""));
}

static void read_received(struct seen *seen)
{
	autoclean(fclosep) FILE *file = fopen(received_path, "r");
	char line[LINE_MAX_LEN];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *end;
		uint64_t number = strtoull(line, &end, 10);

		if (*line == '{') {
			take_report(seen, line);
			continue;
		}
		assert_true(*end == '\n' && number && number < NUMBERS_MAX);
		seen->count += !seen->times[number];
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
	assert_int_equal(spool_dead(spool, NULL, 0, count_dead, &count), 0);
	spool_close(spool);
	return count;
}

static unsigned rounds_wanted(void)
{
	const char *wanted = getenv("SPOOR_CRASH_ROUNDS");

	return wanted ? (unsigned)strtoul(wanted, NULL, 10) : 200;
}

static void test_crash(void **state)
{
	(void)state;
	unsigned rounds = rounds_wanted();
	unsigned killed = 0, kills[ARRAY_SIZE(points)] = { 0 };
	static struct seen seen;

	for (unsigned i = 0; i < rounds; i++) {
		size_t point = i % ARRAY_SIZE(points), cycle = i / ARRAY_SIZE(points);
		bool dead = run_sensor(points[point], 1 + (unsigned)(cycle % 3), ROWS_A_ROUND,
				       point % 6 == 2 || point + 1 == ARRAY_SIZE(points) ||
						       cycle % 4 == 3
					       ? &generous
					       : &strict);

		killed += dead;
		kills[point] += dead;
	}
	/* Nothing kills it now; dead letters are taken. */
	assert_false(run_sensor(NULL, 0, 1, &generous));
	for (int i = 0; i < 20 && dead_count(); i++)
		assert_false(run_sensor(NULL, 0, 1, &generous));
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

/* kill_there: also while the receiver is there. */
static void count_losses(const struct setup setups[2], bool kill_there)
{
	unsigned rounds = rounds_wanted(), killed = 0;
	struct seen *seen = calloc(1, sizeof(*seen));

	assert_non_null(seen);
	for (unsigned i = 0; i < rounds; i++) {
		unsigned cycle = i / ARRAY_SIZE(points);
		bool there = cycle % 2;

		killed += run_sensor(there && !kill_there ? NULL : points[i % ARRAY_SIZE(points)],
				     1 + cycle / 2 % 3, ROWS_A_ROUND, &setups[there]);
	}
	/* What waits is sent, and what is to be told is told. */
	for (int i = 0; i < 3; i++)
		assert_false(run_sensor(NULL, 0, 1, &setups[1]));
	read_received(seen);
	uint64_t last = MAX(seen->last, seen->highest);

	printf("# %u of %u processes killed, %" PRIu64 " alerts: %" PRIu64 " received, %" PRIu64
	       " lost as %u reports tell\n",
	       killed, rounds, last, seen->count, seen->lost, seen->report_count);
	assert_int_equal(seen->count + seen->lost, last);
	assert_true(killed > rounds / 5);
	assert_true(seen->lost > rounds && seen->count > rounds);
	free(seen);
}

static void test_drop_newest(void **state)
{
	(void)state;
	count_losses(newest, true);
}

/*
 * What is dropped here may have been received already, by a receiver whose answer the killed
 * process did not keep: it counts as lost. So nothing is killed that sends.
 */
static void test_drop_oldest(void **state)
{
	(void)state;
	count_losses(oldest, false);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/dev/shm/spoor-crash-XXXXXX");
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crash, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_drop_newest, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_drop_oldest, make_folder, remove_folder),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("delivery crash", tests, NULL, NULL);
}
