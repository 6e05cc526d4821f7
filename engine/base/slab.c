/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slabs. A page is in exactly one place: untouched, in the list of idle pages, in the
 * list of its class (it has room), or in none (it is full).
 */
#include "slab.h"

#include "common.h"
#include "pages.h"

enum { NO_PAGE = UINT32_MAX };

struct slab_page {
	void *released;		 /* pieces that came back */
	uint32_t carved, in_use; /* pieces cut so far; of those handed out now */
	uint32_t next, previous; /* in its list */
	uint32_t class;
};

static uint32_t class_of(size_t size)
{
	uint32_t class = 0;

	while (((size_t)SLAB_PIECE_MIN << class) < size)
		class ++;
	return class;
}

static uint32_t pieces_in_page(uint32_t class)
{
	return (uint32_t)SLAB_PAGE / ((uint32_t)SLAB_PIECE_MIN << class);
}

static bool is_full(const struct slab_page *page)
{
	return page->in_use == pieces_in_page(page->class);
}

/* ---- lists ----------------------------------------------------------------------- */

static void list_add(struct slab *slab, uint32_t *list, uint32_t number)
{
	struct slab_page *page = &slab->pages[number];

	page->previous = NO_PAGE;
	page->next = *list;
	if (*list != NO_PAGE)
		slab->pages[*list].previous = number;
	*list = number;
}

static void list_remove(struct slab *slab, uint32_t *list, uint32_t number)
{
	struct slab_page *page = &slab->pages[number];

	if (page->previous == NO_PAGE)
		*list = page->next;
	else
		slab->pages[page->previous].next = page->next;
	if (page->next != NO_PAGE)
		slab->pages[page->next].previous = page->previous;
}

/* ---- pages ----------------------------------------------------------------------- */

static bool slab_start(struct slab *slab)
{
	uint32_t count = (uint32_t)(slab->budget / SLAB_PAGE);
	void *memory = count ? pages_reserve((size_t)count * SLAB_PAGE, PAGES_HUGE) : NULL;

	if (!memory)
		return false;
	slab->pages = calloc(count, sizeof(*slab->pages));
	if (!slab->pages) {
		pages_free(memory, (size_t)count * SLAB_PAGE);
		return false;
	}
	slab->memory = memory;
	slab->page_count = count;
	slab->idle = NO_PAGE;
	for (uint32_t class = 0; class < SLAB_CLASSES; class ++)
		slab->open[class] = NO_PAGE;
	return true;
}

/* A page without pieces becomes one of this class. */
static bool page_open(struct slab *slab, uint32_t class)
{
	uint32_t number = slab->idle;

	if (number != NO_PAGE)
		list_remove(slab, &slab->idle, number);
	else if (slab->untouched < slab->page_count)
		number = slab->untouched++;
	else
		return false;
	slab->pages[number] = (struct slab_page){ .class = class };
	list_add(slab, &slab->open[class], number);
	return true;
}

/* ---- pieces ---------------------------------------------------------------------- */

void *slab_alloc(struct slab *slab, size_t size)
{
	if (size > SLAB_PIECE_MAX || (!slab->memory && !slab_start(slab)))
		return NULL;
	uint32_t class = class_of(size);

	if (slab->open[class] == NO_PAGE && !page_open(slab, class))
		return NULL;
	uint32_t number = slab->open[class];
	struct slab_page *page = &slab->pages[number];
	void *piece = page->released;

	if (piece)
		page->released = *(void **)piece;
	else
		piece = slab->memory + (size_t)number * SLAB_PAGE +
			((size_t)SLAB_PIECE_MIN << class) * page->carved++;
	page->in_use++;
	slab->used += (size_t)SLAB_PIECE_MIN << class;
	if (is_full(page))
		list_remove(slab, &slab->open[class], number);
	return piece;
}

void slab_release(struct slab *slab, void *piece, size_t size)
{
	if (!piece)
		return;
	uint32_t class = class_of(size);
	uint32_t number = (uint32_t)(((char *)piece - slab->memory) / SLAB_PAGE);
	struct slab_page *page = &slab->pages[number];

	if (is_full(page))
		list_add(slab, &slab->open[class], number);
	*(void **)piece = page->released;
	page->released = piece;
	slab->used -= (size_t)SLAB_PIECE_MIN << class;
	if (--page->in_use == 0) {
		list_remove(slab, &slab->open[class], number);
		list_add(slab, &slab->idle, number);
	}
}

void slab_free(struct slab *slab)
{
	pages_free(slab->memory, (size_t)slab->page_count * SLAB_PAGE);
	free(slab->pages);
	*slab = (struct slab){ .budget = slab->budget };
}
