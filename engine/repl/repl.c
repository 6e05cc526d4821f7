/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop and its commands. An event is valid only while the engine hands it out, so the loop
 * runs inside that call; :event and :next leave it to come back with another.
 */
#include "repl.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/suggest.h"
#include "cel/index.h"
#include "command.h"
#include "spoor.h"
#include "terminal.h"

DEFINE_CLEANUP(struct spoor *, spoor_close)

/* Why the loop was left. */
enum leave { STAY, QUIT, OTHER_FILE, NEXT_EVENT };

struct repl {
	struct session *session;
	struct terminal *terminal;
	struct buf text; /* of the expression or command, of one line or several */
	uint32_t line, first_line;
	enum leave leave;
	char *file;	      /* of events; NULL: none */
	unsigned long events; /* of the file, so far */
	bool wrong;	      /* something was */
};

enum { TEXT_MAX = 1 << 20 };

static void complain(struct repl *repl, const char *format, ...) PRINTF_LIKE(2, 3);

/* "<stdin>:LINE" of a script; a person sees the line above. */
static void place(const struct repl *repl, char *out, size_t size)
{
	if (terminal_is_person(repl->terminal))
		snprintf(out, size, "<expression>");
	else
		snprintf(out, size, "<stdin>:%u", repl->first_line);
}

static void complain(struct repl *repl, const char *format, ...)
{
	char where[64];
	va_list args;

	place(repl, where, sizeof(where));
	fflush(stdout);
	fprintf(stderr, "%s: error: ", where);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	repl->wrong = true;
}

/* ---- expressions ------------------------------------------------------------ */

/* False: it does not compile, which has been said. */
static bool compile(struct repl *repl, struct str text, const char *want,
		    const struct cel_program **program)
{
	bool person = terminal_is_person(repl->terminal);
	uint32_t before = (uint32_t)(text.data - repl->text.data);
	struct cel_source source = { .text = text,
				     .path = person ? NULL : "<stdin>",
				     .line = person ? 1 : repl->first_line,
				     .column = before + 1 };
	struct err err;

	for (uint32_t i = 0; i < before; i++)
		source.line += repl->text.data[i] == '\n';
	if (session_compile(repl->session, source, want, program, &err) == 0)
		return true;
	fflush(stdout);
	err_print(stderr, &err);
	repl->wrong = true;
	return false;
}

static bool evaluate(struct repl *repl, struct str text, const struct cel_program **program,
		     struct value *out)
{
	char where[64];

	if (!compile(repl, text, NULL, program))
		return false;
	*out = session_evaluate(repl->session, *program);
	if (out->tag != VALUE_ERROR)
		return true;
	place(repl, where, sizeof(where));
	fflush(stdout);
	session_print(repl->session, *out, where, stdout, stderr);
	repl->wrong = true;
	return false;
}

static void print(struct repl *repl, struct value value)
{
	if (!session_print(repl->session, value, "", stdout, stderr))
		complain(repl, "the value is too large to print");
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Is the text NAME = EXPRESSION? Then *name is its length. */
static bool is_definition(const char *text, size_t *name, const char **expression)
{
	const char *at = text;

	if (isdigit((unsigned char)*text))
		return false;
	while (is_name_char(*at))
		at++;
	*name = (size_t)(at - text);
	at += strspn(at, " \t");
	if (!*name || at[0] != '=' || at[1] == '=')
		return false;
	*expression = at + 1 + strspn(at + 1, " \t");
	return true;
}

static bool is_reserved(struct repl *repl, const char *name)
{
	struct buf test = { .limit = 256 };
	const struct cel_program *program;
	struct cel_source source;
	struct err err;
	bool refused;

	/* A variable of a macro may have any name but those of the language. */
	buf_printf(&test, "[0].map(%s, %s)", name, name);
	source = (struct cel_source){ .text = { test.data, (uint32_t)test.len } };
	refused = test.truncated ||
		  session_compile(repl->session, source, NULL, &program, &err) < 0;
	buf_free(&test);
	return refused;
}

static void define(struct repl *repl, const char *text, size_t len, const char *expression)
{
	autoclean(freep) char *name = strndup(text, len);
	const struct cel_program *program;
	struct value value;
	int code;

	if (!name)
		return complain(repl, "out of memory");
	if (is_reserved(repl, name))
		return complain(
			repl, "found '%s', which is a word of the language, expected a name", name);
	if (!evaluate(repl, str_of(expression), &program, &value))
		return;
	code = session_name(repl->session, name, cel_program_type(program), value);
	if (code == -EEXIST)
		complain(repl, "found '%s', which is declared already, expected a new name", name);
	else if (code)
		complain(repl, "out of memory");
}

/* ---- commands --------------------------------------------------------------- */

static void help_row(const char *name, const char *argument, const char *doc)
{
	int room = 21 - (int)(strlen(name) + 1);

	printf("%s %-*s%s\n", name, room, argument, doc);
}

static void run_help(struct repl *repl, struct str argument)
{
	(void)argument;
	help_row("EXPRESSION", "", "evaluate and print");
	help_row("NAME = EXPRESSION", "", "give its value a name");
	for (const struct repl_command *c = repl_commands; c->name; c++)
		help_row(c->name, c->argument, c->doc);
	printf("An open bracket or an operator at its end continues an expression on the next "
	       "line.\n");
	if (terminal_is_person(repl->terminal))
		printf("Tab completes, Ctrl-R searches the history, Ctrl-C forgets the line, Ctrl-D "
		       "ends.\n");
}

static void run_type(struct repl *repl, struct str argument)
{
	const struct cel_program *program;

	if (compile(repl, argument, NULL, &program))
		printf("%s\n", cel_program_type(program));
}

static void run_plan(struct repl *repl, struct str argument)
{
	const struct cel_program *program;
	struct buf text = { .limit = TEXT_MAX };
	const struct cel_index *index;
	struct cel_rule rule = { .conditions = &program, .condition_count = 1 };

	if (!compile(repl, argument, "bool", &program))
		return;
	if (cel_index_new(&rule, 1, &repl->session->scratch, &index))
		return complain(repl, "out of memory");
	cel_index_explain(index, 0, "", &text);
	fputs(buf_cstr(&text), stdout);
	buf_free(&text);
}

static void run_event(struct repl *repl, struct str argument)
{
	const struct event *event = repl->session->event;

	if (argument.len) {
		free(repl->file);
		repl->file = strndup(argument.data, argument.len);
		repl->leave = OTHER_FILE;
	} else if (event) {
		printf("event %lu of %s: %s\n", repl->events, repl->file, event->def->name);
		for (uint16_t i = 0; i < event->def->field_count; i++) {
			printf("  %-20s ", event->def->fields[i].name);
			print(repl, event_field_value(event, i, &repl->session->scratch));
		}
	} else {
		printf("none; :event FILE takes the first of a recording\n");
	}
}

static void run_next(struct repl *repl, struct str argument)
{
	(void)argument;
	if (repl->session->event)
		repl->leave = NEXT_EVENT;
	else
		complain(repl, "there is no event; :event FILE takes the first of a recording");
}

static void show_name(void *ctx, const char *name, struct value value)
{
	struct repl *repl = ctx;

	printf("%s = ", name);
	print(repl, value);
}

static void run_names(struct repl *repl, struct str argument)
{
	(void)argument;
	session_each_name(repl->session, show_name, repl);
}

struct wanted {
	struct str name;
	unsigned found;
	struct suggest suggest;
};

static void show_function(void *ctx, const struct cel_function *function)
{
	struct wanted *wanted = ctx;

	suggest_try(&wanted->suggest, str_of(function->name));
	if (!str_equal(wanted->name, str_of(function->name)))
		return;
	wanted->found++;
	printf("%s %s\n  %s\n", function->name, function->signature,
	       function->doc ? function->doc : "");
	if (function->example)
		printf("  %s%s%s\n", function->example, function->result ? " is " : "",
		       function->result ? function->result : "");
}

static void run_doc(struct repl *repl, struct str argument)
{
	struct wanted wanted = { .name = argument };

	suggest_start(&wanted.suggest, argument);
	cel_env_each_function(repl->session->env, show_function, &wanted);
	if (!wanted.found)
		complain(repl, "found no function '%.*s'%s%.*s%s", (int)argument.len, argument.data,
			 wanted.suggest.best.len ? "; did you mean '" : "",
			 (int)wanted.suggest.best.len, wanted.suggest.best.data ?: "",
			 wanted.suggest.best.len ? "'?" : "");
}

static void run_quit(struct repl *repl, struct str argument)
{
	(void)argument;
	repl->leave = QUIT;
}

const struct repl_command repl_commands[] = {
	{ ":type", "EXPRESSION", "its static type, without evaluating it", run_type },
	{ ":plan", "CONDITION", "how events would find a rule with this condition", run_plan },
	{ ":event", "[FILE]", "evaluate on the first event of a recording; or show the event",
	  run_event },
	{ ":next", "", "go to the next event of the recording", run_next },
	{ ":names", "", "the names given so far, and their values", run_names },
	{ ":doc", "FUNCTION", "signatures, meaning and example of a function", run_doc },
	{ ":help", "", "this", run_help },
	{ ":quit", "", "end", run_quit },
	{ NULL, NULL, NULL, NULL },
};

/* By name or by the beginning of one; NULL: none. */
static const struct repl_command *find_command(struct str name)
{
	for (const struct repl_command *c = repl_commands; c->name; c++)
		if (name.len > 1 && strncmp(c->name, name.data, name.len) == 0)
			return c;
	return NULL;
}

static void run_command(struct repl *repl, const char *text)
{
	struct str name = { text, (uint32_t)strcspn(text, " \t\n") }, argument;
	const struct repl_command *command = find_command(name);
	struct suggest suggest;

	argument = str_of(text + name.len + strspn(text + name.len, " \t"));
	while (argument.len && isspace((unsigned char)argument.data[argument.len - 1]))
		argument.len--;
	if (command && (argument.len || !*command->argument || *command->argument == '['))
		return command->run(repl, argument);
	if (command)
		return complain(repl, "%s: found nothing, expected %s", command->name,
				command->argument);
	suggest_start(&suggest, name);
	for (const struct repl_command *c = repl_commands; c->name; c++)
		suggest_try(&suggest, str_of(c->name));
	complain(repl, "found '%.*s', which is no command (%s%.*s)", (int)name.len, name.data,
		 suggest.best.len ? "did you mean " : ":help lists them", (int)suggest.best.len,
		 suggest.best.data ?: "");
}

/* ---- the loop --------------------------------------------------------------- */

static void run_text(struct repl *repl)
{
	const char *text = buf_cstr(&repl->text), *expression;
	const struct cel_program *program;
	struct value value;
	size_t name;

	text += strspn(text, " \t\n");
	if (!*text || strncmp(text, "//", 2) == 0)
		return;
	if (*text == ':')
		run_command(repl, text);
	else if (is_definition(text, &name, &expression))
		define(repl, text, name, expression);
	else if (evaluate(repl, str_of(text), &program, &value))
		print(repl, value);
	session_forget_line(repl->session);
}

/* The part of the text that is an expression; a command without one is never unfinished. */
static bool is_unfinished(struct repl *repl)
{
	const char *text = buf_cstr(&repl->text), *expression = text;
	size_t name;

	if (*text == ':' && strncmp(text, ":t", 2) != 0 && strncmp(text, ":p", 2) != 0)
		return false;
	if (*text == ':')
		expression = text + strcspn(text, " \t");
	else
		is_definition(text, &name, &expression);
	return cel_is_unfinished(repl->session->env, str_of(expression));
}

/* An empty line ends what is unfinished: the compiler then says what is missing. */
static enum terminal_got read_text(struct repl *repl)
{
	enum terminal_got got;
	char *line;

	buf_clear(&repl->text);
	do {
		got = terminal_read(repl->terminal, buf_cstr(&repl->text), &line);
		if (got == TERMINAL_DROP || (got == TERMINAL_END && !repl->text.len))
			return got;
		repl->line += got == TERMINAL_LINE;
		if (!repl->text.len)
			repl->first_line = repl->line;
		if (got == TERMINAL_END || (repl->text.len && !*line))
			break;
		buf_printf(&repl->text, "%s%s", repl->text.len ? "\n" : "", line);
	} while (is_unfinished(repl));
	terminal_remember(repl->terminal, buf_cstr(&repl->text));
	return TERMINAL_LINE;
}

static void loop(struct repl *repl)
{
	repl->leave = STAY;
	while (repl->leave == STAY) {
		enum terminal_got got = read_text(repl);

		if (got == TERMINAL_END)
			repl->leave = QUIT;
		else if (got == TERMINAL_LINE)
			run_text(repl);
		fflush(stdout);
	}
}

static void use_event(struct repl *repl, const struct event *event)
{
	unsigned lost;

	if (session_use_event(repl->session, event, &lost)) {
		complain(repl, "out of memory");
		repl->leave = QUIT;
	}
	if (lost)
		printf("%u name%s held a part of the event before: forgotten\n", lost,
		       lost == 1 ? "" : "s");
}

static void on_event(void *ctx, const struct event *event)
{
	struct repl *repl = ctx;

	if (repl->leave != NEXT_EVENT)
		return;
	repl->events++;
	use_event(repl, event);
	if (terminal_is_person(repl->terminal))
		printf("event %lu of %s: %s\n", repl->events, repl->file, event->def->name);
	loop(repl);
	use_event(repl, NULL);
}

/* What the engine says has a place of its own. */
static void fail(struct repl *repl, const struct spoor *spoor)
{
	fflush(stdout);
	fputs(spoor_error(spoor), stderr);
	repl->wrong = true;
}

/* The loop on each event that is asked for, until another file or the end is wanted. */
static void run_on_file(struct repl *repl)
{
	static const char *const all[] = { "*", NULL }, *const nowhere[] = { "none", NULL };
	struct spoor_config config = {
		.events = all,
		.outputs = nowhere,
		.compat_tracee = repl->session->compat_tracee,
	};
	autoclean(spoor_closep) struct spoor *spoor = spoor_new();
	int r = 0;

	repl->events = 0;
	repl->leave = NEXT_EVENT;
	if (!spoor)
		return complain(repl, "out of memory");
	if (spoor_load(spoor, &config) < 0 || spoor_open_file(spoor, repl->file) < 0)
		return fail(repl, spoor);
	spoor_on_event(spoor, on_event, repl);
	while (r >= 0 && repl->leave == NEXT_EVENT)
		r = spoor_poll(spoor, 0);
	if (repl->leave != NEXT_EVENT)
		return;
	if (r < 0 && r != -ENODATA)
		fail(repl, spoor);
	else
		complain(repl, repl->events ? "%s has no more events" : "%s: found no event",
			 repl->file);
}

int repl_run(struct session *session, const char *event_file)
{
	struct repl repl = { .session = session, .text = { .limit = TEXT_MAX } };

	repl.terminal = terminal_open("spoor", session);
	repl.file = event_file ? strdup(event_file) : NULL;
	if (!repl.terminal || (event_file && !repl.file))
		return EXIT_ENVIRONMENT;
	repl.leave = repl.file ? OTHER_FILE : STAY;
	while (repl.leave != QUIT) {
		if (repl.leave == OTHER_FILE)
			run_on_file(&repl);
		/* No file, or no more of it. */
		if (repl.leave == QUIT || repl.leave == OTHER_FILE)
			continue;
		use_event(&repl, NULL);
		loop(&repl);
	}
	terminal_close(repl.terminal);
	buf_free(&repl.text);
	free(repl.file);
	return repl.wrong && !isatty(STDIN_FILENO) ? EXIT_BAD_INPUT : EXIT_FINE;
}
