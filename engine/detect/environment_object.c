/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of fields that are objects: addresses, credentials, hooked symbols. Their data is
 * the map that the field's value is.
 */
#include "messages.h"

static const struct value *member(const void *data, const char *name)
{
	const struct value_map *map = data;

	for (uint32_t i = 0; map && i < map->count; i++) {
		struct str key = { map->entries[i].key.str, map->entries[i].key.len };

		if (str_equal(key, str_of(name)))
			return &map->entries[i].value;
	}
	return NULL;
}

static struct value member_text(const void *data, const char *name)
{
	const struct value *value = member(data, name);

	return value && value->tag == VALUE_STRING ? *value : EMPTY_STRING;
}

static bool member_number(const void *data, const char *name, uint64_t *out)
{
	const struct value *value = member(data, name);

	if (!value || (value->tag != VALUE_INT && value->tag != VALUE_UINT))
		return false;
	*out = value->u;
	return true;
}

static struct value number_or_zero(const void *data, const char *name)
{
	uint64_t number = 0;

	member_number(data, name, &number);
	return value_uint(number);
}

static struct value number_or_null(const void *data, const char *name)
{
	uint64_t number = 0;

	return optional_uint(member_number(data, name, &number), number);
}

static struct value list_or_empty(const void *data, const char *name)
{
	const struct value *value = member(data, name);
	struct value empty;

	give_empty_list(&empty);
	return value && value->tag == VALUE_LIST ? *value : empty;
}

/* Members are named after their getters; presence is that of the key. */
#define MEMBER(message, name, give) \
	static void get_##message##_##name(struct cel_run *run, const void *data, \
					   struct value *out) \
	{ \
		(void)run; \
		*out = give(data, #name); \
	} \
	static bool has_##message##_##name(const void *data) \
	{ \
		return member(data, #name) != NULL; \
	}

#define ROW(message, name, type) \
	{ \
#name, type, get_##message##_##name, has_##message##_##name \
	}

/* ---- addresses ------------------------------ */

/* tracee.v1beta1.sa_family_t has the kernel's numbers. */
static struct value family_of(const void *data, const char *name)
{
	struct value text = member_text(data, name);
	struct str family = { text.str, text.len };

	return value_int(str_equal(family, STR("AF_UNIX"))    ? 1
			 : str_equal(family, STR("AF_INET"))  ? 2
			 : str_equal(family, STR("AF_INET6")) ? 10
							      : 0);
}

MEMBER(address, sa_family, family_of)
MEMBER(address, sun_path, member_text)
MEMBER(address, sin_addr, member_text)
MEMBER(address, sin_port, number_or_zero)
MEMBER(address, sin6_addr, member_text)
MEMBER(address, sin6_port, number_or_zero)
MEMBER(address, sin6_flowinfo, number_or_zero)
MEMBER(address, sin6_scopeid, number_or_zero)

static const struct cel_field address_fields[] = {
	ROW(address, sa_family, "int"),	     ROW(address, sun_path, "string"),
	ROW(address, sin_addr, "string"),    ROW(address, sin_port, "uint"),
	ROW(address, sin6_addr, "string"),   ROW(address, sin6_port, "uint"),
	ROW(address, sin6_flowinfo, "uint"), ROW(address, sin6_scopeid, "uint"),
};
MESSAGE(sockaddr_message, "tracee.v1beta1.SockAddr", address_fields);

/* ---- credentials ------------------------------ */

MEMBER(cred, uid, number_or_null)
MEMBER(cred, gid, number_or_null)
MEMBER(cred, suid, number_or_null)
MEMBER(cred, sgid, number_or_null)
MEMBER(cred, euid, number_or_null)
MEMBER(cred, egid, number_or_null)
MEMBER(cred, fsuid, number_or_null)
MEMBER(cred, fsgid, number_or_null)
MEMBER(cred, user_namespace, number_or_null)
MEMBER(cred, secure_bits, number_or_null)
MEMBER(cred, cap_inheritable, list_or_empty)
MEMBER(cred, cap_permitted, list_or_empty)
MEMBER(cred, cap_effective, list_or_empty)
MEMBER(cred, cap_bounding, list_or_empty)
MEMBER(cred, cap_ambient, list_or_empty)

static const struct cel_field credentials_fields[] = {
	ROW(cred, uid, "wrapper(uint)"),
	ROW(cred, gid, "wrapper(uint)"),
	ROW(cred, suid, "wrapper(uint)"),
	ROW(cred, sgid, "wrapper(uint)"),
	ROW(cred, euid, "wrapper(uint)"),
	ROW(cred, egid, "wrapper(uint)"),
	ROW(cred, fsuid, "wrapper(uint)"),
	ROW(cred, fsgid, "wrapper(uint)"),
	ROW(cred, user_namespace, "wrapper(uint)"),
	ROW(cred, secure_bits, "wrapper(uint)"),
	ROW(cred, cap_inheritable, "list(int)"),
	ROW(cred, cap_permitted, "list(int)"),
	ROW(cred, cap_effective, "list(int)"),
	ROW(cred, cap_bounding, "list(int)"),
	ROW(cred, cap_ambient, "list(int)"),
};
MESSAGE(credentials_message, "tracee.v1beta1.Credentials", credentials_fields);

/* ---- hooked symbols ------------------------------ */

MEMBER(symbol, symbol_name, member_text)
MEMBER(symbol, module_owner, member_text)

static const struct cel_field symbol_fields[] = {
	ROW(symbol, symbol_name, "string"),
	ROW(symbol, module_owner, "string"),
};
MESSAGE(hooked_symbol_message, "tracee.v1beta1.HookedSymbolData", symbol_fields);

static void get_symbols(struct cel_run *run, const void *data, struct value *out)
{
	struct value all = list_or_empty(data, "value");
	struct value_list *list = give_list(run, out, all.list->count);

	for (uint32_t i = 0; list && i < list->count; i++)
		give_message(run, &list->items[i], &hooked_symbol_message,
			     all.list->items[i].tag == VALUE_MAP ? all.list->items[i].map : NULL);
}

static const struct cel_field symbols_fields[] = {
	{ "value", "list(tracee.v1beta1.HookedSymbolData)", get_symbols, is_set },
};
MESSAGE(hooked_syscalls_message, "tracee.v1beta1.HookedSyscalls", symbols_fields);
