/* SPDX-License-Identifier: Apache-2.0 */
/* TLS with OpenSSL: a context made of the files, replaced as a whole when they change. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/common.h"
#include "base/err.h"
#include "moment.h"
#include "openssl.h"
#include "tls.h"

/* What tells one version of a file from another. */
struct version {
	struct timespec changed;
	ino_t inode;
	off_t size;
};

enum { FILES = 3 };
static const uint8_t file_keys[FILES] = { TLS_CA_FILE, TLS_CERTIFICATE_FILE, TLS_KEY_FILE };

struct tls {
	const struct openssl *lib;
	const struct setting_value *values;
	const char *name; /* the receiver's certificate is for it */
	SSL_CTX *context;
	struct version versions[FILES];
};

struct tls_session {
	const struct openssl *lib;
	SSL *ssl;
};

static const char *text(const struct tls *tls, enum tls_key key)
{
	return tls->values[key].text.data;
}

/* ---- fingerprints ---------------------------------------------------------------- */

enum { DIGEST = 32 };

/* [sha-256:]AA:BB:..., colons or none between the bytes */
static bool fingerprint_read(struct str from, uint8_t out[DIGEST])
{
	static const struct str prefixes[] = { STR("sha-256:"), STR("sha256:") };
	uint32_t digits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (from.len > prefixes[i].len &&
		    !strncasecmp(from.data, prefixes[i].data, prefixes[i].len)) {
			from.data += prefixes[i].len;
			from.len -= prefixes[i].len;
		}
	for (uint32_t i = 0; i < from.len; i++) {
		int c = tolower((unsigned char)from.data[i]);

		if (c == ':' && digits % 2 == 0 && digits)
			continue;
		if (!isxdigit(c) || digits == 2 * DIGEST)
			return false;
		int value = isdigit(c) ? c - '0' : c - 'a' + 10;

		out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | value : value << 4);
		digits++;
	}
	return digits == 2 * DIGEST;
}

int tls_check(const struct setting_value *values, uint32_t *key, struct err *err)
{
	uint8_t digest[DIGEST];
	const struct setting_value *prints = &values[TLS_FINGERPRINTS];

	for (uint32_t i = 0; i < prints->count; i++) {
		*key = TLS_FINGERPRINTS;
		if (fingerprint_read(prints->texts[i], digest))
			continue;
		err_set(err, -EINVAL, "'%.*s' is no SHA-256 fingerprint", (int)prints->texts[i].len,
			prints->texts[i].data);
		err_hint(err, "openssl x509 -in CERTIFICATE -noout -fingerprint -sha256 prints it");
		return -EINVAL;
	}
	if (!values[TLS_CERTIFICATE_FILE].text.data != !values[TLS_KEY_FILE].text.data) {
		*key = values[TLS_KEY_FILE].text.data ? TLS_KEY_FILE : TLS_CERTIFICATE_FILE;
		err_set(err, -EINVAL, "certificate_file and key_file belong together");
		err_hint(err, "if both are in one file, name it twice");
		return -EINVAL;
	}
	*key = TLS_VERIFY;
	if (!values[TLS_VERIFY].number && prints->count) {
		err_set(err, -EINVAL,
			"fingerprints are given, and verify: false would ignore them");
		err_hint(err, "remove one of them");
		return -EINVAL;
	}
	return 0;
}

/* Called by OpenSSL instead of its own check of the chain. */
static int check_fingerprint(X509_STORE_CTX *store, void *ctx)
{
	const struct setting_value *values = ctx;
	const struct openssl *lib = openssl_load(&(struct err){ 0 });
	uint8_t found[DIGEST], wanted[DIGEST];
	unsigned len = sizeof(found);

	if (lib->X509_digest(lib->X509_STORE_CTX_get0_cert(store), lib->EVP_sha256(), found, &len))
		for (uint32_t i = 0; i < values[TLS_FINGERPRINTS].count; i++)
			if (fingerprint_read(values[TLS_FINGERPRINTS].texts[i], wanted) &&
			    !memcmp(found, wanted, DIGEST))
				return 1;
	lib->X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
	return 0;
}

void tls_prepare(const struct setting_value *values, struct ssl_ctx_st *context)
{
	const struct openssl *lib = openssl_load(&(struct err){ 0 });

	lib->SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
	if (!values[TLS_FINGERPRINTS].count)
		return;
	lib->SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	lib->SSL_CTX_set_cert_verify_callback(context, check_fingerprint, (void *)values);
}

/* ---- the context ------------------------------------------------------------------- */

static int give_password(char *out, int size, int writing, void *ctx)
{
	const struct str *password = ctx;

	(void)writing;
	if (!password->data || password->len > (uint32_t)size)
		return 0; /* never ask at a terminal */
	memcpy(out, password->data, password->len);
	return (int)password->len;
}

static int file_failed(const struct tls *tls, const char *what, const char *path, struct err *err)
{
	const char *reason = tls->lib->ERR_reason_error_string(tls->lib->ERR_peek_last_error());

	err_set(err, -EINVAL, "cannot use the %s %s: %s", what, path ? path : "of the system",
		reason ? reason : "not readable");
	err_hint(err, "it must be a PEM file; a private key needs its key_password if it has one");
	return -EINVAL;
}

static int load_files(const struct tls *tls, SSL_CTX *context, struct err *err)
{
	const struct openssl *lib = tls->lib;
	const char *ca = text(tls, TLS_CA_FILE), *chain = text(tls, TLS_CERTIFICATE_FILE);
	const char *key = text(tls, TLS_KEY_FILE);

	lib->ERR_clear_error();
	lib->SSL_CTX_set_default_passwd_cb(context, give_password);
	lib->SSL_CTX_set_default_passwd_cb_userdata(context,
						    (void *)&tls->values[TLS_KEY_PASSWORD].text);
	if (!(ca ? lib->SSL_CTX_load_verify_file(context, ca)
		 : lib->SSL_CTX_set_default_verify_paths(context)))
		return file_failed(tls, "certificates", ca, err);
	if (!chain)
		return 0;
	if (lib->SSL_CTX_use_certificate_chain_file(context, chain) != 1)
		return file_failed(tls, "certificate", chain, err);
	if (lib->SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return file_failed(tls, "private key", key, err);
	if (lib->SSL_CTX_check_private_key(context) != 1)
		return file_failed(tls, "certificate (its key is another)", chain, err);
	return 0;
}

static int context_make(const struct tls *tls, SSL_CTX **out, struct err *err)
{
	const struct openssl *lib = tls->lib;
	SSL_CTX *context = lib->SSL_CTX_new(lib->TLS_client_method());

	if (!context)
		return err_set(err, -ENOMEM, "out of memory");
	lib->SSL_CTX_ctrl(context, SSL_CTRL_MODE,
			  SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
			  NULL);
	lib->SSL_CTX_set_verify(
		context, tls->values[TLS_VERIFY].number ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	tls_prepare(tls->values, context);
	int r = load_files(tls, context, err);

	if (r < 0) {
		lib->SSL_CTX_free(context);
		return r;
	}
	*out = context;
	return 0;
}

static void versions_read(const struct tls *tls, struct version out[FILES])
{
	struct stat stat_now;

	memset(out, 0, sizeof(*out) * FILES);
	for (int i = 0; i < FILES; i++) {
		const char *path = text(tls, file_keys[i]);

		if (path && stat(path, &stat_now) == 0)
			out[i] = (struct version){ stat_now.st_mtim, stat_now.st_ino,
						   stat_now.st_size };
	}
}

int tls_open(const struct setting_value *values, const char *host, struct tls **out,
	     struct err *err)
{
	autoclean(freep) struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return err_set(err, -ENOMEM, "out of memory");
	tls->lib = openssl_load(err);
	if (!tls->lib)
		return err->code ? err->code : -ENOENT;
	tls->values = values;
	tls->name = text(tls, TLS_SERVER_NAME) ? text(tls, TLS_SERVER_NAME) : host;
	versions_read(tls, tls->versions);
	int r = context_make(tls, &tls->context, err);

	if (r < 0)
		return r;
	*out = take(tls);
	return 0;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	tls->lib->SSL_CTX_free(tls->context);
	free(tls);
}

bool tls_reload(struct tls *tls)
{
	struct version now[FILES];
	struct err err = { 0 };
	SSL_CTX *context;

	versions_read(tls, now);
	if (!memcmp(now, tls->versions, sizeof(now)) || context_make(tls, &context, &err) < 0)
		return false;
	memcpy(tls->versions, now, sizeof(now));
	tls->lib->SSL_CTX_free(tls->context);
	tls->context = context;
	return true;
}

/* ---- a connection ------------------------------------------------------------------- */

static bool is_address(const char *host)
{
	uint8_t address[16];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* SNI must not hold an address (RFC 6066, 3). */
static bool expect_name(const struct tls *tls, SSL *ssl)
{
	const struct openssl *lib = tls->lib;

	if (!tls->name || !*tls->name)
		return true;
	if (is_address(tls->name))
		return lib->X509_VERIFY_PARAM_set1_ip_asc(lib->SSL_get0_param(ssl), tls->name) == 1;
	return lib->SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			     (void *)tls->name) == 1 &&
	       lib->SSL_set1_host(ssl, tls->name) == 1;
}

/* After a call returned r: -EAGAIN and what to wait for, 0 at the end, or an error. */
static int outcome(const struct openssl *lib, SSL *ssl, int r, short *poll_for)
{
	int code = errno;

	switch (lib->SSL_get_error(ssl, r)) {
	case SSL_ERROR_WANT_READ: *poll_for = POLLIN; return -EAGAIN;
	case SSL_ERROR_WANT_WRITE: *poll_for = POLLOUT; return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN: return 0;
	case SSL_ERROR_SYSCALL: return code ? -code : -ECONNRESET;
	default: return -EPROTO;
	}
}

static void explain(const struct tls *tls, SSL *ssl, int code, char *why, size_t size)
{
	long verdict = tls->lib->SSL_get_verify_result(ssl);
	const char *reason = tls->lib->ERR_reason_error_string(tls->lib->ERR_peek_last_error());

	if (tls->values[TLS_FINGERPRINTS].count && verdict == X509_V_ERR_CERT_UNTRUSTED)
		snprintf(why, size, "TLS: the receiver's certificate has none of the fingerprints");
	else if (tls->values[TLS_VERIFY].number && verdict != X509_V_OK)
		snprintf(why, size, "TLS: the receiver's certificate: %s",
			 tls->lib->X509_verify_cert_error_string(verdict));
	else if (code == -EPROTO && reason)
		snprintf(why, size, "TLS: %s", reason);
	else
		snprintf(why, size, "TLS handshake: %s", strerror(-code));
}

static int handshake(const struct tls *tls, SSL *ssl, int fd, uint64_t deadline)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd };

		tls->lib->ERR_clear_error();
		errno = 0;
		int r = tls->lib->SSL_connect(ssl);

		if (r == 1)
			return 0;
		r = outcome(tls->lib, ssl, r, &poll_fd.events);
		if (r != -EAGAIN)
			return r ? r : -ECONNRESET;
		int left = moment_left_ms(deadline);

		if (!left)
			return -ETIMEDOUT;
		poll(&poll_fd, 1, left);
	}
}

int tls_connect(struct tls *tls, int fd, uint64_t deadline, struct tls_session **out, char *why,
		size_t size)
{
	autoclean(freep) struct tls_session *session = calloc(1, sizeof(*session));
	SSL *ssl = session ? tls->lib->SSL_new(tls->context) : NULL;
	int r = ssl && expect_name(tls, ssl) && tls->lib->SSL_set_fd(ssl, fd) == 1 ? 0 : -ENOMEM;

	if (r == 0)
		r = handshake(tls, ssl, fd, deadline);
	if (r < 0) {
		if (ssl)
			explain(tls, ssl, r, why, size);
		tls->lib->SSL_free(ssl);
		return r;
	}
	*session = (struct tls_session){ tls->lib, ssl };
	*out = take(session);
	return 0;
}

ssize_t tls_write(struct tls_session *session, const void *data, size_t len, short *poll_for)
{
	session->lib->ERR_clear_error();
	errno = 0;
	int r = session->lib->SSL_write(session->ssl, data, (int)MIN(len, (size_t)INT_MAX));

	if (r > 0)
		return r;
	r = outcome(session->lib, session->ssl, r, poll_for);
	return r ? r : -ECONNRESET;
}

ssize_t tls_read(struct tls_session *session, void *data, size_t len, short *poll_for)
{
	session->lib->ERR_clear_error();
	errno = 0;
	int r = session->lib->SSL_read(session->ssl, data, (int)MIN(len, (size_t)INT_MAX));

	return r > 0 ? r : outcome(session->lib, session->ssl, r, poll_for);
}

const char *tls_reason(const struct tls_session *session)
{
	return session->lib->ERR_reason_error_string(session->lib->ERR_peek_last_error());
}

void tls_close(struct tls_session *session)
{
	if (!session)
		return;
	session->lib->ERR_clear_error();
	session->lib->SSL_shutdown(session->ssl);
	session->lib->SSL_free(session->ssl);
	free(session);
}
