/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, read by the rows of options.def. Long options may be written
 * --name value or --name=value; short ones -x value or -xvalue; -- ends them.
 */
#include "options.h"

#include <errno.h>
#include <stdint.h>

#include "base/common.h"
#include "base/err.h"
#include "base/suggest.h"
#include "values.h"

enum option_kind { KIND_FLAG, KIND_TEXT, KIND_LIST, KIND_SIZE };

struct option_row {
	const char *name;
	char letter;
	enum option_kind kind;
	const char *argument;
	const char *text_default;
	size_t size_default;
	const char *doc;
	size_t offset; /* in struct options */
};

static const struct option_row rows[] = {
#define OPTION_FLAG(name, letter, doc) \
	{ #name, letter, KIND_FLAG, NULL, NULL, 0, doc, offsetof(struct options, name) },
#define OPTION_TEXT(name, letter, argument, fallback, doc) \
	{ #name, letter, KIND_TEXT, argument, fallback, 0, doc, offsetof(struct options, name) },
#define OPTION_LIST(name, letter, argument, doc) \
	{ #name, letter, KIND_LIST, argument, NULL, 0, doc, offsetof(struct options, name) },
#define OPTION_SIZE(name, letter, argument, fallback, doc) \
	{ #name, letter, KIND_SIZE, argument, NULL, fallback, doc, offsetof(struct options, name) },
#include "options.def"
#undef OPTION_FLAG
#undef OPTION_TEXT
#undef OPTION_LIST
#undef OPTION_SIZE
};

enum { ROW_COUNT = ARRAY_SIZE(rows), NAME_LEN_MAX = 64 };
_Static_assert(ROW_COUNT <= 64, "a bit for each in options.given");

/* "help" is every command's; the rest it names itself. */
static bool row_taken(const struct command *command, const struct option_row *row)
{
	size_t len = strlen(row->name);

	if (!strcmp(row->name, "help"))
		return true;
	for (const char *at = command->options; at && *at;) {
		const char *end = strchrnul(at, ' ');

		if ((size_t)(end - at) == len && !memcmp(at, row->name, len))
			return true;
		at = *end ? end + 1 : end;
	}
	return false;
}

static bool name_matches(const char *name, const char *given, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!name[i] || given[i] != (name[i] == '_' ? '-' : name[i]))
			return false;
	return name[len] == 0;
}

static const struct option_row *row_by_name(const struct command *command, const char *given,
					    size_t len)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (name_matches(rows[i].name, given, len) && row_taken(command, &rows[i]))
			return &rows[i];
	return NULL;
}

static const struct option_row *row_by_letter(const struct command *command, char letter)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].letter == letter && row_taken(command, &rows[i]))
			return &rows[i];
	return NULL;
}

static void dashed(char out[NAME_LEN_MAX], const char *name)
{
	snprintf(out, NAME_LEN_MAX, "%s", name);
	for (char *at = out; *at; at++)
		if (*at == '_')
			*at = '-';
}

static int usage_unknown(const struct command *command, const char *given)
{
	struct suggest suggest;
	const char *bare = given + strspn(given, "-");
	size_t len = strcspn(bare, "=");
	char names[ROW_COUNT][NAME_LEN_MAX];

	suggest_start(&suggest, (struct str){ bare, (uint32_t)len });
	for (size_t i = 0; i < ROW_COUNT; i++) {
		dashed(names[i], rows[i].name);
		if (row_taken(command, &rows[i]))
			suggest_try(&suggest, str_of(names[i]));
	}
	fprintf(stderr, "spoor %s: unknown option '%s'\n", command->name, given);
	if (suggest.best.data)
		fprintf(stderr, "    hint: did you mean --%.*s?\n", (int)suggest.best.len,
			suggest.best.data);
	else if (strpbrk(given, " ()'\""))
		fputs("    hint: an operand that begins with '-' goes behind --\n", stderr);
	fprintf(stderr, "Try 'spoor %s --help'.\n", command->name);
	return -EINVAL;
}

/* `found`: the value it was given, or NULL. */
static int usage_bad(const struct command *command, const struct option_row *row, const char *what,
		     const char *found)
{
	char name[NAME_LEN_MAX];

	dashed(name, row->name);
	fprintf(stderr, "spoor %s: option --%s", command->name, name);
	if (row->letter && row_by_letter(command, row->letter) == row)
		fprintf(stderr, " (-%c)", row->letter);
	fprintf(stderr, " %s", what);
	if (found)
		fprintf(stderr, ", found '%s'", found);
	fprintf(stderr, "\nTry 'spoor %s --help'.\n", command->name);
	return -EINVAL;
}

bool size_parse(const char *text, size_t *out)
{
	static const char units[] = "KMG";
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;

	if (errno || (*end && (!unit || end[1])) || n > (SIZE_MAX >> shift))
		return false;
	*out = (size_t)n << shift;
	return true;
}

static int list_append(const char *const **list, const char *value)
{
	size_t count = 0;

	while (*list && (*list)[count])
		count++;
	const char **grown = realloc((void *)*list, (count + 2) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[count] = value;
	grown[count + 1] = NULL;
	*list = grown;
	return 0;
}

/* A value that the setting can never have. */
static int usage_wrong(const struct command *command, const struct option_row *row,
		       const char *value, const struct err *err)
{
	char name[NAME_LEN_MAX];

	dashed(name, row->name);
	fprintf(stderr, "spoor %s: --%s %s: %s\n", command->name, name, value, err->message);
	if (err->hint[0])
		fprintf(stderr, "    hint: %s\n", err->hint);
	fprintf(stderr, "Try 'spoor %s --help'.\n", command->name);
	return -EINVAL;
}

static int row_store(const struct command *command, const struct option_row *row,
		     struct options *out, const char *value)
{
	void *member = (char *)out + row->offset;
	struct err err = { 0 };

	if (value_check(row->name, value, &err) < 0)
		return usage_wrong(command, row, value, &err);
	out->given |= UINT64_C(1) << (row - rows);
	switch (row->kind) {
	case KIND_FLAG: *(bool *)member = true; return 0;
	case KIND_TEXT: *(const char **)member = value; return 0;
	case KIND_LIST: return list_append(member, value);
	case KIND_SIZE:
		return size_parse(value, member)
			       ? 0
			       : usage_bad(command, row, "wants a number, such as 64 or 16M",
					   value);
	}
	return -EINVAL;
}

/* ---- from the configuration file -------------------------------------------------- */

static const struct option_row *row_named(const char *name)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (name_matches(rows[i].name, name, strlen(name)))
			return &rows[i];
	return NULL;
}

static bool flag_parse(const char *text, bool *out)
{
	*out = !strcmp(text, "true");
	return *out || !strcmp(text, "false");
}

const char *options_refuse(const struct config_option *option)
{
	const struct option_row *row = row_named(option->name);
	size_t size;
	bool flag;

	if (!row)
		return "left out";
	if (row->kind != KIND_LIST && option->count != 1)
		return "one value";
	if (row->kind == KIND_SIZE && !size_parse(option->values[0], &size))
		return "a number, such as 64 or 16M";
	if (row->kind == KIND_FLAG && !flag_parse(option->values[0], &flag))
		return "true or false";
	return NULL;
}

int options_check(const struct config_option *option, uint32_t i, struct err *err)
{
	return value_check(option->name, option->values[i], err);
}

bool options_given(const struct options *options, const char *name)
{
	return options->given & UINT64_C(1) << (row_named(name) - rows);
}

int options_default(struct options *options, const struct config_option *option)
{
	const struct option_row *row = row_named(option->name);
	void *member = (char *)options + row->offset;
	int r = 0;

	if (options->given & UINT64_C(1) << (row - rows))
		return 0;
	switch (row->kind) {
	case KIND_FLAG: flag_parse(option->values[0], member); break;
	case KIND_TEXT: *(const char **)member = option->values[0]; break;
	case KIND_SIZE: size_parse(option->values[0], member); break;
	case KIND_LIST:
		for (uint32_t i = 0; i < option->count && r == 0; i++)
			r = list_append(member, option->values[i]);
		break;
	}
	return r;
}

static void set_defaults(struct options *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < ROW_COUNT; i++) {
		void *member = (char *)out + rows[i].offset;

		if (rows[i].kind == KIND_TEXT)
			*(const char **)member = rows[i].text_default;
		else if (rows[i].kind == KIND_SIZE)
			*(size_t *)member = rows[i].size_default;
	}
}

/* One option at argv[*at]; *at is left on its last word. */
static int parse_one(const struct command *command, int argc, char **argv, int *at,
		     struct options *out)
{
	const char *word = argv[*at], *value = NULL;
	const struct option_row *row;

	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");

		row = row_by_name(command, word + 2, len);
		if (row && word[2 + len] == '=')
			value = word + 3 + len;
	} else {
		row = row_by_letter(command, word[1]);
		if (row && word[2])
			value = word + 2;
	}
	if (!row)
		return usage_unknown(command, word);
	if (row->kind == KIND_FLAG)
		return value ? usage_bad(command, row,
					 word[1] == '-' ? "takes no value"
							: "takes no value (an operand that begins "
							  "with '-' goes behind --)",
					 NULL)
			     : row_store(command, row, out, NULL);
	if (!value) {
		if (*at + 1 >= argc)
			return usage_bad(command, row, "wants a value", NULL);
		value = argv[++*at];
	}
	return row_store(command, row, out, value);
}

/* -5 % 3 and -(x) are expressions: no option is a digit or a bracket. */
static bool is_operand(const char *word)
{
	return word[0] != '-' || !word[1] || strchr("0123456789.(", word[1]);
}

int options_parse(const struct command *command, int argc, char **argv, struct options *out,
		  int *first)
{
	struct options parsed;
	int operands = 0, r = 0;
	bool only_operands = false;

	set_defaults(&parsed);
	/* Operands are moved to the front of argv[1..], then to its end. */
	for (int i = 1; i < argc && r == 0; i++) {
		if (!only_operands && !strcmp(argv[i], "--"))
			only_operands = true;
		else if (only_operands || is_operand(argv[i]))
			argv[1 + operands++] = argv[i];
		else
			r = parse_one(command, argc, argv, &i, &parsed);
	}
	if (r < 0) {
		options_free(&parsed);
		return r;
	}
	memmove(argv + argc - operands, argv + 1, (size_t)operands * sizeof(*argv));
	*first = argc - operands;
	*out = parsed;
	return 0;
}

void options_free(struct options *options)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].kind == KIND_LIST) {
			void **member = (void **)((char *)options + rows[i].offset);

			free(*member);
			*member = NULL;
		}
}

/* Text wrapped at column 80 behind an indentation. */
static void print_wrapped(const char *text, int indent)
{
	int column = indent;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > indent && column + 1 + len > 80)
			column = indent, printf("\n%*s", indent, "");
		column += printf("%s%.*s", column > indent ? " " : "", len, text);
		text += len + (text[len] == ' ');
	}
	putchar('\n');
}

void options_help(const struct command *command)
{
	enum { INDENT = 27 };

	printf("Usage: spoor %s %s\n\n%s\n", command->name, command->arguments, command->help);
	printf("\nOptions:\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		char name[NAME_LEN_MAX], left[2 * NAME_LEN_MAX];

		if (!row_taken(command, &rows[i]))
			continue;
		bool lettered = rows[i].letter &&
				row_by_letter(command, rows[i].letter) == &rows[i];

		dashed(name, rows[i].name);
		snprintf(left, sizeof(left), "  %c%c%c --%s %s", lettered ? '-' : ' ',
			 lettered ? rows[i].letter : ' ', lettered ? ',' : ' ', name,
			 rows[i].argument ? rows[i].argument : "");
		printf("%-*s", INDENT, left);
		if (strlen(left) >= INDENT)
			printf("\n%*s", INDENT, "");
		print_wrapped(rows[i].doc, INDENT);
	}
}
