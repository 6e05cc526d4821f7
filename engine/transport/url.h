/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs of receivers, read strictly: SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/PATH][?QUERY], or
 * unix:///PATH. No fragment, no spaces, no control characters. The parts own themselves.
 */
#ifndef TRANSPORT_URL_H
#define TRANSPORT_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "value.h"

struct err;

enum { URL_PART_MAX = 256, URL_PATH_MAX = 2048 };

struct url {
	char scheme[16];
	char user[URL_PART_MAX], password[URL_PART_MAX]; /* percent-decoded; "" none */
	char host[URL_PART_MAX];  /* without the brackets of an IPv6 address */
	uint16_t port;		  /* 0: none given */
	char path[URL_PATH_MAX];  /* as written, with its /; "" none */
	char query[URL_PATH_MAX]; /* without the ?; "" none */
	bool ipv6, local;	  /* local: a unix socket, path is its path */
};

/*
 * schemes: those allowed, separated by spaces. 0 or -EINVAL with err's message and hint. Messages
 * never hold a user's or password's text.
 */
int url_parse(struct str text, const char *schemes, struct url *out, struct err *err);
/* For messages: SCHEME://HOST:PORT, without what may be secret. Returns out. */
const char *url_shown(const struct url *url, char *out, size_t size);
/* Value of a parameter of the query, decoded, into out; false if absent or too long. */
bool url_parameter(const struct url *url, const char *name, char *out, size_t size);
/* A parameter's duration in Go's form, as Tracee takes it (10s, 500ms, 1m): ms, or -1. */
int64_t url_duration(const char *text);
/*
 * Names the first parameter of the query that is not in `known` (separated by spaces); NULL:
 * all are known.
 */
const char *url_unknown_parameter(const struct url *url, const char *known, char *out, size_t size);

#endif
