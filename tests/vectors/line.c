/* SPDX-License-Identifier: Apache-2.0 */
/* See line.h. A file of its own: jansson and our own parser share names. */
#include "line.h"

#include <stdio.h>
#include <string.h>

#include "source/json-record.h"

struct event *event_of_line(const char *text, struct arena *arena, char problem[static 256])
{
	static const struct clock clock = { 0 };
	struct event *event = arena_new(arena, struct event);
	struct line_record *record = arena_new(arena, struct line_record);
	size_t len = strlen(text);
	char *own = arena_alloc(arena, len + 1);
	struct json_fault parse_fault = { 0 };
	struct line_fault fault = { .text = "no event" };

	memcpy(own, text, len);
	const struct json *tree = json_parse(arena, own, len, &parse_fault);

	if (!tree || line_convert(tree, record, &fault) != LINE_EVENT) {
		snprintf(problem, 256, "the line is not read: %.200s",
			 tree ? fault.text : parse_fault.what);
		return NULL;
	}
	*event = (struct event){ .def = event_by_id(record->header.id),
				 .wire = &record->header,
				 .given = &record->given,
				 .clock = &clock };
	return event;
}
