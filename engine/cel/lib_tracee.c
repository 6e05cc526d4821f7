/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracee's string functions: global, with the behaviour of the Go functions behind them
 * (strings.Split, Join, TrimSpace, ReplaceAll, ToUpper, ToLower, filepath.Base, Dir).
 */
#include "lib_text.h"

#define CALL(name) \
	static void name(struct cel_run *run, const struct value *args, uint32_t count, \
			 struct value *out)

CALL(call_split)
{
	(void)count;
	*out = text_split(run, value_text(args[0]), value_text(args[1]), -1);
}

CALL(call_join)
{
	(void)count;
	*out = text_join(run, args[0].list, value_text(args[1]));
}

CALL(call_trim)
{
	(void)run;
	(void)count;
	*out = value_str(text_trim(value_text(args[0])));
}

CALL(call_replace)
{
	(void)count;
	*out = text_replace(run, value_text(args[0]), value_text(args[1]), value_text(args[2]), -1);
}

static struct value map_runes(struct cel_run *run, struct str text, uint32_t (*map)(uint32_t))
{
	uint32_t size;
	char *result, *to;

	if (!cel_spend(run, text.len / 8))
		return ERROR_BUDGET;
	/* A case mapping adds at most one byte to one of two or three; a bad byte becomes three. */
	result = to = text.len < UINT32_MAX / 4 ? arena_alloc(run->arena, (size_t)text.len * 3 + 4)
						: NULL;
	if (!result)
		return ERROR_MEMORY;
	for (uint32_t at = 0; at < text.len; at += size)
		to += utf8_put(to, map(utf8_decode(text.data + at, text.len - at, &size)));
	return value_string(result, (uint32_t)(to - result));
}

CALL(call_upper)
{
	(void)count;
	*out = map_runes(run, value_text(args[0]), rune_to_upper);
}

CALL(call_lower)
{
	(void)count;
	*out = map_runes(run, value_text(args[0]), rune_to_lower);
}

/* ---- paths ---------------------------------------------------------------- */

CALL(call_basename)
{
	struct str path = value_text(args[0]);
	const char *slash;

	(void)run;
	(void)count;
	if (!path.len) {
		*out = value_str(STR("."));
		return;
	}
	while (path.len && path.data[path.len - 1] == '/')
		path.len--;
	if (!path.len) {
		*out = value_str(STR("/"));
		return;
	}
	slash = memrchr(path.data, '/', path.len);
	if (slash)
		path = (struct str){ slash + 1, (uint32_t)(path.data + path.len - slash - 1) };
	*out = value_str(path);
}

struct cleaner {
	char *out;
	uint32_t len;
	uint32_t root;	/* "/" at the start cannot be left */
	uint32_t floor; /* leading ".." of a relative path stay */
};

static void clean_up(struct cleaner *cleaner)
{
	if (cleaner->len > cleaner->floor) {
		while (cleaner->len > cleaner->floor && cleaner->out[cleaner->len - 1] != '/')
			cleaner->len--;
		if (cleaner->len > cleaner->floor)
			cleaner->len--;
	} else if (!cleaner->root) {
		if (cleaner->len)
			cleaner->out[cleaner->len++] = '/';
		memcpy(cleaner->out + cleaner->len, "..", 2);
		cleaner->len += 2;
		cleaner->floor = cleaner->len;
	}
}

static void clean_part(struct cleaner *cleaner, struct str part)
{
	if (!part.len || str_equal(part, STR(".")))
		return;
	if (str_equal(part, STR(".."))) {
		clean_up(cleaner);
		return;
	}
	if (cleaner->len > cleaner->root)
		cleaner->out[cleaner->len++] = '/';
	memcpy(cleaner->out + cleaner->len, part.data, part.len);
	cleaner->len += part.len;
}

/* The shortest path that means the same: no "//", "." or inner ".." */
static struct value clean_path(struct cel_run *run, struct str path)
{
	struct cleaner cleaner = { .out = arena_alloc(run->arena, (size_t)path.len + 4) };
	uint32_t from = 0;

	if (!cleaner.out)
		return ERROR_MEMORY;
	if (path.len && path.data[0] == '/') {
		cleaner.out[0] = '/';
		cleaner.len = cleaner.root = cleaner.floor = 1;
	}
	for (uint32_t at = 0; at <= path.len; at++)
		if (at == path.len || path.data[at] == '/') {
			clean_part(&cleaner, (struct str){ path.data + from, at - from });
			from = at + 1;
		}
	if (!cleaner.len)
		return value_str(STR("."));
	return value_string(cleaner.out, cleaner.len);
}

CALL(call_dirname)
{
	struct str path = value_text(args[0]);
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	(void)count;
	if (!cel_spend(run, path.len / 8)) {
		*out = ERROR_BUDGET;
		return;
	}
	path.len = slash ? (uint32_t)(slash - path.data + 1) : 0;
	*out = clean_path(run, path);
}

const struct cel_function tracee_rows[] = {
	{ "split", "(string, string) -> list(string)", call_split,
	  "Parts between separators; an empty separator gives the characters.",
	  "split('a,b,,c', ',')", "[\"a\",\"b\",\"\",\"c\"]" },
	{ "join", "(list(string), string) -> string", call_join, "Parts with a separator between.",
	  "join(['a', 'b'], '-')", "\"a-b\"" },
	{ "trim", "(string) -> string", call_trim, "Without white space at both ends.",
	  "trim('  x ')", "\"x\"" },
	{ "replace", "(string, string, string) -> string", call_replace,
	  "All occurrences of the second replaced by the third.", "replace('aXbX', 'X', '-')",
	  "\"a-b-\"" },
	{ "upper", "(string) -> string", call_upper, "In upper case.", "upper('path')",
	  "\"PATH\"" },
	{ "lower", "(string) -> string", call_lower, "In lower case.", "lower('PATH')",
	  "\"path\"" },
	{ "basename", "(string) -> string", call_basename, "The last part of a path.",
	  "basename('/usr/bin/bash')", "\"bash\"" },
	{ "dirname", "(string) -> string", call_dirname, "A path without its last part.",
	  "dirname('/usr/bin/bash')", "\"/usr/bin\"" },
};
const uint32_t tracee_rows_count = ARRAY_SIZE(tracee_rows);
