/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a receiver: TCP, TLS over TCP, a unix socket. Every call ends by its deadline;
 * after an error `why` says what happened, for the batch's answer, and the stream is closed.
 */
#ifndef TRANSPORT_CONNECTION_H
#define TRANSPORT_CONNECTION_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tls.h"
#include "url.h"

/* Set fd to -1 before first use. */
struct connection {
	int fd;
	struct tls_session *session; /* NULL: no TLS */
	char why[256];
};

/* tls: NULL for none. Tries every address of the host. 0 or negative errno. */
int connection_connect(struct connection *connection, const struct url *url, struct tls *tls,
		       uint64_t deadline);
/* All of it, or an error. */
int connection_write(struct connection *connection, const void *data, size_t len,
		     uint64_t deadline);
/* What has come, waiting for the first byte: bytes read, or -EPIPE when the peer has closed. */
ssize_t connection_read(struct connection *connection, void *data, size_t len, uint64_t deadline);
/*
 * For protocols in which the peer never speaks: is the connection whole? Reads away what came.
 * 0, or negative errno if the peer has closed or reset it.
 */
int connection_probe(struct connection *connection);
/* Waits until the peer's kernel has all bytes (SIOCOUTQ is 0) and then probes. */
int connection_settle(struct connection *connection, uint64_t deadline);
/*
 * For a connection just made: a peer that does not want us (no certificate of ours in TLS 1.3,
 * an address that is not allowed) accepts it first and closes it a moment later. Waits that
 * moment. 0 or negative errno.
 */
int connection_accepted(struct connection *connection, uint64_t deadline);
/* Says goodbye (close_notify, FIN) and closes. A closed one is fine. */
void connection_close(struct connection *connection);
/* Connected datagram or stream socket to a host or unix path; the fd or negative errno. */
int socket_connect(const struct url *url, int type, uint64_t deadline, char *why, size_t size);

/*
 * While OpenSSL and pipes write, SIGPIPE must not end the program: held between the two calls,
 * one that came is taken back.
 */
void sigpipe_hold(sigset_t *before);
void sigpipe_release(const sigset_t *before);

/*
 * The rows TLS_KEY_ROWS of a transport, which begin at key number `first`: only a tls:// URL has
 * use for them. 0, or -EINVAL with *key the one to blame.
 */
int connection_check_tls(const struct transport_settings *settings, uint32_t first,
			 const struct url *url, uint32_t *key, struct err *err);

#endif
