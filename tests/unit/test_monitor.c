/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics, /healthz and /readyz: their texts, and what the server says to a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/common.h"
#include "config/config.h"
#include "monitor.h"
#include "serve/server.h"

static struct monitor_counts *counts_make(void)
{
	struct monitor_counts *counts = calloc(1, sizeof(*counts));
	struct delivery_stats *d = &counts->delivery;

	assert_non_null(counts);
	counts->sensor = (struct spoor_stats){ .events = 12345678901ULL, .alerts = 7, .lost = 3 };
	counts->has_delivery = true;
	d->output_count = 2;
	d->outputs[0] = (struct output_stats){ .name = "siem", .sent = 5, .latency_ns = 1500000 };
	d->outputs[0].latency[0] = 3;
	d->outputs[0].latency[LATENCY_BUCKETS] = 1;
	d->outputs[1] = (struct output_stats){ .name = "dead-one", .failures = 9, .waiting = 42 };
	snprintf(d->outputs[1].answer, sizeof(d->outputs[1].answer), "connection refused");
	return counts;
}

/* ---- the exposition format -------------------- */

static bool is_metric_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	return len > 6 && !strncmp(text, "spoor_", 6);
}

/* NAME{LABELS} VALUE of a family whose TYPE has been said. */
static void check_sample(const char *line, const char *family)
{
	size_t len = strcspn(line, "{ ");
	const char *value = line + len;
	char *end;

	assert_true(is_metric_name(line, len));
	assert_int_equal(strncmp(line, family, strlen(family)), 0);
	if (*value == '{') {
		value = strchr(value, '}');
		assert_non_null(value);
		value++;
	}
	assert_int_equal(*value, ' ');
	strtod(value + 1, &end);
	assert_true(end > value + 1 && *end == 0);
}

static void test_text(void **state)
{
	(void)state;
	struct monitor_counts *counts = counts_make();
	struct buf out = { 0 };
	char family[128] = "", type[32], *save = NULL;
	unsigned samples = 0;

	metrics_write(&out, counts);
	char *text = strdup(buf_cstr(&out));

	assert_non_null(strstr(text, "\nspoor_events_total 12345678901\n"));
	assert_non_null(strstr(text, "\nspoor_events_lost_total{reason=\"ring_full\"} "));
	assert_non_null(strstr(text, "\nspoor_spool_lost_total{reason=\"queue_full\"} "));
	assert_non_null(
		strstr(text, "\nspoor_output_dropped_total{output=\"siem\",reason=\"too_old\"} "));
	assert_non_null(strstr(text, "\nspoor_output_sent_total{output=\"siem\"} 5\n"));
	assert_non_null(strstr(
		text, "\nspoor_output_send_seconds_bucket{output=\"siem\",le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(text, "\nspoor_output_send_seconds_count{output=\"siem\"} 4\n"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "# TYPE ", 7)) {
			assert_int_equal(sscanf(line, "# TYPE %127s %31s", family, type), 2);
			assert_true(!strcmp(type, "counter") || !strcmp(type, "gauge") ||
				    !strcmp(type, "histogram"));
			/* Counters end in _total, nothing else does. */
			size_t len = strlen(family);
			bool total = len > 6 && !strcmp(family + len - 6, "_total");

			assert_int_equal(total, !strcmp(type, "counter"));
		} else if (strncmp(line, "# HELP ", 7) != 0) {
			check_sample(line, family);
			samples++;
		}
	}
	assert_true(samples > 60);
	free(text);
	buf_free(&out);
	free(counts);
}

static void test_ready(void **state)
{
	(void)state;
	struct monitor_counts *counts = counts_make();
	struct buf out = { 0 };

	assert_false(readiness_write(&out, counts));
	assert_string_equal(buf_cstr(&out),
			    "output dead-one: 42 alerts wait: connection refused\n");
	counts->delivery.outputs[1].failures = 0;
	buf_clear(&out);
	assert_true(readiness_write(&out, counts));
	assert_string_equal(buf_cstr(&out), "OK\n");
	counts->delivery.spool_failing = true;
	snprintf(counts->delivery.spool_error, 64, "the disk is full");
	buf_clear(&out);
	assert_false(readiness_write(&out, counts));
	assert_string_equal(buf_cstr(&out), "spool: the disk is full\n");
	buf_free(&out);
	free(counts);
}

/* ---- over HTTP -------------------- */

static unsigned page(void *ctx, const char *path, struct buf *out)
{
	(void)ctx;
	buf_printf(out, "page %s\n", path);
	return !strcmp(path, "/metrics") ? 200 : 404;
}

static void ask(unsigned port, const char *request, char *answer, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((in_port_t)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	ssize_t got;

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	while (len < size - 1 && (got = read(fd, answer + len, size - 1 - len)) > 0)
		len += (size_t)got;
	answer[len] = 0;
	close(fd);
}

static void test_http(void **state)
{
	(void)state;
	struct server *server = NULL;
	struct err err = { 0 };
	char answer[4096];

	if (server_open("127.0.0.1:0", page, NULL, &server, &err) < 0)
		fail_msg("%s", err.message);
	unsigned port = server_port(server);

	assert_in_range(port, 1, 65535);
	ask(port, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
	    sizeof(answer));
	assert_int_equal(strncmp(answer, "HTTP/1.1 200 ", 13), 0);
	assert_non_null(strstr(answer, "\r\n\r\npage /metrics\n"));
	assert_non_null(strstr(answer, "text/plain; version=0.0.4"));
	ask(port, "GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
	    sizeof(answer));
	assert_int_equal(strncmp(answer, "HTTP/1.1 404 ", 13), 0);
	ask(port, "DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
	    sizeof(answer));
	assert_int_equal(strncmp(answer, "HTTP/1.1 405 ", 13), 0);
	ask(port, "nonsense\r\n\r\n", answer, sizeof(answer));
	server_close(server);
}

static void test_addresses(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "127.0.0.1",
					   "127.0.0.1:",
					   "127.0.0.1:70000",
					   "example.org:80",
					   "127.0.0.1:80x",
					   "[::1:80" };
	struct server *server = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = { 0 };

		assert_true(server_open(bad[i], page, NULL, &server, &err) < 0);
		assert_non_null(strstr(err.message, "no address to listen on"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_addresses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
