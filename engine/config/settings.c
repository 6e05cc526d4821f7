/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from YAML. A secret stands in an environment variable, a file or a credential of
 * systemd, and the configuration only says where: {env: NAME}, {file: PATH}, {credential: NAME}.
 * No message here ever shows a value that came from one of them.
 */
#include "config/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/suggest.h"

enum { SECRET_MAX = 64 * 1024 };

/* ---- units -------------------- */

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 }, { "T", UINT64_C(1) << 40 }
};
static const struct unit durations[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
};

/* Digits and a unit, all of the text; what is too large becomes INT64_MAX. */
static bool parse_unit(const char *text, const struct unit *units, size_t count, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	uint64_t number = strtoull(text, &end, 10);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(end, units[i].name)) {
			uint64_t most = INT64_MAX / units[i].factor;

			*out = number > most ? INT64_MAX : number * units[i].factor;
			return true;
		}
	return false;
}

static bool parse_size(const char *text, uint64_t *out)
{
	return parse_unit(text, sizes, ARRAY_SIZE(sizes), out);
}

static bool parse_duration(const char *text, uint64_t *out)
{
	return parse_unit(text, durations, ARRAY_SIZE(durations), out);
}

static bool parse_number(const char *text, uint64_t *out)
{
	return parse_unit(text, sizes, 1, out);
}

/* The next of space-separated words; data == NULL at the end. */
static struct str next_word(const char **at)
{
	const char *start = *at + strspn(*at, " ");
	size_t len = strcspn(start, " ");

	*at = start + len;
	return (struct str){ len ? start : NULL, (uint32_t)len };
}

/* Position of a word among space-separated ones. */
static bool parse_choice(const char *text, const char *choices, int64_t *out)
{
	struct str word;

	for (int64_t i = 0; (word = next_word(&choices)).data; i++)
		if (str_equal(word, str_of(text))) {
			*out = i;
			return true;
		}
	return false;
}

static bool wrong(struct report *report, const struct yaml_node *node, const char *wanted)
{
	bool shown = node->kind == YAML_SCALAR && !node->null;

	report_error(report, node, "value", NULL, "expected %s, found %s%s%s", wanted,
		     shown ? "'" : yaml_describe(node), shown ? node->text.data : "",
		     shown ? "'" : "");
	return false;
}

static bool wrong_choice(struct report *report, const struct yaml_node *node, const char *choices)
{
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	const char *at = choices;
	struct suggest suggest;
	struct str word;

	suggest_start(&suggest, node->text);
	while ((word = next_word(&at)).data)
		suggest_try(&suggest, word);
	err_set(&err, -EINVAL, "'%s' is none of: %s", node->text.data, choices);
	if (suggest.best.data)
		err_hint(&err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	report_add(report, node, &err);
	return false;
}

/* Is it from `least` to `most`, as they would be written? */
static bool in_range(struct report *report, const struct yaml_node *node, const char *key,
		     const struct range *range, bool (*parse)(const char *text, uint64_t *out),
		     uint64_t value)
{
	uint64_t least = 0, most = 0;

	parse(range->least, &least);
	parse(range->most, &most);
	if (value >= least && value <= most)
		return true;
	report_error(report, node, "value", range->hint, "'%s' must be from %s to %s, found '%s'",
		     key, range->least, range->most, node->text.data);
	return false;
}

/* A value of the kind that `parse` reads; *out is set only if it is in the range. */
static bool read_ranged(struct report *report, const struct yaml_node *node, const char *key,
			const struct range *range, bool (*parse)(const char *text, uint64_t *out),
			const char *wanted, uint64_t *out)
{
	uint64_t value;

	if (node->kind != YAML_SCALAR || !parse(node->text.data, &value))
		return wrong(report, node, wanted);
	if (!in_range(report, node, key, range, parse, value))
		return false;
	*out = value;
	return true;
}

bool read_size(struct report *report, const struct yaml_node *node, const char *key,
	       struct range range, uint64_t *out)
{
	return read_ranged(report, node, key, &range, parse_size,
			   "a number of bytes, such as 512K, 16M or 1G", out);
}

bool read_duration(struct report *report, const struct yaml_node *node, const char *key,
		   struct range range, uint64_t *ms)
{
	return read_ranged(report, node, key, &range, parse_duration,
			   "a time, such as 500ms, 10s, 5m, 12h or 7d", ms);
}

bool read_number(struct report *report, const struct yaml_node *node, const char *key,
		 struct range range, uint64_t *out)
{
	return read_ranged(report, node, key, &range, parse_number, "a number", out);
}

bool read_choice(struct report *report, const struct yaml_node *node, const char *choices,
		 int64_t *out)
{
	if (node->kind != YAML_SCALAR)
		return wrong(report, node, "a word");
	return parse_choice(node->text.data, choices, out) || wrong_choice(report, node, choices);
}

/* ---- values from elsewhere -------------------- */

static bool from_env(struct report *report, const struct yaml_node *name, struct str *out)
{
	const char *value = getenv(name->text.data);

	if (!value) {
		report_error(report, name, "secret",
			     "set it for the sensor, for instance by "
			     "Environment= or EnvironmentFile= of its systemd unit",
			     "the environment variable %s is not set", name->text.data);
		return false;
	}
	*out = arena_str(report->arena, value, strlen(value));
	return true;
}

/* All of the file but its last end of line. */
static bool from_path(struct report *report, const struct yaml_node *node, const char *path,
		      struct str *out)
{
	autoclean(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	autoclean(freep) char *text = malloc(SECRET_MAX + 1);
	ssize_t len = fd >= 0 && text ? read(fd, text, SECRET_MAX + 1) : -1;

	if (len < 0 || len > SECRET_MAX) {
		report_error(report, node, "secret", NULL, "cannot read %s: %s", path,
			     len < 0 ? strerror(errno) : "longer than 64 KiB");
		return false;
	}
	if (len && text[len - 1] == '\n')
		len--;
	*out = arena_str(report->arena, text, (size_t)len);
	explicit_bzero(text, SECRET_MAX + 1);
	return true;
}

static bool from_credential(struct report *report, const struct yaml_node *name, struct str *out)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[ERR_PATH_MAX];

	if (!folder || strchr(name->text.data, '/')) {
		report_error(report, name, "secret",
			     "LoadCredential=NAME:FILE in the systemd unit provides one",
			     "there is no credential '%s' here", name->text.data);
		return false;
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name->text.data);
	return from_path(report, name, path, out);
}

static bool is_reference(const struct yaml_node *node)
{
	return node->kind == YAML_MAP;
}

/* {env: NAME} and its kin. False: reported. */
static bool read_reference(struct report *report, const struct yaml_node *node, struct str *out)
{
	const struct yaml_pair *pair = node->count == 1 ? node->pairs : NULL;
	const struct yaml_node *name = pair ? pair->value : NULL;

	if (name && name->kind == YAML_SCALAR && name->text.len) {
		if (!strcmp(pair->key->text.data, "env"))
			return from_env(report, name, out);
		if (!strcmp(pair->key->text.data, "file"))
			return from_path(report, name, name->text.data, out);
		if (!strcmp(pair->key->text.data, "credential"))
			return from_credential(report, name, out);
	}
	report_error(report, node, "secret", NULL,
		     "expected {env: NAME}, {file: PATH} or {credential: NAME}");
	return false;
}

static bool read_text(struct report *report, const struct yaml_node *node, struct str *out)
{
	if (is_reference(node))
		return read_reference(report, node, out);
	if (node->kind != YAML_SCALAR)
		return wrong(report, node, "a text");
	*out = node->text;
	return true;
}

static bool read_secret(struct report *report, const struct yaml_node *node, struct str *out)
{
	if (is_reference(node))
		return read_reference(report, node, out);
	struct err err = { .level = ERR_ERROR, .rule = "secret" };

	/* No source line: it would show the secret. */
	yaml_err_node(&err, report->file, node);
	memset(err.source, 0, sizeof(err.source));
	err.caret = 0;
	err_set(&err, -EINVAL, "a secret does not belong into this file");
	err_hint(&err, "say where it is: {env: NAME}, {file: PATH} or {credential: NAME}");
	report_add(report, node, &err);
	return false;
}

static bool read_file(struct report *report, const struct yaml_node *node, struct str *out)
{
	if (node->kind != YAML_SCALAR || !node->text.len)
		return wrong(report, node, "the path of a file");
	if (access(node->text.data, R_OK) < 0) {
		report_error(report, node, "path", NULL, "cannot read %s: %s", node->text.data,
			     strerror(errno));
		return false;
	}
	*out = node->text;
	return true;
}

/* ---- values of a table -------------------- */

static bool read_bool(struct report *report, const struct yaml_node *node, int64_t *out)
{
	bool value;

	if (!yaml_bool(node, &value))
		return wrong(report, node, "true or false");
	*out = value;
	return true;
}

static bool read_texts(struct report *report, const struct yaml_node *node,
		       struct setting_value *out)
{
	const struct yaml_node *const *items = node->kind == YAML_LIST ? node->items : &node;
	uint32_t count = node->kind == YAML_LIST ? node->count : 1;
	struct str *texts = arena_array(report->arena, struct str, count + 1);
	bool fine = texts != NULL;

	for (uint32_t i = 0; i < count && texts; i++)
		fine &= read_text(report, items[i], &texts[i]);
	out->texts = texts;
	out->count = texts ? count : 0;
	return fine;
}

static bool read_pairs(struct report *report, const struct yaml_node *node,
		       struct setting_value *out)
{
	if (node->kind != YAML_MAP)
		return wrong(report, node, "a map of names to texts");
	struct setting_pair *pairs = arena_array(report->arena, struct setting_pair,
						 node->count + 1);
	bool fine = pairs != NULL;

	for (uint32_t i = 0; i < node->count && pairs; i++) {
		pairs[i].key = node->pairs[i].key->text;
		fine &= read_text(report, node->pairs[i].value, &pairs[i].value);
	}
	out->pairs = pairs;
	out->count = pairs ? node->count : 0;
	return fine;
}

static bool read_value(struct report *report, const struct setting_key *key,
		       const struct yaml_node *node, struct setting_value *out)
{
	uint64_t number = 0;
	bool fine = true;

	switch ((enum setting_kind)key->kind) {
	case SETTING_TEXT: return read_text(report, node, &out->text);
	case SETTING_SECRET: return read_secret(report, node, &out->text);
	case SETTING_FILE: return read_file(report, node, &out->text);
	case SETTING_BOOL: return read_bool(report, node, &out->number);
	case SETTING_NUMBER:
		fine = read_number(report, node, key->name,
				   (struct range){ "0", NUMBER_MOST, key->doc }, &number);
		break;
	case SETTING_SIZE:
		fine = read_size(report, node, key->name,
				 (struct range){ "0", SIZE_MOST, key->doc }, &number);
		break;
	case SETTING_DURATION:
		fine = read_duration(report, node, key->name,
				     (struct range){ "0ms", DURATION_MOST, key->doc }, &number);
		break;
	case SETTING_CHOICE:
		out->text = node->text;
		return read_choice(report, node, key->choices, &out->number);
	case SETTING_TEXTS: return read_texts(report, node, out);
	case SETTING_PAIRS: return read_pairs(report, node, out);
	}
	out->number = (int64_t)number;
	return fine;
}

/* The table's own value, as it would be written. */
static void use_fallback(const struct setting_key *key, struct setting_value *out)
{
	uint64_t number = 0;

	if (!key->fallback)
		return;
	out->text = str_of(key->fallback);
	switch ((enum setting_kind)key->kind) {
	case SETTING_BOOL: number = !strcmp(key->fallback, "true"); break;
	case SETTING_NUMBER: parse_number(key->fallback, &number); break;
	case SETTING_SIZE: parse_size(key->fallback, &number); break;
	case SETTING_DURATION: parse_duration(key->fallback, &number); break;
	case SETTING_CHOICE: parse_choice(key->fallback, key->choices, &out->number); return;
	default: return;
	}
	out->number = (int64_t)number;
}

struct setting_value *settings_read(struct report *report, const struct setting_key *keys,
				    uint32_t count, const struct yaml_node *const *nodes,
				    const struct yaml_node *map, const char *what)
{
	struct setting_value *values = arena_array(report->arena, struct setting_value, count + 1);

	for (uint32_t i = 0; values && i < count; i++) {
		if (nodes[i] && !nodes[i]->null) {
			values[i].given = read_value(report, &keys[i], nodes[i], &values[i]);
		} else if (keys[i].required) {
			report_error(report, map, "missing-key", keys[i].doc,
				     "%s needs the key '%s'", what, keys[i].name);
		} else {
			use_fallback(&keys[i], &values[i]);
		}
	}
	return values;
}
