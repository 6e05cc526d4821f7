/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RELP, syslog with acknowledgement: a record is delivered when its own "rsp 200" has come. At most
 * `window` records are on their way; whatever is not answered when a connection ends is sent again.
 * Own code because librelp is GPL-3.0-or-later.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "batch.h"
#include "moment.h"
#include "relp_frame.h"
#include "connection.h"

enum key { URL, WINDOW, CONNECT_TIMEOUT, TLS, KEY_COUNT = TLS + TLS_KEY_COUNT };
enum { PORT_RELP = 2514, WINDOW_MAX = 10000, READ_STEP = 4096 };

static const struct setting_key keys[KEY_COUNT] = {
	{ "url", SETTING_TEXT, .required = true, .doc = "tcp://HOST[:2514] or tls://HOST[:2514]" },
	{ "window", SETTING_NUMBER, .fallback = "128",
	  .doc = "most records without an answer, 1 to 10000" },
	{ "connect_timeout", SETTING_DURATION, .fallback = "5s", .doc = "most time to connect" },
	TLS_KEY_ROWS,
};

struct transport_state {
	const struct transport_settings *settings;
	struct url url;
	struct tls *tls;
	struct connection connection;
	uint32_t txnr; /* of the last frame sent */
	struct buf in, out;
	size_t taken; /* bytes of `in` already read as frames */
	bool closing; /* the receiver has said so */
};

/* ---- settings ------------------------------------------------------------------------------ */

static int read_url(const struct transport_settings *settings, struct url *url, struct err *err)
{
	int r = url_parse(settings->values[URL].text, "tcp tls", url, err);

	if (r < 0)
		return r;
	if (url->user[0] || url->query[0] || (url->path[0] && url->path[1])) {
		err_set(err, -EINVAL, "a RELP URL has a host and a port only");
		err_hint(err, "such as tcp://logs.example.org:2514");
		return -EINVAL;
	}
	url->port = url->port ? url->port : PORT_RELP;
	return 0;
}

static int relp_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	struct url url;
	int r = read_url(settings, &url, err);
	int64_t window = setting_number(settings, WINDOW);

	*key = URL;
	if (r < 0)
		return r;
	if (window < 1 || window > WINDOW_MAX) {
		*key = WINDOW;
		return err_set(err, -EINVAL, "the window is %lld, and must be 1 to %d",
			       (long long)window, WINDOW_MAX);
	}
	return connection_check_tls(settings, TLS, &url, key, err);
}

static int relp_open(const struct transport_settings *settings, struct transport_state **out,
		     struct err *err)
{
	autoclean(freep) struct transport_state *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->settings = settings;
	state->connection.fd = -1;
	int r = read_url(settings, &state->url, err);

	if (r == 0 && !strcmp(state->url.scheme, "tls"))
		r = tls_open(settings->values + TLS, state->url.host, &state->tls, err);
	if (r < 0)
		return r;
	*out = take(state);
	return 0;
}

/* ---- frames -------------------------------------------------------------------------------- */

static uint32_t next_txnr(uint32_t txnr)
{
	return txnr >= RELP_TXNR_MAX ? 1 : txnr + 1;
}

static void frame_add(struct transport_state *state, const char *command, struct str data)
{
	state->txnr = next_txnr(state->txnr);
	buf_printf(&state->out, "%u %s %u", state->txnr, command, data.len);
	if (data.len)
		buf_char(&state->out, ' ');
	buf_str(&state->out, data);
	buf_char(&state->out, '\n');
}

static int flush_out(struct transport_state *state, uint64_t deadline)
{
	int r = state->out.truncated ? -ENOMEM
				     : connection_write(&state->connection, state->out.data,
							state->out.len, deadline);

	buf_clear(&state->out);
	return r;
}

static int nonsense(struct transport_state *state)
{
	snprintf(state->connection.why, sizeof(state->connection.why),
		 "the receiver does not speak RELP");
	connection_close(&state->connection);
	return -EPROTO;
}

/* Waits for the next answer; hints (transaction 0) are noted and passed over. */
static int next_answer(struct transport_state *state, uint64_t deadline, struct relp_frame *out)
{
	for (;;) {
		long taken = relp_frame_read(state->in.data + state->taken,
					     state->in.len - state->taken, out);

		if (taken < 0)
			return nonsense(state);
		state->taken += (size_t)taken;
		if (taken && out->txnr && str_equal(out->command, STR("rsp")))
			return 0;
		if (taken && !out->txnr) {
			state->closing |= str_equal(out->command, STR("serverclose"));
			continue;
		}
		if (taken)
			return nonsense(state);
		if (state->taken)
			memmove(state->in.data, state->in.data + state->taken,
				state->in.len - state->taken);
		state->in.len -= state->taken;
		state->taken = 0;
		char *room = buf_room(&state->in, READ_STEP);
		ssize_t len = room ? connection_read(&state->connection, room, READ_STEP, deadline)
				   : -ENOMEM;

		if (len < 0)
			return (int)len;
		state->in.len += (size_t)len;
	}
}

/* ---- a session ------------------------------------------------------------------------------- */

static bool offers_syslog(struct str offers)
{
	return offers.len && memmem(offers.data, offers.len, "commands=", 9) &&
	       memmem(offers.data, offers.len, "syslog", 6);
}

static int session_begin(struct transport_state *state, uint64_t deadline)
{
	char offers[256];
	struct relp_frame answer;
	struct str version = state->settings->sensor_version;
	int len = snprintf(offers, sizeof(offers),
			   "relp_version=0\nrelp_software=spoor,%.*s\ncommands=syslog",
			   (int)version.len, version.data ? version.data : "");

	state->txnr = 0;
	state->closing = false;
	state->taken = 0;
	buf_clear(&state->in);
	buf_clear(&state->out);
	frame_add(state, "open", (struct str){ offers, (uint32_t)len });
	int r = flush_out(state, deadline);

	if (r == 0)
		r = next_answer(state, deadline, &answer);
	if (r < 0)
		return r;
	if (relp_code(answer.data) != 200 || !offers_syslog(answer.data)) {
		snprintf(state->connection.why, sizeof(state->connection.why),
			 "the receiver refused the session: %.*s", (int)MIN(answer.data.len, 80),
			 answer.data.data);
		connection_close(&state->connection);
		return -EPROTO;
	}
	return 0;
}

/* Ends it as the protocol wants; what the receiver does then is its own affair. */
static void session_end(struct transport_state *state, uint64_t deadline)
{
	struct relp_frame answer;

	if (state->connection.fd < 0)
		return;
	buf_clear(&state->out);
	frame_add(state, "close", STR(""));
	if (flush_out(state, deadline) == 0 && !state->closing)
		next_answer(state, deadline, &answer);
	connection_close(&state->connection);
}

static int ready(struct transport_state *state, const struct transport_batch *batch)
{
	uint64_t own = moment_in_ms(setting_number(state->settings, CONNECT_TIMEOUT));
	uint64_t deadline = MIN(own, batch->deadline);

	if (state->closing || (state->tls && tls_reload(state->tls)))
		session_end(state, deadline);
	if (state->connection.fd >= 0)
		return 0;
	int r = connection_connect(&state->connection, &state->url, state->tls, deadline);

	return r < 0 ? r : session_begin(state, deadline);
}

/* ---- sending ----------------------------------------------------------------------------- */

/* Records [first, first + on_way) wait for answers; the first has transaction `txnr`. */
static int take_answer(struct transport_state *state, struct transport_batch *batch, uint32_t first,
		       uint32_t on_way, uint32_t txnr)
{
	struct relp_frame answer;
	int r = next_answer(state, batch->deadline, &answer);

	if (r < 0)
		return r;
	uint32_t at = answer.txnr >= txnr ? answer.txnr - txnr
					  : answer.txnr + (RELP_TXNR_MAX - txnr);

	if (at >= on_way)
		return nonsense(state);
	struct transport_record *record = &batch->records[first + at];
	bool fine = relp_code(answer.data) == 200;

	record->result = fine ? DELIVERY_DONE : DELIVERY_RETRY;
	if (!fine) {
		batch_answer(batch, "the receiver said: %.*s", (int)MIN(answer.data.len, 200),
			     answer.data.data);
		record->why = batch->answer;
	}
	return 0;
}

/* Sends up to `count` records and waits for the answers of all. */
static int send_window(struct transport_state *state, struct transport_batch *batch, uint32_t first,
		       uint32_t count)
{
	uint32_t txnr = next_txnr(state->txnr);

	for (uint32_t i = first; i < first + count; i++)
		frame_add(state, "syslog", batch->records[i].bytes);
	int r = flush_out(state, batch->deadline);

	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = take_answer(state, batch, first, count, txnr);
	return r;
}

static int send_all(struct transport_state *state, struct transport_batch *batch)
{
	uint32_t window = (uint32_t)setting_number(state->settings, WINDOW), first = 0;
	int r = 0;

	while (r == 0 && first < batch->count) {
		uint32_t count = MIN(window, batch->count - first);

		r = ready(state, batch);
		if (r == 0)
			r = send_window(state, batch, first, count);
		first += count;
	}
	return r;
}

static int relp_send(struct transport_state *state, struct transport_batch *batch)
{
	bool fresh = state->connection.fd < 0;
	sigset_t before;

	sigpipe_hold(&before);
	int r = send_all(state, batch);

	/* An idle connection that the receiver had ended long ago is no failure. */
	if ((r == -EPIPE || r == -ECONNRESET) && !fresh &&
	    batch->records[0].result == DELIVERY_RETRY)
		r = send_all(state, batch);
	sigpipe_release(&before);
	if (r < 0)
		batch_answer(batch, "%s", state->connection.why);
	return r;
}

static void relp_close(struct transport_state *state, uint64_t deadline)
{
	sigset_t before;

	if (!state)
		return;
	sigpipe_hold(&before);
	session_end(state, deadline);
	sigpipe_release(&before);
	tls_free(state->tls);
	buf_free(&state->in);
	buf_free(&state->out);
	free(state);
}

const struct transport transport_relp = {
	.name = "relp",
	.doc = "syslog with acknowledgement (RELP), plain or by TLS",
	.format = "rfc5424",
	.keys = keys,
	.key_count = KEY_COUNT,
	.batch_records = 512,
	.batch_bytes = 256 * 1024,
	.check = relp_check,
	.open = relp_open,
	.send = relp_send,
	.close = relp_close,
};
