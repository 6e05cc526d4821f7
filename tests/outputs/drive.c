/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends lines by a transport: drive [-f FORMAT] [-n COUNT] [-b BATCH] [-d DEADLINE-MS] [-s SECONDS]
 * [-p PAUSE-MS] TRANSPORT KEY=VALUE... With -n records "<107>1 ... alert N" are made instead of
 * reading standard input. After each batch of -b records it prints what is delivered so far; at the
 * end "done N refused N too-large N retried N", on standard error the receiver's last answer. Exit
 * status 0 if all were done, 1 if not, 2 if the transport does not open.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../support/transports.h"
#include "base/common.h"

static struct {
	const char *format;
	uint32_t count, batch, deadline, seconds, pause;
} options = { .batch = 100, .deadline = 5000, .seconds = 20 };

static const char line_format[] =
	"<107>1 2026-09-20T10:11:12.345678Z host-a spoor 911 shm_probe [spoor@32473 id=\"id-%u\"] alert";

static struct transport_record *read_lines(uint32_t *count)
{
	struct transport_record *records = NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		records = realloc(records, (*count + 1) * sizeof(*records));
		if (!records)
			abort();
		line[len - (line[len - 1] == '\n')] = 0;
		record_set(&records[*count], strdup(line), *count + 1);
		(*count)++;
	}
	free(line);
	return records;
}

static int parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "f:n:b:d:s:p:")) > 0) {
		uint32_t number = c == 'f' ? 0 : (uint32_t)strtoul(optarg, NULL, 10);

		switch (c) {
		case 'f': options.format = optarg; break;
		case 'n': options.count = number; break;
		case 'b': options.batch = number; break;
		case 'd': options.deadline = number; break;
		case 's': options.seconds = number; break;
		case 'p': options.pause = number; break;
		default: exit(2);
		}
	}
	return optind;
}

/* In groups, so that a script can see how far it is and do something to the receiver. */
static bool send_groups(struct outlet *outlet, struct transport_record *records, uint32_t count,
			struct outlet_tally *total)
{
	bool all = true;

	for (uint32_t at = 0; at < count && all; at += options.batch) {
		struct outlet_tally tally;
		uint32_t group = MIN(options.batch, count - at);

		all = outlet_deliver(outlet, records + at, group, options.batch, options.deadline,
				     options.seconds, &tally);
		total->done += tally.done;
		total->refused += tally.refused;
		total->too_large += tally.too_large;
		total->retried += tally.retried;
		if (tally.answer[0])
			memcpy(total->answer, tally.answer, sizeof(total->answer));
		printf("%u\n", total->done);
		fflush(stdout);
		nanosleep(
			&(struct timespec){ options.pause / 1000, options.pause % 1000 * 1000000L },
			NULL);
	}
	return all;
}

int main(int argc, char **argv)
{
	struct outlet outlet;
	struct outlet_tally total = { 0 };
	struct err err = { 0 };
	int at = parse(argc, argv);

	if (at >= argc)
		return 2;
	if (outlet_open(&outlet, argv[at], options.format, (const char *const *)argv + at + 1,
			&err) < 0) {
		err_print(stderr, &err);
		return 2;
	}
	uint32_t count = options.count;
	struct transport_record *records = count ? records_make(line_format, 1, count)
						 : read_lines(&count);
	bool all = send_groups(&outlet, records, count, &total);

	outlet_close(&outlet);
	printf("done %u refused %u too-large %u retried %u\n", total.done, total.refused,
	       total.too_large, total.retried);
	if (total.answer[0])
		fprintf(stderr, "%s\n", total.answer);
	records_free(records, count);
	return all && total.done == count ? 0 : 1;
}
