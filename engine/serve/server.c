/* SPDX-License-Identifier: Apache-2.0 */
/* The server for metrics and health, see server.h. */
#include "serve/server.h"

#include <arpa/inet.h>
#include <errno.h>

#include "base/common.h"
#include "serve/microhttpd.h"

enum { CONNECTIONS_MAX = 16, TIMEOUT_S = 10, MEMORY_MAX = 16 * 1024 };

struct server {
	struct microhttpd mhd;
	struct MHD_Daemon *daemon;
	server_page page;
	void *ctx;
};

/* ---- the address -------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int bad_address(const char *text, struct err *err)
{
	err_set(err, -EINVAL, "server: '%s' is no address to listen on", text);
	err_hint(err, "for example 127.0.0.1:3366, [::1]:3366, or 0.0.0.0:3366 for all");
	return -EINVAL;
}

static bool parse_host(const char *host, in_port_t port, union address *out)
{
	*out = (union address){ 0 };
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = port;
		return true;
	}
	if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1)
		return false;
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = port;
	return true;
}

static int parse_address(const char *text, union address *out, struct err *err)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	char *end;

	if (!colon || len >= sizeof(host))
		return bad_address(text, err);
	unsigned long port = strtoul(colon + 1, &end, 10);
	bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';

	snprintf(host, sizeof(host), "%.*s", (int)(bracketed ? len - 2 : len), text + bracketed);
	if (!len || !strcmp(host, "localhost"))
		snprintf(host, sizeof(host), "127.0.0.1");
	if (*end || end == colon + 1 || port > 65535 ||
	    !parse_host(host, htons((in_port_t)port), out))
		return bad_address(text, err);
	return 0;
}

static bool is_loopback(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

/* ---- requests -------------------- */

static enum MHD_Result respond(struct server *server, struct MHD_Connection *connection,
			       unsigned status, struct buf *text)
{
	struct MHD_Response *response = server->mhd.MHD_create_response_from_buffer(
		text->len, text->len ? text->data : "", MHD_RESPMEM_MUST_COPY);

	if (!response)
		return MHD_NO;
	server->mhd.MHD_add_response_header(response, "Content-Type",
					    "text/plain; version=0.0.4; charset=utf-8");
	if (status == 405)
		server->mhd.MHD_add_response_header(response, "Allow", "GET, HEAD");
	enum MHD_Result result = server->mhd.MHD_queue_response(connection, status, response);

	server->mhd.MHD_destroy_response(response);
	return result;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	struct server *server = ctx;
	struct buf text = { 0 };
	unsigned status = 405;

	(void)version, (void)upload, (void)state;
	*upload_size = 0; /* a body is read and forgotten */
	if (!strcmp(method, "GET") || !strcmp(method, "HEAD"))
		status = server->page(server->ctx, url, &text);
	enum MHD_Result result = respond(server, connection, status, &text);

	buf_free(&text);
	return result;
}

/* ---- the server -------------------- */

int server_open(const char *address, server_page page, void *ctx, struct server **out,
		struct err *err)
{
	union address socket_address;
	int r = parse_address(address, &socket_address, err);

	if (r < 0)
		return r;
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return err_set(err, -ENOMEM, "out of memory");
	server->page = page;
	server->ctx = ctx;
	if ((r = microhttpd_load(&server->mhd, err)) < 0) {
		free(server);
		return r;
	}
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD |
			 (socket_address.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);

	errno = 0;
	server->daemon = server->mhd.MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, server, MHD_OPTION_SOCK_ADDR, &socket_address.any,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_END);
	if (!server->daemon) {
		err_set(err, -EADDRINUSE, "server: cannot listen on %s: %s", address,
			errno ? strerror(errno) : "not possible");
		free(server);
		return err->code;
	}
	if (!is_loopback(&socket_address))
		fprintf(stderr, "spoor: warning: the server on %s has neither TLS nor a password\n",
			address);
	*out = server;
	return 0;
}

unsigned server_port(const struct server *server)
{
	const union MHD_DaemonInfo *info = server->mhd.MHD_get_daemon_info(
		server->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	server->mhd.MHD_stop_daemon(server->daemon);
	free(server);
}
