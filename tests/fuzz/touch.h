/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of event sources do with a record: everything that trusts it. */
#ifndef FUZZ_TOUCH_H
#define FUZZ_TOUCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/common.h"
#include "base/text.h"
#include "encode/use.h"
#include "event.h"
#include "format.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

__attribute__((unused)) static const struct str touch_policy = { "p", 1 };
static const struct host here = { .name = { "h", 1 } };
static const struct format_options touch_options = { .host = &here, .sensor_version = "1" };
static const struct format_options touch_decoded = { .host = &here,
						     .sensor_version = "1",
						     .decoded_data = true };

static inline struct event touch_view(const struct wire_header *record,
				      const struct event_given *given, const struct clock *clock)
{
	return (struct event){ .def = event_by_id(record->id),
			       .wire = record,
			       .given = given,
			       .policies = &touch_policy,
			       .policy_count = 1,
			       .clock = clock };
}

/* The bytes a format writes are one line of valid UTF-8. */
static inline void touch_print(struct buf *out, const struct format *format,
			       const struct event *event, const struct format_options *options)
{
	struct format_use use;
	struct err err = { 0 };

	buf_clear(out);
	CHECK(format_use_open(&use, format, NULL, 0, NULL, &err) == 0);
	format_use_write(&use, out, event, options);
	format_use_close(&use);
	CHECK(!out->truncated && out->len > 0);
	CHECK(memchr(out->data, '\n', out->len) == out->data + out->len - 1);
	CHECK(text_is_utf8(out->data, out->len));
}

static inline void touch_event(const struct event *event)
{
	static struct buf out;
	static struct arena arena;
	const char *why;

	CHECK(event->def);
	CHECK(wire_check(event->wire, event->wire->size, &why) == 0);
	for (unsigned i = 0; i <= event->def->field_count; i++)
		event_field_value(event, i, &arena);
	for (size_t i = 0; formats[i]; i++) {
		if (formats[i]->binary || formats[i]->open)
			continue;
		touch_print(&out, formats[i], event, &touch_options);
		touch_print(&out, formats[i], event, &touch_decoded);
	}
	arena_reset(&arena);
}

/* A path that reads `data`; close(*fd) afterwards. */
static inline const char *touch_file(int *fd)
{
	static char path[64];

	*fd = memfd_create("fuzz", MFD_CLOEXEC);
	CHECK(*fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	return path;
}

static inline void touch_append(int fd, const void *data, size_t len)
{
	CHECK(pwrite(fd, data, len, lseek(fd, 0, SEEK_END)) == (ssize_t)len);
}

#endif
