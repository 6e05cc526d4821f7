/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to HTTP receivers with libcurl: one engine, and a row per receiver that says how records
 * become a body and what an answer means. Connections are kept, several requests may be on their
 * way, answers are bounded, redirects are not followed, and no secret gets into a message.
 */
#ifndef TRANSPORT_HTTP_H
#define TRANSPORT_HTTP_H

#include "base/buf.h"
#include "batch.h"
#include "tls.h"
#include "url.h"

/* The first rows of every HTTP transport's table; its own keys begin at HTTP_KEY_COUNT. */
#define HTTP_KEY_ROWS(url_doc, compression_fallback) \
	{ "url", SETTING_TEXT, .required = true, .doc = url_doc }, \
		{ "headers", SETTING_PAIRS, .doc = "headers to add to every request" }, \
		{ "user", SETTING_TEXT, .doc = "user for Basic authentication" }, \
		{ "password", SETTING_SECRET, .doc = "its password" }, \
		{ "token", SETTING_SECRET, \
		  .doc = "token for the receiver's way of authentication" }, \
		{ "timeout", SETTING_DURATION, .fallback = "30s", \
		  .doc = "most time for a request" }, \
		{ "connect_timeout", SETTING_DURATION, .fallback = "5s", \
		  .doc = "most time to connect" }, \
		{ "concurrency", SETTING_NUMBER, .fallback = "1", \
		  .doc = "requests on their way at once, 1 to 64; more than 1 gives up the order" }, \
		{ "compression", SETTING_CHOICE, .fallback = compression_fallback, \
		  .choices = "none gzip", .doc = "of the bodies sent" }, \
		{ "proxy", SETTING_TEXT, \
		  .doc = "http://, https:// or socks5h:// URL of a proxy, if not that of the environment" }, \
		{ "proxy_user", SETTING_TEXT, .doc = "user for the proxy" }, \
		{ "proxy_password", SETTING_SECRET, .doc = "its password" }, \
		{ "statuses", SETTING_PAIRS, \
		  .doc = "what an HTTP status means, where the usual is wrong: 404: refused; " \
			 "done, retry, refused" }, \
		TLS_KEY_ROWS

enum http_key {
	HTTP_URL,
	HTTP_HEADERS,
	HTTP_USER,
	HTTP_PASSWORD,
	HTTP_TOKEN,
	HTTP_TIMEOUT,
	HTTP_CONNECT_TIMEOUT,
	HTTP_CONCURRENCY,
	HTTP_COMPRESSION,
	HTTP_PROXY,
	HTTP_PROXY_USER,
	HTTP_PROXY_PASSWORD,
	HTTP_STATUSES,
	HTTP_TLS,
	HTTP_KEY_COUNT = HTTP_TLS + TLS_KEY_COUNT
};

enum { HTTP_CONCURRENCY_MAX = 64, HTTP_ANSWER_MAX = 4 * 1024 * 1024 };

struct http;

/* Records of one request. */
struct http_part {
	struct transport_record *records;
	uint32_t count;
};

struct http_answer {
	unsigned status;
	struct str body;
};

/* What one kind of receiver needs. `own` is what http_open was given. */
struct http_receiver {
	const char *path;	  /* used if the URL has none; NULL: / */
	const char *content_type; /* NULL: the headers function adds it */
	const char *token_header; /* "Authorization: Bearer %s", or NULL: none */
	uint32_t records;	  /* most records a request; 0: a batch's, shared out */
	bool cookies;		  /* keep them, for a balancer that puts them */
	/* Appends the body. */
	void (*body)(void *own, struct buf *out, const struct http_part *part);
	/*
	 * Adds headers by http_header. The body is as it will be signed, not compressed. May be
	 * NULL.
	 */
	void (*headers)(void *own, struct http *http, const struct http_part *part,
			struct str body);
	/*
	 * What a 2xx answer means, record by record; NULL: all are delivered. May set
	 * batch->answer.
	 */
	void (*accepted)(void *own, const struct http_answer *answer, const struct http_part *part,
			 struct transport_batch *batch);
	/*
	 * A status that is not 2xx, before the common table: true if it has set the results. May
	 * be NULL.
	 */
	bool (*failed)(void *own, const struct http_answer *answer, const struct http_part *part,
		       const char *why);
};

/* What the table of keys cannot say; for `check` of a transport. */
int http_check(const struct transport_settings *settings, uint32_t *key, struct err *err);
/* receiver and own outlive it. */
int http_open(const struct transport_settings *settings, const struct http_receiver *receiver,
	      void *own, struct http **out, struct err *err);
/* The `send` of a transport: requests for all records, in order, until one fails. */
int http_send(struct http *http, struct transport_batch *batch);
/* NULL is fine. */
void http_close(struct http *http);
/*
 * The three functions of a transport that has no state besides; its receiver is given the settings
 * as `own`.
 */
int http_only_open(const struct transport_settings *settings, const struct http_receiver *receiver,
		   struct transport_state **out, struct err *err);
int http_only_send(struct transport_state *state, struct transport_batch *batch);
void http_only_close(struct transport_state *state, uint64_t deadline);

/* The same for a state whose first member is its struct http *; it is freed. */
int http_state_send(struct transport_state *state, struct transport_batch *batch);
void http_state_close(struct transport_state *state, uint64_t deadline);

/* During receiver->headers: adds "Name: value" to the request at hand. */
void http_header(struct http *http, const char *line);
/*
 * A request beside the records' (polling for acknowledgements): POST of a JSON body to the URL's
 * host with another path (and query). The answer lives until the next call. 0 or negative errno
 * with batch->answer set.
 */
int http_exchange(struct http *http, const char *path, struct str body,
		  struct transport_batch *batch, struct http_answer *answer);

/* ---- shared by receivers' rows ------------------------------------------------------- */

/* What a status means, by the common table (http_status.c). `records`: in the request. */
enum delivery_result http_status_result(unsigned status, uint32_t records);
/* "done", "retry", "refused". */
bool http_result_by_name(struct str name, enum delivery_result *out);

#endif
