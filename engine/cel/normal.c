/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans: a condition becomes a conjunction of clauses. && is split, ! moved inwards, macros
 * over constant lists are written out; what is left of each part is a disjunction of atoms if
 * it can be, and else code of its own with the atoms one of which must hold.
 *
 * That "true" of && means all are true and "false" of || all are false, whatever errors there
 * are, is what lets each part be looked at alone.
 */
#include "normal.h"

/* Atoms one of which is true if a node is what it is asked to be. */
struct need {
	struct normal_atom *atoms;
	uint32_t count;
	bool known; /* there are such atoms; else anything goes */
	bool exact; /* and if one is true the node is */
};

static struct need need_of(struct normalizer *normalizer, struct node *node, bool want);

/* ---- sets of atoms -------------------------------------------------------- */

static struct need nothing_known(void)
{
	return (struct need){ .known = false };
}

static struct need one(struct normalizer *normalizer, struct node *node, bool want)
{
	struct normal_atom *atom = arena_new(normalizer->compile->arena, struct normal_atom);

	if (!atom)
		normalizer->failed = true;
	if (!atom || ++normalizer->atoms > NORMAL_ATOMS_MAX ||
	    !normal_atom_of(normalizer, node, want, atom) || normalizer->failed)
		return nothing_known();
	return (struct need){ atom, 1, true, true };
}

/* a or b */
static struct need join(struct normalizer *normalizer, struct need a, struct need b)
{
	struct normal_atom *atoms;

	if (!a.known || !b.known)
		return nothing_known();
	if (a.count + b.count > NORMAL_ATOMS_MAX)
		return nothing_known();
	atoms = arena_array(normalizer->compile->arena, struct normal_atom, a.count + b.count + 1);
	if (!atoms) {
		normalizer->failed = true;
		return nothing_known();
	}
	if (a.count)
		memcpy(atoms, a.atoms, a.count * sizeof(*atoms));
	if (b.count)
		memcpy(atoms + a.count, b.atoms, b.count * sizeof(*atoms));
	return (struct need){ atoms, a.count + b.count, true, a.exact && b.exact };
}

static uint32_t chance(const struct need *need)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < need->count; i++)
		sum += normal_chance(&need->atoms[i]) +
		       (need->atoms[i].subject->kind == SUBJECT_PROGRAM ? 300 : 0);
	return sum;
}

/* a and b: either will do, the less likely one does better */
static struct need choose(struct need a, struct need b)
{
	struct need best = !b.known || (a.known && chance(&a) <= chance(&b)) ? a : b;

	best.exact = false;
	return best;
}

/* ---- parts ---------------------------------------------------------------- */

/* items[i] are all asked to be `want`; any of them (or else all) must be. */
static struct need of_items(struct normalizer *normalizer, struct node **items, uint32_t count,
			    bool want, bool any)
{
	struct need all = need_of(normalizer, items[0], want);

	for (uint32_t i = 1; i < count && !normalizer->failed; i++) {
		struct need item = need_of(normalizer, items[i], want);

		all = any ? join(normalizer, all, item) : choose(all, item);
		if (any && !all.known)
			break;
	}
	return all;
}

/* An element of a list that is known, as a node that stands nowhere in the source. */
static struct node *element(struct normalizer *normalizer, const struct value_list *list,
			    const struct node *range, uint32_t number)
{
	struct node *item = node_const(normalizer->compile, value_null(), 0, 0);

	if (!item)
		return NULL;
	if (list)
		item->constant = list->items[number];
	else
		*item = *range->list.items[number];
	item->at = NORMAL_NOWHERE;
	return item;
}

/*
 * The bodies of x.exists(i, body), one for each element that is known when compiling; NULL:
 * not such a macro. *constant: the elements are constants, so none can be an error.
 */
static struct node **bodies(struct normalizer *normalizer, struct node *node, uint32_t *count,
			    bool *constant)
{
	struct node *range = node->fold.range, **items;
	const struct value_list *list = NULL;

	if (node->fold.two || node->fold.filter || !node->fold.body ||
	    (node->fold.fold != FOLD_all && node->fold.fold != FOLD_exists))
		return NULL;
	if (range->kind == NODE_CONST && range->constant.tag == VALUE_LIST)
		list = range->constant.list;
	else if (range->kind != NODE_LIST || range->list.optional)
		return NULL;
	*constant = list != NULL;
	*count = list ? list->count : range->list.count;
	if (!*count || *count > NORMAL_ATOMS_MAX)
		return NULL;
	items = arena_array(normalizer->compile->scratch, struct node *, *count);
	for (uint32_t i = 0; items && i < *count; i++) {
		struct node *item = element(normalizer, list, range, i);

		items[i] = item ? normal_substitute(normalizer, node->fold.body, node->fold.first,
						    item)
				: NULL;
		if (!items[i])
			return NULL;
	}
	return items;
}

static struct need of_fold(struct normalizer *normalizer, struct node *node, bool want)
{
	uint32_t count;
	bool constant, any = (node->fold.fold == FOLD_exists) == want;
	struct node **items = bodies(normalizer, node, &count, &constant);
	struct need need;

	if (!items)
		return one(normalizer, node, want);
	need = of_items(normalizer, items, count, want, any);
	/* An element that is an error makes the whole an error. */
	need.exact &= constant;
	return need;
}

/* x in [constants] */
static struct need of_in(struct normalizer *normalizer, struct node *node)
{
	struct node *list = node->call.args[1], *subject = node->call.args[0];
	const struct value_list *values = list->kind == NODE_CONST &&
							  list->constant.tag == VALUE_LIST
						  ? list->constant.list
						  : NULL;
	struct normal_atom *atoms;
	const struct normal_subject *known;

	if (!values || !values->count || subject->kind == NODE_CONST ||
	    (normalizer->atoms += values->count) > NORMAL_ATOMS_MAX)
		return one(normalizer, node, true);
	known = normal_subject_of(normalizer, subject);
	atoms = arena_array(normalizer->compile->arena, struct normal_atom, values->count);
	if (!known || !atoms) {
		normalizer->failed |= !atoms;
		return nothing_known();
	}
	for (uint32_t i = 0; i < values->count; i++) {
		atoms[i] = (struct normal_atom){ .subject = known, .kind = ATOM_EQUAL };
		normalizer->failed |= !value_copy(normalizer->compile->arena, values->items[i],
						  &atoms[i].constant);
	}
	return (struct need){ atoms, values->count, true, true };
}

static struct node *argument_of_not(const struct node *node)
{
	return node->kind == NODE_CALL && node->call.operation == OPERATION_not &&
			       node->call.overload_count
		       ? node->call.args[0]
		       : NULL;
}

/* text.matches(constant): its literals first, and they are all if the pattern is one. */
static struct need of_matches(struct normalizer *normalizer, struct node *node)
{
	struct node *subject = node->call.target ? node->call.target : node->call.args[0];
	struct node *pattern = node->call.args[node->call.count - 1];
	struct normal_literals literals;
	struct normal_atom *atoms;
	const struct normal_subject *known;

	if (!normal_regex(normalizer->compile->scratch, value_text(pattern->constant),
			  &normalizer->compile->regex_effort, &literals))
		return one(normalizer, node, true);
	known = normal_subject_of(normalizer, subject);
	atoms = arena_array(normalizer->compile->arena, struct normal_atom, literals.count);
	if (!known || !atoms) {
		normalizer->failed |= !atoms;
		return nothing_known();
	}
	for (uint32_t i = 0; i < literals.count; i++) {
		atoms[i] = (struct normal_atom){ .subject = known, .kind = literals.kinds[i] };
		normalizer->failed |= !value_copy(normalizer->compile->arena, literals.items[i],
						  &atoms[i].constant);
	}
	/* == takes what is no text for unequal, matches for an error: keep to the latter. */
	return (struct need){ atoms, literals.count, true,
			      literals.exact && literals.kinds[0] != ATOM_EQUAL };
}

static bool is_matches(const struct node *node)
{
	const struct node *pattern;

	if (!node->call.overload_count || !str_equal(node->call.name, STR("matches")) ||
	    node->call.count + (node->call.target != NULL) != 2)
		return false;
	pattern = node->call.args[node->call.count - 1];
	return pattern->kind == NODE_CONST && pattern->constant.tag == VALUE_STRING;
}

static struct need of_ternary(struct normalizer *normalizer, struct node *node, bool want)
{
	struct need yes = choose(need_of(normalizer, node->ternary.condition, true),
				 need_of(normalizer, node->ternary.yes, want));
	struct need no = choose(need_of(normalizer, node->ternary.condition, false),
				need_of(normalizer, node->ternary.no, want));

	return join(normalizer, yes, no);
}

static struct need need_of(struct normalizer *normalizer, struct node *node, bool want)
{
	struct node *negated = argument_of_not(node);

	if (normalizer->failed || normalizer->atoms > NORMAL_ATOMS_MAX)
		return nothing_known();
	if (negated)
		return need_of(normalizer, negated, !want);
	switch ((enum node_kind)node->kind) {
	case NODE_LOGIC:
		return of_items(normalizer, node->logic.items, node->logic.count, want,
				node->logic.is_and != want);
	case NODE_TERNARY: return of_ternary(normalizer, node, want);
	case NODE_FOLD: return of_fold(normalizer, node, want);
	case NODE_CALL:
		if (want && node->call.operation == OPERATION_in && node->call.overload_count)
			return of_in(normalizer, node);
		if (want && is_matches(node))
			return of_matches(normalizer, node);
		return one(normalizer, node, want);
	default: return one(normalizer, node, want);
	}
}

/* ---- the conjunction ------------------------------------------------------ */

struct clauses {
	struct normalizer *normalizer;
	struct normal_clause *items;
	uint32_t count, capacity;
};

static struct normal_clause *add_clause(struct clauses *clauses)
{
	if (clauses->count == clauses->capacity) {
		uint32_t capacity = clauses->capacity ? clauses->capacity * 2 : 4;
		struct normal_clause *items = arena_array(clauses->normalizer->compile->arena,
							  struct normal_clause, capacity);

		if (!items) {
			clauses->normalizer->failed = true;
			return NULL;
		}
		if (clauses->count)
			memcpy(items, clauses->items, clauses->count * sizeof(*items));
		clauses->items = items;
		clauses->capacity = capacity;
	}
	return &clauses->items[clauses->count++];
}

/* What is false when none of several atoms is true: kept together, for one look-up. */
static bool is_choice(const struct node *node)
{
	return (node->kind == NODE_FOLD && node->fold.fold == FOLD_exists) ||
	       (node->kind == NODE_CALL && node->call.operation == OPERATION_in &&
		node->call.overload_count);
}

static void add(struct clauses *clauses, struct node *node, bool want)
{
	struct normalizer *normalizer = clauses->normalizer;
	bool negated = !want && is_choice(node);
	struct need need = need_of(normalizer, node, want || negated);
	struct normal_clause *clause = normalizer->failed ? NULL : add_clause(clauses);

	if (!clause)
		return;
	if (negated && !(need.known && need.exact))
		need = nothing_known();
	*clause = (struct normal_clause){
		.atoms = need.atoms,
		.count = need.known ? need.count : 0,
		.exact = need.known && need.exact,
		.negated = negated && need.known,
		.want = want,
		.text = normal_text(normalizer, node),
	};
	if (!clause->exact)
		clause->whole = normal_subject_of(normalizer, node);
	normalizer->failed |= !clause->text.data || (!clause->exact && !clause->whole);
}

static void split(struct clauses *clauses, struct node *node, bool want)
{
	struct normalizer *normalizer = clauses->normalizer;
	struct node *negated = argument_of_not(node), **items;
	uint32_t count;
	bool constant;

	if (normalizer->failed)
		return;
	if (negated) {
		split(clauses, negated, !want);
	} else if (node->kind == NODE_LOGIC && node->logic.is_and == want) {
		for (uint32_t i = 0; i < node->logic.count; i++)
			split(clauses, node->logic.items[i], want);
	} else if (node->kind == NODE_FOLD && node->fold.fold == FOLD_all && want &&
		   (items = bodies(normalizer, node, &count, &constant)) && constant) {
		for (uint32_t i = 0; i < count; i++)
			split(clauses, items[i], want);
	} else {
		add(clauses, node, want);
	}
}

const struct cel_normal *normal_make(struct compile *compile, struct node *root,
				     const struct cel_program *program)
{
	struct normalizer normalizer = { .compile = compile, .program = program, .root = root };
	struct clauses clauses = { .normalizer = &normalizer };
	struct cel_normal *normal = arena_new(compile->arena, struct cel_normal);

	split(&clauses, root, true);
	if (!normal || normalizer.failed)
		return NULL;
	*normal = (struct cel_normal){
		.clauses = clauses.items,
		.count = clauses.count,
		.constant = root->kind == NODE_CONST && root->constant.tag == VALUE_BOOL,
		.value = root->kind == NODE_CONST && root->constant.b,
	};
	return normal;
}
