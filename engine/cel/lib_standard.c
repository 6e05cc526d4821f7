/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard functions and the signatures of the operators. Operators have instructions of
 * their own: their rows are for the checker and carry no function.
 */
#include "vm.h"

#define SAME(name, type) \
	{ \
		name, "(" type ", " type ") -> " type, NULL, NULL, NULL, NULL \
	}
#define TEST(name, left, right) \
	{ \
		name, "(" left ", " right ") -> bool", NULL, NULL, NULL, NULL \
	}
#define ROW(name, signature) \
	{ \
		name, signature, NULL, NULL, NULL, NULL \
	}
#define ORDERED(name) \
	TEST(name, "bool", "bool"), TEST(name, "int", "int"), TEST(name, "uint", "uint"), \
		TEST(name, "double", "double"), TEST(name, "string", "string"), \
		TEST(name, "bytes", "bytes"), TEST(name, "timestamp", "timestamp"), \
		TEST(name, "duration", "duration")
#define MIXED(name) \
	TEST(name, "int", "uint"), TEST(name, "int", "double"), TEST(name, "uint", "int"), \
		TEST(name, "uint", "double"), TEST(name, "double", "int"), \
		TEST(name, "double", "uint")
#define MIXED_IN(left, right) \
	TEST("@in", left, "list(" right ")"), TEST("@in", left, "map(" right ", A)")

const struct cel_function operator_rows[] = {
	TEST("_==_", "A", "A"),
	TEST("_!=_", "A", "A"),
	ORDERED("_<_"),
	ORDERED("_<=_"),
	ORDERED("_>_"),
	ORDERED("_>=_"),
	TEST("@in", "A", "list(A)"),
	TEST("@in", "A", "map(A, B)"),
	SAME("_+_", "int"),
	SAME("_+_", "uint"),
	SAME("_+_", "double"),
	SAME("_+_", "string"),
	SAME("_+_", "bytes"),
	SAME("_+_", "list(A)"),
	ROW("_+_", "(timestamp, duration) -> timestamp"),
	ROW("_+_", "(duration, timestamp) -> timestamp"),
	SAME("_+_", "duration"),
	SAME("_-_", "int"),
	SAME("_-_", "uint"),
	SAME("_-_", "double"),
	ROW("_-_", "(timestamp, timestamp) -> duration"),
	ROW("_-_", "(timestamp, duration) -> timestamp"),
	SAME("_-_", "duration"),
	SAME("_*_", "int"),
	SAME("_*_", "uint"),
	SAME("_*_", "double"),
	SAME("_/_", "int"),
	SAME("_/_", "uint"),
	SAME("_/_", "double"),
	SAME("_%_", "int"),
	SAME("_%_", "uint"),
	ROW("!_", "(bool) -> bool"),
	ROW("-_", "(int) -> int"),
	ROW("-_", "(double) -> double"),
	ROW("_[_]", "(list(A), int) -> A"),
	ROW("_[_]", "(map(A, B), A) -> B"),
	ROW("_[_]", "(optional_type(list(A)), int) -> optional_type(A)"),
	ROW("_[_]", "(optional_type(map(A, B)), A) -> optional_type(B)"),
	ROW("_[?_]", "(list(A), int) -> optional_type(A)"),
	ROW("_[?_]", "(map(A, B), A) -> optional_type(B)"),
	ROW("_[?_]", "(optional_type(list(A)), int) -> optional_type(A)"),
	ROW("_[?_]", "(optional_type(map(A, B)), A) -> optional_type(B)"),
};
const uint32_t operator_rows_count = ARRAY_SIZE(operator_rows);

/* Ours: numbers compare by value whatever their kind, as they do at run time anyway. */
const struct cel_function mixed_rows[] = {
	MIXED("_==_"),
	MIXED("_!=_"),
	MIXED("_<_"),
	MIXED("_<=_"),
	MIXED("_>_"),
	MIXED("_>=_"),
	MIXED_IN("int", "uint"),
	MIXED_IN("int", "double"),
	MIXED_IN("uint", "int"),
	MIXED_IN("uint", "double"),
	MIXED_IN("double", "int"),
	MIXED_IN("double", "uint"),
};
const uint32_t mixed_rows_count = ARRAY_SIZE(mixed_rows);

/* ---- functions ------------------------------------------------------------ */

static void call_size(struct cel_run *run, const struct value *args, uint32_t count,
		      struct value *out)
{
	struct value v = args[0];

	(void)count;
	if (v.tag == VALUE_STRING) {
		bool paid = cel_spend(run, v.len / 16);

		*out = paid ? value_int(utf8_count(v.str, v.len)) : ERROR_BUDGET;
	} else if (v.tag == VALUE_LIST) {
		*out = value_int(v.list->count);
	} else if (v.tag == VALUE_MAP) {
		*out = value_int(v.map->count);
	} else {
		*out = value_int(v.len);
	}
}

static void call_starts_with(struct cel_run *run, const struct value *args, uint32_t count,
			     struct value *out)
{
	(void)run;
	(void)count;
	*out = vm_starts_with(&args[0], &args[1]);
}

static void call_ends_with(struct cel_run *run, const struct value *args, uint32_t count,
			   struct value *out)
{
	(void)run;
	(void)count;
	*out = vm_ends_with(&args[0], &args[1]);
}

static void call_contains(struct cel_run *run, const struct value *args, uint32_t count,
			  struct value *out)
{
	(void)count;
	*out = vm_contains(run, &args[0], &args[1]);
}

static void call_matches(struct cel_run *run, const struct value *args, uint32_t count,
			 struct value *out)
{
	(void)count;
	*out = regex_matches(run, args[0], args[1]);
}

static void call_type(struct cel_run *run, const struct value *args, uint32_t count,
		      struct value *out)
{
	(void)run;
	(void)count;
	*out = value_type(value_type_name(args[0]));
}

static void call_dyn(struct cel_run *run, const struct value *args, uint32_t count,
		     struct value *out)
{
	(void)run;
	(void)count;
	*out = args[0];
}

#define SIZE(type, doc, example, result) \
	{ "size", "(" type ") -> int", call_size, doc, "size(" example ")", result }, \
	{ \
		"size", type ".() -> int", call_size, doc, example ".size()", result \
	}

const struct cel_function standard_rows[] = {
	SIZE("string", "Number of code points.", "'h\xc3\xa9'", "2"),
	SIZE("bytes", "Number of bytes.", "b'h\xc3\xa9'", "3"),
	SIZE("list(A)", "Number of elements.", "[1, 2]", "2"),
	SIZE("map(A, B)", "Number of entries.", "{'a': 1}", "1"),
	{ "startsWith", "string.(string) -> bool", call_starts_with,
	  "Does it begin with the other?", "'/etc/passwd'.startsWith('/etc/')", "true" },
	{ "endsWith", "string.(string) -> bool", call_ends_with, "Does it end with the other?",
	  "'evil.so'.endsWith('.so')", "true" },
	{ "contains", "string.(string) -> bool", call_contains, "Does the other occur in it?",
	  "'/proc/1/mem'.contains('/1/')", "true" },
	{ "matches", "string.(string) -> bool", call_matches,
	  "Does the regular expression (RE2's language) match anywhere in it?",
	  "'/tmp/x.sh'.matches(r'^/tmp/.*\\.sh$')", "true" },
	{ "matches", "(string, string) -> bool", call_matches,
	  "Does the regular expression (RE2's language) match anywhere in the first?",
	  "matches('abc', 'b+')", "true" },
	{ "type", "(A) -> type(A)", call_type, "The type of a value, to compare.",
	  "type(1u) == uint", "true" },
	{ "dyn", "(A) -> dyn", call_dyn, "The same value; its type is not checked before it runs.",
	  "dyn(1) == 1.0", "true" },
};
const uint32_t standard_rows_count = ARRAY_SIZE(standard_rows);
