/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a RELP receiver says. */
#include <errno.h>

#include "base/common.h"
#include "relp_frame.h"

struct cursor {
	const char *at, *end;
};

/* Digits up to a terminator. 1 read, 0 more to come, -EPROTO */
static int read_number(struct cursor *cursor, uint32_t most, uint32_t *out)
{
	const char *at = cursor->at;
	uint64_t number = 0;

	for (; at < cursor->end && *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (uint64_t)(*at - '0');
		if (number > most)
			return -EPROTO;
	}
	if (at == cursor->end)
		return 0;
	if (at == cursor->at)
		return -EPROTO;
	*out = (uint32_t)number;
	cursor->at = at;
	return 1;
}

static int read_command(struct cursor *cursor, struct str *out)
{
	enum { COMMAND_MAX = 32 };
	const char *at = cursor->at;

	while (at < cursor->end && ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')))
		at++;
	if (at - cursor->at > COMMAND_MAX)
		return -EPROTO;
	if (at == cursor->end)
		return 0;
	if (at == cursor->at)
		return -EPROTO;
	*out = (struct str){ cursor->at, (uint32_t)(at - cursor->at) };
	cursor->at = at;
	return 1;
}

static int read_char(struct cursor *cursor, char c)
{
	if (cursor->at == cursor->end)
		return 0;
	return *cursor->at++ == c ? 1 : -EPROTO;
}

long relp_frame_read(const char *bytes, size_t len, struct relp_frame *out)
{
	struct cursor cursor = { bytes, bytes + len };
	struct relp_frame frame = { 0 };
	uint32_t size = 0;
	int r;

	if ((r = read_number(&cursor, RELP_TXNR_MAX, &frame.txnr)) <= 0 ||
	    (r = read_char(&cursor, ' ')) <= 0 ||
	    (r = read_command(&cursor, &frame.command)) <= 0 ||
	    (r = read_char(&cursor, ' ')) <= 0 ||
	    (r = read_number(&cursor, RELP_DATA_MAX, &size)) <= 0)
		return r;
	if (size && (r = read_char(&cursor, ' ')) <= 0)
		return r;
	if ((size_t)(cursor.end - cursor.at) < size)
		return 0;
	frame.data = (struct str){ cursor.at, size };
	cursor.at += size;
	if (!size && cursor.at < cursor.end && *cursor.at == ' ')
		cursor.at++; /* some send the space all the same */
	r = read_char(&cursor, '\n');
	if (r <= 0)
		return r;
	*out = frame;
	return cursor.at - bytes;
}

unsigned relp_code(struct str data)
{
	unsigned code = 0;

	if (data.len < 3 || (data.len > 3 && data.data[3] != ' ' && data.data[3] != '\n'))
		return 0;
	for (int i = 0; i < 3; i++) {
		if (data.data[i] < '0' || data.data[i] > '9')
			return 0;
		code = code * 10 + (unsigned)(data.data[i] - '0');
	}
	return code;
}
