/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: non-blocking sockets and poll(), so that no call outlives its deadline. */
#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/common.h"
#include "base/err.h"
#include "moment.h"
#include "connection.h"

enum { SETTLE_STEP_MAX_MS = 16, ATTEMPT_MS_MIN = 1000, ACCEPT_MS = 250 };

static int failed(struct connection *connection, int code, const char *what)
{
	const char *reason = code == -EPROTO && connection->session
				     ? tls_reason(connection->session)
				     : NULL;

	if (!reason)
		reason = code == -EPIPE ? "the receiver closed the connection" : strerror(-code);
	snprintf(connection->why, sizeof(connection->why), "%s: %s", what, reason);
	connection_close(connection);
	return code;
}

/* Waits for `events`; 0, -ETIMEDOUT or another negative errno. */
static int await(int fd, short events, uint64_t deadline)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int left = moment_left_ms(deadline);
	int r = left ? poll(&poll_fd, 1, left) : 0;

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r ? 0 : -ETIMEDOUT;
}

/* ---- connecting -------------------------------------------------------------------- */

static int address_connect(const struct sockaddr *address, socklen_t len, int type,
			   uint64_t deadline)
{
	autoclean(closep) int fd = socket(address->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
					  0);
	int code = 0, on = 1;
	socklen_t size = sizeof(code);

	if (fd < 0)
		return -errno;
	if (connect(fd, address, len) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		int r = await(fd, POLLOUT, deadline);

		if (r < 0)
			return r;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) < 0 || code)
			return -(code ? code : errno);
	}
	if (type == SOCK_STREAM && address->sa_family != AF_UNIX) {
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	int connected = fd;

	fd = -1;
	return connected;
}

static int unix_connect(const struct url *url, int type, uint64_t deadline, char *why, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(url->path) >= sizeof(address.sun_path)) {
		snprintf(why, size, "the path of the socket is too long");
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, url->path, strlen(url->path));
	int fd = address_connect((struct sockaddr *)&address, sizeof(address), type, deadline);

	if (fd < 0)
		snprintf(why, size, "cannot connect to %s: %s", url->path, strerror(-fd));
	return fd;
}

static int resolve(const struct url *url, int type, struct addrinfo **out, char *why, size_t size)
{
	struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_ADDRCONFIG };
	char port[8];

	snprintf(port, sizeof(port), "%u", url->port);
	int r = getaddrinfo(url->host, port, &hints, out);

	if (r == 0)
		return 0;
	snprintf(why, size, "cannot resolve %s: %s", url->host, gai_strerror(r));
	return r == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
}

int socket_connect(const struct url *url, int type, uint64_t deadline, char *why, size_t size)
{
	struct addrinfo *found = NULL;
	char shown[URL_PART_MAX + 32];

	if (url->local)
		return unix_connect(url, type, deadline, why, size);
	int fd = resolve(url, type, &found, why, size);

	for (struct addrinfo *at = found; at; at = at->ai_next) {
		/* The last address may take all the time; one before it a share. */
		uint64_t now = moment_now(), left = deadline > now ? deadline - now : 0;
		uint64_t until = at->ai_next ? now + MAX(left / 3,
							 MIN(left, ATTEMPT_MS_MIN * MOMENT_MS))
					     : deadline;

		fd = address_connect(at->ai_addr, at->ai_addrlen, type, until);
		if (fd >= 0)
			break;
	}
	if (found) {
		freeaddrinfo(found);
		if (fd < 0)
			snprintf(why, size, "cannot connect to %s: %s",
				 url_shown(url, shown, sizeof(shown)), strerror(-fd));
	}
	return fd;
}

int connection_connect(struct connection *connection, const struct url *url, struct tls *tls,
		       uint64_t deadline)
{
	connection_close(connection);
	int fd = socket_connect(url, SOCK_STREAM, deadline, connection->why,
				sizeof(connection->why));

	if (fd < 0)
		return fd;
	connection->fd = fd;
	int r = tls ? tls_connect(tls, fd, deadline, &connection->session, connection->why,
				  sizeof(connection->why))
		    : 0;

	if (r < 0)
		connection_close(connection);
	return r;
}

/* ---- bytes --------------------------------------------------------------------------- */

static ssize_t put(struct connection *connection, const void *data, size_t len, short *poll_for)
{
	if (connection->session)
		return tls_write(connection->session, data, len, poll_for);
	*poll_for = POLLOUT;
	ssize_t done = send(connection->fd, data, len, MSG_NOSIGNAL);

	return done < 0 ? -errno : done;
}

static ssize_t get(struct connection *connection, void *data, size_t len, short *poll_for)
{
	if (connection->session)
		return tls_read(connection->session, data, len, poll_for);
	*poll_for = POLLIN;
	ssize_t done = recv(connection->fd, data, len, 0);

	return done < 0 ? -errno : done;
}

int connection_write(struct connection *connection, const void *data, size_t len, uint64_t deadline)
{
	const char *at = data;
	short poll_for = POLLOUT;

	while (len) {
		ssize_t done = put(connection, at, len, &poll_for);

		if (done > 0) {
			at += done;
			len -= (size_t)done;
			continue;
		}
		int r = done == -EAGAIN	 ? await(connection->fd, poll_for, deadline)
			: done == -EINTR ? 0
					 : (int)done;

		if (r < 0)
			return failed(connection, r, "sending");
	}
	return 0;
}

ssize_t connection_read(struct connection *connection, void *data, size_t len, uint64_t deadline)
{
	short poll_for = POLLIN;

	for (;;) {
		ssize_t done = get(connection, data, len, &poll_for);

		if (done > 0)
			return done;
		if (done == 0)
			return failed(connection, -EPIPE, "waiting for the answer");
		int r = done == -EAGAIN	 ? await(connection->fd, poll_for, deadline)
			: done == -EINTR ? 0
					 : (int)done;

		if (r < 0)
			return failed(connection, r, "waiting for the answer");
	}
}

int connection_probe(struct connection *connection)
{
	char away[4096];
	short poll_for;
	ssize_t done;

	if (connection->fd < 0)
		return -ENOTCONN;
	while ((done = get(connection, away, sizeof(away), &poll_for)) > 0)
		;
	if (done == -EAGAIN || done == -EINTR)
		return 0;
	return failed(connection, done ? (int)done : -EPIPE, "connection lost");
}

int connection_settle(struct connection *connection, uint64_t deadline)
{
	int waiting = 0, step = 1;

	for (;;) {
		int r = connection_probe(connection);

		if (r < 0)
			return r;
		if (ioctl(connection->fd, SIOCOUTQ, &waiting) < 0)
			return failed(connection, -errno, "asking the kernel what is unsent");
		if (!waiting)
			return connection_probe(connection);
		int left = moment_left_ms(deadline);

		if (!left)
			return failed(connection, -ETIMEDOUT,
				      "the receiver does not take what was sent");
		struct pollfd poll_fd = { .fd = connection->fd, .events = POLLIN | POLLRDHUP };

		poll(&poll_fd, 1, MIN(step, left));
		step = MIN(step * 2, SETTLE_STEP_MAX_MS);
	}
}

int connection_accepted(struct connection *connection, uint64_t deadline)
{
	uint64_t own = moment_in_ms(ACCEPT_MS), until = MIN(own, deadline);
	int r, left;

	while ((r = connection_probe(connection)) == 0 && (left = moment_left_ms(until)) > 0) {
		struct pollfd poll_fd = { .fd = connection->fd, .events = POLLIN | POLLRDHUP };

		poll(&poll_fd, 1, left);
	}
	return r;
}

void connection_close(struct connection *connection)
{
	tls_close(connection->session);
	connection->session = NULL;
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
}

/* ---- SIGPIPE --------------------------------------------------------------------------- */

void sigpipe_hold(sigset_t *before)
{
	sigset_t pipe_only;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, before);
}

void sigpipe_release(const sigset_t *before)
{
	sigset_t pipe_only;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	if (!sigismember(before, SIGPIPE))
		while (sigtimedwait(&pipe_only, NULL, &(struct timespec){ 0 }) == -1 &&
		       errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

int connection_check_tls(const struct transport_settings *settings, uint32_t first,
			 const struct url *url, uint32_t *key, struct err *err)
{
	static const struct setting_key rows[] = { TLS_KEY_ROWS };
	bool secure = !strcmp(url->scheme, "tls");
	int r;

	for (uint32_t i = 0; i < TLS_KEY_COUNT && !secure; i++)
		if (settings->values[first + i].given) {
			*key = first + i;
			err_set(err, -EINVAL, "%s needs a tls:// URL", rows[i].name);
			err_hint(err, "url: tls://%s", url->host);
			return -EINVAL;
		}
	r = tls_check(settings->values + first, key, err);
	*key += r < 0 ? first : 0;
	return r;
}
