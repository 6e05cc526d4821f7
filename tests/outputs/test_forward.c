/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fluent Forward against a strict receiver made of libmsgpack: it unpacks every byte, knows the
 * handshake with a shared key, and drops, delays and mixes up acknowledgements as told.
 */
#include "outlets.h"

#include <arpa/inet.h>
#include <msgpack.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zlib.h>

enum { RECORDS = 50, CHUNKS_MAX = 200 };

struct fluent {
	const char *key, *user, *password; /* key NULL: no handshake */
	bool mirror;			   /* answers the handshake as ourselves */
	unsigned lose, wrong; /* numbers of chunks whose ack is lost, or is another's */
	unsigned hang_up;     /* number of the chunk after which it closes */
	bool structured, expect_ack, message;
	SSL_CTX *tls; /* NULL: plain */
	SSL *ssl;     /* of the connection at hand */
	/* Found. */
	unsigned chunks, connections;
	char ids[CHUNKS_MAX][32];
	unsigned seen[RECORDS + 1];
	char complaint[128];
	int listener;
	char url[128];
	pthread_t thread;
};

static void complain(struct fluent *fluent, const char *what)
{
	if (!fluent->complaint[0])
		snprintf(fluent->complaint, sizeof(fluent->complaint), "%s", what);
}

static void fluent_send(struct fluent *fluent, int fd, const char *data, size_t len)
{
	if (fluent->ssl)
		SSL_write(fluent->ssl, data, (int)len);
	else
		send(fd, data, len, MSG_NOSIGNAL);
}

static ssize_t fluent_receive(struct fluent *fluent, int fd, char *data, size_t len)
{
	return fluent->ssl ? SSL_read(fluent->ssl, data, (int)len) : recv(fd, data, len, 0);
}

static bool is_text(const msgpack_object *object, const char *text)
{
	return object->type == MSGPACK_OBJECT_STR && object->via.str.size == strlen(text) &&
	       !memcmp(object->via.str.ptr, text, strlen(text));
}

static const msgpack_object *member(const msgpack_object *map, const char *name)
{
	for (uint32_t i = 0; map->type == MSGPACK_OBJECT_MAP && i < map->via.map.size; i++)
		if (is_text(&map->via.map.ptr[i].key, name))
			return &map->via.map.ptr[i].val;
	return NULL;
}

/* ---- records ----------------------------------------------------------------------------- */

/* EventTime 1789899072.345678901 + number, and the record */
static void take_record(struct fluent *fluent, const msgpack_object *time,
			const msgpack_object *record)
{
	const msgpack_object *event = member(record, fluent->structured ? "alert" : "event");
	char text[64] = "";
	uint32_t parts[2];

	if (time->type != MSGPACK_OBJECT_EXT || time->via.ext.type != 0 ||
	    time->via.ext.size != 8) {
		complain(fluent, "EventTime");
		return;
	}
	memcpy(parts, time->via.ext.ptr, 8);
	if (!event || event->type != MSGPACK_OBJECT_STR || event->via.str.size >= sizeof(text) ||
	    record->via.map.size != (fluent->structured ? 2 : 1)) {
		complain(fluent, "record");
		return;
	}
	memcpy(text, event->via.str.ptr, event->via.str.size);
	const char *id = strstr(text, "id-");
	unsigned long number = id ? strtoul(id + 3, NULL, 10) : 0;

	if (number < 1 || number > RECORDS)
		complain(fluent, "a record that was not sent");
	else if (ntohl(parts[0]) != 1789899072 || ntohl(parts[1]) != 345678901 + number)
		complain(fluent, "time");
	else
		fluent->seen[number]++;
}

static void take_packed(struct fluent *fluent, const char *data, size_t len, uint32_t expected)
{
	msgpack_unpacked entry;
	size_t at = 0;
	uint32_t count = 0;

	msgpack_unpacked_init(&entry);
	while (at < len && msgpack_unpack_next(&entry, data, len, &at) == MSGPACK_UNPACK_SUCCESS) {
		if (entry.data.type != MSGPACK_OBJECT_ARRAY || entry.data.via.array.size != 2)
			complain(fluent, "entry");
		else
			take_record(fluent, &entry.data.via.array.ptr[0],
				    &entry.data.via.array.ptr[1]);
		count++;
	}
	if (at != len || count != expected)
		complain(fluent, "packed entries");
	msgpack_unpacked_destroy(&entry);
}

static void take_gzip(struct fluent *fluent, const msgpack_object *bin, uint32_t expected)
{
	static char plain[1 << 20];
	z_stream stream = { .next_in = (Bytef *)bin->via.bin.ptr,
			    .avail_in = bin->via.bin.size,
			    .next_out = (Bytef *)plain,
			    .avail_out = sizeof(plain) };

	inflateInit2(&stream, MAX_WBITS + 16);
	if (inflate(&stream, Z_FINISH) != Z_STREAM_END)
		complain(fluent, "gzip");
	inflateEnd(&stream);
	take_packed(fluent, plain, stream.total_out, expected);
}

static void take_entries(struct fluent *fluent, const msgpack_object *entries,
			 const msgpack_object *options)
{
	const msgpack_object *size = options ? member(options, "size") : NULL;
	const msgpack_object *compressed = options ? member(options, "compressed") : NULL;
	uint32_t count = size ? (uint32_t)size->via.u64 : 0;

	if (entries->type == MSGPACK_OBJECT_BIN && compressed && is_text(compressed, "gzip"))
		take_gzip(fluent, entries, count);
	else if (entries->type == MSGPACK_OBJECT_BIN)
		take_packed(fluent, entries->via.bin.ptr, entries->via.bin.size, count);
	else if (entries->type == MSGPACK_OBJECT_ARRAY && entries->via.array.size == count)
		for (uint32_t i = 0; i < count; i++)
			take_record(fluent, &entries->via.array.ptr[i].via.array.ptr[0],
				    &entries->via.array.ptr[i].via.array.ptr[1]);
	else
		complain(fluent, "entries");
}

/* [tag, time, record, options] or [tag, entries, options]; false: hang up */
static bool take_message(struct fluent *fluent, int fd, const msgpack_object *message)
{
	const msgpack_object *part = message->via.array.ptr, *options, *chunk;
	uint32_t size = message->type == MSGPACK_OBJECT_ARRAY ? message->via.array.size : 0;
	char ack[64];

	if (size < 3 || !is_text(&part[0], "tracee")) {
		complain(fluent, "message");
		return false;
	}
	bool single = part[1].type == MSGPACK_OBJECT_EXT;

	options = size > (single ? 3U : 2U) ? &part[size - 1] : NULL;
	if (single)
		take_record(fluent, &part[1], &part[2]);
	else
		take_entries(fluent, &part[1], options);
	if (single != fluent->message)
		complain(fluent, "mode");
	chunk = options ? member(options, "chunk") : NULL;
	if (!chunk != !fluent->expect_ack || (chunk && chunk->via.str.size != 24))
		complain(fluent, "chunk");
	unsigned n = ++fluent->chunks;

	if (!chunk || n >= CHUNKS_MAX)
		return n != fluent->hang_up;
	snprintf(fluent->ids[n], sizeof(fluent->ids[n]), "%.*s", (int)chunk->via.str.size,
		 chunk->via.str.ptr);
	int len = snprintf(ack, sizeof(ack),
			   "\x81\xa3"
			   "ack\xb8%s",
			   n == fluent->wrong ? "AAAAAAAAAAAAAAAAAAAAAA==" : fluent->ids[n]);

	if (n != fluent->lose && n != fluent->hang_up)
		fluent_send(fluent, fd, ack, (size_t)len);
	return n != fluent->hang_up;
}

/* ---- handshake --------------------------------------------------------------------------- */

static void sha512(char *out, const char *const *parts)
{
	char all[1024] = "";
	unsigned char digest[64];
	unsigned len = sizeof(digest);

	for (; *parts; parts++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s", *parts);
	EVP_Digest(all, strlen(all), digest, &len, EVP_sha512(), NULL);
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
}

static void text_of(const msgpack_object *object, char *out, size_t size)
{
	snprintf(out, size, "%.*s",
		 object->type == MSGPACK_OBJECT_STR ? (int)object->via.str.size : 0,
		 object->via.str.ptr);
}

static void send_packed(struct fluent *fluent, int fd, msgpack_sbuffer *buffer)
{
	/* In two pieces: the reader must wait for the rest. */
	fluent_send(fluent, fd, buffer->data, buffer->size / 2);
	fluent_send(fluent, fd, buffer->data + buffer->size / 2, buffer->size - buffer->size / 2);
}

static void pack_text(msgpack_packer *packer, const char *text)
{
	msgpack_pack_str(packer, strlen(text));
	msgpack_pack_str_body(packer, text, strlen(text));
}

static void send_helo(struct fluent *fluent, int fd)
{
	msgpack_sbuffer buffer;
	msgpack_packer packer;

	msgpack_sbuffer_init(&buffer);
	msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 2);
	pack_text(&packer, "HELO");
	msgpack_pack_map(&packer, 3);
	pack_text(&packer, "nonce");
	pack_text(&packer, "nonce-1");
	pack_text(&packer, "auth");
	pack_text(&packer, fluent->user ? "salt-2" : "");
	pack_text(&packer, "keepalive");
	msgpack_pack_true(&packer);
	send_packed(fluent, fd, &buffer);
	msgpack_sbuffer_destroy(&buffer);
}

/* ["PING", host, salt, digest, user, digest]: is it one of ours? Answers it. */
static bool take_ping(struct fluent *fluent, int fd, const msgpack_object *ping)
{
	char host[256], salt[256], digest[256], user[256], secret[256], wanted[129], mine[129];
	const msgpack_object *part = ping->via.array.ptr;
	const char *me = fluent->mirror ? "host-a" : "fluent";
	msgpack_sbuffer buffer;
	msgpack_packer packer;

	if (ping->type != MSGPACK_OBJECT_ARRAY || ping->via.array.size != 6 ||
	    !is_text(&part[0], "PING")) {
		complain(fluent, "PING");
		return false;
	}
	text_of(&part[1], host, sizeof(host));
	text_of(&part[2], salt, sizeof(salt));
	text_of(&part[3], digest, sizeof(digest));
	text_of(&part[4], user, sizeof(user));
	text_of(&part[5], secret, sizeof(secret));
	sha512(wanted, (const char *[]){ salt, host, "nonce-1", fluent->key, NULL });
	bool fine = !strcmp(digest, wanted) && !strcmp(host, "host-a");

	if (fluent->user) {
		sha512(wanted, (const char *[]){ "salt-2", fluent->user, fluent->password, NULL });
		fine = fine && !strcmp(user, fluent->user) && !strcmp(secret, wanted);
	}
	sha512(mine, (const char *[]){ salt, me, "nonce-1", fluent->key, NULL });
	msgpack_sbuffer_init(&buffer);
	msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 5);
	pack_text(&packer, "PONG");
	fine ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer);
	pack_text(&packer, fine ? "" : "shared_key mismatch");
	pack_text(&packer, me);
	pack_text(&packer, fine ? mine : "");
	send_packed(fluent, fd, &buffer);
	msgpack_sbuffer_destroy(&buffer);
	return fine;
}

/* ---- the server -------------------------------------------------------------------------- */

static void serve(struct fluent *fluent, int fd)
{
	msgpack_unpacker unpacker;
	msgpack_unpacked message;
	bool greeted = !fluent->key, more = true;

	msgpack_unpacker_init(&unpacker, 1 << 16);
	msgpack_unpacked_init(&message);
	if (!greeted)
		send_helo(fluent, fd);
	while (more) {
		msgpack_unpack_return r = msgpack_unpacker_next(&unpacker, &message);

		if (r == MSGPACK_UNPACK_SUCCESS) {
			more = greeted ? take_message(fluent, fd, &message.data)
				       : (greeted = take_ping(fluent, fd, &message.data));
			continue;
		}
		if (r != MSGPACK_UNPACK_CONTINUE)
			complain(fluent, "not MessagePack");
		msgpack_unpacker_reserve_buffer(&unpacker, 1 << 16);
		ssize_t len = fluent_receive(fluent, fd, msgpack_unpacker_buffer(&unpacker),
					     msgpack_unpacker_buffer_capacity(&unpacker));

		more = len > 0 && r == MSGPACK_UNPACK_CONTINUE;
		if (more)
			msgpack_unpacker_buffer_consumed(&unpacker, (size_t)len);
	}
	msgpack_unpacked_destroy(&message);
	msgpack_unpacker_destroy(&unpacker);
	close(fd);
}

static void *serve_all(void *ctx)
{
	struct fluent *fluent = ctx;
	int fd;

	while ((fd = accept(fluent->listener, NULL, NULL)) >= 0) {
		fluent->connections++;
		fluent->ssl = fluent->tls ? SSL_new(fluent->tls) : NULL;
		if (!fluent->ssl || (SSL_set_fd(fluent->ssl, fd) && SSL_accept(fluent->ssl) == 1))
			serve(fluent, fd);
		else
			close(fd);
		SSL_free(fluent->ssl);
	}
	return NULL;
}

static void fluent_start(struct fluent *fluent, const char *unix_path)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(address);

	fluent->listener = socket(unix_path ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	if (unix_path) {
		snprintf(local.sun_path, sizeof(local.sun_path), "%s", unix_path);
		assert_int_equal(bind(fluent->listener, (void *)&local, sizeof(local)), 0);
		snprintf(fluent->url, sizeof(fluent->url), "url=unix://%s", unix_path);
	} else {
		assert_int_equal(bind(fluent->listener, (void *)&address, len), 0);
		getsockname(fluent->listener, (void *)&address, &len);
		snprintf(fluent->url, sizeof(fluent->url), "url=%s://127.0.0.1:%u",
			 fluent->tls ? "tls" : "tcp", ntohs(address.sin_port));
	}
	assert_int_equal(listen(fluent->listener, 16), 0);
	pthread_create(&fluent->thread, NULL, serve_all, fluent);
}

static void fluent_stop(struct fluent *fluent)
{
	shutdown(fluent->listener, SHUT_RDWR);
	pthread_join(fluent->thread, NULL);
	close(fluent->listener);
	assert_string_equal(fluent->complaint, "");
}

/* Sends all records in chunks of 10 and checks that each came. settings[0] is made. */
static void run(struct fluent *fluent, const char **settings, const char *unix_path)
{
	struct outlet outlet;
	struct outlet_tally tally;
	struct transport_record *records = records_make(
		fluent->structured ? "{\"alert\":\"id-%u\",\"n\":[1,2.5,null,true,{}]}"
				   : "{\"alert\":\"id-%u\"}",
		1, RECORDS);

	fluent_start(fluent, unix_path);
	settings[0] = fluent->url;
	outlet_must_open(&outlet, "forward", NULL, settings);
	assert_true(outlet_deliver(&outlet, records, RECORDS, 10, 2000, 20, &tally));
	assert_int_equal(tally.done, RECORDS);
	outlet_close(&outlet);
	fluent_stop(fluent);
	for (int i = 1; i <= RECORDS; i++)
		assert_true(fluent->seen[i] >= 1);
	records_free(records, RECORDS);
}

/* ---- tests ------------------------------------------------------------------------------- */

static void test_modes(void **state)
{
	(void)state;
	struct fluent packed = { .expect_ack = true }, forward = { .expect_ack = true };
	struct fluent gzip = { .expect_ack = true };
	struct fluent message = { .expect_ack = true, .message = true };
	struct fluent structured = { .expect_ack = true, .structured = true };

	run(&packed, (const char *[]){ NULL, NULL }, NULL);
	assert_int_equal(packed.chunks, 5);
	assert_int_equal(packed.connections, 1);
	run(&forward, (const char *[]){ NULL, "mode=forward", NULL }, NULL);
	run(&gzip, (const char *[]){ NULL, "compression=gzip", NULL }, NULL);
	run(&message, (const char *[]){ NULL, "mode=message", NULL }, NULL);
	assert_int_equal(message.chunks, RECORDS);
	run(&structured, (const char *[]){ NULL, "record=structured", NULL }, NULL);
}

/* Tracee's: no acknowledgement, by its URL. */
static void test_tracee(void **state)
{
	(void)state;
	struct fluent fluent = { .message = true };
	struct outlet outlet;
	struct outlet_tally tally;
	char url[256];
	struct transport_record *records = records_make("{\"alert\":\"id-%u\"}", 1, 10);

	fluent_start(&fluent, NULL);
	snprintf(url, sizeof(url), "%s?tag=tracee&requireAck=false&connectionTimeout=2s",
		 fluent.url);
	outlet_must_open(&outlet, "forward", NULL, SETTINGS(url, "mode=message"));
	assert_true(outlet_deliver(&outlet, records, 10, 10, 2000, 10, &tally));
	outlet_close(&outlet);
	fluent_stop(&fluent);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(fluent.seen[i], 1);
	records_free(records, 10);
}

static void test_unix(void **state)
{
	(void)state;
	struct fluent fluent = { .expect_ack = true };
	char path[64];

	snprintf(path, sizeof(path), "/tmp/spoor-forward-%d.sock", getpid());
	run(&fluent, (const char *[]){ NULL, NULL }, path);
	unlink(path);
}

/* A lost answer: the same chunk comes again under the same id. A wrong one proves nothing. */
static void test_lost_acks(void **state)
{
	(void)state;
	struct fluent lost = { .expect_ack = true, .lose = 2 };
	struct fluent wrong = { .expect_ack = true, .wrong = 3 };
	struct fluent hang_up = { .expect_ack = true, .hang_up = 4 };

	run(&lost, (const char *[]){ NULL, "ack_timeout=200ms", NULL }, NULL);
	assert_string_equal(lost.ids[2], lost.ids[3]);
	assert_int_equal(lost.chunks, 6);
	run(&wrong, (const char *[]){ NULL, NULL }, NULL);
	assert_string_equal(wrong.ids[3], wrong.ids[4]);
	run(&hang_up, (const char *[]){ NULL, NULL }, NULL);
	assert_string_equal(hang_up.ids[4], hang_up.ids[5]);
	assert_int_equal(hang_up.connections, 2);
}

static void test_shared_key(void **state)
{
	(void)state;
	struct fluent key = { .expect_ack = true, .key = "s3cret" };
	struct fluent user = { .expect_ack = true, .key = "s3cret", .user = "u", .password = "p" };

	run(&key, (const char *[]){ NULL, "shared_key=s3cret", NULL }, NULL);
	run(&user, (const char *[]){ NULL, "shared_key=s3cret", "user=u", "password=p", NULL },
	    NULL);
}

/* Nothing is delivered, and the reason is said without the key. */
static void refused(struct fluent *fluent, const char *text, const char **settings)
{
	struct outlet outlet;
	struct transport_batch batch;
	struct transport_record *records = records_make("{\"alert\":\"id-%u\"}", 1, 1);

	fluent_start(fluent, NULL);
	settings[0] = fluent->url;
	outlet_must_open(&outlet, "forward", NULL, settings);
	assert_true(outlet_once(&outlet, records, 1, &batch, 1000) < 0);
	assert_int_equal(records[0].result, DELIVERY_RETRY);
	if (!strstr(batch.answer, text))
		fail_msg("'%s' does not hold '%s'", batch.answer, text);
	assert_null(strstr(batch.answer, "s3cret"));
	outlet_close(&outlet);
	fluent_stop(fluent);
	records_free(records, 1);
}

static void test_refused(void **state)
{
	(void)state;
	struct fluent wrong = { .key = "s3cret" }, mirror = { .key = "s3cret", .mirror = true };
	struct fluent user = { .key = "s3cret", .user = "u", .password = "p" };

	refused(&wrong, "shared_key mismatch", (const char *[]){ NULL, "shared_key=other", NULL });
	refused(&mirror, "does not know the shared key",
		(const char *[]){ NULL, "shared_key=s3cret", NULL });
	refused(&user, "shared_key mismatch",
		(const char *[]){ NULL, "shared_key=s3cret", "user=u", "password=x", NULL });
}

/* ---- TLS ----------------------------------------------------------------------------------- */

/* A server's context with a certificate of its own for 127.0.0.1, which is written to `path`. */
static SSL_CTX *tls_server(const char *path)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	FILE *out = fopen(path, "w");

	X509_set_version(certificate, 2);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"fluent", -1,
				   -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
						    "IP:127.0.0.1");

	X509_add_ext(certificate, names, -1);
	X509_EXTENSION_free(names);
	X509_sign(certificate, key, EVP_sha256());
	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, key);
	PEM_write_X509(out, certificate);
	fclose(out);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return context;
}

static void test_tls(void **state)
{
	(void)state;
	char path[64], ca[80];

	snprintf(path, sizeof(path), "/tmp/spoor-forward-%d.pem", getpid());
	snprintf(ca, sizeof(ca), "ca_file=%s", path);
	struct fluent fluent = { .expect_ack = true, .tls = tls_server(path) };
	struct fluent key = { .expect_ack = true, .key = "s3cret", .tls = fluent.tls };
	struct fluent stranger = { .tls = fluent.tls };

	run(&fluent, (const char *[]){ NULL, ca, NULL }, NULL);
	run(&key, (const char *[]){ NULL, ca, "shared_key=s3cret", NULL }, NULL);
	refused(&stranger, "certificate", (const char *[]){ NULL, NULL });
	SSL_CTX_free(fluent.tls);
	unlink(path);
}

static void test_settings(void **state)
{
	(void)state;
	outlet_must_refuse("forward", NULL, "unknown parameter 'tga'",
			   SETTINGS("url=tcp://h?tga=x"));
	outlet_must_refuse("forward", NULL, "neither true nor false",
			   SETTINGS("url=tcp://h?requireAck=maybe"));
	outlet_must_refuse("forward", NULL, "no duration",
			   SETTINGS("url=tcp://h?connectionTimeout=soon"));
	outlet_must_refuse("forward", NULL, "no path", SETTINGS("url=tcp://h/x"));
	outlet_must_refuse("forward", NULL, "needs a tls", SETTINGS("url=tcp://h", "ca_file=/x"));
	outlet_must_refuse("forward", NULL, "needs mode",
			   SETTINGS("url=tcp://h", "mode=message", "compression=gzip"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),	   cmocka_unit_test(test_tracee),
		cmocka_unit_test(test_unix),	   cmocka_unit_test(test_lost_acks),
		cmocka_unit_test(test_shared_key), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_tls),	   cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
