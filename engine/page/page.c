/* SPDX-License-Identifier: Apache-2.0 */
/* Laying out reference pages as text or Markdown; see page.h. */
#include "page/page.h"

#include <sys/ioctl.h>

#include "base/common.h"

enum { TEXT_INDENT = 2, ITEM_INDENT = 6 };

static const char code_mark[] = "    ";

struct page page_for_stdout(struct buf *out, bool markdown)
{
	struct page page = { .out = out, .width = PAGE_WIDTH_DEFAULT, .markdown = markdown };
	struct winsize size;

	if (!markdown && isatty(STDOUT_FILENO)) {
		page.bold = true;
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
			page.width = MAX(PAGE_WIDTH_MIN, MIN(PAGE_WIDTH_MAX, size.ws_col));
	}
	return page;
}

unsigned page_columns(struct str text)
{
	unsigned columns = 0;

	for (uint32_t i = 0; i < text.len; i++)
		columns += (text.data[i] & 0xc0) != 0x80;
	return columns;
}

/* ---- pieces ----------------------------------------------------------------- */

static void add_spaces(struct buf *out, unsigned count)
{
	while (count--)
		buf_char(out, ' ');
}

static bool markdown_special(char c)
{
	return c == '*' || c == '<' || c == '`' || c == '\\' || c == '[' || c == ']';
}

/* Text of unknown origin: nothing a terminal or a Markdown reader would act on. */
static void add_safe(struct page *page, struct str text, bool escape)
{
	for (uint32_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (escape && page->markdown && markdown_special(c))
			buf_char(page->out, '\\');
		buf_char(page->out, (unsigned char)c < 0x20 || c == 0x7f ? '?' : c);
	}
}

static void add_bold(struct page *page, const char *text)
{
	if (page->bold)
		buf_lit(page->out, "\033[1m");
	add_safe(page, str_of(text), false);
	if (page->bold)
		buf_lit(page->out, "\033[0m");
}

/* Cuts off the text up to `end` or its end; `rest` goes on behind the separator. */
static struct str cut_at(struct str *rest, char end)
{
	const char *at = memchr(rest->data, end, rest->len);
	struct str head = { rest->data, at ? (uint32_t)(at - rest->data) : rest->len };
	uint32_t used = head.len + (at != NULL);

	rest->data += used;
	rest->len -= used;
	return head;
}

static bool starts_with(struct str text, const char *start)
{
	size_t len = strlen(start);

	return text.len >= len && memcmp(text.data, start, len) == 0;
}

/*
 * Words of one source line, wrapped. The cursor stands at column `at`; following lines begin
 * at `indent`. A word longer than the line is not broken.
 */
static void add_words(struct page *page, struct str line, unsigned at, unsigned indent)
{
	bool first = true;

	while (line.len) {
		struct str word = cut_at(&line, ' ');
		unsigned columns = page_columns(word);

		if (!word.len)
			continue;
		if (!first && !page->markdown && at + 1 + columns > page->width) {
			buf_char(page->out, '\n');
			add_spaces(page->out, indent);
			at = indent;
		} else if (!first) {
			buf_char(page->out, ' ');
			at++;
		}
		add_safe(page, word, true);
		at += columns;
		first = false;
	}
	buf_char(page->out, '\n');
}

/* ---- texts ------------------------------------------------------------------ */

static void add_code_line(struct page *page, struct str line, unsigned indent)
{
	add_spaces(page->out, page->markdown ? 4 : indent + 4);
	add_safe(page, line, false);
	buf_char(page->out, '\n');
}

static void add_text(struct page *page, struct str text, unsigned indent)
{
	bool code = false;

	while (text.len) {
		struct str line = cut_at(&text, '\n');
		bool is_code = starts_with(line, code_mark);

		/* Markdown takes indented lines for code only after an empty line. */
		if (page->markdown && is_code && !code)
			buf_char(page->out, '\n');
		code = is_code;
		if (is_code) {
			line.data += sizeof(code_mark) - 1;
			line.len -= sizeof(code_mark) - 1;
			add_code_line(page, line, indent);
		} else if (!line.len) {
			buf_char(page->out, '\n');
		} else {
			bool item = starts_with(line, "- ");

			if (!page->markdown)
				add_spaces(page->out, indent);
			if (item) {
				buf_lit(page->out, "- ");
				line.data += 2;
				line.len -= 2;
			}
			add_words(page, line, indent + (item ? 2 : 0), indent + (item ? 2 : 0));
		}
	}
}

void page_title(struct page *page, const char *name, const char *intro)
{
	if (page->out->len)
		buf_char(page->out, '\n');
	if (page->markdown)
		buf_lit(page->out, "# ");
	add_bold(page, name);
	if (page->markdown)
		buf_lit(page->out, "\n\n");
	if (!intro || !*intro) {
		buf_char(page->out, '\n');
		return;
	}
	if (!page->markdown)
		buf_lit(page->out, " - ");
	unsigned column = page_columns(str_of(name)) + 3;

	add_words(page, str_of(intro), column, MIN(column, TEXT_INDENT));
}

void page_heading(struct page *page, const char *text)
{
	buf_char(page->out, '\n');
	if (page->markdown)
		buf_lit(page->out, "## ");
	add_bold(page, text);
	buf_lit(page->out, "\n");
	if (page->markdown)
		buf_char(page->out, '\n');
}

void page_text(struct page *page, const char *text)
{
	if (text && *text)
		add_text(page, str_of(text), TEXT_INDENT);
}

void page_code(struct page *page, struct str code)
{
	if (page->markdown)
		buf_char(page->out, '\n');
	while (code.len)
		add_code_line(page, cut_at(&code, '\n'), TEXT_INDENT);
}

static void add_item_markdown(struct page *page, const char *term, const char *note,
			      const char *text)
{
	buf_lit(page->out, "- `");
	add_safe(page, str_of(term), false);
	buf_char(page->out, '`');
	if (note && *note) {
		buf_char(page->out, ' ');
		add_safe(page, str_of(note), true);
	}
	if (!text || !*text) {
		buf_char(page->out, '\n');
		return;
	}
	buf_lit(page->out, ": ");
	add_words(page, str_of(text), 0, 0);
}

void page_item(struct page *page, const char *term, const char *note, const char *text)
{
	if (page->markdown) {
		add_item_markdown(page, term, note, text);
		return;
	}
	unsigned at = TEXT_INDENT + page_columns(str_of(term)) + 2;

	add_spaces(page->out, TEXT_INDENT);
	add_bold(page, term);
	if (note && *note) {
		add_spaces(page->out, 2);
		add_words(page, str_of(note), at, ITEM_INDENT);
	} else {
		buf_char(page->out, '\n');
	}
	if (text && *text)
		add_text(page, str_of(text), ITEM_INDENT);
}

void page_pair(struct page *page, const char *term, unsigned column, const char *text)
{
	if (page->markdown) {
		add_item_markdown(page, term, NULL, text);
		return;
	}
	unsigned columns = page_columns(str_of(term));
	unsigned at = TEXT_INDENT + MAX(columns + 2, column);

	add_spaces(page->out, TEXT_INDENT);
	add_bold(page, term);
	if (text && *text)
		add_spaces(page->out, at - TEXT_INDENT - columns);
	add_words(page, str_of(text ? text : ""), at, TEXT_INDENT + column);
}
