/* SPDX-License-Identifier: Apache-2.0 */
/* Random expressions: a production is chosen among those of the wanted type. */
#include "random.h"

#include <errno.h>
#include <math.h>

uint32_t random_below(struct random *random, uint32_t limit)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return (uint32_t)(random->state >> 33) % limit;
}

/* ---- the grammar ---------------------------------------------------------- */

/*
 * A production is text with holes: a letter in braces is an expression of that type, smaller by
 * one level. B bool, I int, U uint, D double, S string, Y bytes, L list(int), T list(string),
 * M map(string, int), O optional(int), W duration, Z timestamp, X anything.
 */
static const char *const bools[] = {
	"true",
	"false",
	"b",
	"x",
	"{I} == {I}",
	"{I} != {I}",
	"{S} == {S}",
	"{S} != {S}",
	"{I} < {I}",
	"{U} <= {I}",
	"{D} > {I}",
	"{D} >= {D}",
	"{S} < {S}",
	"{Y} == {Y}",
	"{X} == {X}",
	"dyn({X}) != {X}",
	"dyn({X}) < {X}",
	"!({B})",
	"!({X})",
	"({B}) && ({B})",
	"({B}) || ({B})",
	"({B}) && ({B}) && ({B})",
	"({X}) || ({B}) || ({X})",
	"({B}) ? ({B}) : ({B})",
	"{I} in {L}",
	"{S} in {T}",
	"{S} in {M}",
	"{X} in {X}",
	"{S}.startsWith({S})",
	"{S}.endsWith({S})",
	"{S}.contains({S})",
	"{X}.contains({S})",
	"{S}.matches('^/(tmp|var)/.*[a-z]$')",
	"{S}.matches(r'\\b[a-c]+\\d?$')",
	"{S}.matches('(?i)ABC|/t')",
	"has({M}.a)",
	"has({X}.a)",
	"has(m.b)",
	"{L}.all(v, {B})",
	"{L}.exists(v, v > {I})",
	"{T}.exists(w, w.startsWith({S}))",
	"{L}.exists_one(v, v == {I})",
	"{M}.all(k, k != {S})",
	"{M}.exists(k, v, v > {I})",
	"{L}.all(p, q, p < q || {B})",
	"getEventData('f0') == {I}",
	"getEventData('f1') == {S}",
	"getEventData('f2') > {I}",
	"getEventData('f3').startsWith({S})",
	"hasData('f4')",
	"getEventData('f5') == null",
	"getEventData('f6') in {T}",
	"getEventData('f7') == true",
	"{O}.hasValue()",
	"e",
	"cel.bind(z, {B}, z || !z)",
	"{W} < {W}",
	"{Z} <= {Z}",
	"sets.contains({L}, {L})",
	"{X} == null",
	"type({X}) == int",
	"math.isNaN({D})",
	"bool({S})",
	"{X}",
};

static const char *const ints[] = {
	"0",
	"1",
	"-1",
	"7",
	"9223372036854775807",
	"-9223372036854775808",
	"i",
	"x",
	"{I} + {I}",
	"{I} - {I}",
	"{I} * {I}",
	"{I} / {I}",
	"{I} % {I}",
	"-({I})",
	"int({S})",
	"int({D})",
	"int({U})",
	"size({S})",
	"{L}.size()",
	"size({M})",
	"{L}[{I}]",
	"{M}[{S}]",
	"{M}.a",
	"({B}) ? ({I}) : ({I})",
	"math.bitAnd({I}, {I})",
	"math.bitShiftLeft({I}, {I})",
	"getEventData('f0')",
	"{O}.orValue({I})",
	"{O}.value()",
	"cel.bind(z, {I}, z + z)",
	"{S}.indexOf({S})",
	"{Z}.getHours()",
	"{W}.getSeconds()",
	"math.greatest({I}, {I}, {I})",
	"dyn({X})",
	"{L}.map(v, v * {I})[0]",
};

static const char *const uints[] = {
	"0u",
	"1u",
	"18446744073709551615u",
	"u",
	"{U} + {U}",
	"{U} - {U}",
	"{U} * {U}",
	"{U} / {U}",
	"{U} % {U}",
	"uint({I})",
	"uint({D})",
	"uint({S})",
	"math.bitOr({U}, {U})",
	"({B}) ? ({U}) : ({U})",
};

static const char *const doubles[] = {
	"0.0",
	"1.5",
	"-2.25",
	"1e300",
	"d",
	"{D} + {D}",
	"{D} - {D}",
	"{D} * {D}",
	"{D} / {D}",
	"-({D})",
	"double({I})",
	"double({S})",
	"math.floor({D})",
	"({B}) ? ({D}) : ({D})",
};

static const char *const strings[] = {
	"''",
	"'a'",
	"'abc'",
	"'/tmp/x.sh'",
	"'\xc3\xa9'",
	"'12'",
	"'true'",
	"s",
	"{S} + {S}",
	"string({I})",
	"string({D})",
	"string({B})",
	"string({Y})",
	"{T}[{I}]",
	"upper({S})",
	"{S}.substring({I})",
	"{S}.charAt({I})",
	"{S}.replace({S}, {S})",
	"basename({S})",
	"dirname({S})",
	"join({T}, {S})",
	"trim({S})",
	"({B}) ? ({S}) : ({S})",
	"string({W})",
	"getEventData('f1')",
	"'%d-%s'.format([{I}, {S}])",
	"{S}.reverse()",
	"string({Z})",
};

static const char *const bytes[] = { "b''", "b'abc'", "b'\\xff'", "y", "{Y} + {Y}", "bytes({S})" };

static const char *const int_lists[] = {
	"[]",
	"[1, 2, 3]",
	"[{I}]",
	"[{I}, {I}]",
	"l",
	"{L} + {L}",
	"{L}.map(v, v + {I})",
	"{L}.filter(v, v > {I})",
	"{L}.map(v, v < {I}, v * v)",
	"({B}) ? ({L}) : ({L})",
	"{L}.transformList(p, q, p + q)",
	"{L}.reverse()",
	"{L}.sort()",
	"{L}.distinct()",
	"{T}.map(w, w.size())",
	"{L}.slice({I}, {I})",
	"[?{O}, {I}]",
	"lists.range(size({S}))",
	"{L}.map(v, {L}.filter(g, g != v)).flatten()",
	"{L}.sortBy(v, -v)",
};

static const char *const string_lists[] = {
	"[]",
	"['a', '/tmp']",
	"[{S}, {S}]",
	"t",
	"{T} + {T}",
	"{T}.filter(w, w != {S})",
	"split({S}, {S})",
	"{M}.map(k, k)",
	"{T}.map(w, w + {S})",
	"{L}.map(v, string(v))",
};

static const char *const maps[] = {
	"{}",
	"{'a': 1, 'b': 2}",
	"{'a': {I}}",
	"{{S}: {I}, 'k': {I}}",
	"m",
	"({B}) ? ({M}) : ({M})",
	"{M}.transformMap(k, v, v + {I})",
	"{?'a': {O}}",
	"{T}.transformMapEntry(p, w, {w: p})",
};

static const char *const optionals[] = {
	"optional.none()",
	"optional.of({I})",
	"{M}.?a",
	"{L}[?{I}]",
	"{O}.or({O})",
	"{O}.optMap(v, v + {I})",
	"optional.ofNonZeroValue({I})",
	"{M}.?a.optFlatMap(v, {O})",
	"{L}.first()",
};

static const char *const durations[] = { "duration('1h')", "duration('-3ms')", "{W} + {W}",
					 "{W} - {W}",	   "{Z} - {Z}",	       "duration({S})" };

static const char *const times[] = { "timestamp(0)", "timestamp('2024-02-29T23:59:59.5Z')",
				     "timestamp({I})", "{Z} + {W}", "{Z} - {W}" };

static const char *const anything[] = {
	"x",
	"n",
	"e",
	"null",
	"{B}",
	"{I}",
	"{U}",
	"{D}",
	"{S}",
	"{Y}",
	"{L}",
	"{T}",
	"{M}",
	"{O}",
	"{W}",
	"{Z}",
	"[{X}, {X}]",
	"{'q': {X}}",
	"getEventData('f2')",
	"getEventData('f3')",
	"({B}) ? dyn({X}) : dyn({X})",
	"type({X})",
	"{X}[{I}]",
	"{X}.a",
};

#define PRODUCTIONS(letter, list) [letter] = { list, ARRAY_SIZE(list) }

static const struct productions {
	const char *const *texts;
	uint32_t count;
} grammar[] = {
	PRODUCTIONS('B', bools),     PRODUCTIONS('I', ints),	     PRODUCTIONS('U', uints),
	PRODUCTIONS('D', doubles),   PRODUCTIONS('S', strings),	     PRODUCTIONS('Y', bytes),
	PRODUCTIONS('L', int_lists), PRODUCTIONS('T', string_lists), PRODUCTIONS('M', maps),
	PRODUCTIONS('O', optionals), PRODUCTIONS('W', durations),    PRODUCTIONS('Z', times),
	PRODUCTIONS('X', anything),
};

static bool is_hole(const char *at)
{
	return at[0] == '{' && at[1] >= 'A' && at[1] <= 'Z' && at[2] == '}';
}

static bool has_hole(const char *text)
{
	for (; *text; text++)
		if (is_hole(text))
			return true;
	return false;
}

/* At the bottom only what has no holes; each list has some of it. */
static const char *choose(struct random *random, const struct productions *productions,
			  uint32_t depth)
{
	for (;;) {
		const char *text = productions->texts[random_below(random, productions->count)];

		/* Leaves are many: higher up they are mostly passed over. */
		if (has_hole(text) ? depth > 0 : depth < 2 || !random_below(random, 6))
			return text;
	}
}

static void generate(struct random *random, struct buf *out, char type, uint32_t depth)
{
	const char *text = choose(random, &grammar[(unsigned char)type], depth);

	while (*text) {
		if (is_hole(text)) {
			generate(random, out, text[1], depth ? depth - 1 : 0);
			text += 3;
		} else {
			buf_char(out, *text++);
		}
	}
}

void random_condition(struct random *random, struct buf *out, uint32_t depth)
{
	generate(random, out, 'B', depth);
}

void random_expression(struct random *random, struct buf *out, uint32_t depth)
{
	generate(random, out, "BIUDSYLTMOWZX"[random_below(random, 13)], depth);
}

/* ---- the environment ------------------------------------------------------ */

static const struct {
	const char *name, *type;
} variables[] = {
	{ "b", "bool" },      { "i", "int" },	       { "u", "uint" },
	{ "d", "double" },    { "s", "string" },       { "y", "bytes" },
	{ "l", "list(int)" }, { "t", "list(string)" }, { "m", "map(string, int)" },
	{ "x", "dyn" },	      { "n", "dyn" },	       { "e", "bool" },
};

#define GETTER(number) \
	static void get_##number(struct cel_run *run, const void *data, struct value *out) \
	{ \
		const struct random_event *event = data; \
		(void)run; \
		*out = event->variables[number]; \
	}
GETTER(0)
GETTER(1)
GETTER(2)
GETTER(3)
GETTER(4)
GETTER(5)
GETTER(6)
GETTER(7)
GETTER(8)
GETTER(9)
GETTER(10)
GETTER(11)

static const cel_get_fn getters[] = { get_0, get_1, get_2, get_3, get_4,  get_5,
				      get_6, get_7, get_8, get_9, get_10, get_11 };

static int resolve(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	(void)ctx;
	if (name.len != 2 || name.data[0] != 'f' || name.data[1] < '0' || name.data[1] > '7')
		return err_set(err, -EINVAL, "no such field");
	*out = (struct cel_slot){ .number = (uint32_t)(name.data[1] - '0'), .type = "dyn" };
	return 0;
}

struct cel_env *random_env(uint32_t options)
{
	struct cel_env *env = cel_env_new_with(options);
	int err = env ? cel_env_slots(env, "getEventData", "hasData", resolve, NULL) : -ENOMEM;

	for (size_t i = 0; !err && i < ARRAY_SIZE(variables); i++)
		err = cel_env_variable(env, variables[i].name, variables[i].type, getters[i]);
	if (!err)
		return env;
	cel_env_free(env);
	return NULL;
}

/* ---- events --------------------------------------------------------------- */

static const char *const texts[] = { "",	  "a",		 "abc",
				     "/tmp/x.sh", "/etc/passwd", "\xc3\xa9t\xc3\xa9",
				     "12",	  "a\xffz",	 "/var/log/a" };
static const int64_t numbers[] = { 0, 1, -1, 7, 12, 4096, INT64_MAX, INT64_MIN };

static struct value some_text(struct random *random)
{
	return value_str(str_of(texts[random_below(random, ARRAY_SIZE(texts))]));
}

static struct value some_int(struct random *random)
{
	return value_int(numbers[random_below(random, ARRAY_SIZE(numbers))]);
}

static struct value some_list(struct random *random, struct arena *arena, bool text)
{
	uint32_t count = random_below(random, 5);
	struct value_list *list = arena_zalloc(arena, sizeof(*list) + count * sizeof(struct value));

	for (list->count = 0; list->count < count; list->count++)
		list->items[list->count] = text ? some_text(random) : some_int(random);
	return (struct value){ .tag = VALUE_LIST, .len = count, .list = list };
}

static struct value some_map(struct random *random, struct arena *arena)
{
	static const char *const keys[] = { "a", "b", "abc" };
	struct value_map *map = arena_zalloc(
		arena, sizeof(*map) + ARRAY_SIZE(keys) * sizeof(struct value_entry));

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (random_below(random, 2))
			map->entries[map->count++] = (struct value_entry){
				value_str(str_of(keys[i])), some_int(random)
			};
	return (struct value){ .tag = VALUE_MAP, .len = map->count, .map = map };
}

static struct value an_error(void)
{
	return (struct value){ .tag = VALUE_ERROR, .len = 7, .str = "unbound" };
}

static struct value some_value(struct random *random, struct arena *arena)
{
	switch (random_below(random, 10)) {
	case 0: return value_null();
	case 1: return value_bool(random_below(random, 2));
	case 2: return some_int(random);
	case 3: return value_uint((uint64_t)some_int(random).i);
	case 4: return value_double(random_below(random, 4) ? 1.5 : NAN);
	case 5: return some_list(random, arena, random_below(random, 2));
	case 6: return some_map(random, arena);
	case 7: return an_error();
	default: return some_text(random);
	}
}

void random_event(struct random *random, struct arena *arena, struct random_event *out)
{
	struct value *v = out->variables;

	v[0] = value_bool(random_below(random, 2));
	v[1] = some_int(random);
	v[2] = value_uint((uint64_t)some_int(random).i);
	v[3] = value_double(random_below(random, 3) - 1.5);
	v[4] = some_text(random);
	v[5] = some_text(random);
	v[5].tag = VALUE_BYTES;
	v[6] = some_list(random, arena, false);
	v[7] = some_list(random, arena, true);
	v[8] = some_map(random, arena);
	v[9] = some_value(random, arena);
	v[10] = value_null();
	v[11] = an_error();
	for (uint32_t i = 0; i < RANDOM_SLOTS; i++)
		out->slots[i] = some_value(random, arena);
}

static void load(struct cel_run *run, uint32_t slot)
{
	const struct random_event *event = run->object;

	run->slots[slot] = event->slots[slot];
}

void random_bind(struct cel_run *run, const struct random_event *event)
{
	run->object = event;
	run->load = load;
	run->known[0] = 0;
}
