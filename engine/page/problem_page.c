/* SPDX-License-Identifier: Apache-2.0 */
/* Problems with rules as JSON and SARIF, see problem_page.h. */
#include "problem_page.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/diagnostic.h"

static const char *level_name(enum err_level level)
{
	return level == ERR_WARNING ? "warning" : "error";
}

static const char *rule_of(const struct err *err)
{
	return err->rule ? err->rule : "value";
}

/* Texts come from files and may hold anything; what is no UTF-8 is left out by byte. */
static json_t *text(const char *bytes)
{
	struct buf clean = { 0 };
	json_t *out = json_string(bytes);

	if (out)
		return out;
	for (; *bytes; bytes++)
		buf_char(&clean, (unsigned char)*bytes < 0x80 ? *bytes : '?');
	out = json_string(buf_cstr(&clean));
	buf_free(&clean);
	return out;
}

json_t *problems_json(const struct err_list *problems)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < problems->count; i++) {
		const struct err *err = &problems->items[i];

		json_array_append_new(
			list, json_pack("{s:o s:i s:i s:s s:s s:o s:o s:o}", "path",
					text(err->path), "line", (int)err->line, "column",
					(int)err->column, "level", level_name(err->level), "rule",
					rule_of(err), "message", text(err->message), "hint",
					text(err->hint), "source", text(err->source)));
	}
	return list;
}

/* ---- SARIF ---------------------------------------------------------------------------- */

/* A path as a URI reference: what is reserved or no ASCII is escaped. */
static json_t *uri(const char *path)
{
	struct buf out = { 0 };
	json_t *string;

	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if (isalnum(c) || strchr("-._~/", c))
			buf_char(&out, (char)c);
		else
			buf_printf(&out, "%%%02X", c);
	}
	string = json_string(buf_cstr(&out));
	buf_free(&out);
	return string;
}

static json_t *rule_json(const struct diagnostic *diagnostic)
{
	return json_pack("{s:s s:{s:s} s:{s:s} s:{s:s}}", "id", diagnostic->id, "shortDescription",
			 "text", diagnostic->title, "help", "text", diagnostic->help,
			 "defaultConfiguration", "level", level_name(diagnostic->level));
}

static json_t *rules_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < diagnostic_count; i++)
		json_array_append_new(list, rule_json(&diagnostics[i]));
	return list;
}

static json_t *region(const struct err *err)
{
	json_t *out = json_pack("{s:i s:i}", "startLine", (int)err->line, "startColumn",
				(int)MAX(err->column, 1u));

	if (err->source[0])
		json_object_set_new(out, "snippet", json_pack("{s:o}", "text", text(err->source)));
	return out;
}

static json_t *locations(const struct err *err)
{
	json_t *place = json_pack("{s:{s:o}}", "artifactLocation", "uri", uri(err->path));

	if (err->line)
		json_object_set_new(place, "region", region(err));
	return json_pack("[{s:o}]", "physicalLocation", place);
}

static json_t *result(const struct err *err)
{
	const struct diagnostic *diagnostic = diagnostic_find(rule_of(err));
	struct buf message = { 0 };
	json_t *out;

	buf_printf(&message, "%s%s%s", err->message, err->hint[0] ? "\nhint: " : "", err->hint);
	out = json_pack("{s:s s:s s:{s:o}}", "ruleId", rule_of(err), "level",
			level_name(err->level), "message", "text", text(buf_cstr(&message)));
	buf_free(&message);
	if (diagnostic)
		json_object_set_new(out, "ruleIndex", json_integer(diagnostic - diagnostics));
	if (err->path[0])
		json_object_set_new(out, "locations", locations(err));
	return out;
}

json_t *problems_sarif(const struct err_list *problems, const char *version)
{
	json_t *results = json_array();
	json_t *run;

	for (uint32_t i = 0; i < problems->count; i++)
		json_array_append_new(results, result(&problems->items[i]));
	run = json_pack("{s:{s:{s:s s:s s:o}} s:s s:[{s:b}] s:o s:{s:i s:i s:i}}", "tool", "driver",
			"name", "spoor", "version", version, "rules", rules_json(), "columnKind",
			"unicodeCodePoints", "invocations", "executionSuccessful", 1, "results",
			results, "properties", "errors", (int)problems->errors, "warnings",
			(int)problems->warnings, "notShown",
			(int)(problems->errors + problems->warnings - problems->count));
	return json_pack("{s:s s:s s:[o]}", "$schema",
			 "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0",
			 "runs", run);
}
