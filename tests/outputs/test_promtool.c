/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus' own checker takes /metrics: Debian's promtool, which tests/unpack fetches once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/common.h"
#include "monitor.h"

/* Counters of every kind, none of them 0. */
static struct monitor_counts *counts_make(void)
{
	struct monitor_counts *counts = calloc(1, sizeof(*counts));
	struct delivery_stats *d = &counts->delivery;

	assert_non_null(counts);
	memset(&counts->sensor, 1, sizeof(counts->sensor));
	counts->has_delivery = true;
	d->commits = d->commit_ns = d->lost[LOSS_QUEUE_FULL] = UINT64_MAX;
	d->output_count = 2;
	for (uint32_t i = 0; i < d->output_count; i++) {
		struct output_stats *o = &d->outputs[i];

		*o = (struct output_stats){ .name = i ? "other-1" : "siem", .sent = 5 };
		o->latency_ns = 1500000;
		for (unsigned k = 0; k <= LATENCY_BUCKETS; k++)
			o->latency[k] = k;
		o->dropped[LOSS_TOO_OLD] = o->failed[FAILURE_RETRY] = 1ULL << 63;
	}
	return counts;
}

/* Exit status of `promtool check metrics` with this on its standard input; 77: it cannot be had. */
static int promtool(const struct buf *metrics)
{
	autoclean(closep) int fd = memfd_create("metrics", MFD_CLOEXEC);
	int status;

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, metrics->data, metrics->len, 0), metrics->len);
	pid_t pid = fork();

	if (!pid) {
		dup2(fd, STDIN_FILENO);
		execl("/bin/sh", "sh", "-c",
		      "tool=$(\"$TOP/tests/unpack\" promtool-1 prometheus) || exit 77;"
		      "exec \"$tool/usr/bin/promtool\" check metrics >&2",
		      (char *)NULL);
		_exit(126);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_promtool(void **state)
{
	(void)state;
	struct monitor_counts *counts = counts_make();
	struct buf out = { 0 };
	const char *ci = getenv("CI");

	metrics_write(&out, counts);
	int status = promtool(&out);

	if (status == 77 && !(ci && !strcmp(ci, "true"))) {
		buf_free(&out);
		free(counts);
		skip();
	}
	assert_int_equal(status, 0);
	/* It does look: a counter must be called one. */
	buf_lit(&out, "# HELP spoor_bad x\n# TYPE spoor_bad counter\nspoor_bad 1\n");
	assert_int_not_equal(promtool(&out), 0);
	buf_free(&out);
	free(counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_promtool) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("promtool", tests, NULL, NULL);
}
