/* SPDX-License-Identifier: Apache-2.0 */
/* See json-object.h. */
#include "source/json-object.h"

#include "base/common.h"
#include "event/json.h"
#include "event/object.h"

/* A number that may be quoted; 0 if it is neither. */
static uint64_t number_of(const struct json *object, const char *name)
{
	const struct json *value = json_get(object, name);
	uint64_t number = 0;

	if (value && (value->type == JSON_STRING || value->type == JSON_NUMBER))
		text_to_uint(value->text, &number);
	return number;
}

/* All values of the map are strings; zero numbers are left out. */
static void write_address(struct buf *out, const struct json *address)
{
	static const struct {
		const char *name;
		bool number;
	} members[] = {
		{ "sun_path", false },	  { "sin_addr", false }, { "sin_port", true },
		{ "sin6_addr", false },	  { "sin6_port", true }, { "sin6_flowinfo", true },
		{ "sin6_scopeid", true },
	};
	const struct json *family = json_get(address, "sa_family");
	struct str name = family && family->type == JSON_STRING ? family->text : STR("");

	if (!str_equal(name, STR("AF_INET")) && !str_equal(name, STR("AF_INET6")) &&
	    !str_equal(name, STR("AF_UNIX"))) {
		buf_lit(out, "null");
		return;
	}
	buf_lit(out, "{\"sa_family\":");
	json_text(out, name);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const struct json *value = json_get(address, members[i].name);
		uint64_t number = number_of(address, members[i].name);

		if (!value || (members[i].number ? !number : value->type != JSON_STRING))
			continue;
		buf_printf(out, ",\"%s\":", members[i].name);
		if (members[i].number)
			buf_uint(out, number);
		else
			json_text(out, value->text);
	}
	buf_char(out, '}');
}

/* The numbers of the bits that are set. */
static void write_capabilities(struct buf *out, const char *name, uint64_t set)
{
	const char *before = "";

	if (!set)
		return;
	buf_printf(out, ",\"%s\":[", name);
	for (unsigned i = 0; i < 64; i++)
		if (set >> i & 1) {
			buf_printf(out, "%s%u", before, i);
			before = ",";
		}
	buf_char(out, ']');
}

/* Members have their names in Go there, and sets of capabilities are numbers. */
static void write_credentials(struct buf *out, const struct json *credentials)
{
	static const struct {
		const char *legacy, *name;
	} numbers[] = {
		{ "Uid", "uid" },   { "Gid", "gid" },
		{ "Suid", "suid" }, { "Sgid", "sgid" },
		{ "Euid", "euid" }, { "Egid", "egid" },
		{ "Fsuid", "fsuid" }, { "Fsgid", "fsgid" },
		{ "UserNamespace", "user_namespace" }, { "SecureBits", "secure_bits" },
	}, sets[] = {
		{ "CapInheritable", "cap_inheritable" }, { "CapPermitted", "cap_permitted" },
		{ "CapEffective", "cap_effective" },	 { "CapBounding", "cap_bounding" },
		{ "CapAmbient", "cap_ambient" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		buf_printf(out, "%s\"%s\":", i ? "," : "{", numbers[i].name);
		buf_uint(out, number_of(credentials, numbers[i].legacy));
	}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		write_capabilities(out, sets[i].name, number_of(credentials, sets[i].legacy));
	buf_char(out, '}');
}

void legacy_object_write(struct buf *out, const struct json *object, uint8_t type)
{
	if (object->type == JSON_OBJECT && type == FIELD_sockaddr)
		write_address(out, object);
	else if (object->type == JSON_OBJECT && type == FIELD_credentials)
		write_credentials(out, object);
	else
		object_write(out, object, type);
}
