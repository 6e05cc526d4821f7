/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL 3, loaded on first use (library.h); the static build has it linked in. */
#ifndef TRANSPORT_OPENSSL_H
#define TRANSPORT_OPENSSL_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct err;

#define OPENSSL_FUNCTIONS(X) \
	X(ERR_clear_error) \
	X(ERR_error_string_n) \
	X(ERR_peek_last_error) \
	X(ERR_reason_error_string) \
	X(EVP_Digest) \
	X(EVP_sha256) \
	X(EVP_sha512) \
	X(HMAC) \
	X(RAND_bytes) \
	X(SSL_CTX_check_private_key) \
	X(SSL_CTX_ctrl) \
	X(SSL_CTX_free) \
	X(SSL_CTX_load_verify_file) \
	X(SSL_CTX_new) \
	X(SSL_CTX_set_cert_verify_callback) \
	X(SSL_CTX_set_default_passwd_cb) \
	X(SSL_CTX_set_default_passwd_cb_userdata) \
	X(SSL_CTX_set_default_verify_paths) \
	X(SSL_CTX_set_verify) \
	X(SSL_CTX_use_PrivateKey_file) \
	X(SSL_CTX_use_certificate_chain_file) \
	X(SSL_connect) \
	X(SSL_ctrl) \
	X(SSL_free) \
	X(SSL_get0_param) \
	X(SSL_get_error) \
	X(SSL_get_verify_result) \
	X(SSL_new) \
	X(SSL_read) \
	X(SSL_set1_host) \
	X(SSL_set_fd) \
	X(SSL_shutdown) \
	X(SSL_write) \
	X(TLS_client_method) \
	X(X509_STORE_CTX_get0_cert) \
	X(X509_STORE_CTX_set_error) \
	X(X509_VERIFY_PARAM_set1_ip_asc) \
	X(X509_digest) \
	X(X509_verify_cert_error_string)

struct openssl {
#define X(name) __typeof__(name) *name;
	OPENSSL_FUNCTIONS(X)
#undef X
};

/* NULL with err filled if it cannot be had. Thread-safe. */
const struct openssl *openssl_load(struct err *err);

#endif
