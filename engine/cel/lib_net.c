/* SPDX-License-Identifier: Apache-2.0 */
/* The network library: addresses and networks, as values of net.IP and net.CIDR. */
#include <arpa/inet.h>

#include "internal.h"

#define CALL(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)

struct address {
	uint8_t bytes[16];
	uint8_t len;  /* 4 or 16 */
	uint8_t bits; /* of the network's prefix */
};

/* ---- as messages: equality compares these fields -------------------------- */

/* ::ffff:a.b.c.d is the same address as a.b.c.d. */
static struct str plain(const struct address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool is_mapped = address->len == 16 && memcmp(address->bytes, mapped, 12) == 0;

	return (struct str){ (const char *)address->bytes + (is_mapped ? 12 : 0),
			     is_mapped ? 4u : address->len };
}

static void get_bytes(struct cel_run *run, const void *data, struct value *out)
{
	(void)run;
	*out = value_str(plain(data));
	out->tag = VALUE_BYTES;
}

static void get_bits(struct cel_run *run, const void *data, struct value *out)
{
	(void)run;
	*out = value_int(((const struct address *)data)->bits);
}

static bool is_there(const void *data)
{
	return data;
}

static const struct cel_field ip_fields[] = { { "@bytes", "bytes", get_bytes, is_there } };
static const struct cel_field cidr_fields[] = { { "@bytes", "bytes", get_bytes, is_there },
						{ "@bits", "int", get_bits, is_there } };
static const struct cel_message ip_message = { "net.IP", ip_fields, ARRAY_SIZE(ip_fields) };
static const struct cel_message cidr_message = { "net.CIDR", cidr_fields, ARRAY_SIZE(cidr_fields) };

static const struct address *address_of(struct value v)
{
	const struct cel_object *object = v.object;

	return object->data;
}

static struct value make(struct cel_run *run, const struct cel_message *type,
			 const struct address *address)
{
	struct address *copy = arena_alloc(run->arena, sizeof(*copy));
	struct cel_object *object = arena_zalloc(run->arena, sizeof(*object));

	if (!copy || !object)
		return ERROR_MEMORY;
	*copy = *address;
	*object = (struct cel_object){ .type = type, .data = copy };
	return (struct value){ .tag = VALUE_MESSAGE, .object = object };
}

/* ---- text ----------------------------------------------------------------- */

/* No zones (%eth0), and no IPv4 inside IPv6 by dots. */
static bool parse(struct str text, struct address *out)
{
	char copy[INET6_ADDRSTRLEN + 1];

	if (text.len >= sizeof(copy) || memchr(text.data, 0, text.len))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = 0;
	*out = (struct address){ .len = 4 };
	if (inet_pton(AF_INET, copy, out->bytes) == 1)
		return true;
	out->len = 16;
	return !strchr(copy, '.') && inet_pton(AF_INET6, copy, out->bytes) == 1;
}

static bool parse_network(struct str text, struct address *out)
{
	const char *slash = text.len ? memchr(text.data, '/', text.len) : NULL;
	struct str bits;
	uint64_t value;

	if (!slash || !parse((struct str){ text.data, (uint32_t)(slash - text.data) }, out))
		return false;
	bits = (struct str){ slash + 1, (uint32_t)(text.data + text.len - slash - 1) };
	if (!number_parse_uint(bits, &value) || value > out->len * 8u ||
	    (bits.len > 1 && bits.data[0] == '0'))
		return false;
	out->bits = (uint8_t)value;
	return true;
}

static uint32_t print(const struct address *address, char out[INET6_ADDRSTRLEN])
{
	inet_ntop(address->len == 4 ? AF_INET : AF_INET6, address->bytes, out, INET6_ADDRSTRLEN);
	return (uint32_t)strlen(out);
}

static struct value bad(struct cel_run *run, struct value text, const char *what)
{
	return cel_error(run, "found '%.*s', which is no %s", (int)MIN(text.len, 80u), text.str,
			 what);
}

CALL(call_ip)
{
	struct address address;

	(void)count;
	*out = parse(value_text(args[0]), &address) ? make(run, &ip_message, &address)
						    : bad(run, args[0], "IP address");
}

CALL(call_is_ip)
{
	struct address address;

	(void)run;
	(void)count;
	*out = value_bool(parse(value_text(args[0]), &address));
}

CALL(call_is_canonical)
{
	struct address address;
	char text[INET6_ADDRSTRLEN];

	(void)count;
	if (!parse(value_text(args[0]), &address)) {
		*out = bad(run, args[0], "IP address");
		return;
	}
	*out = value_bool(
		str_equal(value_text(args[0]), (struct str){ text, print(&address, text) }));
}

CALL(call_cidr)
{
	struct address address;

	(void)count;
	*out = parse_network(value_text(args[0]), &address) ? make(run, &cidr_message, &address)
							    : bad(run, args[0], "network");
}

CALL(call_is_cidr)
{
	struct address address;

	(void)run;
	(void)count;
	*out = value_bool(parse_network(value_text(args[0]), &address));
}

CALL(call_string_of_ip)
{
	char text[INET6_ADDRSTRLEN];

	(void)count;
	*out = value_text_of(run, text, print(address_of(args[0]), text));
}

CALL(call_string_of_cidr)
{
	char text[INET6_ADDRSTRLEN + 8];
	uint32_t len = print(address_of(args[0]), text);

	(void)count;
	len += (uint32_t)snprintf(text + len, 8, "/%u", address_of(args[0])->bits);
	*out = value_text_of(run, text, len);
}

/* ---- kinds of addresses --------------------------------------------------- */

CALL(call_family)
{
	(void)run;
	(void)count;
	*out = value_int(plain(address_of(args[0])).len == 4 ? 4 : 6);
}

static bool is_unspecified(struct str address)
{
	for (uint32_t i = 0; i < address.len; i++)
		if (address.data[i])
			return false;
	return true;
}

static bool is_loopback(struct str address)
{
	if (address.len == 4)
		return address.data[0] == 127;
	return address.data[15] == 1 && is_unspecified((struct str){ address.data, 15 });
}

static bool starts(struct str address, uint8_t first, uint8_t second, uint8_t mask)
{
	return (uint8_t)address.data[0] == first && ((uint8_t)address.data[1] & mask) == second;
}

static bool is_link_local_multicast(struct str address)
{
	if (address.len == 4)
		return starts(address, 224, 0, 0xff) && address.data[2] == 0;
	return starts(address, 0xff, 0x02, 0x0f);
}

static bool is_link_local_unicast(struct str address)
{
	return address.len == 4 ? starts(address, 169, 254, 0xff)
				: starts(address, 0xfe, 0x80, 0xc0);
}

static bool is_multicast(struct str address)
{
	uint8_t first = (uint8_t)address.data[0];

	return address.len == 4 ? (first & 0xf0) == 224 : first == 0xff;
}

static bool is_broadcast(struct str address)
{
	return address.len == 4 && memcmp(address.data, "\xff\xff\xff\xff", 4) == 0;
}

static bool is_global_unicast(struct str address)
{
	return !is_broadcast(address) && !is_unspecified(address) && !is_loopback(address) &&
	       !is_multicast(address) && !is_link_local_unicast(address);
}

#define ASK(name, test) \
	CALL(name) \
	{ \
		(void)run; \
		(void)count; \
		*out = value_bool(test(plain(address_of(args[0])))); \
	}
ASK(call_is_unspecified, is_unspecified)
ASK(call_is_loopback, is_loopback)
ASK(call_is_global_unicast, is_global_unicast)
ASK(call_is_link_local_multicast, is_link_local_multicast)
ASK(call_is_link_local_unicast, is_link_local_unicast)

/* ---- networks ------------------------------------------------------------- */

static bool same_prefix(const struct address *a, const struct address *b, uint32_t bits)
{
	uint32_t whole = bits / 8, rest = bits % 8;

	if (a->len != b->len || memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return !rest || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

/* The second argument: a value, or text to be read. False: *error. */
static bool take_other(struct cel_run *run, struct value v, bool network, struct address *out,
		       struct value *error)
{
	if (v.tag == VALUE_MESSAGE) {
		*out = *address_of(v);
		return true;
	}
	if (network ? parse_network(value_text(v), out) : parse(value_text(v), out))
		return true;
	*error = bad(run, v, network ? "network" : "IP address");
	return false;
}

CALL(call_contains_ip)
{
	const struct address *network = address_of(args[0]);
	struct address other;

	(void)count;
	if (take_other(run, args[1], false, &other, out))
		*out = value_bool(same_prefix(network, &other, network->bits));
}

CALL(call_contains_cidr)
{
	const struct address *network = address_of(args[0]);
	struct address other;

	(void)count;
	if (take_other(run, args[1], true, &other, out))
		*out = value_bool(other.bits >= network->bits &&
				  same_prefix(network, &other, network->bits));
}

CALL(call_cidr_ip)
{
	struct address address = *address_of(args[0]);

	(void)count;
	address.bits = 0;
	*out = make(run, &ip_message, &address);
}

CALL(call_masked)
{
	struct address address = *address_of(args[0]);

	(void)count;
	for (uint32_t bit = address.bits; bit < address.len * 8u; bit++)
		address.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	*out = make(run, &cidr_message, &address);
}

CALL(call_prefix_length)
{
	(void)run;
	(void)count;
	*out = value_int(address_of(args[0])->bits);
}

#define ASK_ROW(name, call, doc, example) \
	{ \
		name, "net.IP.() -> bool", call, doc, "ip('" example "')." name "()", "true" \
	}

const struct cel_function net_rows[] = {
	{ "ip", "(string) -> net.IP", call_ip, "An IP address.",
	  "ip('::1') == ip('0:0:0:0:0:0:0:1')", "true" },
	{ "isIP", "(string) -> bool", call_is_ip, "Is it an IP address?", "isIP('10.0.0.256')",
	  "false" },
	{ "ip.isCanonical", "(string) -> bool", call_is_canonical,
	  "Is it an IP address in its usual form?", "ip.isCanonical('2001:DB8::68')", "false" },
	{ "cidr", "(string) -> net.CIDR", call_cidr, "A network.",
	  "cidr('10.0.0.0/8').prefixLength()", "8" },
	{ "isCIDR", "(string) -> bool", call_is_cidr, "Is it a network?", "isCIDR('10.0.0.0/33')",
	  "false" },
	{ "string", "(net.IP) -> string", call_string_of_ip, "In its usual form.",
	  "string(ip('2001:DB8::68'))", "\"2001:db8::68\"" },
	{ "string", "(net.CIDR) -> string", call_string_of_cidr, "Address/bits.",
	  "string(cidr('10.0.0.0/8'))", "\"10.0.0.0/8\"" },
	{ "family", "net.IP.() -> int", call_family, "4 or 6.", "ip('::1').family()", "6" },
	ASK_ROW("isUnspecified", call_is_unspecified, "Is it 0.0.0.0 or ::?", "0.0.0.0"),
	ASK_ROW("isLoopback", call_is_loopback, "Is it 127.0.0.0/8 or ::1?", "127.0.0.1"),
	ASK_ROW("isGlobalUnicast", call_is_global_unicast,
		"Is it none of the special ones (private ones are not)?", "192.168.0.1"),
	ASK_ROW("isLinkLocalMulticast", call_is_link_local_multicast,
		"Is it 224.0.0.0/24 or ff02::?", "224.0.0.1"),
	ASK_ROW("isLinkLocalUnicast", call_is_link_local_unicast,
		"Is it 169.254.0.0/16 or fe80::/10?", "169.254.169.254"),
	{ "containsIP", "net.CIDR.(net.IP) -> bool", call_contains_ip, "Is the address in it?",
	  "cidr('10.0.0.0/8').containsIP(ip('10.1.2.3'))", "true" },
	{ "containsIP", "net.CIDR.(string) -> bool", call_contains_ip, "Is the address in it?",
	  "cidr('10.0.0.0/8').containsIP('11.1.2.3')", "false" },
	{ "containsCIDR", "net.CIDR.(net.CIDR) -> bool", call_contains_cidr,
	  "Is the network in it?", "cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16'))", "true" },
	{ "containsCIDR", "net.CIDR.(string) -> bool", call_contains_cidr, "Is the network in it?",
	  "cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7')", "false" },
	{ "ip", "net.CIDR.() -> net.IP", call_cidr_ip, "Its address.",
	  "string(cidr('10.0.0.1/8').ip())", "\"10.0.0.1\"" },
	{ "masked", "net.CIDR.() -> net.CIDR", call_masked, "With nothing behind the prefix.",
	  "string(cidr('10.0.0.1/8').masked())", "\"10.0.0.0/8\"" },
	{ "prefixLength", "net.CIDR.() -> int", call_prefix_length, "Bits of its prefix.",
	  "cidr('10.0.0.0/8').prefixLength()", "8" },
};
const uint32_t net_rows_count = ARRAY_SIZE(net_rows);
