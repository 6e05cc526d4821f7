/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters on an event: data fields, scope and return value. Fields are and-ed, the
 * expressions of one field accumulate. Values that are compared as text are compared
 * as numbers where that gives the same answer.
 */
#include "private.h"

#include <errno.h>
#include <inttypes.h>

#include "base/suggest.h"
#include "event/object.h"
#include "syscall.h"

enum { DATA_LIMIT_KERNEL = 255 };

/* Tracee hands these to the kernel, which binds every data filter of the event. */
static const struct str kernel_filtered[] = { STR("security_file_open"), STR("magic_write"),
					      STR("security_mmap_file") };

int event_not_collected(const struct event_def *def, struct err *err)
{
	if (event_is_detection(def)) {
		err_set(err, -ENOTSUP, "event %s is made by a detector that is not loaded",
			def->name);
		err_hint(
			err,
			"load one with --detectors ('builtin' names the built-in ones, of which some "
			"need events that cannot be collected yet)");
		return -ENOTSUP;
	}
	err_set(err, -ENOTSUP, "event %s can be replayed, but not collected yet", def->name);
	err_hint(err,
		 "leave it out of the live sensor; `spoor list events` tells what is live, and "
		 "`spoor replay` reads recordings of it");
	return -ENOTSUP;
}

struct filters *filters_new(const struct event_def *def, const struct filter_options *options,
			    struct arena *arena)
{
	struct filters *f = arena_new(arena, struct filters);

	if (!f)
		return NULL;
	f->def = def;
	f->arena = arena;
	f->compat = options->compat_tracee;
	f->view = !f->compat	      ? SCOPE_AS_NAMED
		  : options->detector ? SCOPE_AS_DETECTORS
				      : SCOPE_AS_POLICIES;
	f->result_field = event_field_index(def, STR("returnValue"));
	number_filter_init(&f->result, NUMBER_INT64, f->compat);
	return f;
}

static void *grow(struct arena *arena, void *items, uint32_t count, size_t size)
{
	if (count & (count - 1))
		return items;
	void *larger = arena_zalloc(arena, size * (count ? count * 2 : 1));

	if (larger && count)
		memcpy(larger, items, size * count);
	return larger;
}

/* ---- data fields ------------------------------------------------------------- */

static int unknown_field(const struct filters *f, struct str field, struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, field);
	for (uint32_t i = 0; i < f->def->field_count; i++)
		suggest_try(&suggest, str_of(f->def->fields[i].name));
	err_set(err, -EINVAL, "invalid event data field: %.*s (event %s has no such field)",
		(int)field.len, field.data, f->def->name);
	if (suggest.best.data)
		err_hint(err, "did you mean %s?", suggest.best.data);
	else
		err_hint(err, "`spoor explain %s` lists its fields", f->def->name);
	return -EINVAL;
}

static bool is_number(uint8_t type)
{
	return type == FIELD_i32 || type == FIELD_u32 || type == FIELD_u16 || type == FIELD_i64 ||
	       type == FIELD_u64 || type == FIELD_pointer || type == FIELD_time;
}

static bool is_signed(uint8_t type)
{
	return type == FIELD_i32 || type == FIELD_i64;
}

static struct data_filter *data_filter_of(struct filters *f, uint16_t field)
{
	for (uint32_t i = 0; i < f->data_count; i++)
		if (f->data[i].field == field)
			return &f->data[i];
	struct data_filter *all = grow(f->arena, f->data, f->data_count, sizeof(*all));

	if (!all)
		return NULL;
	f->data = all;
	all = &all[f->data_count++];
	*all = (struct data_filter){ .field = field, .text.compat = f->compat };
	number_filter_init(&all->numbers,
			   is_signed(f->def->fields[field].type) ? NUMBER_INT64 : NUMBER_UINT64,
			   false);
	f->fields |= field < 64 ? 1ULL << field : 0;
	return all;
}

static int check_kernel_filtered(const struct filters *f, const struct string_filter *text,
				 struct err *err)
{
	bool bound = false;

	for (size_t i = 0; i < ARRAY_SIZE(kernel_filtered); i++)
		bound |= str_equal(str_of(f->def->name), kernel_filtered[i]);
	if (!bound || !f->compat)
		return 0;
	for (uint32_t i = 0; i < text->count; i++) {
		if (text->terms[i].form == STRING_CONTAINS)
			return err_set(err, -EINVAL,
				       "operator not supported for the event and data arg");
		if (text->terms[i].text.len > DATA_LIMIT_KERNEL)
			return err_set(err, -EINVAL, "filter value exceeds max length 255");
	}
	return 0;
}

/* Conditions = and != on whole canonical decimals need no text; "007" never equals a number. */
static bool add_as_number(struct data_filter *d, struct str expression, struct arena *arena)
{
	struct err ignored = { 0 };
	struct number_filter copy = d->numbers;
	uint32_t skip = expression.data[0] == '!' ? 2 : 1;

	for (uint32_t i = skip; i < expression.len; i++) {
		char c = expression.data[i], before = expression.data[i - 1];
		char after = i + 1 < expression.len ? expression.data[i + 1] : ',';
		bool starts = i == skip || before == ',';

		if (c != ',' && (c < '0' || c > '9') &&
		    !(c == '-' && starts && after > '0' && after <= '9'))
			return false;
		if (c == '0' && (starts || before == '-') && after != ',')
			return false;
	}
	if (number_filter_add(&copy, expression, arena, &ignored))
		return false;
	d->numbers = copy;
	return true;
}

int filters_add_data(struct filters *f, struct str field, struct str expression, struct err *err)
{
	int index = event_field_index(f->def, field);
	bool ordering = expression.len && (expression.data[0] == '<' || expression.data[0] == '>');

	if (index < 0)
		return unknown_field(f, field, err);
	if (!expression.len || !field.len) {
		err_set(err, -EINVAL, "invalid data filter '%.*s' (missing field or operator)",
			(int)field.len, field.data);
		err_hint(err, "write %.*s=value", (int)field.len, field.data);
		return -EINVAL;
	}
	struct data_filter *d = data_filter_of(f, (uint16_t)index);

	if (!d)
		return err_set(err, -ENOMEM, "out of memory");
	if (ordering && !f->compat && is_number(f->def->fields[index].type)) {
		d->ordered = true;
		return number_filter_add(&d->numbers, expression, f->arena, err);
	}
	bool first = d->text.count == 0;
	int code = syscall_translate(f->def, field, &expression, f->arena, err);

	if (!code)
		code = string_filter_add(&d->text, expression, f->arena, err);

	if (!code)
		code = check_kernel_filtered(f, &d->text, err);
	if (!code && is_number(f->def->fields[index].type) && (first || d->numeric))
		d->numeric = add_as_number(d, expression, f->arena) &&
			     !(d->numbers.equal.count && d->numbers.unequal.count);
	else
		d->numeric = false;
	return code;
}

/* ---- scope --------------------------------------------------------------------- */

static int unknown_scope(struct str field, struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, field);
	for (size_t i = 0; i < scope_field_count; i++)
		suggest_try(&suggest, str_of(scope_fields[i].name));
	err_set(err, -EINVAL, "invalid event scope field: %.*s", (int)field.len, field.data);
	if (suggest.best.data)
		err_hint(err, "did you mean %s?", suggest.best.data);
	else
		err_hint(
			err,
			"scope fields are pid, uid, comm, container, ... (rules/README.md lists them)");
	return -EINVAL;
}

static struct scope_filter *scope_filter_of(struct filters *f, const struct scope_field *field)
{
	for (uint32_t i = 0; i < f->scope_count; i++)
		if (f->scope[i].field->what == field->what &&
		    f->scope[i].field->kind == field->kind)
			return &f->scope[i];
	struct scope_filter *all = grow(f->arena, f->scope, f->scope_count, sizeof(*all));

	if (!all)
		return NULL;
	f->scope = all;
	all = &all[f->scope_count++];
	*all = (struct scope_filter){ .field = field, .text.compat = f->compat };
	number_filter_init(&all->numbers,
			   field->kind == SCOPE_UINT64 ? NUMBER_UINT64 : NUMBER_INT64, f->compat);
	return all;
}

static int add_container(struct scope_filter *s, struct str expression, struct err *err)
{
	if (expression.len == 0)
		return 0;
	if (str_equal(expression, STR("=started"))) {
		s->started = true;
		return 0;
	}
	err_set(err, -EINVAL, "invalid filter expression: %.*s", (int)expression.len,
		expression.data);
	err_hint(err,
		 "write `container` or `container=started`; to name one use containerId=... or "
		 "containerName=..., for no container `host`");
	return -EINVAL;
}

int filters_add_scope(struct filters *f, struct str name, struct str expression, struct err *err)
{
	const struct scope_field *field = scope_field_find(name);

	if (!field)
		return unknown_scope(name, err);
	struct scope_filter *s = scope_filter_of(f, field);

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	switch ((enum scope_kind)field->kind) {
	case SCOPE_CONTAINER: f->any_container = true; return add_container(s, expression, err);
	case SCOPE_HOST: f->any_host = true; return 0;
	case SCOPE_STRING: return string_filter_add(&s->text, expression, f->arena, err);
	case SCOPE_BOOL: return bool_filter_add(&s->truth, expression, err);
	case SCOPE_INT64:
	case SCOPE_UINT64: break;
	}
	return number_filter_add(&s->numbers, expression, f->arena, err);
}

int filters_add_return(struct filters *f, struct str expression, struct err *err)
{
	return number_filter_add(&f->result, expression, f->arena, err);
}

/* text: field operator values; the operator is the first of the list found anywhere. */
void filter_split(struct str text, struct str *field, struct str *expression)
{
	static const struct str operators[] = { STR("!="), STR("<="), STR(">="),
						STR("="),  STR("<"),  STR(">") };

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		const char *at = text.len ? memmem(text.data, text.len, operators[i].data,
						   operators[i].len)
					  : NULL;

		if (at) {
			uint32_t len = (uint32_t)(at - text.data);

			*field = (struct str){ text.data, len };
			*expression = (struct str){ at, text.len - len };
			return;
		}
	}
	*field = text;
	*expression = (struct str){ text.data + text.len, 0 };
}

/* ---- matching -------------------------------------------------------------------- */

/* Elements as text, and how many bytes they and what stands between them take. */
static struct str *render_items(const struct value *const *values, uint32_t count,
				struct arena *arena, size_t *room)
{
	struct str *items = arena_array(arena, struct str, count + 1);

	for (uint32_t i = 0; items && i < count; i++) {
		char scratch[32];
		struct str text = filter_render(*values[i], scratch, arena);

		items[i] = text.data == scratch ? arena_str(arena, text.data, text.len) : text;
		if (!items[i].data)
			return NULL;
		*room += items[i].len + 1u;
	}
	return items;
}

/* "[a b c]" */
static struct str render_list(const struct value_list *list, struct arena *arena)
{
	const struct value **values = arena_array(arena, const struct value *, list->count + 1);
	size_t room = 3;
	uint32_t len = 0;

	for (uint32_t i = 0; values && i < list->count; i++)
		values[i] = &list->items[i];
	struct str *items = values ? render_items(values, list->count, arena, &room) : NULL;
	char *text = items && room < UINT32_MAX ? arena_alloc(arena, room) : NULL;

	if (!text)
		return (struct str){ 0 };
	text[len++] = '[';
	for (uint32_t i = 0; i < list->count; i++) {
		if (i)
			text[len++] = ' ';
		memcpy(text + len, items[i].data, items[i].len);
		len += items[i].len;
	}
	text[len++] = ']';
	return (struct str){ text, len };
}

/* "map[key:value key:value]": of addresses and the like, for filters of the form *text*. */
static struct str render_map(const struct value_map *map, struct arena *arena)
{
	uint32_t count = map->count * 2;
	const struct value **values = arena_array(arena, const struct value *, count + 1);
	size_t room = sizeof("map[]");
	uint32_t len = 0;

	for (uint32_t i = 0; values && i < map->count; i++) {
		values[2 * i] = &map->entries[i].key;
		values[2 * i + 1] = &map->entries[i].value;
	}
	struct str *items = values ? render_items(values, count, arena, &room) : NULL;
	char *text = items && room < UINT32_MAX ? arena_alloc(arena, room) : NULL;

	if (!text)
		return (struct str){ 0 };
	memcpy(text, "map[", 4);
	len = 4;
	for (uint32_t i = 0; i < count; i++) {
		if (i)
			text[len++] = i % 2 ? ':' : ' ';
		memcpy(text + len, items[i].data, items[i].len);
		len += items[i].len;
	}
	text[len++] = ']';
	return (struct str){ text, len };
}

static struct str render_bytes(struct value value, struct arena *arena)
{
	size_t room = (size_t)value.len * 4 + 3;
	char *text = room < UINT32_MAX ? arena_alloc(arena, room) : NULL;
	size_t len = 0;

	if (!text)
		return (struct str){ 0 };
	text[len++] = '[';
	for (uint32_t i = 0; i < value.len; i++)
		len += (size_t)snprintf(text + len, room - len, i ? " %u" : "%u",
					(unsigned char)value.str[i]);
	text[len++] = ']';
	return (struct str){ text, (uint32_t)len };
}

struct str filter_render(struct value value, char scratch[static 32], struct arena *arena)
{
	int len;

	switch (value.tag) {
	case VALUE_STRING: return (struct str){ value.str, value.len };
	case VALUE_BOOL: return value.b ? STR("true") : STR("false");
	case VALUE_INT: len = snprintf(scratch, 32, "%" PRId64, value.i); break;
	case VALUE_UINT: len = snprintf(scratch, 32, "%" PRIu64, value.u); break;
	case VALUE_DOUBLE: len = snprintf(scratch, 32, "%.17g", value.d); break;
	case VALUE_LIST: return render_list(value.list, arena);
	case VALUE_MAP: return render_map(value.map, arena);
	case VALUE_BYTES: return render_bytes(value, arena);
	default: return STR("<nil>");
	}
	return (struct str){ scratch, (uint32_t)len };
}

static bool data_matches(const struct data_filter *d, const struct event *event,
			 struct arena *arena)
{
	struct str object = event_object_text(event, d->field);

	if (object.data)
		return !str_equal(object, STR("null")) && string_filter_match(&d->text, object);
	struct value value = event_field_value(event, d->field, arena);
	bool number = value.tag == VALUE_INT || value.tag == VALUE_UINT;
	char scratch[32];

	if (value.tag == VALUE_NULL)
		return false;
	if (d->numeric && number)
		return number_filter_match(&d->numbers, value.u);
	if (d->ordered && (!number || !number_filter_match(&d->numbers, value.u)))
		return false;
	if (!d->text.count)
		return true; /* only < > <= >=: no text to make */
	struct str text = filter_render(value, scratch, arena);

	return text.data && string_filter_match(&d->text, text);
}

static bool scope_matches(const struct filters *f, const struct scope_filter *s,
			  const struct event *event)
{
	if (s->field->needs_container && !event_in_container(event))
		return false;
	switch ((enum scope_kind)s->field->kind) {
	case SCOPE_INT64:
	case SCOPE_UINT64:
		return number_filter_match(&s->numbers,
					   scope_field_number(s->field, event, f->view));
	case SCOPE_STRING:
		if (f->compat && str_equal(str_of(s->field->name), STR("containerImageDigest")))
			return true;
		return string_filter_match(&s->text, scope_field_text(s->field, event, f->view));
	case SCOPE_BOOL: return f->compat || bool_filter_match(&s->truth, false);
	case SCOPE_CONTAINER:
		if (f->any_host && !s->started)
			return true;
		return event_in_container(event) && (!s->started || event_container_started(event));
	case SCOPE_HOST: return f->any_container || !event_in_container(event);
	}
	return true;
}

static int64_t return_value(const struct filters *f, const struct event *event, struct arena *arena)
{
	struct value value = f->result_field < 0
				     ? value_null()
				     : event_field_value(event, (unsigned)f->result_field, arena);

	return value.tag == VALUE_INT ? value.i : 0;
}

bool filters_match(const struct filters *f, const struct event *event, struct arena *arena)
{
	for (uint32_t i = 0; i < f->scope_count; i++)
		if (!scope_matches(f, &f->scope[i], event))
			return false;
	for (uint32_t i = 0; i < f->data_count; i++)
		if (!data_matches(&f->data[i], event, arena))
			return false;
	return !f->result.enabled ||
	       number_filter_match(&f->result, (uint64_t)return_value(f, event, arena));
}

bool filters_empty(const struct filters *f)
{
	return !f->data_count && !f->scope_count && !f->result.enabled;
}

bool filters_read_host_name(const struct filters *f)
{
	for (uint32_t i = 0; i < f->scope_count; i++)
		if (strcmp(f->scope[i].field->name, "hostName") == 0)
			return f->view != SCOPE_AS_DETECTORS;
	return false;
}

uint64_t filters_fields(const struct filters *f)
{
	return f->fields;
}
