/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Syslog receivers: datagrams (RFC 5426, /dev/log), TCP (RFC 6587) and TLS (RFC 5425).
 *
 * Syslog has no acknowledgement. Over a connection a record counts as delivered when the peer's
 * kernel has taken every byte and the peer has not closed. What is in the receiver's memory when it
 * dies would still be lost, so the last records sent are kept and sent once more over the next
 * connection after one was lost: duplicates, with equal ids, rather than gaps. A datagram counts as
 * delivered when it is on its way.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "batch.h"
#include "moment.h"
#include "connection.h"

enum key {
	URL,
	FRAMING,
	MAX_DATAGRAM,
	CONNECT_TIMEOUT,
	RESEND_SIZE,
	RESEND_AGE,
	TLS,
	KEY_COUNT = TLS + TLS_KEY_COUNT
};
enum framing { OCTET_COUNTING, LINES };
enum { PORT_SYSLOG = 514, PORT_TLS = 6514, LOST_MAX_MS = 5000 };

static const struct setting_key keys[KEY_COUNT] = {
	{ "url", SETTING_TEXT, .required = true,
	  .doc = "udp://HOST[:514], tcp://HOST[:514], tls://HOST[:6514], or unix:///dev/log" },
	{ "framing", SETTING_CHOICE, .fallback = "octet-counting",
	  .choices = "octet-counting lines", .doc = "how records are told apart in a connection" },
	{ "max_datagram", SETTING_SIZE, .fallback = "65507",
	  .doc = "records longer than this are not sent by udp" },
	{ "connect_timeout", SETTING_DURATION, .fallback = "5s", .doc = "most time to connect" },
	{ "resend_size", SETTING_SIZE, .fallback = "1M",
	  .doc = "how much of what was sent last is sent again after a connection is lost" },
	{ "resend_age", SETTING_DURATION, .fallback = "1m",
	  .doc = "and how old it may be; 0s: nothing is sent again" },
	TLS_KEY_ROWS,
};

/* A frame that was sent, in `window`. */
struct sent {
	uint32_t len;
	uint64_t when;
};

struct transport_state {
	const struct transport_settings *settings;
	struct url url;
	struct tls *tls;
	struct connection connection;
	int datagrams; /* connected datagram socket, or -1 */
	struct buf frames;
	struct buf window; /* bytes sent last, oldest first */
	struct sent *sent;
	uint32_t sent_count, sent_capacity;
};

/* ---- settings ----------------------------------------------------------------------------- */

static int read_url(const struct transport_settings *settings, struct url *url, struct err *err)
{
	int r = url_parse(settings->values[URL].text, "udp tcp tls unix", url, err);

	if (r < 0)
		return r;
	if (url->user[0] || url->query[0] || (!url->local && url->path[0] && url->path[1])) {
		err_set(err, -EINVAL, "a syslog URL has a host and a port only");
		err_hint(err, "such as tcp://logs.example.org:514");
		return -EINVAL;
	}
	if (!url->port && !url->local)
		url->port = !strcmp(url->scheme, "tls") ? PORT_TLS : PORT_SYSLOG;
	return 0;
}

static int syslog_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	struct url url;
	int r = read_url(settings, &url, err);

	*key = URL;
	if (r < 0)
		return r;
	return connection_check_tls(settings, TLS, &url, key, err);
}

static void state_free(struct transport_state *state)
{
	connection_close(&state->connection);
	if (state->datagrams >= 0)
		close(state->datagrams);
	tls_free(state->tls);
	buf_free(&state->frames);
	buf_free(&state->window);
	free(state->sent);
	free(state);
}

static int syslog_open(const struct transport_settings *settings, struct transport_state **out,
		       struct err *err)
{
	struct transport_state *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->settings = settings;
	state->connection.fd = state->datagrams = -1;
	int r = read_url(settings, &state->url, err);

	if (r == 0 && !strcmp(state->url.scheme, "tls"))
		r = tls_open(settings->values + TLS, state->url.host, &state->tls, err);
	if (r < 0) {
		state_free(state);
		return r;
	}
	*out = state;
	return 0;
}

static uint64_t connect_deadline(const struct transport_state *state,
				 const struct transport_batch *batch)
{
	uint64_t own = moment_in_ms(setting_number(state->settings, CONNECT_TIMEOUT));

	return MIN(own, batch->deadline);
}

/* ---- datagrams ------------------------------------------------------------------------------- */

/* A record in one datagram. -EMSGSIZE if it cannot be. */
static int send_datagram(struct transport_state *state, struct str record, uint64_t deadline)
{
	size_t most = (size_t)setting_number(state->settings, MAX_DATAGRAM);
	struct pollfd poll_fd = { .fd = state->datagrams, .events = POLLOUT };

	if (!state->url.local && record.len > most)
		return -EMSGSIZE;
	for (;;) {
		if (send(state->datagrams, record.data, record.len, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
			return -errno;
		int left = moment_left_ms(deadline);

		if (!left)
			return -ETIMEDOUT;
		poll(&poll_fd, 1, MIN(left, 10));
	}
}

static int send_datagrams(struct transport_state *state, struct transport_batch *batch)
{
	int r = 0;

	if (state->datagrams < 0)
		r = socket_connect(&state->url, SOCK_DGRAM, connect_deadline(state, batch),
				   batch->answer, sizeof(batch->answer));
	if (r < 0)
		return r;
	if (state->datagrams < 0)
		state->datagrams = r;
	for (uint32_t i = 0; i < batch->count; i++) {
		struct transport_record *record = &batch->records[i];

		r = send_datagram(state, record->bytes, batch->deadline);
		/* An earlier datagram was refused, which is known only now. */
		if (r == -ECONNREFUSED && i)
			batch->records[i - 1].result = DELIVERY_RETRY;
		if (r < 0 && r != -EMSGSIZE) {
			batch_answer(batch, "sending: %s", strerror(-r));
			close(state->datagrams); /* /dev/log may be another socket now */
			state->datagrams = -1;
			return r;
		}
		record->result = r < 0 ? DELIVERY_TOO_LARGE : DELIVERY_DONE;
		record->why = r < 0 ? "longer than a datagram may be" : NULL;
	}
	return 0;
}

/* ---- what to send again after a loss ----------------------------------------------------- */

static void window_drop(struct transport_state *state, uint32_t count)
{
	size_t bytes = 0;

	if (!count)
		return;
	for (uint32_t i = 0; i < count; i++)
		bytes += state->sent[i].len;
	state->window.len -= bytes;
	memmove(state->window.data, state->window.data + bytes, state->window.len);
	state->sent_count -= count;
	memmove(state->sent, state->sent + count, state->sent_count * sizeof(*state->sent));
}

/* Forgets what is too old, and what is too much when `more` bytes are added. */
static void window_trim(struct transport_state *state, size_t more)
{
	size_t size = (size_t)setting_number(state->settings, RESEND_SIZE);
	uint64_t age = (uint64_t)setting_number(state->settings, RESEND_AGE) * MOMENT_MS;
	uint64_t now = moment_now();
	size_t left = state->window.len + more;
	uint32_t drop = 0;

	while (drop < state->sent_count && (left > size || now - state->sent[drop].when > age))
		left -= state->sent[drop++].len;
	window_drop(state, drop);
}

static void window_add(struct transport_state *state, const char *frame, size_t len)
{
	if (len > (size_t)setting_number(state->settings, RESEND_SIZE))
		return;
	if (state->sent_count == state->sent_capacity) {
		uint32_t capacity = MAX(state->sent_capacity * 2, 256U);
		void *grown = realloc(state->sent, capacity * sizeof(*state->sent));

		if (!grown)
			return;
		state->sent = grown;
		state->sent_capacity = capacity;
	}
	buf_add(&state->window, frame, len);
	if (!state->window.truncated)
		state->sent[state->sent_count++] = (struct sent){ (uint32_t)len, moment_now() };
	state->window.truncated = false;
}

/* ---- connections ------------------------------------------------------------------------- */

/* MSG-LEN SP MSG, or MSG LF with no LF in it. */
static void frame_add(struct transport_state *state, struct str record)
{
	struct buf *out = &state->frames;

	if (setting_number(state->settings, FRAMING) == OCTET_COUNTING) {
		buf_uint(out, record.len);
		buf_char(out, ' ');
		buf_str(out, record);
		return;
	}
	size_t at = out->len;

	buf_str(out, record);
	for (char *newline;
	     at < out->len && (newline = memchr(out->data + at, '\n', out->len - at));)
		*newline = ' ';
	buf_char(out, '\n');
}

static size_t frame_len(const struct transport_state *state, struct str record)
{
	size_t len = record.len + 1; /* the space or the line's end */

	if (setting_number(state->settings, FRAMING) != OCTET_COUNTING)
		return len;
	for (uint32_t rest = record.len; rest >= 10; rest /= 10)
		len++;
	return len + 1;
}

static int connect_again(struct transport_state *state, struct transport_batch *batch)
{
	int r = connection_connect(&state->connection, &state->url, state->tls,
				   connect_deadline(state, batch));

	if (r < 0)
		return r;
	window_trim(state, 0);
	if (state->window.len)
		batch_answer(batch, "connected again; sent the last %u records once more",
			     state->sent_count);
	return state->window.len ? connection_write(&state->connection, state->window.data,
						    state->window.len, batch->deadline)
				 : 0;
}

static int ready(struct transport_state *state, struct transport_batch *batch, bool *fresh)
{
	bool renewed = state->tls && tls_reload(state->tls);

	if (renewed && connection_settle(&state->connection, moment_in_ms(LOST_MAX_MS)) == 0) {
		connection_close(&state->connection);
		window_drop(state, state->sent_count); /* a polite end: nothing was lost */
	}
	if (connection_probe(&state->connection) == 0)
		return 0;
	*fresh = true;
	return connect_again(state, batch);
}

static int send_frames(struct transport_state *state, struct transport_batch *batch)
{
	bool fresh = false;
	int r = ready(state, batch, &fresh);
	size_t at = 0;

	if (r < 0)
		return r;
	buf_clear(&state->frames);
	for (uint32_t i = 0; i < batch->count; i++)
		frame_add(state, batch->records[i].bytes);
	if (state->frames.truncated)
		return -ENOMEM;
	r = connection_write(&state->connection, state->frames.data, state->frames.len,
			     batch->deadline);
	if (r == 0)
		r = connection_settle(&state->connection, batch->deadline);
	if (r == 0 && fresh)
		r = connection_accepted(&state->connection, batch->deadline);
	if (r < 0)
		return r;
	window_trim(state, state->frames.len);
	for (uint32_t i = 0; i < batch->count; i++) {
		size_t len = frame_len(state, batch->records[i].bytes);

		window_add(state, state->frames.data + at, len);
		at += len;
	}
	batch_results(batch, 0, batch->count, DELIVERY_DONE, NULL);
	return 0;
}

static int syslog_send(struct transport_state *state, struct transport_batch *batch)
{
	sigset_t before;

	if (state->url.local || !strcmp(state->url.scheme, "udp"))
		return send_datagrams(state, batch);
	sigpipe_hold(&before);
	int r = send_frames(state, batch);

	sigpipe_release(&before);
	if (r < 0)
		batch_answer(batch, "%s", state->connection.why);
	return r;
}

/* What a connection lost at the last moment may have swallowed is sent once more here, too. */
static void syslog_close(struct transport_state *state, uint64_t deadline)
{
	struct transport_batch nothing = { .deadline = deadline };
	sigset_t before;

	if (!state)
		return;
	sigpipe_hold(&before);
	if (state->sent_count && connection_settle(&state->connection, deadline) < 0 &&
	    connect_again(state, &nothing) == 0)
		connection_settle(&state->connection, deadline);
	state_free(state);
	sigpipe_release(&before);
}

const struct transport transport_syslog = {
	.name = "syslog",
	.doc = "syslog by UDP, TCP, TLS or a local socket",
	.format = "rfc5424",
	.keys = keys,
	.key_count = KEY_COUNT,
	.batch_records = 512,
	.batch_bytes = 256 * 1024,
	.check = syslog_check,
	.open = syslog_open,
	.send = syslog_send,
	.close = syslog_close,
};
