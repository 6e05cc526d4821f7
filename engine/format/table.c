/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line for people: fixed columns, flags as names, alerts marked with their severity.
 * Invariant: a line is one line of printable text. Names and paths are chosen by whoever is
 * watched, so everything that could move a cursor or reorder text is written as an escape.
 */
#include "event/encode.h"

#include "base/common.h"
#include "base/text.h"
#include "encode/facts.h"
#include "event/json.h"
#include "event/object.h"
#include "store.h"

enum {
	WIDTH_TIME = 15,
	WIDTH_UID = 6,
	WIDTH_COMM = 16,
	WIDTH_PID = 15,
	WIDTH_RET = 15,
	WIDTH_EVENT = 20
};

enum { LIST_SHOWN_MAX = 64 };

/* ---- text a terminal may see ------------------------------ */

static void add_hex_byte(struct buf *out, unsigned char byte)
{
	char text[] = { '\\', 'x', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15] };

	buf_add(out, text, sizeof(text));
}

/* Two- and three-byte sequences that control or reorder: C1, bidi marks, line separators. */
static bool is_control(const unsigned char *s, unsigned len)
{
	if (len == 2)
		return s[0] == 0xc2 && s[1] < 0xa0;
	if (len != 3 || s[0] != 0xe2)
		return len == 3 && s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf;
	return (s[1] == 0x80 && (s[2] >= 0x8b && s[2] <= 0x8f)) ||
	       (s[1] == 0x80 && (s[2] >= 0xa8 && s[2] <= 0xae)) ||
	       (s[1] == 0x81 && (s[2] >= 0xa0 && s[2] <= 0xaf));
}

/* How many bytes from `at` print as themselves. */
static uint32_t plain_length(const char *at, uint32_t len)
{
	uint32_t i = 0;

	while (i < len && at[i] >= 0x20 && at[i] < 0x7f && at[i] != '\\')
		i++;
	return i;
}

static void add_text(struct buf *out, struct str text)
{
	for (uint32_t i = 0; i < text.len;) {
		uint32_t plain = plain_length(text.data + i, text.len - i);

		buf_add(out, text.data + i, plain);
		i += plain;
		if (i == text.len)
			break;
		const unsigned char *at = (const unsigned char *)text.data + i;
		unsigned len = text_utf8_length(text.data + i, text.len - i);

		if (len == 0 || *at < 0x20 || *at == 0x7f || is_control(at, len)) {
			for (unsigned k = 0; k < MAX(len, 1u); k++)
				add_hex_byte(out, at[k]);
		} else {
			if (*at == '\\')
				buf_char(out, '\\');
			buf_add(out, at, len);
		}
		i += MAX(len, 1u);
	}
}

/* Spaces up to the width of a column that began at `start`, at least one. */
static void end_column(struct buf *out, size_t start, unsigned width)
{
	unsigned used = 0;

	for (size_t i = start; i < out->len; i++)
		used += (out->data[i] & 0xc0) != 0x80;
	do
		buf_char(out, ' ');
	while (++used <= width && !out->truncated);
}

/* ---- values ------------------------------ */

static void add_value(struct buf *out, const struct value *value, const struct names *names);

static void add_strings(struct buf *out, const char *data, uint32_t len)
{
	unsigned shown = 0;

	buf_char(out, '[');
	for (const char *at = data, *end = data + len; at < end; shown++) {
		uint32_t item = (uint32_t)strlen(at);

		if (shown == LIST_SHOWN_MAX) {
			buf_lit(out, " ...");
			break;
		}
		if (shown)
			buf_char(out, ' ');
		add_text(out, (struct str){ at, item });
		at += item + 1;
	}
	buf_char(out, ']');
}

static void add_numbers(struct buf *out, uint8_t type, const char *data, uint32_t len)
{
	buf_char(out, '[');
	for (uint32_t i = 0; i < len / field_item_size(type); i++) {
		if (i == LIST_SHOWN_MAX) {
			buf_lit(out, " ...");
			break;
		}
		if (i)
			buf_char(out, ' ');
		field_item_write(out, type, data, i);
	}
	buf_char(out, ']');
}

static void add_list(struct buf *out, const struct value_list *list)
{
	buf_char(out, '[');
	for (uint32_t i = 0; i < list->count && i < LIST_SHOWN_MAX; i++) {
		if (i)
			buf_char(out, ' ');
		add_value(out, &list->items[i], NULL);
	}
	buf_str(out, list->count > LIST_SHOWN_MAX ? STR(" ...]") : STR("]"));
}

static void add_value(struct buf *out, const struct value *value, const struct names *names)
{
	bool number = value->tag == VALUE_INT || value->tag == VALUE_UINT;

	if (names && names_fit(value)) {
		names_write(out, names, value->u);
	} else if (number && value->kind == FIELD_pointer) {
		buf_lit(out, "0x");
		buf_hex(out, value->u);
	} else {
		switch (value->tag) {
		case VALUE_BOOL: buf_str(out, value->b ? STR("true") : STR("false")); break;
		case VALUE_INT: buf_int(out, value->i); break;
		case VALUE_UINT: buf_uint(out, value->u); break;
		case VALUE_DOUBLE: json_double(out, value->d); break;
		case VALUE_STRING: add_text(out, (struct str){ value->str, value->len }); break;
		case VALUE_BYTES: json_base64(out, (struct str){ value->str, value->len }); break;
		case VALUE_LIST: add_list(out, value->list); break;
		default: buf_char(out, '-');
		}
	}
}

/* Lists and objects of a record are read in place: formats have no arena. False: it is neither. */
static bool add_in_place(struct buf *out, const struct event *event, unsigned index)
{
	const struct event_field *field = &event->def->fields[index];
	const struct wire_ref *ref = (const void *)((const char *)event->wire + field->offset);

	if (event->values || field->type < FIELD_str)
		return false;
	const char *data = (const char *)event->wire + ref->offset;

	if (field->type == FIELD_strs)
		add_strings(out, data, ref->len);
	else if (field_item_size(field->type))
		add_numbers(out, field->type, data, ref->len);
	else if (field_is_object(field->type))
		add_text(out, (struct str){ data, ref->len });
	else
		return false;
	return true;
}

static void add_field(struct buf *out, const struct event *event, unsigned index)
{
	struct value value = event_field_value(event, index, NULL);
	bool call = !event->values && event->def->fields[index].type == FIELD_syscall;
	struct str name = call ? syscall_name((int)value.i) : (struct str){ 0 };

	if (name.len)
		buf_str(out, name);
	else if (!add_in_place(out, event, index))
		add_value(out, &value, event_field_names(event, index));
}

/* ---- columns ------------------------------ */

static bool is_present(const struct event *event, unsigned index)
{
	return event->values ? event->values[index].tag != VALUE_NULL
			     : event->wire->present >> index & 1;
}

static bool is_return(const struct event *event, unsigned index)
{
	return !event->values && strcmp(event->def->fields[index].name, "returnValue") == 0;
}

/* -28 ENOSPC */
static void add_return(struct buf *out, const struct event *event)
{
	for (unsigned i = 0; i < event->def->field_count; i++) {
		if (!is_return(event, i) || !is_present(event, i))
			continue;
		int64_t result = event_field_value(event, i, NULL).i;
		const char *name = result < 0 && result > -4096 ? strerrorname_np((int)-result)
								: NULL;

		buf_int(out, result);
		if (name) {
			buf_char(out, ' ');
			buf_str(out, str_of(name));
		}
		return;
	}
	buf_char(out, '-');
}

/* Own fields are for machines, unless an event has nothing else. */
static bool is_shown(const struct event *event, unsigned index)
{
	if (!is_present(event, index) || is_return(event, index))
		return false;
	return event->values || event->def->fields[index].owner == TRACEE ||
	       event->def->fields[0].owner == OWN;
}

static void add_arguments(struct buf *out, const struct event *event)
{
	bool first = true;
	struct str lead = event->threat ? STR(" ") : STR("");

	for (unsigned i = 0; i < event->def->field_count; i++) {
		if (!is_shown(event, i))
			continue;
		buf_str(out, first ? lead : STR(", "));
		add_text(out, str_of(event->def->fields[i].name));
		buf_lit(out, ": ");
		add_field(out, event, i);
		first = false;
	}
}

static void add_alert(struct buf *out, const struct event *event)
{
	unsigned severity = MIN((unsigned)event->threat->severity, (unsigned)SEVERITY_CRITICAL);

	buf_lit(out, "*** ");
	buf_str(out, str_of(severity_rows[severity].name));
	buf_lit(out, ": ");
	add_text(out, event->threat->name);
	if (event->detected_from) {
		buf_lit(out, " (");
		add_text(out, str_of(event->detected_from->def->name));
		buf_char(out, ')');
	}
	buf_lit(out, " ***");
}

static void add_container(struct buf *out, const struct event *event)
{
	struct str id = event_container_id(event);

	if (!id.len)
		return;
	buf_lit(out, ", container: ");
	id.len = MIN(id.len, 12u);
	add_text(out, id);
}

static void add_time(struct buf *out, uint64_t epoch_ns)
{
	char text[JSON_TIME_MAX], fraction[7];
	uint64_t micros = epoch_ns / 1000 % 1000000;

	text_time(text, epoch_ns / 1000000000 * 1000000000);
	fraction[0] = '.';
	for (int i = 6; i > 0; i--, micros /= 10)
		fraction[i] = (char)('0' + micros % 10);
	buf_add(out, text + 11, 8);
	buf_add(out, fraction, sizeof(fraction));
}

static void table_write(struct buf *out, const struct event *event,
			const struct format_options *options)
{
	size_t start = out->len;

	(void)options;
	add_time(out, event_epoch_time(event, event->wire->time));
	end_column(out, start, WIDTH_TIME);
	start = out->len;
	buf_uint(out, event->wire->uid);
	end_column(out, start, WIDTH_UID);
	start = out->len;
	add_text(out, event_comm(event));
	end_column(out, start, WIDTH_COMM);
	start = out->len;
	buf_uint(out, event->wire->pid);
	buf_char(out, '/');
	buf_uint(out, event->wire->tid);
	end_column(out, start, WIDTH_PID);
	start = out->len;
	add_return(out, event);
	end_column(out, start, WIDTH_RET);
	start = out->len;
	add_text(out, str_of(event->def->name));
	end_column(out, start, WIDTH_EVENT);
	if (event->threat)
		add_alert(out, event);
	add_arguments(out, event);
	add_container(out, event);
	buf_char(out, '\n');
}

static void table_begin(struct buf *out, const struct format_options *options)
{
	static const struct {
		struct str title;
		unsigned width;
	} columns[] = {
		{ STR("TIME"), WIDTH_TIME }, { STR("UID"), WIDTH_UID },
		{ STR("COMM"), WIDTH_COMM }, { STR("PID/TID"), WIDTH_PID },
		{ STR("RET"), WIDTH_RET },   { STR("EVENT"), WIDTH_EVENT },
	};

	(void)options;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		size_t start = out->len;

		buf_str(out, columns[i].title);
		end_column(out, start, columns[i].width);
	}
	buf_lit(out, "ARGS\n");
}

const struct format format_table = {
	.name = "table",
	.doc = "columns for a terminal, flags as names, alerts marked",
	.media_type = "text/plain",
	.write = table_write,
	.begin = table_begin,
};
