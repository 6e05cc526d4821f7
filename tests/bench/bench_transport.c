/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_transport: records a second that a transport takes to a receiver on this host that does
 * nothing but answer, in batches of 500 records of 1000 bytes, each waited for until it is
 * delivered; and as a ratio to the floor of this run: the same bytes written to a TCP connection
 * that is read and thrown away.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"
#include "transport.h"
#include "transport/moment.h"

enum { BATCH = 500, SIZE = 1000, BATCHES = 100, KEYS_MAX = 64 };

static struct transport_record records[BATCH];
static char text[SIZE + 1];

/* ---- receivers ------------------------------------------------------------------------------ */

struct sink {
	void (*serve)(int fd);
	int listener;
	char address[64]; /* 127.0.0.1:PORT */
};

static char away[1 << 20];

static void serve_nothing(int fd)
{
	while (recv(fd, away, sizeof(away), 0) > 0)
		;
}

/* Bodies have a Content-Length; the answer suits _bulk and whoever looks at the status only. */
static void serve_http(int fd)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"errors\":false}";
	size_t have = 0;
	ssize_t got;

	while ((got = recv(fd, away + have, sizeof(away) - 1 - have, 0)) > 0) {
		have += (size_t)got;
		away[have] = 0;
		char *end = memmem(away, have, "\r\n\r\n", 4);
		char *length = end ? strcasestr(away, "\r\nContent-Length:") : NULL;

		if (!length || length > end)
			continue;
		size_t left = strtoul(length + 17, NULL, 10) - (have - (size_t)(end + 4 - away));

		while (left && (got = recv(fd, away, MIN(left, sizeof(away)), 0)) > 0)
			left -= (size_t)got;
		send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
		have = 0;
	}
}

static void *serve_all(void *ctx)
{
	struct sink *sink = ctx;
	int fd;

	while ((fd = accept(sink->listener, NULL, NULL)) >= 0) {
		sink->serve(fd);
		close(fd);
	}
	return NULL;
}

static void sink_start(struct sink *sink)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	pthread_t thread;

	sink->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(sink->listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(sink->listener, 4) < 0 ||
	    getsockname(sink->listener, (struct sockaddr *)&address, &len) < 0 ||
	    pthread_create(&thread, NULL, serve_all, sink) != 0)
		abort();
	snprintf(sink->address, sizeof(sink->address), "127.0.0.1:%u", ntohs(address.sin_port));
}

/* ---- measuring --------------------------------------------------------------------------- */

static double rate(uint64_t start)
{
	return (double)BATCHES * BATCH / ((double)(moment_now() - start) / 1e9);
}

static double floor_rate(const struct sink *sink)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static char batch[BATCH * (SIZE + 1)];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_port = htons((uint16_t)strtoul(strchr(sink->address, ':') + 1, NULL, 10));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		abort();
	for (int i = 0; i < BATCH; i++)
		memcpy(batch + (size_t)i * (SIZE + 1), text, SIZE);
	uint64_t start = moment_now();

	for (int i = 0; i < BATCHES; i++)
		for (size_t done = 0; done < sizeof(batch);) {
			ssize_t sent = send(fd, batch + done, sizeof(batch) - done, 0);

			if (sent <= 0)
				abort();
			done += (size_t)sent;
		}
	double found = rate(start);

	close(fd);
	return found;
}

static int64_t position(const char *choices, const char *word)
{
	int64_t found = 0;

	for (const char *at = choices; strncmp(at, word, strlen(word)) != 0; found++)
		at = strchr(at, ' ') + 1;
	return found;
}

/* The fallbacks as the table has them; `special` is what the URL or path is. */
static void settings_fill(const struct transport *transport, const char *special,
			  struct setting_value *values)
{
	for (uint32_t i = 0; i < transport->key_count; i++) {
		const struct setting_key *key = &transport->keys[i];
		const char *word = key->fallback;

		if (!strcmp(key->name, "url") || !strcmp(key->name, "path"))
			word = special;
		if (!strcmp(key->name, "require_ack"))
			word = "false";
		if (!word)
			continue;
		values[i].text = str_of(word);
		values[i].number = strtoll(word, NULL, 10);
		if (key->kind == SETTING_DURATION && !strstr(word, "ms"))
			values[i].number *= 1000;
		if (key->kind == SETTING_SIZE && strchr(word, 'M'))
			values[i].number <<= 20;
		if (key->kind == SETTING_BOOL)
			values[i].number = !strcmp(word, "true");
		if (key->kind == SETTING_CHOICE)
			values[i].number = position(key->choices, word);
	}
}

static double transport_rate(const char *name, const char *special)
{
	const struct transport *transport = transport_by_name(str_of(name));
	struct setting_value values[KEYS_MAX] = { 0 };
	struct transport_settings settings = { .values = values, .format = transport->format };
	struct transport_state *state = NULL;
	struct err err = { 0 };

	settings_fill(transport, special, values);
	if (transport->open(&settings, &state, &err) < 0) {
		fprintf(stderr, "%s: %s\n", name, err.message);
		return 0;
	}
	uint64_t start = 0;

	for (int i = -1; i < BATCHES; i++) {
		struct transport_batch batch = { .records = records,
						 .count = BATCH,
						 .deadline = moment_in_ms(10000) };

		/* The first connects, loads libraries and waits to see whether it is wanted. */
		start = i ? start : moment_now();
		if (transport_send(transport, state, &batch) < 0 ||
		    records[BATCH - 1].result != DELIVERY_DONE) {
			fprintf(stderr, "%s: %s\n", name, batch.answer);
			return 0;
		}
	}
	double found = rate(start);

	transport->close(state, moment_in_ms(1000));
	return found;
}

int main(void)
{
	static struct sink plain = { .serve = serve_nothing }, http = { .serve = serve_http };
	const struct {
		const char *name, *scheme;
		const struct sink *sink;
	} rows[] = { { "syslog", "tcp", &plain },
		     { "forward", "tcp", &plain },
		     { "elasticsearch", "http", &http },
		     { "loki", "http", &http },
		     { "webhook", "http", &http } };

	memset(text, 'x', SIZE);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + SIZE - 2, "\"}", 2);
	for (int i = 0; i < BATCH; i++)
		records[i] = (struct transport_record){ .bytes = { text, SIZE },
							.id = STR("0198f2d4-7c1e-7b3a"),
							.time = 1789899072345678901 };
	sink_start(&plain);
	sink_start(&http);
	double floor = floor_rate(&plain);

	printf("%-16s %10.0f records/s\n", "floor (tcp)", floor);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char url[96];

		snprintf(url, sizeof(url), "%s://%s", rows[i].scheme, rows[i].sink->address);
		double found = transport_rate(rows[i].name, url);

		printf("%-16s %10.0f records/s, %5.2f of the floor\n", rows[i].name, found,
		       found / floor);
	}
	char path[] = "/tmp/spoor-bench-XXXXXX";

	close(mkstemp(path));
	double found = transport_rate("file", path);

	printf("%-16s %10.0f records/s, %5.2f of the floor\n", "file, synced", found,
	       found / floor);
	unlink(path);
	return 0;
}
