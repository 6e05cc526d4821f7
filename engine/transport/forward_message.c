/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of MessagePack as far as Forward's answers need it; everything else is passed over. */
#include <errno.h>

#include "base/common.h"
#include "forward_message.h"

enum { DEPTH_MAX = 8 };
enum kind { KIND_OTHER, KIND_TEXT, KIND_ARRAY, KIND_MAP, KIND_TRUE, KIND_SHORT, KIND_BROKEN };

struct reader {
	const unsigned char *at, *end;
};

struct item {
	enum kind kind;
	struct str text;
	uint32_t count; /* of an array's items or a map's pairs */
};

/* A big-endian number of so many bytes. */
static bool number(struct reader *in, unsigned size, uint32_t *out)
{
	if ((size_t)(in->end - in->at) < size)
		return false;
	*out = 0;
	for (unsigned i = 0; i < size; i++)
		*out = *out << 8 | *in->at++;
	return true;
}

/* How a leading byte says the kind and where its length or size stands. */
static const struct {
	uint8_t first, last;
	uint8_t kind;
	uint8_t mask;	   /* the length is in the byte; 0: it is not */
	uint8_t size_len;  /* bytes of a length that follows */
	uint8_t fixed_len; /* bytes of content without a length, after an extension's type */
} heads[] = {
	{ 0x00, 0x7f, KIND_OTHER, 0, 0, 0 },	{ 0x80, 0x8f, KIND_MAP, 0x0f, 0, 0 },
	{ 0x90, 0x9f, KIND_ARRAY, 0x0f, 0, 0 }, { 0xa0, 0xbf, KIND_TEXT, 0x1f, 0, 0 },
	{ 0xc0, 0xc0, KIND_OTHER, 0, 0, 0 },	{ 0xc2, 0xc2, KIND_OTHER, 0, 0, 0 },
	{ 0xc3, 0xc3, KIND_TRUE, 0, 0, 0 },	{ 0xc4, 0xc4, KIND_TEXT, 0, 1, 0 },
	{ 0xc5, 0xc5, KIND_TEXT, 0, 2, 0 },	{ 0xc6, 0xc6, KIND_TEXT, 0, 4, 0 },
	{ 0xc7, 0xc7, KIND_OTHER, 0, 1, 1 },	{ 0xc8, 0xc8, KIND_OTHER, 0, 2, 1 },
	{ 0xc9, 0xc9, KIND_OTHER, 0, 4, 1 },	{ 0xca, 0xca, KIND_OTHER, 0, 0, 4 },
	{ 0xcb, 0xcb, KIND_OTHER, 0, 0, 8 },	{ 0xcc, 0xcc, KIND_OTHER, 0, 0, 1 },
	{ 0xcd, 0xcd, KIND_OTHER, 0, 0, 2 },	{ 0xce, 0xce, KIND_OTHER, 0, 0, 4 },
	{ 0xcf, 0xcf, KIND_OTHER, 0, 0, 8 },	{ 0xd0, 0xd0, KIND_OTHER, 0, 0, 1 },
	{ 0xd1, 0xd1, KIND_OTHER, 0, 0, 2 },	{ 0xd2, 0xd2, KIND_OTHER, 0, 0, 4 },
	{ 0xd3, 0xd3, KIND_OTHER, 0, 0, 8 },	{ 0xd4, 0xd4, KIND_OTHER, 0, 0, 2 },
	{ 0xd5, 0xd5, KIND_OTHER, 0, 0, 3 },	{ 0xd6, 0xd6, KIND_OTHER, 0, 0, 5 },
	{ 0xd7, 0xd7, KIND_OTHER, 0, 0, 9 },	{ 0xd8, 0xd8, KIND_OTHER, 0, 0, 17 },
	{ 0xd9, 0xd9, KIND_TEXT, 0, 1, 0 },	{ 0xda, 0xda, KIND_TEXT, 0, 2, 0 },
	{ 0xdb, 0xdb, KIND_TEXT, 0, 4, 0 },	{ 0xdc, 0xdc, KIND_ARRAY, 0, 2, 0 },
	{ 0xdd, 0xdd, KIND_ARRAY, 0, 4, 0 },	{ 0xde, 0xde, KIND_MAP, 0, 2, 0 },
	{ 0xdf, 0xdf, KIND_MAP, 0, 4, 0 },	{ 0xe0, 0xff, KIND_OTHER, 0, 0, 0 },
};

/* The next item; of an array or map its head only. */
static struct item next(struct reader *in)
{
	struct item item = { KIND_SHORT };
	uint32_t len = 0;
	size_t row = 0;

	if (in->at == in->end)
		return item;
	uint8_t byte = *in->at++;

	while (row < ARRAY_SIZE(heads) && (byte < heads[row].first || byte > heads[row].last))
		row++;
	if (row == ARRAY_SIZE(heads))
		return (struct item){ KIND_BROKEN };
	if (heads[row].size_len && !number(in, heads[row].size_len, &len))
		return item;
	len = heads[row].mask ? byte & heads[row].mask : len;
	if (heads[row].kind == KIND_ARRAY || heads[row].kind == KIND_MAP)
		return (struct item){ (enum kind)heads[row].kind, .count = len };
	uint64_t total = (uint64_t)len + heads[row].fixed_len;

	if (total > FORWARD_MESSAGE_MAX)
		return (struct item){ KIND_BROKEN };
	if (total > (uint64_t)(in->end - in->at))
		return item;
	item = (struct item){ (enum kind)heads[row].kind, { (const char *)in->at, len }, 0 };
	in->at += total;
	return item;
}

/* Passes over the parts of an item whose head has been read. */
static enum kind pass(struct reader *in, struct item item, unsigned depth)
{
	uint64_t parts = item.kind == KIND_ARRAY ? item.count
			 : item.kind == KIND_MAP ? (uint64_t)item.count * 2
						 : 0;

	if (depth > DEPTH_MAX || parts > FORWARD_MESSAGE_MAX)
		return KIND_BROKEN;
	for (uint64_t i = 0; i < parts; i++) {
		struct item part = next(in);
		enum kind kind = part.kind < KIND_SHORT ? pass(in, part, depth + 1) : part.kind;

		if (kind >= KIND_SHORT)
			return kind;
	}
	return item.kind;
}

/* A map of texts: those named are stored. */
static enum kind read_map(struct reader *in, uint32_t count, const char *const *names,
			  struct str *const *values)
{
	if (count > FORWARD_MESSAGE_MAX)
		return KIND_BROKEN;
	for (uint32_t i = 0; i < count; i++) {
		struct item name = next(in);
		enum kind kind = name.kind < KIND_SHORT ? pass(in, name, 0) : name.kind;
		struct item value = kind < KIND_SHORT ? next(in) : (struct item){ kind };

		kind = value.kind < KIND_SHORT ? pass(in, value, 0) : value.kind;
		if (kind >= KIND_SHORT)
			return kind;
		for (unsigned n = 0; names[n]; n++)
			if (name.kind == KIND_TEXT && value.kind == KIND_TEXT &&
			    str_equal(name.text, str_of(names[n])))
				*values[n] = value.text;
	}
	return KIND_MAP;
}

/* ["HELO", {"nonce": N, "auth": SALT, ...}] */
static enum kind read_helo(struct reader *in, struct forward_message *out)
{
	static const char *const names[] = { "nonce", "auth", NULL };
	struct str *const values[] = { &out->nonce, &out->salt };
	struct item map = next(in);

	out->kind = FORWARD_HELO;
	if (map.kind >= KIND_SHORT)
		return map.kind;
	return map.kind == KIND_MAP ? read_map(in, map.count, names, values) : KIND_BROKEN;
}

/* ["PONG", BOOL, REASON, HOST, DIGEST] */
static enum kind read_pong(struct reader *in, struct forward_message *out)
{
	struct str *const texts[] = { &out->reason, &out->host, &out->digest };
	struct item welcome = next(in);

	out->kind = FORWARD_PONG;
	out->welcome = welcome.kind == KIND_TRUE;
	if (welcome.kind >= KIND_SHORT)
		return welcome.kind;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct item text = next(in);

		if (text.kind != KIND_TEXT)
			return text.kind == KIND_SHORT ? KIND_SHORT : KIND_BROKEN;
		*texts[i] = text.text;
	}
	return KIND_ARRAY;
}

static enum kind read_array(struct reader *in, uint32_t count, struct forward_message *out)
{
	struct reader start = *in;
	struct item first = count ? next(in) : (struct item){ KIND_OTHER };

	if (first.kind == KIND_TEXT && count == 2 && str_equal(first.text, STR("HELO")))
		return read_helo(in, out);
	if (first.kind == KIND_TEXT && count == 5 && str_equal(first.text, STR("PONG")))
		return read_pong(in, out);
	*in = start;
	return pass(in, (struct item){ KIND_ARRAY, .count = count }, 0);
}

long forward_message_read(const char *bytes, size_t len, struct forward_message *out)
{
	static const char *const names[] = { "ack", NULL };
	struct forward_message message = { 0 };
	struct str *const values[] = { &message.ack };
	struct reader in = { (const unsigned char *)bytes, (const unsigned char *)bytes + len };
	struct item item = next(&in);
	enum kind kind = item.kind;

	if (kind == KIND_MAP)
		kind = read_map(&in, item.count, names, values);
	else if (kind == KIND_ARRAY)
		kind = read_array(&in, item.count, &message);
	if (kind == KIND_BROKEN || (kind == KIND_SHORT && len >= FORWARD_MESSAGE_MAX))
		return -EPROTO;
	if (kind == KIND_SHORT)
		return 0;
	if (message.ack.data)
		message.kind = FORWARD_ACK;
	*out = message;
	return (const char *)in.at - bytes;
}
