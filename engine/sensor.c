/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a running sensor. Signals only set flags, which are looked at between two
 * polls; a poll never waits longer than POLL_MS.
 */
#include "sensor.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <time.h>

#include "monitor.h"

enum { POLL_MS = 100 };

DEFINE_CLEANUP(struct monitor *, monitor_close)

static volatile sig_atomic_t stop_wanted, reload_wanted;

static void on_stop(int signal)
{
	(void)signal;
	stop_wanted = 1;
}

static void on_reload(int signal)
{
	(void)signal;
	reload_wanted = 1;
}

/* The second Ctrl-C ends the program at once, should the first not. */
void sensor_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND };
	struct sigaction reload = { .sa_handler = on_reload, .sa_flags = SA_RESTART };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &reload, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int sensor_fail(const struct spoor *spoor, int status)
{
	fflush(stdout);
	fputs(spoor_error(spoor), stderr);
	return status;
}

/* A setting is wrong, not what it names; and it stood on the command line. */
static bool is_usage(const struct options *options, int r)
{
	return r == -EDOM && (options_given(options, "events") || options_given(options, "scope") ||
			      options_given(options, "output"));
}

int sensor_load(const struct options *options, const char *const *output, bool live,
		struct spoor **out)
{
	struct spoor_config config = {
		.detectors = options->detectors,
		.policies = options->policy,
		.events = options->events,
		.scopes = options->scope,
		.outputs = output,
		.enrichments = options->enrichment,
		.memory = options->memory,
		.hook = options->hook,
		.ring_bytes = options->ring,
		.compat_tracee = options->compat != NULL,
		.live = live,
		.config_file = options->config,
		.stop = &stop_wanted,
	};

	autoclean(spoor_closep) struct spoor *spoor = spoor_new();

	if (!spoor) {
		fputs("spoor: out of memory\n", stderr);
		return EXIT_ENVIRONMENT;
	}
	int r = spoor_load(spoor, &config);

	if (r < 0)
		return sensor_fail(spoor, is_usage(options, r) ? EXIT_USAGE : EXIT_BAD_INPUT);
	fputs(spoor_warnings(spoor), stderr);
	*out = take(spoor);
	return EXIT_FINE;
}

static uint64_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void reload(struct spoor *spoor)
{
	reload_wanted = 0;
	if (spoor_reload(spoor) < 0)
		fprintf(stderr, "%sspoor: the rules were not loaded again; the old ones stay\n",
			spoor_error(spoor));
	else
		fprintf(stderr, "%sspoor: loaded %u detectors\n", spoor_warnings(spoor),
			spoor_detector_count(spoor));
}

int sensor_loop(struct spoor *spoor, const struct options *options)
{
	uint64_t started = seconds_now();
	int status = EXIT_FINE, r = 0;

	autoclean(monitor_closep) struct monitor *monitor = NULL;
	struct err err = { 0 };

	if (monitor_open(options->config_file, &monitor, &err) < 0) {
		err_print(stderr, &err);
		return EXIT_ENVIRONMENT;
	}
	malloc_trim(0); /* what reading the kernel's types took */
	while (!stop_wanted &&
	       (!options->duration || seconds_now() - started < options->duration)) {
		r = spoor_poll(spoor, POLL_MS);
		monitor_tick(monitor, spoor);
		fputs(spoor_faults(spoor), stderr);
		if (reload_wanted)
			reload(spoor);
		if (r < 0)
			break;
	}
	if (r < 0 && r != -ENODATA)
		status = sensor_fail(spoor, r == -EPIPE ? EXIT_BAD_INPUT : EXIT_ENVIRONMENT);
	if (spoor_drain(spoor) < 0)
		status = sensor_fail(spoor, EXIT_ENVIRONMENT);
	fputs(spoor_faults(spoor), stderr);

	struct spoor_stats stats;

	spoor_stats(spoor, &stats);
	if (!options->quiet) {
		sensor_summary(&stats);
		fputs(spoor_delivery_report(spoor), stderr);
	}
	return stats.failed && status == EXIT_FINE ? EXIT_BAD_INPUT : status;
}

void sensor_stats_add(struct spoor_stats *total, const struct spoor_stats *more)
{
	total->events += more->events;
	total->lost += more->lost;
	total->malformed += more->malformed;
	total->unknown += more->unknown;
	total->alerts += more->alerts;
	total->printed += more->printed;
	total->failed += more->failed;
	total->rule_errors += more->rule_errors;
	total->suppressed += more->suppressed;
	total->memory_keys += more->memory_keys;
	total->memory_bytes += more->memory_bytes;
	total->memory_evicted += more->memory_evicted;
	total->memory_late += more->memory_late;
	total->memory_inexact += more->memory_inexact;
	total->memory_unheld += more->memory_unheld;
	total->memory_replaced += more->memory_replaced;
	total->memory_withheld += more->memory_withheld;
	total->processes_evicted += more->processes_evicted;
	total->containers_evicted += more->containers_evicted;
	total->objects_evicted += more->objects_evicted;
	total->attaches_evicted += more->attaches_evicted;
}

static void summary_part(const char *name, uint64_t count, bool always)
{
	if (count || always)
		fprintf(stderr, ", %" PRIu64 " %s", count, name);
}

void sensor_summary(const struct spoor_stats *stats)
{
	fflush(stdout);
	fprintf(stderr, "spoor: %" PRIu64 " events seen", stats->events);
	summary_part("lost", stats->lost, true);
	summary_part("alerts", stats->alerts, true);
	summary_part("events printed", stats->printed - stats->alerts, false);
	summary_part("malformed", stats->malformed, false);
	summary_part("of unknown events", stats->unknown, false);
	summary_part("rule errors", stats->rule_errors, false);
	summary_part("keys given up", stats->memory_evicted, false);
	summary_part("too late to count", stats->memory_late, false);
	summary_part("counts inexact", stats->memory_inexact, false);
	summary_part("absences not told", stats->memory_withheld, false);
	summary_part("suppressed", stats->suppressed, false);
	summary_part("not delivered", stats->failed, false);
	fputc('\n', stderr);
}
