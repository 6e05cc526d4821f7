/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of expressions, and copies of them. Expressions with equal keys have equal values on
 * every event: a key names functions, variables and fields by the rows of their tables, which
 * environments share.
 */
#include "base/buf.h"
#include "normal.h"

struct keyer {
	struct buf *out;
	const struct local *locals[NORMAL_LOCALS_MAX]; /* bound around, outermost first */
	uint32_t count;
	bool failed;
};

static void put_bytes(struct buf *out, const void *data, uint32_t len)
{
	buf_add(out, &len, sizeof(len));
	buf_add(out, data, len);
}

static void put_pointer(struct buf *out, const void *pointer)
{
	buf_add(out, &pointer, sizeof(pointer));
}

static void put_number(struct buf *out, uint32_t number)
{
	buf_add(out, &number, sizeof(number));
}

void normal_key_value(struct buf *out, struct value value)
{
	buf_char(out, (char)value.tag);
	switch ((enum value_tag)value.tag) {
	case VALUE_NULL: break;
	case VALUE_STRING:
	case VALUE_BYTES:
	case VALUE_TYPE:
	case VALUE_ERROR: put_bytes(out, value.str, value.len); break;
	case VALUE_LIST:
		put_number(out, value.list->count);
		for (uint32_t i = 0; i < value.list->count; i++)
			normal_key_value(out, value.list->items[i]);
		break;
	case VALUE_MAP:
		put_number(out, value.map->count);
		for (uint32_t i = 0; i < value.map->count; i++) {
			normal_key_value(out, value.map->entries[i].key);
			normal_key_value(out, value.map->entries[i].value);
		}
		break;
	case VALUE_BOOL: buf_char(out, value.b); break;
	default: /* numbers; what is behind a pointer equals only itself */
		buf_add(out, &value.u, sizeof(value.u));
		break;
	}
}

/* ---- keys ----------------------------------------------------------------- */

static void put(void *ctx, struct node **child);

static void put_flags(struct keyer *keyer, const bool *flags, uint32_t count)
{
	buf_char(keyer->out, flags != NULL);
	for (uint32_t i = 0; flags && i < count; i++)
		buf_char(keyer->out, flags[i]);
}

static void put_ident(struct keyer *keyer, const struct node *node)
{
	if (!node->ident.local) {
		/* Without a variable it is an error whose text is all that matters. */
		put_pointer(keyer->out,
			    node->ident.variable ? (const void *)node->ident.variable->get : NULL);
		put_bytes(keyer->out, node->ident.name.data, node->ident.name.len);
		if (node->ident.variable && !node->ident.variable->get)
			normal_key_value(keyer->out, node->ident.variable->value);
		return;
	}
	for (uint32_t i = keyer->count; i-- > 0;)
		if (keyer->locals[i] == node->ident.local) {
			buf_char(keyer->out, 'l');
			put_number(keyer->out, i);
			return;
		}
	keyer->failed = true;
}

static void bind(struct keyer *keyer, const struct local *local)
{
	if (!local)
		return;
	if (keyer->count == NORMAL_LOCALS_MAX)
		keyer->failed = true;
	else
		keyer->locals[keyer->count++] = local;
}

static void put_call(struct keyer *keyer, const struct node *node)
{
	buf_char(keyer->out, (char)node->call.operation);
	buf_char(keyer->out, node->call.target != NULL);
	put_bytes(keyer->out, node->call.name.data, node->call.name.len);
	put_number(keyer->out, node->call.count);
	put_number(keyer->out, node->call.overload_count);
	for (uint32_t i = 0; i < node->call.overload_count; i++)
		put_pointer(keyer->out, node->call.overloads[i]->row);
}

static void put_message(struct keyer *keyer, const struct node *node)
{
	put_pointer(keyer->out, node->message.message);
	put_number(keyer->out, node->message.count);
	for (uint32_t i = 0; i < node->message.count; i++)
		put_bytes(keyer->out, node->message.fields[i].data, node->message.fields[i].len);
	put_flags(keyer, node->message.optional, node->message.count);
}

/* What a node has besides its children. */
static void put_self(struct keyer *keyer, const struct node *node)
{
	struct buf *out = keyer->out;

	switch ((enum node_kind)node->kind) {
	case NODE_CONST: normal_key_value(out, node->constant); break;
	case NODE_IDENT: put_ident(keyer, node); break;
	case NODE_SELECT:
		put_pointer(out, node->select.resolved);
		buf_char(out, (char)(node->select.test | node->select.optional << 1));
		put_bytes(out, node->select.field.data, node->select.field.len);
		break;
	case NODE_CALL: put_call(keyer, node); break;
	case NODE_LOGIC:
		buf_char(out, node->logic.is_and);
		put_number(out, node->logic.count);
		break;
	case NODE_LIST:
		put_number(out, node->list.count);
		put_flags(keyer, node->list.optional, node->list.count);
		break;
	case NODE_MAP:
		put_number(out, node->map.count);
		put_flags(keyer, node->map.optional, node->map.count);
		break;
	case NODE_STRUCT: put_message(keyer, node); break;
	case NODE_FOLD:
		buf_char(out, (char)node->fold.fold);
		buf_char(out, (char)(node->fold.two | (node->fold.filter != NULL) << 1 |
				     (node->fold.body != NULL) << 2));
		break;
	case NODE_SLOT:
		buf_char(out, node->slot.test);
		put_number(out, node->slot.number);
		break;
	case NODE_OPTIONAL_MAP:
	case NODE_BIND: buf_char(out, node->bind.flat); break;
	case NODE_OPTIONAL_OR: buf_char(out, node->optional_or.value); break;
	case NODE_TERNARY: break;
	}
}

static void put_scoped(struct keyer *keyer, struct node *node)
{
	uint32_t count = keyer->count;

	if (node->kind == NODE_FOLD) {
		put(keyer, &node->fold.range);
		bind(keyer, node->fold.first);
		bind(keyer, node->fold.second);
		if (node->fold.filter)
			put(keyer, &node->fold.filter);
		if (node->fold.body)
			put(keyer, &node->fold.body);
	} else {
		put(keyer, &node->bind.value);
		bind(keyer, node->bind.local);
		put(keyer, &node->bind.body);
	}
	keyer->count = count;
}

static void put(void *ctx, struct node **child)
{
	struct keyer *keyer = ctx;
	struct node *node = *child;

	if (keyer->failed || keyer->out->len > NORMAL_KEY_MAX) {
		keyer->failed = true;
		return;
	}
	buf_char(keyer->out, (char)('A' + node->kind));
	put_self(keyer, node);
	if (node->kind == NODE_FOLD || node->kind == NODE_BIND || node->kind == NODE_OPTIONAL_MAP)
		put_scoped(keyer, node);
	else
		node_each(node, put, keyer);
}

bool normal_key(struct buf *out, const struct node *node)
{
	struct keyer keyer = { .out = out };
	struct node *root = (struct node *)node; /* visits do not write */

	put(&keyer, &root);
	return !keyer.failed && !out->truncated && out->len <= NORMAL_KEY_MAX;
}

/* ---- copies --------------------------------------------------------------- */

struct copier {
	struct normalizer *normalizer;
	const struct local *local;
	struct node *by;
	bool failed;
};

static struct node **copy_array(struct copier *copier, struct node **items, uint32_t count)
{
	struct node **copy = arena_array(copier->normalizer->compile->scratch, struct node *,
					 count + 1);

	if (!copy)
		copier->failed = true;
	else if (count)
		memcpy(copy, items, count * sizeof(*copy));
	return copy;
}

/* Children of a copy must not be written into arrays of the original. */
static void own_arrays(struct copier *copier, struct node *copy)
{
	switch ((enum node_kind)copy->kind) {
	case NODE_CALL:
		copy->call.args = copy_array(copier, copy->call.args, copy->call.count);
		break;
	case NODE_LOGIC:
		copy->logic.items = copy_array(copier, copy->logic.items, copy->logic.count);
		break;
	case NODE_LIST:
		copy->list.items = copy_array(copier, copy->list.items, copy->list.count);
		break;
	case NODE_MAP:
		copy->map.keys = copy_array(copier, copy->map.keys, copy->map.count);
		copy->map.values = copy_array(copier, copy->map.values, copy->map.count);
		break;
	case NODE_STRUCT:
		copy->message.values = copy_array(copier, copy->message.values,
						  copy->message.count);
		break;
	default: break;
	}
}

static void replace(void *ctx, struct node **place)
{
	struct copier *copier = ctx;
	struct node *copy;

	if (copier->failed)
		return;
	if ((*place)->kind == NODE_IDENT && (*place)->ident.local == copier->local) {
		*place = copier->by;
		return;
	}
	copy = arena_alloc(copier->normalizer->compile->scratch, sizeof(*copy));
	if (!copy || ++copier->normalizer->nodes > NORMAL_NODES_MAX) {
		copier->failed = true;
		return;
	}
	*copy = **place;
	*place = copy;
	own_arrays(copier, copy);
	if (!copier->failed)
		node_each(copy, replace, copier);
}

struct node *normal_substitute(struct normalizer *normalizer, struct node *node,
			       const struct local *local, struct node *by)
{
	struct copier copier = { .normalizer = normalizer, .local = local, .by = by };

	replace(&copier, &node);
	return copier.failed ? NULL : node;
}
