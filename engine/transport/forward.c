/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fluent Forward (Forward Protocol v1), for fluentd and Fluent Bit; Tracee's forward. A batch is a
 * chunk; it is delivered when the receiver has returned the chunk's id. The id is made of the ids
 * of its records, so a chunk sent again after a lost answer is known to be the same.
 */
#include <errno.h>
#include <jansson.h>
#include <msgpack.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "batch.h"
#include "event/json.h"
#include "forward_message.h"
#include "gzip.h"
#include "moment.h"
#include "openssl.h"
#include "connection.h"

enum key {
	URL,
	TAG,
	MODE,
	RECORD,
	REQUIRE_ACK,
	COMPRESSION,
	SHARED_KEY,
	USER,
	PASSWORD,
	CONNECT_TIMEOUT,
	ACK_TIMEOUT,
	TLS,
	KEY_COUNT = TLS + TLS_KEY_COUNT
};
enum mode { MODE_PACKED, MODE_FORWARD, MODE_MESSAGE };
enum { PORT_FORWARD = 24224, READ_STEP = 4096, SALT = 16, DIGEST_TEXT = 128, DEPTH_MAX = 64 };

static const struct setting_key keys[KEY_COUNT] = {
	{ "url", SETTING_TEXT, .required = true,
	  .doc = "tcp://HOST[:24224], tls://, udp://, unix:///PATH; Tracee's user:password@ and ?tag=, "
		 "?requireAck=, ?connectionTimeout= are obeyed" },
	{ "tag", SETTING_TEXT, .fallback = "tracee", .doc = "tag of the records" },
	{ "mode", SETTING_CHOICE, .fallback = "packed", .choices = "packed forward message",
	  .doc = "PackedForward, Forward, or a Message for each record as Tracee sends them" },
	{ "record", SETTING_CHOICE, .fallback = "event", .choices = "event structured",
	  .doc = "{\"event\": \"the record as text\"} as Tracee's, or the record's JSON as a map" },
	{ "require_ack", SETTING_BOOL, .fallback = "true",
	  .doc = "wait for the receiver's acknowledgement of each chunk" },
	{ "compression", SETTING_CHOICE, .fallback = "none", .choices = "none gzip",
	  .doc = "of packed chunks" },
	{ "shared_key", SETTING_SECRET, .doc = "the receiver's shared_key" },
	{ "user", SETTING_TEXT, .doc = "user, if the receiver asks for one" },
	{ "password", SETTING_SECRET, .doc = "its password" },
	{ "connect_timeout", SETTING_DURATION, .fallback = "10s", .doc = "most time to connect" },
	{ "ack_timeout", SETTING_DURATION, .fallback = "30s",
	  .doc = "most time to wait for an acknowledgement" },
	TLS_KEY_ROWS,
};

struct transport_state {
	const struct transport_settings *settings;
	const struct openssl *lib; /* for the handshake; NULL: none is made */
	struct url url;
	char tag[URL_PART_MAX];
	bool require_ack;
	int64_t connect_ms;
	struct tls *tls;
	struct connection connection;
	bool fresh; /* nothing was sent by it yet */
	int datagrams;
	struct buf out, entries, packed, in;
};

/* ---- settings -------------------------------------------------------------------------------- */

/* What Tracee says in the URL: true, false, 1, 0, ... as Go's ParseBool takes it. */
static int read_bool(const char *text)
{
	static const char *const words[] = { "0", "f", "F", "false", "False", "FALSE",
					     "1", "t", "T", "true",  "True",  "TRUE" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(text, words[i]))
			return i >= ARRAY_SIZE(words) / 2;
	return -1;
}

/* Fills what the URL and the keys say together; the URL's parameters win, as they are Tracee's. */
static int read_url(const struct transport_settings *settings, struct transport_state *out,
		    struct err *err)
{
	char text[URL_PART_MAX];
	int r = url_parse(settings->values[URL].text, "tcp tls udp unix", &out->url, err);

	if (r < 0)
		return r;
	out->url.port = out->url.port ? out->url.port : PORT_FORWARD;
	snprintf(out->tag, sizeof(out->tag), "%s", setting_text(settings, TAG));
	out->require_ack = setting_number(settings, REQUIRE_ACK) != 0;
	out->connect_ms = setting_number(settings, CONNECT_TIMEOUT);
	if (url_unknown_parameter(&out->url, "tag requireAck connectionTimeout", text,
				  sizeof(text))) {
		err_set(err, -EINVAL, "unknown parameter '%s' in the URL", text);
		err_hint(err, "it can be: tag, requireAck, connectionTimeout");
		return -EINVAL;
	}
	if (url_parameter(&out->url, "tag", text, sizeof(text)))
		snprintf(out->tag, sizeof(out->tag), "%s", text);
	if (url_parameter(&out->url, "requireAck", text, sizeof(text))) {
		if (read_bool(text) < 0)
			return err_set(err, -EINVAL, "requireAck=%s is neither true nor false",
				       text);
		out->require_ack = read_bool(text) > 0;
	}
	if (url_parameter(&out->url, "connectionTimeout", text, sizeof(text))) {
		out->connect_ms = url_duration(text);
		if (out->connect_ms < 0)
			return err_set(err, -EINVAL, "connectionTimeout=%s is no duration", text);
	}
	if (!out->url.local && out->url.path[0] && out->url.path[1])
		return err_set(err, -EINVAL, "a Forward URL has no path");
	return 0;
}

static bool by_datagram(const struct url *url)
{
	return !strcmp(url->scheme, "udp");
}

static int forward_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	struct transport_state read = { 0 };
	int r = read_url(settings, &read, err);

	*key = URL;
	if (r < 0)
		return r;
	if (setting_number(settings, COMPRESSION) &&
	    setting_number(settings, MODE) != MODE_PACKED) {
		*key = COMPRESSION;
		err_set(err, -EINVAL, "compression needs mode: packed");
		return -EINVAL;
	}
	if (by_datagram(&read.url) && settings->values[SHARED_KEY].given) {
		*key = SHARED_KEY;
		return err_set(err, -EINVAL, "by udp there is no shared key");
	}
	return connection_check_tls(settings, TLS, &read.url, key, err);
}

static void forward_close(struct transport_state *state, uint64_t deadline)
{
	sigset_t before;

	(void)deadline;
	if (!state)
		return;
	sigpipe_hold(&before);
	connection_close(&state->connection);
	sigpipe_release(&before);
	if (state->datagrams >= 0)
		close(state->datagrams);
	tls_free(state->tls);
	buf_free(&state->out);
	buf_free(&state->entries);
	buf_free(&state->packed);
	buf_free(&state->in);
	free(state);
}

static int forward_open(const struct transport_settings *settings, struct transport_state **out,
			struct err *err)
{
	struct transport_state *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->settings = settings;
	state->connection.fd = state->datagrams = -1;
	int r = read_url(settings, state, err);

	if (r == 0 && !strcmp(state->url.scheme, "tls"))
		r = tls_open(settings->values + TLS, state->url.host, &state->tls, err);
	if (r == 0 && (setting_text(settings, SHARED_KEY) || setting_text(settings, USER) ||
		       state->url.user[0])) {
		state->lib = openssl_load(err);
		r = state->lib ? 0 : err->code;
	}
	if (r < 0) {
		forward_close(state, 0);
		return r;
	}
	*out = state;
	return 0;
}

/* ---- MessagePack ------------------------------------------------------------------------- */

static int pack_write(void *ctx, const char *data, size_t len)
{
	buf_add(ctx, data, len);
	return 0;
}

static void pack_text(msgpack_packer *packer, struct str text)
{
	msgpack_pack_str(packer, text.len);
	msgpack_pack_str_body(packer, text.data, text.len);
}

/* EventTime: extension 0, seconds and nanoseconds. */
static void pack_time(msgpack_packer *packer, uint64_t time)
{
	uint32_t parts[] = { htobe32((uint32_t)(time / 1000000000)),
			     htobe32((uint32_t)(time % 1000000000)) };

	msgpack_pack_ext(packer, sizeof(parts), 0);
	msgpack_pack_ext_body(packer, parts, sizeof(parts));
}

static void pack_json(msgpack_packer *packer, json_t *value, unsigned depth)
{
	const char *name;
	json_t *part;
	size_t i;

	if (depth > DEPTH_MAX || !value) {
		msgpack_pack_nil(packer);
		return;
	}
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		msgpack_pack_map(packer, json_object_size(value));
		json_object_foreach(value, name, part)
		{
			pack_text(packer, str_of(name));
			pack_json(packer, part, depth + 1);
		}
		break;
	case JSON_ARRAY:
		msgpack_pack_array(packer, json_array_size(value));
		json_array_foreach(value, i, part) pack_json(packer, part, depth + 1);
		break;
	case JSON_STRING:
		pack_text(packer, (struct str){ json_string_value(value),
						(uint32_t)json_string_length(value) });
		break;
	case JSON_INTEGER: msgpack_pack_int64(packer, json_integer_value(value)); break;
	case JSON_REAL: msgpack_pack_double(packer, json_real_value(value)); break;
	case JSON_TRUE: msgpack_pack_true(packer); break;
	case JSON_FALSE: msgpack_pack_false(packer); break;
	default: msgpack_pack_nil(packer);
	}
}

/* A record that is no JSON object is put under "event" as Tracee's are. */
static void pack_record(const struct transport_state *state, msgpack_packer *packer,
			struct str bytes)
{
	json_t *tree = setting_number(state->settings, RECORD)
			       ? json_loadb(bytes.data, bytes.len, 0, NULL)
			       : NULL;

	if (json_is_object(tree)) {
		pack_json(packer, tree, 0);
	} else {
		msgpack_pack_map(packer, 1);
		pack_text(packer, STR("event"));
		pack_text(packer, bytes);
	}
	json_decref(tree);
}

static void pack_options(const struct transport_state *state, msgpack_packer *packer,
			 const char *chunk, uint32_t size)
{
	bool gzip = setting_number(state->settings, COMPRESSION) != 0;

	msgpack_pack_map(packer, (size_t)(size > 0) + (chunk != NULL) + gzip);
	if (size) {
		pack_text(packer, STR("size"));
		msgpack_pack_uint32(packer, size);
	}
	if (chunk) {
		pack_text(packer, STR("chunk"));
		pack_text(packer, str_of(chunk));
	}
	if (gzip) {
		pack_text(packer, STR("compressed"));
		pack_text(packer, STR("gzip"));
	}
}

/* 16 bytes as base64, of the records' ids: the same chunk has the same id. */
static void chunk_id(const struct transport_record *records, uint32_t count, char out[25])
{
	uint64_t halves[2] = { UINT64_C(14695981039346656037), UINT64_C(1099511628211) };
	struct buf text = { 0 };

	for (uint32_t i = 0; i < count; i++)
		for (uint32_t at = 0; at <= records[i].id.len; at++) {
			uint8_t byte = at < records[i].id.len ? (uint8_t)records[i].id.data[at]
							      : (uint8_t)records[i].sequence;

			halves[0] = (halves[0] ^ byte) * UINT64_C(1099511628211);
			halves[1] = (halves[1] + byte) * UINT64_C(6364136223846793005) + 1;
		}
	json_base64(&text, (struct str){ (const char *)halves, sizeof(halves) });
	snprintf(out, 25, "%.*s", (int)MAX(text.len, 2) - 2, text.data ? text.data + 1 : "");
	buf_free(&text);
}

/* [tag, time, record, options] */
static void pack_message(struct transport_state *state, const struct transport_record *record,
			 const char *chunk)
{
	msgpack_packer packer;

	msgpack_packer_init(&packer, &state->out, pack_write);
	msgpack_pack_array(&packer, chunk ? 4 : 3);
	pack_text(&packer, str_of(state->tag));
	pack_time(&packer, record->time);
	pack_record(state, &packer, record->bytes);
	if (chunk)
		pack_options(state, &packer, chunk, 0);
}

static void pack_entries(struct transport_state *state, struct buf *out,
			 const struct transport_record *records, uint32_t count)
{
	msgpack_packer packer;

	msgpack_packer_init(&packer, out, pack_write);
	for (uint32_t i = 0; i < count; i++) {
		msgpack_pack_array(&packer, 2);
		pack_time(&packer, records[i].time);
		pack_record(state, &packer, records[i].bytes);
	}
}

/* [tag, [[time, record], ...], options], or the entries as one binary */
static void pack_chunk(struct transport_state *state, const struct transport_record *records,
		       uint32_t count, const char *chunk)
{
	msgpack_packer packer;
	struct buf *entries = &state->entries;

	msgpack_packer_init(&packer, &state->out, pack_write);
	msgpack_pack_array(&packer, 3);
	pack_text(&packer, str_of(state->tag));
	if (setting_number(state->settings, MODE) == MODE_FORWARD) {
		msgpack_pack_array(&packer, count);
		pack_entries(state, &state->out, records, count);
	} else {
		buf_clear(entries);
		pack_entries(state, entries, records, count);
		if (setting_number(state->settings, COMPRESSION) &&
		    gzip_pack(entries, &state->packed))
			entries = &state->packed;
		msgpack_pack_bin(&packer, entries->len);
		msgpack_pack_bin_body(&packer, entries->data, entries->len);
		state->out.truncated |= entries->truncated;
	}
	pack_options(state, &packer, chunk, count);
}

/* ---- the receiver's messages ------------------------------------------------------------- */

static int nonsense(struct transport_state *state, const char *what)
{
	snprintf(state->connection.why, sizeof(state->connection.why), "%s", what);
	connection_close(&state->connection);
	return -EPROTO;
}

/* Waits for the next message. Its texts live until the next call. */
static int next_message(struct transport_state *state, uint64_t deadline, size_t *taken,
			struct forward_message *out)
{
	if (*taken)
		memmove(state->in.data, state->in.data + *taken, state->in.len - *taken);
	state->in.len -= *taken;
	*taken = 0;
	for (;;) {
		long len = forward_message_read(state->in.data, state->in.len, out);

		if (len < 0)
			return nonsense(state, "the receiver does not speak Forward");
		if (len > 0) {
			*taken = (size_t)len;
			return 0;
		}
		char *room = buf_room(&state->in, READ_STEP);
		ssize_t got = room ? connection_read(&state->connection, room, READ_STEP, deadline)
				   : -ENOMEM;

		if (got < 0)
			return (int)got;
		state->in.len += (size_t)got;
	}
}

/* ---- handshake --------------------------------------------------------------------------- */

/* Hex of SHA-512 over the parts one after the other. */
static void digest_text(const struct openssl *lib, const struct str *parts, size_t count,
			char out[DIGEST_TEXT + 1])
{
	struct buf all = { 0 };
	unsigned char digest[DIGEST_TEXT / 2] = { 0 };
	unsigned len = sizeof(digest);

	for (size_t i = 0; i < count; i++)
		buf_str(&all, parts[i]);
	lib->EVP_Digest(all.data ? all.data : "", all.len, digest, &len, lib->EVP_sha512(), NULL);
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
	if (all.data)
		explicit_bzero(all.data, all.len);
	buf_free(&all);
}

static struct str secret_of(const struct transport_state *state, enum key key, const char *from_url)
{
	struct str given = state->settings->values[key].text;

	return given.data ? given : str_of(from_url);
}

/* ["PING", host, salt, digest, user, digest of the password] */
static int send_ping(struct transport_state *state, const struct forward_message *helo,
		     struct str salt, uint64_t deadline)
{
	struct str host = state->settings->host_name;
	struct str key = state->settings->values[SHARED_KEY].text;
	struct str user = secret_of(state, USER, state->url.user);
	struct str password = secret_of(state, PASSWORD, state->url.password);
	char digest[DIGEST_TEXT + 1], secret[DIGEST_TEXT + 1] = "";
	msgpack_packer packer;

	digest_text(state->lib, (struct str[]){ salt, host, helo->nonce, key }, 4, digest);
	if (helo->salt.len)
		digest_text(state->lib, (struct str[]){ helo->salt, user, password }, 3, secret);
	buf_clear(&state->out);
	msgpack_packer_init(&packer, &state->out, pack_write);
	msgpack_pack_array(&packer, 6);
	pack_text(&packer, STR("PING"));
	pack_text(&packer, host);
	pack_text(&packer, salt);
	pack_text(&packer, str_of(digest));
	pack_text(&packer, helo->salt.len ? user : STR(""));
	pack_text(&packer, str_of(secret));
	return connection_write(&state->connection, state->out.data, state->out.len, deadline);
}

/* The receiver knows the key as well; one that answers as ourselves only mirrors us. */
static int check_pong(struct transport_state *state, const struct forward_message *pong,
		      struct str salt, struct str nonce)
{
	char digest[DIGEST_TEXT + 1];
	struct str key = state->settings->values[SHARED_KEY].text;

	if (pong->kind != FORWARD_PONG)
		return nonsense(state, "the receiver does not answer the handshake");
	if (!pong->welcome) {
		snprintf(state->connection.why, sizeof(state->connection.why),
			 "the receiver refused us: %.*s", (int)MIN(pong->reason.len, 150),
			 pong->reason.data);
		connection_close(&state->connection);
		return -EACCES;
	}
	digest_text(state->lib, (struct str[]){ salt, pong->host, nonce, key }, 4, digest);
	if (str_equal(pong->host, state->settings->host_name) ||
	    !str_equal(pong->digest, str_of(digest)))
		return nonsense(state, "the receiver does not know the shared key");
	return 0;
}

static int handshake(struct transport_state *state, uint64_t deadline)
{
	unsigned char random[SALT / 2];
	char salt_text[SALT + 1];
	struct forward_message message;
	struct buf nonce = { 0 };
	size_t taken = 0;
	int r = next_message(state, deadline, &taken, &message);

	if (r == 0 && message.kind != FORWARD_HELO)
		r = nonsense(state, "the receiver does not ask for a shared key");
	if (r == 0 && state->lib->RAND_bytes(random, sizeof(random)) != 1)
		r = nonsense(state, "no random numbers for the handshake");
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(salt_text + 2 * i, 3, "%02x", random[i]);
	struct str salt = { salt_text, SALT };

	buf_str(&nonce, message.nonce);
	r = send_ping(state, &message, salt, deadline);
	if (r == 0)
		r = next_message(state, deadline, &taken, &message);
	if (r == 0)
		r = check_pong(state, &message, salt,
			       (struct str){ nonce.data, (uint32_t)nonce.len });
	buf_clear(&state->in);
	buf_free(&nonce);
	return r;
}

static int ready(struct transport_state *state, uint64_t until)
{
	uint64_t own = moment_in_ms(state->connect_ms), deadline = MIN(own, until);

	if (state->tls && tls_reload(state->tls))
		connection_close(&state->connection);
	if (state->connection.fd >= 0 && connection_probe(&state->connection) == 0)
		return 0;
	buf_clear(&state->in);
	state->fresh = true;
	int r = connection_connect(&state->connection, &state->url, state->tls, deadline);

	return r == 0 && state->lib ? handshake(state, deadline) : r;
}

/* ---- sending ----------------------------------------------------------------------------- */

static int await_ack(struct transport_state *state, const char *chunk, uint64_t until)
{
	uint64_t own = moment_in_ms(setting_number(state->settings, ACK_TIMEOUT));
	struct forward_message message;
	size_t taken = 0;

	for (;;) {
		int r = next_message(state, MIN(own, until), &taken, &message);

		if (r < 0)
			return r;
		if (message.kind == FORWARD_ACK) {
			bool ours = str_equal(message.ack, str_of(chunk));

			buf_clear(&state->in);
			return ours ? 0
				    : nonsense(state, "the receiver acknowledged another chunk");
		}
	}
}

/* Without acknowledgement: everything TCP lets us know. */
static int settle(struct transport_state *state, uint64_t deadline)
{
	int r = connection_settle(&state->connection, deadline);

	if (r == 0 && state->fresh)
		r = connection_accepted(&state->connection, deadline);
	state->fresh = false;
	return r;
}

/* Records [first, end) as one chunk. */
static int send_chunk(struct transport_state *state, struct transport_batch *batch, uint32_t first,
		      uint32_t count)
{
	const struct transport_record *records = batch->records + first;
	char id[25], *chunk = state->require_ack ? id : NULL;

	chunk_id(records, count, id);
	buf_clear(&state->out);
	if (setting_number(state->settings, MODE) == MODE_MESSAGE)
		pack_message(state, records, chunk);
	else
		pack_chunk(state, records, count, chunk);
	if (state->out.truncated)
		return -ENOMEM;
	int r = connection_write(&state->connection, state->out.data, state->out.len,
				 batch->deadline);

	if (r == 0)
		r = chunk ? await_ack(state, chunk, batch->deadline)
			  : settle(state, batch->deadline);
	if (r == 0)
		batch_results(batch, first, first + count, DELIVERY_DONE, NULL);
	return r;
}

static int send_datagrams(struct transport_state *state, struct transport_batch *batch)
{
	int r = state->datagrams < 0 ? socket_connect(&state->url, SOCK_DGRAM, batch->deadline,
						      batch->answer, sizeof(batch->answer))
				     : state->datagrams;

	if (r < 0)
		return r;
	state->datagrams = r;
	for (uint32_t i = 0; i < batch->count; i++) {
		buf_clear(&state->out);
		pack_message(state, &batch->records[i], NULL);
		ssize_t sent = send(state->datagrams, state->out.data, state->out.len,
				    MSG_NOSIGNAL);

		if (sent < 0 && errno != EMSGSIZE) {
			r = -errno;
			batch_answer(batch, "sending: %s", strerror(-r));
			if (r == -ECONNREFUSED && i)
				batch->records[i - 1].result = DELIVERY_RETRY;
			return r;
		}
		batch->records[i].result = sent < 0 ? DELIVERY_TOO_LARGE : DELIVERY_DONE;
	}
	return 0;
}

static int send_chunks(struct transport_state *state, struct transport_batch *batch)
{
	uint32_t step = setting_number(state->settings, MODE) == MODE_MESSAGE ? 1 : batch->count;
	int r = ready(state, batch->deadline);

	for (uint32_t first = 0; r == 0 && first < batch->count; first += step)
		r = send_chunk(state, batch, first, MIN(step, batch->count - first));
	return r;
}

static int forward_send(struct transport_state *state, struct transport_batch *batch)
{
	sigset_t before;

	if (by_datagram(&state->url))
		return send_datagrams(state, batch);
	sigpipe_hold(&before);
	int r = send_chunks(state, batch);

	sigpipe_release(&before);
	if (r < 0) {
		/* A late acknowledgement must not be taken for that of the next chunk. */
		connection_close(&state->connection);
		batch_answer(batch, "%s", state->connection.why);
	}
	return r;
}

const struct transport transport_forward = {
	.name = "forward",
	.doc = "Fluent Forward (fluentd, Fluent Bit), with acknowledgement; Tracee's forward",
	.format = "json",
	.keys = keys,
	.key_count = KEY_COUNT,
	.batch_records = 500,
	.batch_bytes = 1024 * 1024,
	.check = forward_check,
	.open = forward_open,
	.send = forward_send,
	.close = forward_close,
};
