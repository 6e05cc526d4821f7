/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of time, see timespan.h. */
#include "timespan.h"

#include <errno.h>

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "d", 86400000000000 }, { "h", 3600000000000 }, { "m", 60000000000 }, { "s", 1000000000 },
	{ "ms", 1000000 },	 { "us", 1000 },	 { "ns", 1 },
};

static const uint64_t longest = 3650 * 86400000000000ULL;

static int wrong(struct err *err, struct str text)
{
	err_set(err, -EINVAL, "'%.*s' is not a length of time", (int)MIN(text.len, 100u),
		text.data);
	err_hint(err, "write a number and a unit (ms, s, m, h, d), as 10s or 1m30s");
	return -EINVAL;
}

/* The unit at the front of the text; ARRAY_SIZE(units) if there is none. */
static size_t unit_at(struct str text, uint32_t *len)
{
	*len = 0;
	while (*len < text.len && text.data[*len] >= 'a' && text.data[*len] <= 'z')
		++*len;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (str_equal((struct str){ text.data, *len }, str_of(units[i].name)))
			return i;
	return ARRAY_SIZE(units);
}

int timespan_parse(struct str text, uint64_t *out, struct err *err)
{
	uint64_t total = 0;
	size_t next = 0; /* units from here on may follow */

	for (struct str rest = text; rest.len;) {
		uint64_t value = 0;
		uint32_t digits = 0, len;

		for (; digits < rest.len && rest.data[digits] >= '0' && rest.data[digits] <= '9';
		     digits++)
			if (__builtin_mul_overflow(value, 10, &value) ||
			    __builtin_add_overflow(value, rest.data[digits] - '0', &value))
				return wrong(err, text);
		rest = (struct str){ rest.data + digits, rest.len - digits };
		size_t unit = unit_at(rest, &len);

		if (!digits || unit < next || unit == ARRAY_SIZE(units) ||
		    __builtin_mul_overflow(value, units[unit].ns, &value) ||
		    __builtin_add_overflow(total, value, &total))
			return wrong(err, text);
		rest = (struct str){ rest.data + len, rest.len - len };
		next = unit + 1;
	}
	if (!text.len)
		return wrong(err, text);
	if (!total || total > longest) {
		err_set(err, -EINVAL, "'%.*s' is %s", (int)text.len, text.data,
			total ? "too long" : "no time at all");
		err_hint(err, "from 1ns to 3650d");
		return -EINVAL;
	}
	*out = total;
	return 0;
}

void timespan_print(struct buf *out, uint64_t ns)
{
	if (!ns)
		buf_lit(out, "0s");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (ns < units[i].ns)
			continue;
		buf_uint(out, ns / units[i].ns);
		buf_str(out, str_of(units[i].name));
		ns %= units[i].ns;
	}
}
