/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference pages for a person: headings, wrapped paragraphs, terms with explanations. The
 * same calls make plain text for a terminal or Markdown for a web site.
 *
 * Texts are those of the event table or of rule files: paragraphs are separated by an empty
 * line, a line that begins with "- " is a list item, one that begins with four spaces is code
 * and is never wrapped. Control characters are replaced, so a rule file cannot play tricks
 * on the terminal.
 */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H

#include <stdbool.h>

#include "base/buf.h"

enum { PAGE_WIDTH_DEFAULT = 80, PAGE_WIDTH_MIN = 40, PAGE_WIDTH_MAX = 100 };

struct page {
	struct buf *out;
	unsigned width; /* columns; text pages only */
	bool markdown;
	bool bold; /* text pages: headings and terms with terminal attributes */
};

/* Page for standard output: its width and attributes if it is a terminal. */
struct page page_for_stdout(struct buf *out, bool markdown);

/* NAME - INTRO */
void page_title(struct page *page, const char *name, const char *intro);
void page_heading(struct page *page, const char *text);
/* Whole text; NULL or "" prints nothing. */
void page_text(struct page *page, const char *text);
/* Lines as they are. */
void page_code(struct page *page, struct str code);
/* A term alone on its line with `note` beside it, the explanation below. Both may be NULL. */
void page_item(struct page *page, const char *term, const char *note, const char *text);
/* Term and explanation on one line, explanations aligned at `column`. */
void page_pair(struct page *page, const char *term, unsigned column, const char *text);

/* Columns a text takes: UTF-8 code points. */
unsigned page_columns(struct str text);

#endif
