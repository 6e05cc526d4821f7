/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that misbehave: a RELP receiver that hints, loses and mixes up answers, and syslog
 * receivers whose kernel takes bytes that nobody reads, or that close or reset the connection.
 */
#include "outlets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { RECORDS = 40, TEXT_MAX = 1 << 20 };

/* A server with one thread; `serve` handles a connection and returns when it is over. */
struct peer {
	void (*serve)(struct peer *peer, int fd);
	int listener;
	unsigned connections, over, seen[RECORDS + 1];
	char url[64], complaint[128];
	/* For RELP: what to do with the frame of that number (over all connections). */
	unsigned lose, refuse, hint, other, nonsense, frames;
	bool reset;    /* end connections by a reset */
	unsigned take; /* syslog: bytes to take before the connection ends; 0: all */
	pthread_t thread;
};

static void complain(struct peer *peer, const char *what)
{
	if (!peer->complaint[0])
		snprintf(peer->complaint, sizeof(peer->complaint), "%s", what);
}

static void *serve_all(void *ctx)
{
	struct peer *peer = ctx;
	sigset_t pipe_only;
	int fd;

	/* The transport's thread keeps SIGPIPE as it is: it must not be ended by it. */
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, NULL);
	while ((fd = accept(peer->listener, NULL, NULL)) >= 0) {
		struct linger linger = { 1, 0 };

		peer->connections++;
		peer->serve(peer, fd);
		if (peer->reset)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(fd);
		__atomic_add_fetch(&peer->over, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void peer_start(struct peer *peer)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	peer->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(peer->listener, (void *)&address, len), 0);
	assert_int_equal(listen(peer->listener, 16), 0);
	getsockname(peer->listener, (void *)&address, &len);
	snprintf(peer->url, sizeof(peer->url), "url=tcp://127.0.0.1:%u", ntohs(address.sin_port));
	pthread_create(&peer->thread, NULL, serve_all, peer);
}

static void peer_stop(struct peer *peer)
{
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	assert_string_equal(peer->complaint, "");
}

static void saw(struct peer *peer, const char *text)
{
	const char *id = strstr(text, "id-");
	unsigned long number = id ? strtoul(id + 3, NULL, 10) : 0;

	if (number < 1 || number > RECORDS)
		complain(peer, "a record that was not sent");
	else
		peer->seen[number]++;
}

/* ---- RELP ----------------------------------------------------------------------------------- */

/* A frame from the stream, strictly; false at its end. */
static bool read_frame(struct peer *peer, FILE *in, unsigned *txnr, char *command, char *data)
{
	unsigned len;
	int fields = fscanf(in, "%9u %31[a-z] %6u", txnr, command, &len);

	if (fields != 3) {
		if (fields != EOF)
			complain(peer, "a frame's head");
		return false;
	}
	if (len && (fgetc(in) != ' ' || fread(data, 1, len, in) != len))
		return false;
	data[len] = 0;
	if (fgetc(in) != '\n')
		complain(peer, "a frame's end");
	return true;
}

/* False: hang up. */
static bool answer_frame(struct peer *peer, FILE *out, unsigned txnr, const char *data)
{
	unsigned n = ++peer->frames;

	if (n == peer->lose)
		return false;
	if (n == peer->nonsense)
		return fputs("HTTP/1.1 400 Bad Request\r\n\r\n", out) < 0;
	if (n == peer->refuse) {
		fprintf(out, "%u rsp 14 500 disk full!\n", txnr);
		return true;
	}
	saw(peer, data);
	if (n == peer->other)
		txnr += 1000;
	fprintf(out, "%u rsp 6 200 OK\n", txnr);
	if (n == peer->hint)
		fputs("0 serverclose 0\n", out);
	return true;
}

static void serve_relp(struct peer *peer, int fd)
{
	static const char offers[] = "200 OK\nrelp_version=0\ncommands=syslog,eventlog";
	FILE *in = fdopen(dup(fd), "r"), *out = fdopen(dup(fd), "w");
	char command[32], *data = malloc(TEXT_MAX);
	unsigned txnr, last = 0;
	bool more = true, open = false;

	while (more && read_frame(peer, in, &txnr, command, data)) {
		if (txnr != ++last)
			complain(peer, "a transaction number");
		if (!open && strcmp(command, "open") != 0)
			complain(peer, "no open first");
		if (!strcmp(command, "open")) {
			open = true;
			if (!strstr(data, "relp_version=0\n") || !strstr(data, "commands=syslog"))
				complain(peer, "offers");
			fprintf(out, "%u rsp %zu %s\n", txnr, strlen(offers), offers);
		} else if (!strcmp(command, "syslog")) {
			more = answer_frame(peer, out, txnr, data);
		} else if (!strcmp(command, "close")) {
			fprintf(out, "%u rsp 0\n0 serverclose 0\n", txnr);
			more = false;
		} else {
			complain(peer, "a command");
		}
		fflush(out);
	}
	free(data);
	fclose(in);
	fclose(out);
}

/* All arrive in the end, and none is taken for delivered that was not answered. */
static void run_relp(struct peer *peer, const char *window)
{
	struct outlet outlet;
	struct outlet_tally tally;
	struct transport_record *records = records_make("<13>1 - h spoor - - - id-%u", 1, RECORDS);

	peer->serve = serve_relp;
	peer_start(peer);
	outlet_must_open(&outlet, "relp", NULL, SETTINGS(peer->url, window));
	assert_true(outlet_deliver(&outlet, records, RECORDS, 20, 2000, 10, &tally));
	assert_int_equal(tally.done, RECORDS);
	outlet_close(&outlet);
	peer_stop(peer);
	for (int i = 1; i <= RECORDS; i++)
		assert_true(peer->seen[i] >= 1);
	records_free(records, RECORDS);
}

static void test_relp(void **state)
{
	(void)state;
	struct peer fine = { 0 }, lost = { .lose = 7 }, refused = { .refuse = 3 };
	struct peer hint = { .hint = 5 }, other = { .other = 9 }, nonsense = { .nonsense = 11 };

	run_relp(&fine, "window=1");
	assert_int_equal(fine.connections, 1);
	assert_int_equal(fine.frames, RECORDS);
	run_relp(&lost, "window=8");
	assert_int_equal(lost.connections, 2);
	run_relp(&refused, "window=8");
	assert_int_equal(refused.frames, RECORDS + 1); /* only the refused one comes again */
	run_relp(&hint, "window=4");
	assert_int_equal(hint.connections, 2);
	assert_int_equal(hint.frames, RECORDS);
	run_relp(&other, "window=8");
	run_relp(&nonsense, "window=8");
}

/* ---- syslog ---------------------------------------------------------------------------------- */

static void read_some(struct peer *peer, int fd, size_t most)
{
	char *text = calloc(1, TEXT_MAX);
	size_t len = 0;
	ssize_t got;

	while (len < most &&
	       (got = recv(fd, text + len, MIN(most - len, TEXT_MAX - 1 - len), 0)) > 0)
		len += (size_t)got;
	/* Octet counting: LEN SP MSG, one after the other. */
	for (char *at = text; *at;) {
		char *end;
		unsigned long size = strtoul(at, &end, 10);

		if (end == at || *end != ' ') {
			complain(peer, "a frame");
			break;
		}
		at = end + 1 + size;
		if (at > text + len)
			break; /* cut by us */
		char last = *at;

		*at = 0;
		saw(peer, end + 1);
		*at = last;
	}
	free(text);
}

/* Takes some bytes of the first connection, all of the others. */
static void serve_syslog(struct peer *peer, int fd)
{
	read_some(peer, fd, peer->connections == 1 && peer->take ? peer->take : TEXT_MAX - 1);
}

/* So many connections have come to their end; the test's own time limit ends it otherwise. */
static void until_over(struct peer *peer, unsigned count)
{
	while (__atomic_load_n(&peer->over, __ATOMIC_SEQ_CST) < count)
		usleep(1000);
}

/*
 * The first connection ends, politely or by a reset, when part of what its kernel took has been
 * read: what was delivered by the book is sent once more, at the end if nothing else follows.
 */
static void run_syslog(bool reset, bool more)
{
	struct peer peer = { .serve = serve_syslog, .take = 300, .reset = reset };
	struct outlet outlet;
	struct outlet_tally tally;
	struct transport_record *records = records_make("<13>1 - h spoor - - - id-%u", 1, RECORDS);

	peer_start(&peer);
	outlet_must_open(&outlet, "syslog", NULL, SETTINGS(peer.url));
	assert_true(outlet_deliver(&outlet, records, 20, 10, 1000, 10, &tally));
	assert_int_equal(tally.done, 20);
	until_over(&peer, 1);
	if (more) {
		assert_true(outlet_deliver(&outlet, records + 20, 20, 10, 1000, 10, &tally));
		assert_int_equal(tally.done, 20);
	}
	outlet_close(&outlet);
	until_over(&peer, 2);
	peer_stop(&peer);
	assert_int_equal(peer.connections, 2);
	for (int i = 1; i <= (more ? RECORDS : 20); i++)
		assert_true(peer.seen[i] >= 1);
	records_free(records, RECORDS);
}

static void test_syslog_lost(void **state)
{
	(void)state;
	run_syslog(false, true);
	run_syslog(true, true);
	run_syslog(true, false);
}

static void serve_nothing(struct peer *peer, int fd)
{
	char byte;

	(void)peer;
	while (recv(fd, &byte, 0, MSG_PEEK) == 0 && recv(fd, &byte, 1, MSG_PEEK) > 0 &&
	       shutdown(fd, SHUT_WR) == 0)
		usleep(1000);
}

/* The peer has closed its side and never will read: nothing counts as delivered. */
static void test_syslog_closed(void **state)
{
	(void)state;
	struct peer peer = { .serve = serve_nothing };
	struct outlet outlet;
	struct transport_batch batch;
	struct transport_record *records = records_make("<13>1 - h spoor - - - id-%u", 1, 3);

	peer_start(&peer);
	outlet_must_open(&outlet, "syslog", NULL, SETTINGS(peer.url));
	assert_true(outlet_once(&outlet, records, 3, &batch, 1000) < 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(records[i].result, DELIVERY_RETRY);
	outlet_close(&outlet);
	peer_stop(&peer);
	records_free(records, 3);
}

/* More than the kernels hold, to one that does not read: back at the deadline. */
static void serve_asleep(struct peer *peer, int fd)
{
	struct timespec until = { 0, 600000000 };

	(void)peer, (void)fd;
	nanosleep(&until, NULL);
}

static void test_syslog_stuck(void **state)
{
	(void)state;
	struct peer peer = { .serve = serve_asleep };
	struct outlet outlet;
	struct transport_batch batch;
	struct transport_record *records = records_make("%08000000u", 1, 2);

	peer_start(&peer);
	outlet_must_open(&outlet, "syslog", NULL, SETTINGS(peer.url));
	assert_int_equal(outlet_once(&outlet, records, 2, &batch, 200), -ETIMEDOUT);
	assert_int_equal(records[0].result, DELIVERY_RETRY);
	assert_true(batch.answer[0]);
	outlet_close(&outlet);
	peer_stop(&peer);
	records_free(records, 2);
}

static void test_syslog_local(void **state)
{
	(void)state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct outlet outlet;
	struct transport_batch batch;
	char url[160], text[256] = "";
	struct transport_record *records = records_make("<13>1 - h spoor - - - id-%u", 1, 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/spoor-log-%d", getpid());
	snprintf(url, sizeof(url), "url=unix://%s", address.sun_path);
	outlet_must_open(&outlet, "syslog", NULL, SETTINGS(url));
	assert_true(outlet_once(&outlet, records, 1, &batch, 1000) < 0);
	assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
	assert_int_equal(outlet_once(&outlet, records, 1, &batch, 1000), 0);
	assert_int_equal(records[0].result, DELIVERY_DONE);
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "<13>1 - h spoor - - - id-1");
	outlet_close(&outlet);
	close(fd);
	unlink(address.sun_path);
	records_free(records, 1);
}

static void test_udp(void **state)
{
	(void)state;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct outlet outlet;
	struct transport_batch batch;
	char url[64], text[256] = "";
	struct transport_record *small = records_make("<13>1 - h spoor - - - id-%u", 1, 1);
	struct transport_record *large = records_make("%070000u", 2, 1);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (void *)&address, len), 0);
	getsockname(fd, (void *)&address, &len);
	snprintf(url, sizeof(url), "url=udp://127.0.0.1:%u", ntohs(address.sin_port));
	outlet_must_open(&outlet, "syslog", NULL, SETTINGS(url));
	assert_int_equal(outlet_once(&outlet, large, 1, &batch, 1000), 0);
	assert_int_equal(large[0].result, DELIVERY_TOO_LARGE);
	assert_int_equal(outlet_once(&outlet, small, 1, &batch, 1000), 0);
	assert_int_equal(small[0].result, DELIVERY_DONE);
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "<13>1 - h spoor - - - id-1");
	close(fd);
	/* Nobody there: known from the second on. */
	outlet_once(&outlet, small, 1, &batch, 1000);
	assert_true(outlet_once(&outlet, small, 1, &batch, 1000) < 0);
	assert_int_equal(small[0].result, DELIVERY_RETRY);
	outlet_close(&outlet);
	records_free(small, 1);
	records_free(large, 1);
}

/* A name that cannot be resolved, which asks no name server. */
static void test_name(void **state)
{
	(void)state;
	static const struct {
		const char *name, *url, *text;
	} rows[] = {
		{ "syslog", "url=tcp://no..such.name", "cannot resolve no..such.name" },
		{ "syslog", "url=udp://no..such.name", "cannot resolve no..such.name" },
		{ "relp", "url=tcp://no..such.name", "cannot resolve no..such.name" },
		{ "forward", "url=tcp://no..such.name", "cannot resolve no..such.name" },
		{ "webhook", "url=http://no..such.name/", "resolve host" },
	};
	struct transport_record *records = records_make("<13>1 - h spoor - - - id-%u", 1, 2);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outlet outlet;
		struct transport_batch batch;

		outlet_must_open(&outlet, rows[i].name, NULL, SETTINGS(rows[i].url));
		assert_true(outlet_once(&outlet, records, 2, &batch, 5000) < 0);
		assert_int_equal(records[0].result, DELIVERY_RETRY);
		if (!strstr(batch.answer, rows[i].text))
			fail_msg("%s: '%s'", rows[i].name, batch.answer);
		outlet_close(&outlet);
	}
	records_free(records, 2);
}

static void test_settings(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text, *settings[4];
	} rows[] = {
		{ "syslog", "host and a port only", { "url=tcp://h:1/x" } },
		{ "syslog", "host and a port only", { "url=tcp://u@h:1" } },
		{ "syslog", "needs a tls", { "url=tcp://h", "server_name=x" } },
		{ "syslog", "three slashes", { "url=unix://dev/log" } },
		{ "syslog", "names no host", { "url=tcp://:514" } },
		{ "syslog", "lacks its ']'", { "url=tcp://[::1:514" } },
		{ "syslog", "required", { NULL } },
		{ "relp", "window", { "url=tcp://h", "window=0" } },
		{ "relp", "unknown scheme", { "url=udp://h" } },
		{ "relp",
		  "verify",
		  { "url=tls://h", "verify=false",
		    "fingerprints=00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
		    "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		outlet_must_refuse(rows[i].name, NULL, rows[i].text, rows[i].settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relp),	      cmocka_unit_test(test_syslog_lost),
		cmocka_unit_test(test_syslog_closed), cmocka_unit_test(test_syslog_stuck),
		cmocka_unit_test(test_syslog_local),  cmocka_unit_test(test_udp),
		cmocka_unit_test(test_name),	      cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
