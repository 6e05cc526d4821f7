/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's journal by its native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): a record
 * is a datagram of fields, or a sealed memory file if it is too large for one. The journal has no
 * answer: a record is delivered when its socket has taken it.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/err.h"
#include "batch.h"
#include "moment.h"
#include "connection.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum key { SOCKET, IDENTIFIER, FIELDS };

static const struct setting_key keys[] = {
	[SOCKET] = { "socket", SETTING_TEXT, .fallback = JOURNAL_SOCKET,
		     .doc = "the journal's socket; that of a namespace is "
			    "/run/systemd/journal.NAME/socket" },
	[IDENTIFIER] = { "identifier", SETTING_TEXT, .fallback = "spoor",
			 .doc = "SYSLOG_IDENTIFIER of the entries" },
	[FIELDS] = { "fields", SETTING_PAIRS,
		     .doc = "more fields: names of A-Z, 0-9 and _, not beginning with _" },
};

struct transport_state {
	const struct transport_settings *settings;
	int fd;
	struct buf entry;
};

static bool field_name(struct str name)
{
	if (!name.len || name.len > 64 || name.data[0] == '_' ||
	    (name.data[0] >= '0' && name.data[0] <= '9'))
		return false;
	for (uint32_t i = 0; i < name.len; i++)
		if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", name.data[i], 37))
			return false;
	return true;
}

static int journald_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	const struct setting_value *fields = &settings->values[FIELDS];

	*key = FIELDS;
	for (uint32_t i = 0; i < fields->count; i++) {
		struct str name = fields->pairs[i].key;

		if (field_name(name))
			continue;
		err_set(err, -EINVAL, "'%.*s' cannot be a field of the journal", (int)name.len,
			name.data);
		err_hint(err, "capital letters, digits and _; the first a letter, such as SITE");
		return -EINVAL;
	}
	return 0;
}

static int journald_open(const struct transport_settings *settings, struct transport_state **out,
			 struct err *err)
{
	autoclean(freep) struct transport_state *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->settings = settings;
	state->fd = -1;
	*out = take(state);
	return 0;
}

/* A field whose value may hold anything. */
static void add(struct buf *out, struct str name, struct str value)
{
	uint64_t len = htole64(value.len);

	buf_str(out, name);
	if (value.len && memchr(value.data, '\n', value.len)) {
		buf_char(out, '\n');
		buf_add(out, &len, sizeof(len));
	} else {
		buf_char(out, '=');
	}
	buf_str(out, value);
	buf_char(out, '\n');
}

static void entry_write(struct transport_state *state, const struct transport_record *record)
{
	static const char priorities[] = { '6', '5', '4', '3', '2' };
	struct buf *out = &state->entry;
	const struct setting_value *values = state->settings->values;
	uint8_t severity = MIN(record->severity, (uint8_t)(sizeof(priorities) - 1));

	buf_clear(out);
	add(out, STR("MESSAGE"), record->bytes);
	buf_printf(out, "PRIORITY=%c\n", priorities[severity]);
	add(out, STR("SYSLOG_IDENTIFIER"), values[IDENTIFIER].text);
	add(out, STR("SPOOR_ID"), record->id);
	add(out, STR("SPOOR_EVENT"), record->event);
	buf_printf(out, "SPOOR_SEQUENCE=%llu\nSPOOR_TIME=%llu\n",
		   (unsigned long long)record->sequence, (unsigned long long)record->time);
	for (uint32_t i = 0; i < values[FIELDS].count; i++)
		add(out, values[FIELDS].pairs[i].key, values[FIELDS].pairs[i].value);
}

/* An entry too large for a datagram goes as the descriptor of a sealed file in memory. */
static int send_sealed(struct transport_state *state)
{
	autoclean(closep) int fd = memfd_create("spoor-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_control = &control, .msg_controllen = sizeof(control) };

	if (fd < 0 || write(fd, state->entry.data, state->entry.len) != (ssize_t)state->entry.len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	struct cmsghdr *part = CMSG_FIRSTHDR(&message);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(part), &fd, sizeof(fd));
	return sendmsg(state->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_entry(struct transport_state *state, uint64_t deadline)
{
	struct pollfd poll_fd = { .fd = state->fd, .events = POLLOUT };

	for (;;) {
		int r = send(state->fd, state->entry.data, state->entry.len, MSG_NOSIGNAL) < 0
				? -errno
				: 0;

		if (r == -EMSGSIZE || r == -ENOBUFS)
			r = send_sealed(state);
		if (r != -EAGAIN && r != -EINTR)
			return r;
		int left = moment_left_ms(deadline);

		if (!left)
			return -ETIMEDOUT;
		poll(&poll_fd, 1, left);
	}
}

static int connect_journal(struct transport_state *state, struct transport_batch *batch)
{
	struct url url = { .local = true };

	snprintf(url.path, sizeof(url.path), "%s", setting_text(state->settings, SOCKET));
	int r = socket_connect(&url, SOCK_DGRAM, batch->deadline, batch->answer,
			       sizeof(batch->answer));

	state->fd = r < 0 ? -1 : r;
	return r < 0 ? r : 0;
}

static int journald_send(struct transport_state *state, struct transport_batch *batch)
{
	uint32_t done = 0;
	int r = state->fd < 0 ? connect_journal(state, batch) : 0;

	for (; r == 0 && done < batch->count; done += r == 0) {
		entry_write(state, &batch->records[done]);
		r = state->entry.truncated ? -ENOMEM : send_entry(state, batch->deadline);
		if (r == 0)
			batch->records[done].result = DELIVERY_DONE;
		else
			batch_answer(batch, "the journal's socket: %s", strerror(-r));
	}
	if (r < 0 && state->fd >= 0) {
		close(state->fd); /* journald was restarted: its socket is another now */
		state->fd = -1;
	}
	return r;
}

static void journald_close(struct transport_state *state, uint64_t deadline)
{
	(void)deadline;
	if (!state)
		return;
	if (state->fd >= 0)
		close(state->fd);
	buf_free(&state->entry);
	free(state);
}

static const char *journald_missing(void)
{
	return access(JOURNAL_SOCKET, F_OK) < 0 ? "no journald on this host" : NULL;
}

const struct transport transport_journald = {
	.name = "journald",
	.doc = "systemd's journal, an entry with fields a record",
	.format = "json",
	.keys = keys,
	.key_count = ARRAY_SIZE(keys),
	.batch_records = 256,
	.batch_bytes = 1024 * 1024,
	.missing = journald_missing,
	.check = journald_check,
	.open = journald_open,
	.send = journald_send,
	.close = journald_close,
};
