/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server for pages that are made on demand, with libmicrohttpd: GET and HEAD only, few
 * connections, short time-outs. In a thread of its own.
 */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "base/buf.h"
#include "base/err.h"

struct server;

/* Fills the text of a page; returns its status. Called in the server's thread. */
typedef unsigned (*server_page)(void *ctx, const char *path, struct buf *out);

/* address: HOST:PORT with a numeric host, [::1]:PORT, or localhost:PORT. 0 or negative errno. */
int server_open(const char *address, server_page page, void *ctx, struct server **out,
		struct err *err);
/* The port it listens on, for tests that asked for any (0). */
unsigned server_port(const struct server *server);
/* NULL is fine. */
void server_close(struct server *server);

#endif
