/* SPDX-License-Identifier: Apache-2.0 */
/* Reading lines; the history is kept in $XDG_STATE_HOME/spoor/eval-history. */
#include "terminal.h"

#include <histedit.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "complete.h"

enum { HISTORY_MAX = 1000, LINE_MAX_BYTES = 1 << 20 };

struct terminal {
	struct session *session;
	EditLine *edit;	  /* NULL: not a person */
	History *history; /* of the person */
	char *path;	  /* where it is kept; NULL: nowhere */
	const char *before;
	bool dropped;
	struct buf line;
};

/* ---- history ------------------------------------------------------------------ */

/* Makes the folder; NULL: there is no home. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;

	if (state && *state == '/' ? asprintf(&path, "%s/spoor/eval-history", state) < 0
	    : home && *home == '/' ? asprintf(&path, "%s/.local/state/spoor/eval-history", home) < 0
				   : true)
		return NULL;
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		mkdir(path, 0700);
		*at = '/';
	}
	return path;
}

static void open_history(struct terminal *terminal)
{
	HistEvent event;

	terminal->history = history_init();
	if (!terminal->history)
		return;
	history(terminal->history, &event, H_SETSIZE, HISTORY_MAX);
	history(terminal->history, &event, H_SETUNIQUE, 1);
	terminal->path = history_path();
	if (terminal->path)
		history(terminal->history, &event, H_LOAD, terminal->path);
	el_set(terminal->edit, EL_HIST, history, terminal->history);
}

void terminal_remember(struct terminal *terminal, const char *text)
{
	autoclean(freep) char *line = strdup(text);
	HistEvent event;
	mode_t mask;

	if (!terminal->history || !line || !*line)
		return;
	/* It comes back as one line; a comment in it would hide the rest. */
	for (char *at = line; !strstr(line, "//") && (at = strchr(at, '\n'));)
		*at = ' ';
	history(terminal->history, &event, H_ENTER, line);
	if (!terminal->path)
		return;
	/* Expressions may name what a host keeps to itself. */
	mask = umask(077);
	history(terminal->history, &event, H_SAVE, terminal->path);
	umask(mask);
}

/* ---- completion ----------------------------------------------------------------- */

static unsigned terminal_width(void)
{
	struct winsize size = { .ws_col = 0 };

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static void show_candidates(const struct completion *found)
{
	size_t widest = 1, columns;

	for (size_t i = 0; i < found->count; i++)
		widest = MAX(widest, strlen(found->items[i]) + 2);
	columns = MAX(terminal_width() / widest, (size_t)1);
	for (size_t i = 0; i < found->count; i++)
		printf("%s%-*s", i % columns ? "" : "\n", (int)widest, found->items[i]);
	putchar('\n');
	fflush(stdout);
}

/* All of the expression so far, since a bracket may be open from lines before. */
static unsigned char complete(EditLine *edit, int c)
{
	struct terminal *terminal;
	const LineInfo *info = el_line(edit);
	struct completion found;
	struct buf text = { .limit = LINE_MAX_BYTES };
	size_t typed, common;
	unsigned char result = CC_ERROR;

	(void)c;
	el_get(edit, EL_CLIENTDATA, &terminal);
	buf_printf(&text, "%s", terminal->before);
	buf_add(&text, info->buffer, (size_t)(info->cursor - info->buffer));
	completion_find(terminal->session, buf_cstr(&text), text.len, &found);
	typed = text.len - found.from;
	common = completion_common(&found);
	if (common > typed) {
		found.items[0][common] = 0;
		el_insertstr(edit, found.items[0] + typed);
		result = CC_REFRESH;
	} else if (found.count > 1) {
		show_candidates(&found);
		result = CC_REDISPLAY;
	}
	completion_free(&found);
	session_forget_line(terminal->session);
	buf_free(&text);
	return result;
}

/* ---- lines ------------------------------------------------------------------------ */

static char *prompt(EditLine *edit)
{
	static char first[] = "cel> ", more[] = "...> ";
	struct terminal *terminal;

	el_get(edit, EL_CLIENTDATA, &terminal);
	return *terminal->before ? more : first;
}

/* Ctrl-C ends the line, not the program. */
static unsigned char drop(EditLine *edit, int c)
{
	struct terminal *terminal;

	(void)c;
	el_get(edit, EL_CLIENTDATA, &terminal);
	terminal->dropped = true;
	fputs("^C\n", stdout);
	return CC_NEWLINE;
}

static void open_editor(struct terminal *terminal, const char *program)
{
	terminal->edit = el_init(program, stdin, stdout, stderr);
	if (!terminal->edit)
		return;
	el_set(terminal->edit, EL_CLIENTDATA, terminal);
	el_set(terminal->edit, EL_PROMPT, prompt);
	el_set(terminal->edit, EL_EDITOR, "emacs");
	open_history(terminal);
	el_set(terminal->edit, EL_ADDFN, "spoor-complete", "Complete what is typed", complete);
	el_set(terminal->edit, EL_BIND, "^I", "spoor-complete", NULL);
	el_set(terminal->edit, EL_ADDFN, "spoor-drop", "Forget what is typed", drop);
	el_set(terminal->edit, EL_SETTY, "-d", "-isig", NULL);
	el_set(terminal->edit, EL_BIND, "^C", "spoor-drop", NULL);
	el_set(terminal->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(terminal->edit, NULL);
}

struct terminal *terminal_open(const char *program, struct session *session)
{
	struct terminal *terminal = calloc(1, sizeof(*terminal));

	if (!terminal)
		return NULL;
	terminal->session = session;
	terminal->before = "";
	terminal->line.limit = LINE_MAX_BYTES;
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		open_editor(terminal, program);
	return terminal;
}

void terminal_close(struct terminal *terminal)
{
	if (!terminal)
		return;
	if (terminal->history)
		history_end(terminal->history);
	if (terminal->edit)
		el_end(terminal->edit);
	free(terminal->path);
	buf_free(&terminal->line);
	free(terminal);
}

bool terminal_is_person(const struct terminal *terminal)
{
	return terminal->edit != NULL;
}

/* What is longer than any expression may be is cut: the compiler then says that it is too long. */
static bool read_plain(struct buf *line)
{
	int c;

	while ((c = getc(stdin)) != EOF && c != '\n')
		buf_char(line, (char)c);
	return c != EOF || line->len > 0;
}

static bool read_edited(struct terminal *terminal)
{
	int count = 0;
	const char *text;

	terminal->dropped = false;
	text = el_gets(terminal->edit, &count);
	if (text && count > 0)
		buf_add(&terminal->line, text, (size_t)count);
	return text && count > 0;
}

enum terminal_got terminal_read(struct terminal *terminal, const char *before, char **line)
{
	struct buf *text = &terminal->line;
	bool there;

	terminal->before = before;
	buf_clear(text);
	there = terminal->edit ? read_edited(terminal) : read_plain(text);
	if (terminal->dropped)
		return TERMINAL_DROP;
	if (!there)
		return TERMINAL_END;
	while (text->len && strchr("\r\n", text->data[text->len - 1]))
		text->len--;
	/* The compiler refuses it at its place; a NUL would hide what follows. */
	for (size_t i = 0; i < text->len; i++)
		if (!text->data[i])
			text->data[i] = 1;
	*line = (char *)buf_cstr(text);
	return TERMINAL_LINE;
}
