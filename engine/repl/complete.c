/* SPDX-License-Identifier: Apache-2.0 */
/* Completion. Everything offered comes from the environment of the session. */
#include "complete.h"

#include <ctype.h>
#include <dirent.h>
#include <sys/stat.h>

#include "repl.h"

/* ---- candidates ------------------------------------------------------------- */

struct offers {
	struct session *session;
	struct completion *out;
	const char *word; /* what candidates must begin with */
	size_t len;
	const char *receiver; /* "string": only its methods; NULL: global functions */
};

static void add(struct completion *out, const char *start, size_t len, const char *behind)
{
	char *text = NULL;

	if (out->count == out->capacity) {
		size_t capacity = out->capacity ? 2 * out->capacity : 32;
		char **items = realloc(out->items, capacity * sizeof(*items));

		if (!items)
			return;
		out->items = items;
		out->capacity = capacity;
	}
	if (asprintf(&text, "%.*s%s", (int)len, start, behind) >= 0)
		out->items[out->count++] = text;
}

static void offer(struct offers *offers, const char *name, const char *behind)
{
	if (strncmp(name, offers->word, offers->len) == 0)
		add(offers->out, name, strlen(name), behind);
}

static int item_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tidy(struct completion *out)
{
	size_t kept = 0;

	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), item_order);
	for (size_t i = 0; i < out->count; i++)
		if (kept && strcmp(out->items[kept - 1], out->items[i]) == 0)
			free(out->items[i]);
		else
			out->items[kept++] = out->items[i];
	out->count = kept;
}

size_t completion_common(const struct completion *completion)
{
	size_t len = completion->count ? strlen(completion->items[0]) : 0;

	for (size_t i = 1; i < completion->count; i++)
		for (size_t at = 0; at < len; at++)
			if (completion->items[i][at] != completion->items[0][at])
				len = at;
	return len;
}

void completion_free(struct completion *completion)
{
	for (size_t i = 0; i < completion->count; i++)
		free(completion->items[i]);
	free(completion->items);
	*completion = (struct completion){ .count = 0 };
}

/* ---- what the environment has ------------------------------------------------- */

/*
 * Signatures are "(string) -> bool", of methods "string.(string) -> bool", with parameters behind
 * the receiver's name if it has some. Macros of lists take maps as well.
 */
static bool is_method(const struct cel_function *function, const char *receiver)
{
	size_t len = strlen(receiver);

	if (!function->call && strcmp(receiver, "map") == 0 &&
	    strncmp(function->signature, "list.", strlen("list.")) == 0)
		return true;
	return strncmp(function->signature, receiver, len) == 0 &&
	       (function->signature[len] == '.' || function->signature[len] == '(');
}

static void offer_function(void *ctx, const struct cel_function *function)
{
	struct offers *offers = ctx;
	bool global = function->signature[0] == '(';

	if (!isalpha((unsigned char)function->name[0]) || strchr(function->name, '@'))
		return;
	if (offers->receiver ? !global && is_method(function, offers->receiver) : global)
		offer(offers, function->name, strstr(function->signature, ".()") ? "()" : "(");
}

static void offer_name(void *ctx, const char *name, const char *type)
{
	(void)type;
	offer(ctx, name, "");
}

static void offer_global(struct offers *offers)
{
	static const char *const words[] = { "true", "false", "null" };
	static const char *const accessors[] = { "getEventData", "hasData" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		offer(offers, words[i], "");
	for (size_t i = 0; i < ARRAY_SIZE(accessors); i++)
		offer(offers, accessors[i], "(");
	cel_env_each_name(offers->session->env, offer_name, offers);
	cel_env_each_function(offers->session->env, offer_function, offers);
}

static void offer_event_fields(struct offers *offers)
{
	const struct event *event = offers->session->event;

	for (uint16_t i = 0; event && i < event->def->field_count; i++)
		offer(offers, event->def->fields[i].name, "");
}

/* ---- behind a dot --------------------------------------------------------------- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Where the bracket or string that ends before `end` begins; SIZE_MAX: nowhere. */
static size_t skip_back(const char *text, size_t end)
{
	char close = text[end - 1];
	int depth = 0;

	if (close == '"' || close == '\'') {
		for (size_t at = end - 1; at-- > 0;)
			if (text[at] == close)
				return at;
		return SIZE_MAX;
	}
	for (size_t at = end; at-- > 0;) {
		depth += strchr(")]}", text[at]) != NULL;
		depth -= strchr("([{", text[at]) != NULL;
		if (!depth)
			return at;
	}
	return SIZE_MAX;
}

/* Where the operand begins that ends before `end`: a.b(c)[d] */
static size_t operand_start(const char *text, size_t end)
{
	size_t at = end;

	while (at > 0) {
		char before = text[at - 1];

		if (is_word(before) || before == '.') {
			at--;
		} else if (strchr(")]}\"'", before) &&
			   (at == end || text[at] == '.' || text[at] == '(' || text[at] == '[')) {
			size_t start = skip_back(text, at);

			if (start == SIZE_MAX)
				break;
			at = start;
		} else {
			break;
		}
	}
	return at;
}

/* "wrapper(uint)" is of uint, "list(string)" of list; as signatures call it. */
static void base_type(const char *type, char *out, size_t size)
{
	if (strncmp(type, "wrapper(", strlen("wrapper(")) == 0)
		type += strlen("wrapper(");
	if (strcmp(type, "google.protobuf.Timestamp") == 0)
		type = "timestamp";
	if (strcmp(type, "google.protobuf.Duration") == 0)
		type = "duration";
	snprintf(out, size, "%.*s", (int)strcspn(type, "()"), type);
}

static void offer_keys(struct offers *offers, struct value value)
{
	for (uint32_t i = 0; value.tag == VALUE_MAP && i < value.map->count; i++) {
		struct value key = value.map->entries[i].key;
		uint32_t plain = 0;

		while (key.tag == VALUE_STRING && plain < key.len && is_word(key.str[plain]))
			plain++;
		if (plain && plain == key.len && !isdigit((unsigned char)key.str[0]) &&
		    key.len >= offers->len && memcmp(key.str, offers->word, offers->len) == 0)
			add(offers->out, key.str, key.len, "");
	}
}

static void offer_members(struct offers *offers, struct str operand)
{
	struct session *session = offers->session;
	struct cel_source source = { .text = operand };
	const struct cel_program *program;
	const struct cel_message *message;
	struct value value;
	char type[128];
	struct err err;

	if (session_compile(session, source, NULL, &program, &err) < 0)
		return;
	value = session_evaluate(session, program);
	base_type(cel_program_type(program), type, sizeof(type));
	if (strcmp(type, "dyn") == 0)
		snprintf(type, sizeof(type), "%s", session_type_name(value));
	message = cel_env_find_message(session->env, type);
	for (uint32_t i = 0; message && i < message->field_count; i++)
		offer(offers, message->fields[i].name, "");
	offer_keys(offers, value);
	offers->receiver = type;
	cel_env_each_function(session->env, offer_function, offers);
}

/* process.get, IPC_...: names with dots, of which the operand is the first part. */
static void offer_qualified(struct offers *offers, const char *text, size_t start, size_t word)
{
	struct completion all = { .count = 0 };
	struct offers whole = { offers->session, &all, text + start, word - start + offers->len,
				NULL };

	offer_global(&whole);
	for (size_t i = 0; i < all.count; i++)
		add(offers->out, all.items[i] + (word - start), strlen(all.items[i] + word - start),
		    "");
	completion_free(&all);
}

/* ---- where the cursor is ---------------------------------------------------------- */

/* The quote the cursor stands behind, inside a string; SIZE_MAX: it is in none. */
static size_t open_quote(const char *text, size_t cursor)
{
	size_t open = SIZE_MAX;

	for (size_t at = 0; at < cursor; at++) {
		if (open == SIZE_MAX && (text[at] == '"' || text[at] == '\''))
			open = at;
		else if (open != SIZE_MAX && text[at] == '\\')
			at++;
		else if (open != SIZE_MAX && text[at] == text[open])
			open = SIZE_MAX;
	}
	return open;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t size = strlen(end);

	return len >= size && memcmp(text + len - size, end, size) == 0;
}

static void complete_string(struct offers *offers, const char *text, size_t quote)
{
	static const char *const readers[] = { "getEventData(", "hasData(" };

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		if (ends_with(text, quote, readers[i]))
			offer_event_fields(offers);
}

/* The word is a path: what is in its folder. */
static void offer_files(struct offers *offers)
{
	const char *slash = memrchr(offers->word, '/', offers->len);
	size_t folder_len = slash ? (size_t)(slash - offers->word) + 1 : 0;
	autoclean(freep) char *folder = strndup(folder_len ? offers->word : ".",
						folder_len ? folder_len : 1);
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		autoclean(freep) char *path = NULL;
		struct stat status;

		if (entry->d_name[0] == '.' && offers->len == folder_len)
			continue;
		if (asprintf(&path, "%.*s%s", (int)folder_len, offers->word, entry->d_name) < 0) {
			path = NULL;
			break;
		}
		offer(offers, path, stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? "/" : "");
	}
	if (dir)
		closedir(dir);
}

static void complete_command(struct offers *offers, const char *text, size_t cursor)
{
	const char *space = memchr(text, ' ', cursor);

	if (!space)
		for (const struct repl_command *c = repl_commands; c->name; c++)
			offer(offers, c->name, *c->argument ? " " : "");
	else
		offer_files(offers);
}

/* Where the word begins that the cursor stands behind. */
static size_t word_start(const char *text, size_t cursor, size_t quote)
{
	const char *space = memchr(text, ' ', cursor);
	size_t word = cursor;

	if (text[0] == ':' && !space)
		return 0;
	if (strncmp(text, ":event ", strlen(":event ")) == 0)
		return (size_t)(space + 1 - text);
	if (quote != SIZE_MAX)
		return quote + 1;
	while (word > 0 && is_word(text[word - 1]))
		word--;
	return word;
}

void completion_find(struct session *session, const char *text, size_t cursor,
		     struct completion *out)
{
	size_t quote = open_quote(text, cursor), word = word_start(text, cursor, quote);
	struct offers offers = { session, out, text + word, cursor - word, NULL };

	*out = (struct completion){ .from = word };
	if (text[0] == ':' && (!word || strncmp(text, ":event ", word) == 0)) {
		complete_command(&offers, text, cursor);
	} else if (quote != SIZE_MAX) {
		complete_string(&offers, text, quote);
	} else if (word > 0 && text[word - 1] == '.') {
		size_t start = operand_start(text, word - 1);

		offer_qualified(&offers, text, start, word);
		if (start < word - 1)
			offer_members(&offers,
				      (struct str){ text + start, (uint32_t)(word - 1 - start) });
	} else {
		offer_global(&offers);
	}
	tidy(out);
}
