/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that could not be loaded, by what they would have given: a name that somebody misses
 * because the file that has it is wrong should lead to that file, not to other names.
 */
#include "ruleset.h"

static const char *text_end(struct str text)
{
	return text.data + text.len;
}

/* Where the text goes on behind the first `word` from `at` on; NULL: it is not there. */
static const char *behind(struct str text, const char *at, const char *word)
{
	const char *found = at ? memmem(at, (size_t)(text_end(text) - at), word, strlen(word))
			       : NULL;

	return found ? found + strlen(word) : NULL;
}

static bool is_part_of_name(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* The value of the first such key from `at` on; key: with its colon. */
static struct str value_from(struct str text, const char *at, const char *key)
{
	ptrdiff_t len = (ptrdiff_t)strlen(key);
	const char *end = text_end(text), *from;

	do
		at = behind(text, at, key);
	while (at && at - text.data > len && is_part_of_name(at[-len - 1]));
	while (at && at < end && (*at == ' ' || *at == '"' || *at == '\''))
		at++;
	for (from = at; at && at < end && (is_part_of_name(*at) || *at == '-');)
		at++;
	return (struct str){ from, (uint32_t)(at - from) };
}

static void note(struct loader *loader, struct broken broken)
{
	struct ruleset *ruleset = loader->ruleset;
	struct broken *all = loader_grow(&ruleset->arena, ruleset->broken, ruleset->broken_count,
					 &ruleset->broken_capacity, sizeof(*all));
	struct str path = arena_str(&ruleset->arena, broken.path, strlen(broken.path));

	broken.name = arena_str(&ruleset->arena, broken.name.data, broken.name.len);
	broken.id = arena_str(&ruleset->arena, broken.id.data, broken.id.len);
	broken.path = path.data;
	if (!all || !broken.path || !broken.name.data || !broken.id.data)
		return;
	ruleset->broken = all;
	all[ruleset->broken_count++] = broken;
}

/* It may not even be YAML, so it is read as text. */
void broken_note(struct loader *loader, const struct rule_source *source, uint32_t directory,
		 bool lists_only)
{
	struct str text = source->text;
	bool list = behind(text, text.data, "string_list") != NULL;
	struct str id = value_from(text, text.data, "id:"),
		   name = value_from(text,
				     list ? text.data : behind(text, text.data, "produced_event"),
				     "name:");

	if (list || !lists_only)
		note(loader, (struct broken){ name, id, source->path, directory, list });
}

void broken_note_detector(struct loader *loader, const struct pending *pending)
{
	const struct detector *d = pending->detector;

	note(loader, (struct broken){ str_of(d->def.name), d->id, pending->source.path,
				      pending->directory, false });
}

const char *ruleset_broken_event(const struct ruleset *ruleset, struct str name)
{
	for (uint32_t i = 0; i < ruleset->broken_count; i++)
		if (!ruleset->broken[i].list && str_equal(ruleset->broken[i].name, name))
			return ruleset->broken[i].path;
	return NULL;
}

const char *ruleset_broken_detector(const struct ruleset *ruleset, struct str id)
{
	for (uint32_t i = 0; i < ruleset->broken_count; i++)
		if (!ruleset->broken[i].list && str_equal(ruleset->broken[i].id, id))
			return ruleset->broken[i].path;
	return NULL;
}

int broken_explain_lists(const struct loader *loader, struct cel_env *env, uint32_t directory)
{
	int code = 0;

	for (uint32_t i = 0; !code && i < loader->ruleset->broken_count; i++) {
		const struct broken *broken = &loader->ruleset->broken[i];
		char why[ERR_PATH_MAX + 64];

		if (!broken->list || broken->directory != directory)
			continue;
		snprintf(why, sizeof(why), "%s would declare it, but has mistakes of its own",
			 broken->path);
		code = cel_env_missing(env, broken->name, why);
	}
	return code;
}
