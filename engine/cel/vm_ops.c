/* SPDX-License-Identifier: Apache-2.0 */
/* What single instructions of the machine do, where it is more than a line. */
#include "vm.h"

void vm_variable(struct cel_run *run, const struct variable *variable, struct value *to)
{
	if (variable->get) {
		*to = value_null();
		variable->get(run, run->object, to);
	} else {
		*to = variable->value;
	}
}

/* Did the checker mean this message? A getter may have answered another. */
static bool owns_field(const struct cel_object *object, const struct cel_field *field)
{
	return field >= object->type->fields &&
	       field < object->type->fields + object->type->field_count;
}

struct value vm_field(struct cel_run *run, struct value operand, const struct cel_field *field)
{
	if (LIKELY(operand.tag == VALUE_MESSAGE && owns_field(operand.object, field)))
		return message_field(run, operand.object, field);
	return value_select(run, operand, str_of(field->name));
}

struct value vm_has_field(struct cel_run *run, struct value operand, const struct cel_field *field)
{
	if (LIKELY(operand.tag == VALUE_MESSAGE && owns_field(operand.object, field)))
		return message_has(run, operand.object, field);
	return value_has(run, operand, str_of(field->name));
}

struct value vm_equal(struct cel_run *run, struct value a, struct value b)
{
	if (value_is_error(a))
		return a;
	if (value_is_error(b))
		return b;
	return value_bool(values_equal(run, a, b));
}

struct value vm_contains(struct cel_run *run, const struct value *a, const struct value *b)
{
	if (UNLIKELY(a->tag != VALUE_STRING || b->tag != VALUE_STRING))
		return vm_operand_error(a, b);
	if (!b->len)
		return value_bool(true);
	if (!a->len)
		return value_bool(false);
	if (!cel_spend(run, a->len / 16))
		return ERROR_BUDGET;
	return value_bool(memmem(a->str, a->len, b->str, b->len) != NULL);
}

struct value vm_bit_and(const struct value *a, const struct value *b)
{
	if (UNLIKELY((a->tag != VALUE_INT && a->tag != VALUE_UINT) ||
		     (b->tag != VALUE_INT && b->tag != VALUE_UINT)))
		return vm_operand_error(a, b);
	return (struct value){ .tag = MAX(a->tag, b->tag), .u = a->u & b->u };
}

struct value vm_matches(struct cel_run *run, struct value subject, const struct regex *regex)
{
	int found;

	if (UNLIKELY(subject.tag != VALUE_STRING))
		return value_is_error(subject) ? subject : ERROR_NO_OVERLOAD;
	found = regex_match(regex, run, value_text(subject));
	return found < 0 ? ERROR_BUDGET : value_bool(found);
}

/* ---- calls ---------------------------------------------------------------- */

static bool takes(const struct overload *overload, const struct value *args, uint32_t count)
{
	if (overload->count != count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!(overload->tags[i] >> args[i].tag & 1))
			return false;
		if (overload->messages[i].data &&
		    !str_equal(overload->messages[i], value_type_name(args[i])))
			return false;
	}
	return true;
}

struct value vm_call(struct cel_run *run, const struct call_site *site, const struct value *args)
{
	struct value result = value_null();

	for (uint32_t i = 0; i < site->overload_count; i++)
		if (takes(site->overloads[i], args, site->count)) {
			site->overloads[i]->row->call(run, args, site->count, &result);
			return result;
		}
	for (uint32_t i = 0; i < site->count; i++)
		if (value_is_error(args[i]))
			return args[i];
	return cel_error(run, "no such overload: %.*s", (int)site->name.len, site->name.data);
}

/* ---- aggregates ----------------------------------------------------------- */

/* An optional element: *v is what it holds. 1 there, 0 absent, -1 *v is an error. */
static int unwrap(struct value *v, bool optional)
{
	if (value_is_error(*v))
		return -1;
	if (!optional)
		return 1;
	if (v->tag != VALUE_OPTIONAL) {
		*v = ERROR_NO_OVERLOAD;
		return -1;
	}
	if (!v->object)
		return 0;
	*v = *(const struct value *)v->object;
	return 1;
}

struct value vm_list(struct cel_run *run, const struct value *items, uint32_t count,
		     const struct aggregate *aggregate)
{
	struct value_list *list;

	if (aggregate)
		count = aggregate->count;
	list = list_new(run, count);
	if (!list)
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < count; i++) {
		struct value item = items[i];
		int there = unwrap(&item, aggregate && aggregate->optional[i]);

		if (there < 0)
			return item;
		if (there)
			list->items[list->count++] = item;
	}
	return value_of_list(list);
}

static bool key_allowed(struct value key)
{
	return key.tag == VALUE_STRING || key.tag == VALUE_INT || key.tag == VALUE_UINT ||
	       key.tag == VALUE_BOOL;
}

/* Tracee takes any key and lets the last one win; the specification wants distinct ones. */
static struct value put(struct cel_run *run, struct value_map *map, struct value key,
			struct value value, bool lenient)
{
	struct value *known = (struct value *)map_find(run, map, key);

	if (known && lenient)
		*known = value;
	else if (lenient)
		map->entries[map->count++] = (struct value_entry){ key, value };
	if (lenient)
		return value_null();
	if (known)
		return ERROR_TEXT("found the same key twice in a map");
	if (!key_allowed(key))
		return ERROR_TEXT("found a key that is not int, uint, bool or string");
	map->entries[map->count++] = (struct value_entry){ key, value };
	return value_null();
}

struct value vm_map(struct cel_run *run, const struct value *pairs, uint32_t count,
		    const struct aggregate *aggregate, bool lenient)
{
	struct value_map *map;

	if (aggregate)
		count = aggregate->count;
	map = map_new(run, count);
	if (!map)
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < count; i++) {
		struct value key = pairs[2 * i], value = pairs[2 * i + 1], error;
		int there;

		if (value_is_error(key))
			return key;
		there = unwrap(&value, aggregate && aggregate->optional[i]);
		if (there < 0)
			return value;
		error = there ? put(run, map, key, value, lenient) : value_null();
		if (value_is_error(error))
			return error;
	}
	return value_of_map(map);
}

struct value vm_message(struct cel_run *run, const struct value *fields,
			const struct aggregate *aggregate)
{
	uint32_t count = aggregate->message->field_count;
	struct value *literal = arena_alloc(run->arena, (count + 1) * sizeof(*literal));

	if (!literal)
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < count; i++)
		literal[i] = (struct value){ .tag = VALUE_TAG_COUNT };
	for (uint32_t i = 0; i < aggregate->count; i++) {
		struct value field = fields[i];
		int there = unwrap(&field, aggregate->optional[i]);

		if (there < 0)
			return field;
		if (there && field.tag != VALUE_NULL)
			literal[aggregate->fields[i]] = field;
	}
	return message_make(run, aggregate->message, literal);
}

struct value vm_no_bool(struct value v)
{
	return v.tag == VALUE_NULL ? ERROR_TEXT("the condition is null: the field is absent")
				   : ERROR_TEXT("the condition is not bool");
}

/* ---- folds ---------------------------------------------------------------- */

/* A loop's registers: the range, the position, the first and the second variable. */
bool vm_fold_start(const struct value *range, struct value *loop, struct value *error)
{
	if (UNLIKELY(range->tag != VALUE_LIST && range->tag != VALUE_MAP)) {
		*error = value_is_error(*range) ? *range : ERROR_NO_OVERLOAD;
		return false;
	}
	loop[1] = value_int(0);
	return true;
}

bool vm_fold_next(struct cel_run *run, struct value *loop, bool two)
{
	uint64_t at = (uint64_t)loop[1].i++;

	if (!cel_spend(run, 1))
		return false; /* the budget is 0 now, which ends the evaluation in an error */
	if (loop[0].tag == VALUE_LIST) {
		if (at >= loop[0].list->count)
			return false;
		loop[2] = two ? value_int((int64_t)at) : loop[0].list->items[at];
		if (two)
			loop[3] = loop[0].list->items[at];
		return true;
	}
	if (at >= loop[0].map->count)
		return false;
	loop[2] = loop[0].map->entries[at].key;
	if (two)
		loop[3] = loop[0].map->entries[at].value;
	return true;
}

static uint32_t range_count(const struct value *range)
{
	return range->tag == VALUE_LIST ? range->list->count : range->map->count;
}

bool vm_fold_list(struct cel_run *run, const struct value *range, struct value *to)
{
	struct value_list *list = list_new(run, range_count(range));

	*to = list ? value_of_list(list) : ERROR_MEMORY;
	return list;
}

/* Room grows when an element puts more than one entry. */
bool vm_fold_map(struct cel_run *run, const struct value *range, struct value *to)
{
	struct value_map *map = map_new(run, range_count(range));

	*to = map ? value_of_map(map) : ERROR_MEMORY;
	to->aux = 0;
	return map;
}

bool vm_fold_append(const struct value *item, struct value *to)
{
	struct value_list *list = (struct value_list *)to->list;

	if (UNLIKELY(value_is_error(*item))) {
		*to = *item;
		return false;
	}
	list->items[list->count++] = *item;
	to->len = list->count;
	return true;
}

/* Keys of the range are distinct, so those put are. */
bool vm_fold_put(const struct value *key, const struct value *value, struct value *to)
{
	struct value_map *map = (struct value_map *)to->map;

	if (UNLIKELY(value_is_error(*value))) {
		*to = *value;
		return false;
	}
	map->entries[map->count++] = (struct value_entry){ *key, *value };
	to->len = map->count;
	return true;
}

static bool grow_map(struct cel_run *run, struct value *to, uint32_t more)
{
	const struct value_map *old = to->map;
	struct value_map *map = map_new(run, old->count + more);

	if (!map) {
		*to = ERROR_MEMORY;
		return false;
	}
	memcpy(map->entries, old->entries, old->count * sizeof(*old->entries));
	map->count = old->count;
	*to = value_of_map(map);
	return true;
}

bool vm_fold_merge(struct cel_run *run, const struct value *other, const struct value *range,
		   struct value *to)
{
	struct value_map *map;

	if (UNLIKELY(other->tag != VALUE_MAP)) {
		*to = value_is_error(*other) ? *other : ERROR_NO_OVERLOAD;
		return false;
	}
	/* There is room for one entry of each element, and stays so. */
	if (other->map->count > 1 && !grow_map(run, to, other->map->count + range_count(range)))
		return false;
	map = (struct value_map *)to->map;
	for (uint32_t i = 0; i < other->map->count; i++) {
		struct value error = put(run, map, other->map->entries[i].key,
					 other->map->entries[i].value, false);

		if (value_is_error(error)) {
			*to = error;
			return false;
		}
	}
	to->len = map->count;
	return true;
}

bool vm_fold_count(const struct value *condition, struct value *to)
{
	if (UNLIKELY(condition->tag != VALUE_BOOL)) {
		*to = value_is_error(*condition) ? *condition : ERROR_NO_OVERLOAD;
		return false;
	}
	to->i += condition->b;
	return true;
}

/* ---- optionals ------------------------------------------------------------ */

bool vm_optional_get(struct value optional, struct value *to, struct value *otherwise)
{
	if (optional.tag == VALUE_OPTIONAL && optional.object) {
		*to = *(const struct value *)optional.object;
		return true;
	}
	*otherwise = optional.tag == VALUE_OPTIONAL || value_is_error(optional) ? optional
										: ERROR_NO_OVERLOAD;
	return false;
}

bool vm_optional_else(struct value optional, bool unwrap_it, struct value *to)
{
	if (optional.tag == VALUE_OPTIONAL && !optional.object)
		return true;
	if (optional.tag != VALUE_OPTIONAL)
		*to = value_is_error(optional) ? optional : ERROR_NO_OVERLOAD;
	else
		*to = unwrap_it ? *(const struct value *)optional.object : optional;
	return false;
}
