/* SPDX-License-Identifier: Apache-2.0 */
/* A thread accepts, a thread serves each connection; handlers run one at a time. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "fake_http.h"

enum { HEAD_MAX = 32768, BODY_MAX = 16 << 20, SERVED_MAX = 1024 };

struct fake_http {
	fake_handler handler;
	void *ctx;
	int listener;
	unsigned port, requests, connections;
	pthread_t acceptor;
	pthread_t servers[SERVED_MAX];
	int sockets[SERVED_MAX];
	pthread_mutex_t lock;
	char complaint[256];
};

struct served {
	struct fake_http *fake;
	int fd;
	unsigned number;
};

const char *fake_header(const struct fake_request *request, const char *name)
{
	for (unsigned i = 0; i < request->header_count; i++)
		if (!strcasecmp(request->headers[i].name, name))
			return request->headers[i].value;
	return NULL;
}

void fake_http_complain(struct fake_http *fake, const char *what)
{
	if (!fake->complaint[0])
		snprintf(fake->complaint, sizeof(fake->complaint), "%s", what);
}

/* Up to the empty line; false at the end of the connection. */
static bool read_head(int fd, char *head, size_t *len)
{
	*len = 0;
	while (*len < HEAD_MAX - 1 && recv(fd, head + *len, 1, 0) == 1) {
		head[++*len] = 0;
		if (*len >= 4 && !memcmp(head + *len - 4, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

static const char *parse_header(struct fake_request *request, char *line)
{
	char *colon = strchr(line, ':');

	if (!colon || colon == line || isspace((unsigned char)colon[-1]) ||
	    request->header_count == FAKE_HEADERS_MAX)
		return "a header that is none";
	*colon = 0;
	char *value = colon + 1 + strspn(colon + 1, " \t");
	unsigned n = request->header_count++;

	snprintf(request->headers[n].name, sizeof(request->headers[n].name), "%s", line);
	snprintf(request->headers[n].value, sizeof(request->headers[n].value), "%s", value);
	for (unsigned i = 0; i < n; i++)
		if (!strcasecmp(request->headers[i].name, line))
			return "a header twice";
	return NULL;
}

static const char *parse_head(struct fake_request *request, char *head, size_t *length)
{
	char version[16], *rest = head, *line = strsep(&rest, "\n");
	const char *wrong = NULL;

	if (sscanf(line, "%7s %1023s %15s", request->method, request->target, version) != 3 ||
	    strcmp(version, "HTTP/1.1") != 0)
		return "the request line";
	while (!wrong && (line = strsep(&rest, "\n"))) {
		size_t len = strlen(line);

		if (!len)
			break;
		if (line[len - 1] != '\r')
			return "a line without CR";
		line[len - 1] = 0;
		if (len > 1)
			wrong = parse_header(request, line);
	}
	const char *given = fake_header(request, "Content-Length");
	char *end;

	if (wrong)
		return wrong;
	if (!given || !isdigit((unsigned char)given[0]))
		return "no Content-Length";
	*length = strtoul(given, &end, 10);
	if (*end || *length > BODY_MAX)
		return "Content-Length";
	if (!fake_header(request, "Host") || !fake_header(request, "User-Agent"))
		return "no Host or no User-Agent";
	/* Whole URLs are for proxies only (RFC 9112, 3.2.2). */
	if (request->target[0] != '/' && !fake_header(request, "Proxy-Connection"))
		return "the request's target";
	return fake_header(request, "Expect") ? "Expect" : NULL;
}

static const char *unzip(struct fake_request *request)
{
	const char *encoding = fake_header(request, "Content-Encoding");
	z_stream stream = { .next_in = (Bytef *)request->body, .avail_in = (uInt)request->len };
	char *plain;

	request->gzip = encoding && !strcmp(encoding, "gzip");
	if (!request->gzip)
		return encoding ? "Content-Encoding" : NULL;
	if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK || !(plain = malloc(BODY_MAX + 1)))
		return "no memory";
	stream.next_out = (Bytef *)plain;
	stream.avail_out = BODY_MAX;
	int r = inflate(&stream, Z_FINISH);

	inflateEnd(&stream);
	free(request->body);
	request->body = plain;
	request->len = stream.total_out;
	plain[request->len] = 0;
	return r == Z_STREAM_END && !stream.avail_in ? NULL : "the body is no gzip";
}

static bool read_body(int fd, struct fake_request *request, size_t length)
{
	request->body = malloc(length + 1);
	request->len = 0;
	while (request->body && request->len < length) {
		ssize_t len = recv(fd, request->body + request->len, length - request->len, 0);

		if (len <= 0)
			return false;
		request->len += (size_t)len;
	}
	if (request->body)
		request->body[length] = 0;
	return request->body != NULL;
}

static bool answer(int fd, const struct fake_reply *reply)
{
	char head[4096];
	size_t body = reply->body_len ? reply->body_len : strlen(reply->body);
	int len = snprintf(head, sizeof(head),
			   "HTTP/1.1 %u Status\r\nContent-Length: %zu\r\n%s\r\n", reply->status,
			   body, reply->headers ? reply->headers : "");

	if (reply->delay_ms)
		nanosleep(&(struct timespec){ reply->delay_ms / 1000,
					      reply->delay_ms % 1000 * 1000000L },
			  NULL);
	if (reply->hang_up)
		return false;
	send(fd, head, (size_t)len, MSG_NOSIGNAL | (body ? MSG_MORE : 0));
	send(fd, reply->body, reply->cut ? body / 2 : body, MSG_NOSIGNAL);
	return !reply->cut;
}

static bool serve_one(const struct served *served, struct fake_reply *reply)
{
	static __thread char head[HEAD_MAX];
	struct fake_http *fake = served->fake;
	struct fake_request *request = calloc(1, sizeof(*request));
	const char *wrong = NULL;
	size_t len, length = 0;
	bool more = request && read_head(served->fd, head, &len);

	if (more) {
		request->connection = served->number;
		wrong = parse_head(request, head, &length);
		more = !wrong && read_body(served->fd, request, length);
		wrong = more ? unzip(request) : wrong;
		pthread_mutex_lock(&fake->lock);
		if (wrong)
			fake_http_complain(fake, wrong);
		fake->requests++;
		memset(reply, 0, sizeof(*reply));
		reply->status = 200;
		if (more && !wrong)
			fake->handler(fake->ctx, request, reply);
		pthread_mutex_unlock(&fake->lock);
		more = more && !wrong && answer(served->fd, reply);
	}
	if (request)
		free(request->body);
	free(request);
	return more;
}

static void *serve(void *ctx)
{
	struct served *served = ctx;
	struct fake_reply *reply = calloc(1, sizeof(*reply));

	while (reply && serve_one(served, reply))
		;
	shutdown(served->fd, SHUT_RDWR);
	free(reply);
	free(served);
	return NULL;
}

static void *accept_all(void *ctx)
{
	struct fake_http *fake = ctx;
	int fd;

	while (fake->connections < SERVED_MAX && (fd = accept(fake->listener, NULL, NULL)) >= 0) {
		struct served *served = malloc(sizeof(*served));
		unsigned n = fake->connections;

		*served = (struct served){ fake, fd, n + 1 };
		fake->sockets[n] = fd;
		pthread_create(&fake->servers[n], NULL, serve, served);
		fake->connections++;
	}
	return NULL;
}

struct fake_http *fake_http_start(fake_handler handler, void *ctx)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct fake_http *fake = calloc(1, sizeof(*fake));

	fake->handler = handler;
	fake->ctx = ctx;
	fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_mutex_init(&fake->lock, NULL);
	if (bind(fake->listener, (struct sockaddr *)&address, len) < 0 ||
	    listen(fake->listener, 64) < 0 ||
	    getsockname(fake->listener, (struct sockaddr *)&address, &len) < 0)
		abort();
	fake->port = ntohs(address.sin_port);
	pthread_create(&fake->acceptor, NULL, accept_all, fake);
	return fake;
}

unsigned fake_http_port(const struct fake_http *fake)
{
	return fake->port;
}

const char *fake_http_complaint(const struct fake_http *fake)
{
	return fake->complaint;
}

unsigned fake_http_requests(const struct fake_http *fake)
{
	return fake->requests;
}

unsigned fake_http_connections(const struct fake_http *fake)
{
	return fake->connections;
}

void fake_http_stop(struct fake_http *fake)
{
	shutdown(fake->listener, SHUT_RDWR);
	pthread_join(fake->acceptor, NULL);
	close(fake->listener);
	for (unsigned i = 0; i < fake->connections; i++) {
		shutdown(fake->sockets[i], SHUT_RDWR);
		pthread_join(fake->servers[i], NULL);
		close(fake->sockets[i]);
	}
	free(fake);
}
