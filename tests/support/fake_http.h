/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict HTTP/1.1 server on loopback for receivers that Debian does not have. Every request is
 * parsed to the last byte; what breaks the protocol is kept as the server's complaint, which a test
 * asserts to be empty. What to answer, and every fault, is the handler's.
 */
#ifndef SUPPORT_FAKE_HTTP_H
#define SUPPORT_FAKE_HTTP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_HEADERS_MAX = 32 };

struct fake_request {
	char method[8], target[1024];
	struct {
		char name[64], value[512];
	} headers[FAKE_HEADERS_MAX];
	unsigned header_count;
	char *body; /* decoded from gzip, NUL-terminated */
	size_t len;
	bool gzip;
	unsigned connection; /* 1 is the first */
};

struct fake_reply {
	unsigned status;
	const char *headers; /* "Name: value\r\n"..., or NULL */
	char body[65536];
	size_t body_len; /* 0: strlen(body) */
	bool hang_up;	 /* close without an answer */
	bool cut;	 /* close in the middle of the body */
	unsigned delay_ms;
};

struct fake_http;
/*
 * One call at a time, from threads of the server. The reply is 200 without a body unless
 * changed.
 */
typedef void (*fake_handler)(void *ctx, const struct fake_request *request,
			     struct fake_reply *reply);

/* NULL if it cannot listen. */
struct fake_http *fake_http_start(fake_handler handler, void *ctx);
unsigned fake_http_port(const struct fake_http *fake);
/* What was wrong with a request; "" if nothing. */
const char *fake_http_complaint(const struct fake_http *fake);
/* For handlers: the first complaint stays. */
void fake_http_complain(struct fake_http *fake, const char *what);
unsigned fake_http_requests(const struct fake_http *fake);
unsigned fake_http_connections(const struct fake_http *fake);
void fake_http_stop(struct fake_http *fake);
/* Value of a header, or NULL; names compare without case. */
const char *fake_header(const struct fake_request *request, const char *name);

#endif
