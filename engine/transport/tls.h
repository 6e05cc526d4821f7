/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for transports with a connection of their own: TLS 1.2 or newer, the receiver's certificate
 * checked by chain and name, or by SHA-256 fingerprint (RFC 5425, 5.2), own certificate for mutual
 * authentication. Certificates are read again when their files change; while new files are
 * broken, the old ones serve.
 */
#ifndef TRANSPORT_TLS_H
#define TRANSPORT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport.h"

/* Rows of a transport's table of keys; their values are handed to tls_open as they stand. */
#define TLS_KEY_ROWS \
	{ "ca_file", SETTING_FILE, \
	  .doc = "certificates to trust (PEM) instead of those the system trusts" }, \
		{ "certificate_file", SETTING_FILE, \
		  .doc = "own certificate and its chain (PEM), for receivers that ask for one" }, \
		{ "key_file", SETTING_FILE, .doc = "private key of the own certificate (PEM)" }, \
		{ "key_password", SETTING_SECRET, .doc = "password of the private key" }, \
		{ "server_name", SETTING_TEXT, \
		  .doc = "name the receiver's certificate must have, if not that in the URL" }, \
		{ "fingerprints", SETTING_TEXTS, \
		  .doc = "SHA-256 fingerprints of the receiver's certificate, instead of chain and name" }, \
	{ \
		"verify", SETTING_BOOL, \
			.fallback = "true", \
			.doc = "false: take any certificate, which protects from nobody" \
	}

enum tls_key {
	TLS_CA_FILE,
	TLS_CERTIFICATE_FILE,
	TLS_KEY_FILE,
	TLS_KEY_PASSWORD,
	TLS_SERVER_NAME,
	TLS_FINGERPRINTS,
	TLS_VERIFY,
	TLS_KEY_COUNT
};

struct tls;
struct tls_session;
struct err;

/* What the table cannot say. *key counts from the first TLS key. 0 or -EINVAL. */
int tls_check(const struct setting_value *values, uint32_t *key, struct err *err);
/* Reads the certificates. values and host outlive it. 0 or negative errno with err filled. */
int tls_open(const struct setting_value *values, const char *host, struct tls **out,
	     struct err *err);
void tls_free(struct tls *tls);
/*
 * Have the files changed since they were read? Reads them again then; true if new ones are in
 * use from now on, so that open connections should be made anew.
 */
bool tls_reload(struct tls *tls);

/*
 * Handshake on a connected non-blocking socket, which the caller keeps. 0 or negative errno; `why`
 * then says what happened.
 */
int tls_connect(struct tls *tls, int fd, uint64_t deadline, struct tls_session **out, char *why,
		size_t size);
/* As many bytes as now go; 0: closed (reading only); -EAGAIN with what to poll for, or another. */
ssize_t tls_write(struct tls_session *session, const void *data, size_t len, short *poll_for);
ssize_t tls_read(struct tls_session *session, void *data, size_t len, short *poll_for);
/* After -EPROTO: what the peer or OpenSSL did not like; NULL if it is not known. */
const char *tls_reason(const struct tls_session *session);
/* Sends close_notify, but does not wait for the answer. NULL is fine. */
void tls_close(struct tls_session *session);

/* For libcurl's CURLOPT_SSL_CTX_FUNCTION: check fingerprints, TLS 1.2 or newer. */
struct ssl_ctx_st;
void tls_prepare(const struct setting_value *values, struct ssl_ctx_st *context);

#endif
