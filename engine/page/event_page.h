/* SPDX-License-Identifier: Apache-2.0 */
/* The page of an event, from its row of the table: for a person, and as JSON. */
#ifndef PAGE_EVENT_PAGE_H
#define PAGE_EVENT_PAGE_H

#include <jansson.h>

#include "event.h"
#include "page/page.h"

/* Everything the table knows about the event, section by section. */
void event_page_write(struct page *page, const struct event_def *def);
/* The same as a JSON object; the caller owns it. NULL: out of memory. */
json_t *event_page_json(const struct event_def *def);

/* One event in one line of JSON, for `spoor list`. The caller owns it. */
json_t *event_summary_json(const struct event_def *def);

/* Names of a type: Tracee's ("trace.Pointer") and that of rules ("uint"). Static. */
const char *field_type_name(uint8_t type);
const char *field_type_rule(uint8_t type);

/* Splits a space-separated list: the next word, data == NULL at the end. */
struct str next_word(const char **at);

/* [words] of a space-separated list; NULL and "" give []. */
json_t *words_json(const char *words);

#endif
