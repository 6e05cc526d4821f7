/* SPDX-License-Identifier: Apache-2.0 */
/* System calls in filters, see syscall.h. */
#include "syscall.h"

#include <errno.h>

#include "base/buf.h"

enum { SYSCALLS_MAX = 1024 };

/* Events whose field `syscall` holds a number, and the one where it holds a name. */
static const struct {
	struct str event;
	bool by_name;
} events[] = {
	{ STR("sys_enter"), true },
	{ STR("sys_exit"), true },
	{ STR("suspicious_syscall_source"), true },
	{ STR("stack_pivot"), true },
	{ STR("hooked_syscall"), false },
};

static bool is_decimal(struct str text)
{
	for (uint32_t i = 0; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return text.len > 0;
}

static int add_number(struct buf *out, struct str text, struct err *err)
{
	int number = is_decimal(text) ? 0 : syscall_number(text);

	if (number < 0)
		return err_set(err, -EINVAL, "invalid syscall name: %.*s", (int)text.len,
			       text.data);
	if (is_decimal(text))
		buf_str(out, text);
	else
		buf_int(out, number);
	return 0;
}

static int add_name(struct buf *out, struct str text, struct err *err)
{
	struct str name = { 0 };
	uint32_t number = 0;

	if (text.len && ((text.data[0] | 0x20) >= 'a' && (text.data[0] | 0x20) <= 'z')) {
		buf_str(out, text);
		return 0;
	}
	if (!is_decimal(text))
		return err_set(err, -EINVAL, "invalid syscall id: %.*s", (int)text.len, text.data);
	for (uint32_t i = 0; i < text.len && number < SYSCALLS_MAX; i++)
		number = number * 10 + (uint32_t)(text.data[i] - '0');
	if (number < SYSCALLS_MAX)
		name = syscall_name((int)number);
	buf_str(out, name.len ? name : STR("Undefined"));
	return 0;
}

static int translate(struct str expression, bool by_name, struct buf *out, struct err *err)
{
	uint32_t start = expression.len > 1 && expression.data[1] == '=' ? 2 : 1;
	int code = 0;

	buf_add(out, expression.data, MIN(start, expression.len));
	for (uint32_t at = start; !code && at <= expression.len; at++) {
		struct str part = { expression.data + start, at - start };

		if (at < expression.len && expression.data[at] != ',')
			continue;
		code = by_name ? add_number(out, part, err) : add_name(out, part, err);
		if (at < expression.len)
			buf_char(out, ',');
		start = at + 1;
	}
	return code;
}

int syscall_translate(const struct event_def *def, struct str field, struct str *expression,
		      struct arena *arena, struct err *err)
{
	autoclean(buf_free) struct buf out = { 0 };

	if (!str_equal(field, STR("syscall")))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (!str_equal(str_of(def->name), events[i].event))
			continue;
		int code = translate(*expression, events[i].by_name, &out, err);

		if (code)
			return code;
		*expression = arena_str(arena, out.data, out.len);
		if (out.truncated || !expression->data)
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}
