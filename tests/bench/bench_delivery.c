/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_delivery: alerts a second through the spool to a receiver on this machine (a file), with
 * group commit, as a ratio to the floor of this run: the same lines appended to a file and synced
 * once for every 256. Then what the pipeline pays for delivery: a recording run through the sensor
 * without delivery, with a receiver that is there, and with one that is not (a closed port).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/common.h"
#include "config/config.h"
#include "delivery/private.h"
#include "spoor.h"

enum { ALERTS = 200000, LINE = 760, GROUP = 256, EVENTS = 60000, ROUNDS = 7 };

static char folder[] = "/var/tmp/spoor-bench-XXXXXX";
static char line[LINE + 1];
static struct host host = { .name = { "bench", 5 } };

static const char *file_in(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Of this thread or of the whole program, in seconds: does not depend on what else runs. */
static double cpu_seconds(clockid_t clock)
{
	return (double)clock_read(clock) / 1e9;
}

static double seconds_since(uint64_t start)
{
	return (double)(clock_now() - start) / 1e9;
}

/* ---- through the spool -------------------- */

static double measure_floor(void)
{
	int fd = open(file_in("floor"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t start = clock_now();

	for (int i = 1; i <= ALERTS && fd >= 0; i++) {
		if (write(fd, line, LINE) != LINE)
			return 0;
		if (i % GROUP == 0)
			fdatasync(fd);
	}
	close(fd);
	return ALERTS / seconds_since(start);
}

static void write_config(const char *destination)
{
	autoclean(fclosep) FILE *file = fopen(file_in("config.yaml"), "w");

	if (!file)
		exit(1);
	fprintf(file,
		"spool:\n  path: %s/spool.db\n  full: block\n  memory: 64M\n"
		"output:\n  destinations:\n    - name: out\n      format: json\n%s",
		folder, destination);
}

static void read_config(struct config *config)
{
	struct err_list problems = { 0 };

	if (!config_read(file_in("config.yaml"), config, &problems)) {
		err_list_print(stderr, &problems);
		exit(1);
	}
}

static void remove_spool(void)
{
	static const char *const names[] = { "spool.db", "spool.db-wal", "spool.db-shm" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(file_in(names[i]));
}

static struct delivery *start(struct config *config)
{
	struct delivery *delivery = NULL;
	struct err err = { 0 };

	if (delivery_open(config->delivery, &host, "bench", &delivery, &err) < 0 ||
	    delivery_start(delivery, &err) < 0) {
		err_print(stderr, &err);
		exit(1);
	}
	return delivery;
}

static void put_all(struct delivery *delivery)
{
	struct row row = { .severity = SEVERITY_HIGH,
			   .event = STR("ipc_exec_segment"),
			   .detector = STR("IPC-11"),
			   .process = STR("/opt/srv"),
			   .container = STR("4f0c9e1d2b3a"),
			   .json = { line, LINE } };
	char id[ALERT_ID_LEN + 1];

	for (uint64_t i = 1; i <= ALERTS; i++) {
		snprintf(id, sizeof(id), "%036" PRIu64, i);
		row.id = str_of(id);
		row.sequence = i;
		row.time = clock_epoch();
		queue_put(&delivery->queue, &row);
	}
}

static uint64_t sent(struct delivery *delivery)
{
	static struct delivery_stats stats;

	delivery_stats(delivery, &stats);
	return stats.output_count ? stats.outputs[0].sent : 0;
}

/* All of them in the spool, and all of them at the receiver. */
static void measure_spool(double *spooled, double *delivered, double *cpu)
{
	char destination[256];
	struct config config;

	remove_spool();
	snprintf(destination, sizeof(destination), "      type: file\n      path: %s/received\n",
		 folder);
	write_config(destination);
	read_config(&config);
	struct delivery *delivery = start(&config);
	double cpu_begin = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t begin = clock_now();

	put_all(delivery);
	while (delivery->committed < ALERTS)
		usleep(1000);
	*spooled = ALERTS / seconds_since(begin);
	while (sent(delivery) < ALERTS)
		usleep(1000);
	*delivered = ALERTS / seconds_since(begin);
	*cpu = ALERTS / (cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin);
	delivery_close(delivery);
	config_free(&config);
}

/* ---- the pipeline -------------------- */

/* Two events in a hundred are alerts: far above what a host that is not attacked gives. */
static void write_recording(void)
{
	autoclean(fclosep) FILE *file = fopen(file_in("events.json"), "w");

	if (!file)
		exit(1);
	for (int i = 0; i < EVENTS; i++)
		fprintf(file,
			"{\"timestamp\":\"2026-02-01T08:%02d:%02d.%06dZ\",\"id\":31,\"name\":\"shmat\","
			"\"workload\":{\"process\":{\"executable\":{\"path\":\"/opt/srv\"},"
			"\"host_pid\":900,\"pid\":9,\"real_user\":{\"id\":0},\"thread\":{\"name\":\"srv\","
			"\"host_tid\":900,\"tid\":9}}},\"data\":[{\"name\":\"shmid\",\"int32\":7},"
			"{\"name\":\"shmaddr\",\"pointer\":0},{\"name\":\"shmflg\",\"int32\":%d},"
			"{\"name\":\"returnValue\",\"int64\":140000000000000}]}\n",
			i / 3600 % 60, i / 60 % 60, i, i % 50 ? 0 : 0100000);
}

/* One that alerts each time: built-in ones tell a thing once. */
static void write_detector(void)
{
	autoclean(fclosep) FILE *file = fopen(file_in("detector.yaml"), "w");

	if (!file)
		exit(1);
	fputs("type: detector\nid: BENCH-1\n"
	      "produced_event: {name: bench_exec_segment, version: 1.0.0, fields: []}\n"
	      "requirements: {events: [{name: shmat}]}\n"
	      "conditions: ['getEventData(\"shmflg\") == 32768']\n"
	      "threat: {name: Bench, description: An executable segment, severity: high}\n"
	      "auto_populate: {threat: true, detected_from: true}\n",
	      file);
}

static double run_pipeline(const char *config_file, uint64_t *alerts)
{
	static const char *const outputs[] = { "none", NULL };
	char detector[128];
	struct spoor_config config = {
		.outputs = outputs,
		.config_file = config_file,
		.detectors = (const char *const[]){ detector, NULL },
	};

	snprintf(detector, sizeof(detector), "%s", file_in("detector.yaml"));
	struct spoor *spoor = spoor_new();
	struct spoor_stats stats;

	if (!spoor || spoor_load(spoor, &config) < 0 ||
	    spoor_open_file(spoor, file_in("events.json")) < 0) {
		fputs(spoor ? spoor_error(spoor) : "out of memory\n", stderr);
		exit(1);
	}
	double begin = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);

	while (spoor_poll(spoor, 100) >= 0)
		;
	double rate = EVENTS / (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - begin);

	spoor_stats(spoor, &stats);
	*alerts = stats.alerts;
	spoor_close(spoor);
	return rate;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), by_size);
	return values[ROUNDS / 2];
}

/* Interleaved, so that what else the machine does hits all of them alike. */
static void measure_pipeline(void)
{
	static const char dead[] = "      type: syslog\n      url: tcp://127.0.0.1:1\n"
				   "      retry_min: 100ms\n";
	char alive[256], config_path[128];
	double none[ROUNDS], there[ROUNDS], away[ROUNDS];
	uint64_t alerts = 0;

	snprintf(alive, sizeof(alive), "      type: file\n      path: %s/received\n", folder);
	snprintf(config_path, sizeof(config_path), "%s", file_in("config.yaml"));
	write_recording();
	write_detector();
	for (int i = 0; i < ROUNDS; i++) {
		remove_spool();
		none[i] = run_pipeline(NULL, &alerts);
		write_config(alive);
		there[i] = run_pipeline(config_path, &alerts);
		remove_spool();
		write_config(dead);
		away[i] = run_pipeline(config_path, &alerts);
	}
	printf("pipeline, %" PRIu64 " alerts in %d events: without delivery %.0f events a "
	       "second of its CPU, receiver "
	       "there %.3f of it, receiver away %.3f of it (%.3f of there)\n",
	       alerts, EVENTS, median(none), median(there) / median(none),
	       median(away) / median(none), median(away) / median(there));
}

int main(void)
{
	double spooled, delivered, cpu, floor_rate;

	if (!mkdtemp(folder))
		return 1;
	memset(line, 'x', LINE);
	line[0] = '{';
	floor_rate = measure_floor();
	measure_spool(&spooled, &delivered, &cpu);
	printf("%d alerts of %d bytes: into the spool %.0f/s, to the receiver %.0f/s; floor (file, "
	       "sync for every %d) %.0f/s; ratios %.2f and %.2f; %.0f a second of CPU, all threads\n",
	       ALERTS, LINE, spooled, delivered, GROUP, floor_rate, spooled / floor_rate,
	       delivered / floor_rate, cpu);
	fclose(stderr); /* that a receiver is away is what is measured */
	measure_pipeline();
	remove_spool();
	for (const char *const *name =
		     (const char *const[]){ "floor", "received", "events.json", "config.yaml",
					    "detector.yaml", "spool.db.lock", NULL };
	     *name; name++)
		unlink(file_in(*name));
	rmdir(folder);
	return 0;
}
