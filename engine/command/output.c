/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoor output test: one alert, marked as a test, to a destination of the configuration, without
 * the spool; says what the receiver said.
 */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/suggest.h"
#include "command.h"
#include "config/config.h"
#include "delivery/clock.h"
#include "host.h"
#include "options.h"

/* The alert: a detection of a rule that does not exist, of this process. */
struct test_alert {
	struct host_texts host;
	struct wire_header wire;
	struct clock clock;
	struct threat threat;
	struct event_def def;
	struct value values[1];
	struct alert_identity identity;
	struct event event;
};

static void alert_make(struct test_alert *a)
{
	host_read(&a->host);
	a->wire = (struct wire_header){ .size = sizeof(a->wire),
					.time = clock_epoch(),
					.cpu = WIRE_CPU_NONE,
					.pid = (uint32_t)getpid(),
					.tid = (uint32_t)getpid(),
					.uid = getuid(),
					.syscall = -1,
					.comm = "spoor" };
	a->threat = (struct threat){ .name = STR("Test alert"),
				     .description = STR(
					     "Sent by 'spoor output test': nothing happened"),
				     .severity = SEVERITY_INFO };
	a->def = (struct event_def){ .id = 7000,
				     .name = "spoor_test",
				     .version = "1.0.0",
				     .sets = "detectors",
				     .syscall = -1,
				     .syscall32 = -1 };
	a->event = (struct event){ .def = &a->def,
				   .wire = &a->wire,
				   .values = a->values,
				   .threat = &a->threat,
				   .rule = STR("SPOOR-TEST"),
				   .alert = &a->identity,
				   .clock = &a->clock };
	alert_id(a->identity.id, &a->event, &a->host.host);
}

static const char *result_name(enum delivery_result result)
{
	static const char *const names[] = {
		[DELIVERY_RETRY] = "not taken; it would be sent again",
		[DELIVERY_DONE] = "delivered",
		[DELIVERY_TOO_LARGE] = "too large for the receiver",
		[DELIVERY_REFUSED] = "refused for good; it would become a dead letter",
	};

	return names[result];
}

/* The record in the output's format, without its end of line. */
static struct str alert_format(const struct delivery_output *output, const struct test_alert *alert,
			       struct buf *out)
{
	struct format_options options = output->format_options;

	options.host = &alert->host.host;
	options.sensor_version = SPOOR_VERSION;
	output->format->write(out, &alert->event, &options);
	while (!output->format->binary && out->len && out->data[out->len - 1] == '\n')
		out->len--;
	return (struct str){ out->data, (uint32_t)out->len };
}

static bool send_alert(const struct delivery_output *output, struct transport_state *state,
		       const struct test_alert *alert)
{
	struct buf text = { 0 };
	struct transport_record record = {
		.bytes = alert_format(output, alert, &text),
		.id = str_of(alert->identity.id),
		.key = alert->host.host.machine_id,
		.time = alert->wire.time,
		.severity = SEVERITY_INFO,
		.event = str_of(alert->def.name),
	};
	struct transport_batch batch = { .records = &record, .count = 1 };
	uint64_t start = clock_now();

	batch.deadline = start + output->timeout_ms * CLOCK_MS;
	transport_send(output->transport, state, &batch);
	printf("%s: %s (%s, %zu bytes of %s, %" PRIu64 " ms)\n", output->name,
	       result_name(record.result), output->transport->name, text.len, output->format->name,
	       (clock_now() - start) / CLOCK_MS);
	if (batch.answer[0])
		printf("    %s\n", batch.answer);
	if (record.why && strcmp(record.why, batch.answer) != 0)
		printf("    %s\n", record.why);
	if (batch.retry_after_ms)
		printf("    the receiver wants to be left alone for %u ms\n", batch.retry_after_ms);
	buf_free(&text);
	return record.result == DELIVERY_DONE;
}

static bool test_output(struct delivery_output *output, const struct test_alert *alert)
{
	struct transport_state *state = NULL;
	struct err err = { 0 };

	output->settings.host_name = alert->host.host.name;
	if (output->transport->open(&output->settings, &state, &err) < 0) {
		fprintf(stderr, "spoor output: %s cannot be opened\n", output->name);
		err_print(stderr, &err);
		return false;
	}
	bool fine = send_alert(output, state, alert);

	output->transport->close(state, clock_now() + 5 * CLOCK_SECOND);
	return fine;
}

static struct delivery_output *find_output(const struct delivery_config *delivery, const char *name)
{
	struct suggest suggest;

	suggest_start(&suggest, str_of(name));
	for (uint32_t i = 0; delivery && i < delivery->output_count; i++) {
		if (!strcmp(delivery->outputs[i].name, name))
			return &delivery->outputs[i];
		suggest_try(&suggest, str_of(delivery->outputs[i].name));
	}
	fprintf(stderr, "spoor output: no destination with a spool is called '%s'\n", name);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean '%.*s'?\n", (int)suggest.best.len,
			suggest.best.data);
	return NULL;
}

static int output_run(const struct options *options, int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[0], "test") != 0) {
		fputs("spoor output: say 'test' and the names of destinations, or all\n"
		      "Try 'spoor output --help'.\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (!options->config_file) {
		fputs("spoor output: which configuration? Give --config FILE\n", stderr);
		return EXIT_USAGE;
	}
	struct delivery_config *delivery = options->config_file->delivery;
	struct test_alert *alert = calloc(1, sizeof(*alert));
	bool fine = alert != NULL;

	if (alert)
		alert_make(alert);
	for (int i = 1; i < argc && alert; i++) {
		struct delivery_output *output = NULL;

		if (strcmp(argv[i], "all") != 0) {
			output = find_output(delivery, argv[i]);
			fine &= output && test_output(output, alert);
			continue;
		}
		for (uint32_t k = 0; delivery && k < delivery->output_count; k++)
			fine &= test_output(&delivery->outputs[k], alert);
	}
	free(alert);
	return fine ? EXIT_FINE : EXIT_BAD_INPUT;
}

const struct command command_output = {
	.name = "output",
	.arguments = "--config FILE test NAME...|all",
	.summary = "send a test alert to a destination",
	.help = "Sends one alert of severity info, called spoor_test, to destinations of the\n"
		"configuration, directly and once, and prints what the receiver said. Filters and\n"
		"the spool are left out. Exit status 0 if every receiver has taken it.\n\n"
		"Example:\n"
		"  spoor output test siem -c /etc/spoor/spoor.yaml",
	.options = "config",
	.run = output_run,
};
