/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML files: reading them, and finding the place of a value's character in the
 * source. The mapping walks the source of a scalar in step with its value, so no
 * table per scalar is kept; it is used only when something is wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "yaml.h"

int yaml_read_file(const char *path, struct arena *arena, struct str *out, struct err *err)
{
	autoclean(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int code = -errno;

		err_set(err, code, "cannot read: %s", strerror(-code));
		err_at(err, path, 0, 0);
		return code;
	}
	err_at(err, path, 0, 0);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "not a regular file");
	if (st.st_size > YAML_SIZE_MAX) {
		err_at(err, path, 1, 1);
		return err_set(err, -EFBIG, "YAML file too large: %lld bytes (max: %d bytes)",
			       (long long)st.st_size, YAML_SIZE_MAX);
	}
	char *data = arena_alloc(arena, (size_t)st.st_size + 1);

	if (!data)
		return err_set(err, -ENOMEM, "out of memory");
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, data + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "cannot read: %s", strerror(errno));
		if (n == 0)
			break; /* it shrank meanwhile */
		len += (size_t)n;
	}
	data[len] = 0;
	*out = (struct str){ data, (uint32_t)len };
	return 0;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->count; i++)
		if (str_equal(map->pairs[i].key->text, str_of(key)))
			return map->pairs[i].value;
	return NULL;
}

const char *yaml_describe(const struct yaml_node *node)
{
	if (!node || node->null)
		return "nothing";
	return node->kind == YAML_LIST ? "a list" : node->kind == YAML_MAP ? "a map" : "a string";
}

bool yaml_bool(const struct yaml_node *node, bool *out)
{
	static const struct {
		struct str word;
		bool value;
	} words[] = {
		{ STR("true"), true },	 { STR("True"), true },	  { STR("TRUE"), true },
		{ STR("yes"), true },	 { STR("Yes"), true },	  { STR("YES"), true },
		{ STR("on"), true },	 { STR("On"), true },	  { STR("ON"), true },
		{ STR("y"), true },	 { STR("Y"), true },	  { STR("false"), false },
		{ STR("False"), false }, { STR("FALSE"), false }, { STR("no"), false },
		{ STR("No"), false },	 { STR("NO"), false },	  { STR("off"), false },
		{ STR("Off"), false },	 { STR("OFF"), false },	  { STR("n"), false },
		{ STR("N"), false },
	};

	if (node->kind != YAML_SCALAR)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_equal(node->text, words[i].word)) {
			*out = words[i].value;
			return true;
		}
	return false;
}

/* ---- from a value to its source --------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
	return c && !is_blank(c);
}

/* The first character of the value: behind tag, anchor, quote or block header. */
static uint32_t content_start(const struct yaml_file *file, const struct yaml_node *node)
{
	const char *data = file->text.data;
	uint32_t at = node->start, end = node->end;

	while (at < end && (data[at] == '!' || data[at] == '&')) {
		while (at < end && is_word(data[at]))
			at++;
		while (at < end && is_blank(data[at]))
			at++;
	}
	if (node->style == YAML_SINGLE || node->style == YAML_DOUBLE)
		return MIN(at + 1, end);
	if (node->style == YAML_LITERAL || node->style == YAML_FOLDED) {
		while (at < end && data[at] != '\n')
			at++;
		at = MIN(at + 1, end);
	}
	return at;
}

/* Bytes of an escape sequence of a double-quoted scalar at `at` (a backslash). */
static uint32_t escape_len(const char *data, uint32_t at, uint32_t end)
{
	char c = at + 1 < end ? data[at + 1] : 0;

	return c == 'x' ? 4 : c == 'u' ? 6 : c == 'U' ? 10 : 2;
}

static uint32_t skip_blanks(const char *data, uint32_t at, uint32_t end)
{
	while (at < end && is_blank(data[at]))
		at++;
	return at;
}

static uint32_t utf8_len(unsigned char lead)
{
	return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* One step: the value's character at *offset and its source at `at` are passed. */
static uint32_t step(const struct yaml_file *file, const struct yaml_node *node, uint32_t at,
		     uint32_t *offset)
{
	const char *data = file->text.data;
	char want = node->text.data[*offset];

	if (node->style == YAML_DOUBLE && data[at] == '\\' && at + 1 < node->end &&
	    data[at + 1] != '\n') {
		*offset += utf8_len((unsigned char)want);
		return MIN(at + escape_len(data, at, node->end), node->end);
	}
	if (node->style == YAML_SINGLE && data[at] == '\'' && want == '\'') {
		(*offset)++;
		return MIN(at + 2, node->end);
	}
	if (data[at] == want) {
		(*offset)++;
		at++;
		/* The indentation of a block's next line is no part of the value. */
		if (want == '\n' && *offset < node->text.len && !is_blank(node->text.data[*offset]))
			at = skip_blanks(data, at, node->end);
		return at;
	}
	if (is_blank(data[at]) || data[at] == '\\') {
		if (is_blank(want)) /* a folded line end */
			(*offset)++;
		return skip_blanks(data, at + 1, node->end);
	}
	return at + 1;
}

uint32_t yaml_offset(const struct yaml_file *file, const struct yaml_node *scalar, uint32_t offset)
{
	uint32_t at = content_start(file, scalar), done = 0;

	offset = MIN(offset, scalar->text.len);
	if (scalar->style == YAML_LITERAL || scalar->style == YAML_FOLDED)
		if (scalar->text.len && !is_blank(scalar->text.data[0]))
			at = skip_blanks(file->text.data, at, scalar->end);
	while (done < offset && at < scalar->end)
		at = step(file, scalar, at, &done);
	/* A line that goes on elsewhere: the character stands behind the break. */
	if (at + 1 < scalar->end && file->text.data[at] == '\\' && file->text.data[at + 1] == '\n')
		at = skip_blanks(file->text.data, at + 1, scalar->end);
	return MIN(at, file->text.len);
}

void yaml_err_offset(struct err *err, const struct yaml_file *file, uint32_t offset)
{
	const char *data = file->text.data;
	uint32_t at = MIN(offset, file->text.len), start = at, end = at, line = 1, column = 1;

	while (start > 0 && data[start - 1] != '\n')
		start--;
	while (end < file->text.len && data[end] != '\n' && data[end] != '\r')
		end++;
	for (uint32_t i = 0; i < start; i++)
		line += data[i] == '\n';
	if (start == 0 && file->text.len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		start = MIN(3, at);
	for (uint32_t i = start; i < at; i++)
		column += ((unsigned char)data[i] & 0xc0) != 0x80;
	err_at(err, file->path, line, column);
	/* A long line is shown from a little before the place. */
	uint32_t from = at - start > ERR_SOURCE_MAX / 2 ? at - ERR_SOURCE_MAX / 2 : start;

	while (from > start && from < at && ((unsigned char)data[from] & 0xc0) == 0x80)
		from++;
	snprintf(err->source, sizeof(err->source), "%.*s", (int)(end - from),
		 data ? data + from : "");
	err->caret = at - from + 1;
}

void yaml_err_node(struct err *err, const struct yaml_file *file, const struct yaml_node *node)
{
	if (node || file->text.data)
		yaml_err_offset(err, file, node ? node->start : 0);
	else
		err_at(err, file->path, 0, 0);
}
