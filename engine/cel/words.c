/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions in words, from their normal form; see words.h. */
#include "words.h"

#include <ctype.h>

#include "base/buf.h"
#include "normal.h"

enum { LISTED_MAX = 8, TEXT_MAX = 400 };

struct writer {
	const struct cel_word *names;
	size_t name_count;
	struct buf out;
};

/* ---- subjects ----------------------------------------------------------------------------- */

/* getEventData("key"): key */
static struct str slot_name(struct str text)
{
	const char *from = text.len ? memchr(text.data, '"', text.len) : NULL;
	const char *to = from ? memrchr(text.data, '"', text.len) : NULL;

	if (!from || to <= from)
		return text;
	return (struct str){ from + 1, (uint32_t)(to - from - 1) };
}

static bool put_known(struct writer *writer, struct str text)
{
	for (size_t i = 0; i < writer->name_count; i++)
		if (str_equal(text, str_of(writer->names[i].text))) {
			buf_printf(&writer->out, "%s", writer->names[i].words);
			return true;
		}
	return false;
}

static void put_code(struct writer *writer, struct str text)
{
	buf_char(&writer->out, '`');
	for (uint32_t i = 0; i < text.len && i < TEXT_MAX; i++) {
		bool blank = isspace((unsigned char)text.data[i]);

		if (!blank || (i && !isspace((unsigned char)text.data[i - 1])))
			buf_char(&writer->out, blank ? ' ' : text.data[i]);
	}
	buf_printf(&writer->out, "%s`", text.len > TEXT_MAX ? " ..." : "");
}

static void put_subject(struct writer *writer, const struct normal_subject *subject)
{
	if (subject->kind == SUBJECT_SLOT)
		buf_str(&writer->out, slot_name(subject->text));
	else if (!put_known(writer, subject->text))
		put_code(writer, subject->text);
}

/* ---- constants ---------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
	return isupper((unsigned char)c) || isdigit((unsigned char)c) || c == '_';
}

/* What the source ends with, if that is the name of a constant: x == IPC_PRIVATE */
static bool put_constant_name(struct writer *writer, struct str text)
{
	uint32_t end = text.len, start;

	while (end && (text.data[end - 1] == ')' || text.data[end - 1] == ' '))
		end--;
	start = end;
	while (start && (is_name_char(text.data[start - 1]) || text.data[start - 1] == '|' ||
			 (text.data[start - 1] == ' ' && start > 1 &&
			  (text.data[start - 2] == '|' || text.data[start] == '|'))))
		start--;
	if (start == end || !isupper((unsigned char)text.data[start]) || !start ||
	    !strchr(" ,(=", text.data[start - 1]))
		return false;
	buf_str(&writer->out, (struct str){ text.data + start, end - start });
	return true;
}

/* What stands behind the comparison, if that is a number as people write it: x == 0x3B6 */
static bool put_hexadecimal(struct writer *writer, struct str text)
{
	static const struct str operators[] = { STR(" == "), STR(" != "), STR(" <= "),
						STR(" >= "), STR(" < "),  STR(" > ") };

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		const char *at = memmem(text.data, text.len, operators[i].data, operators[i].len);
		struct str right;

		if (!at)
			continue;
		right.data = at + operators[i].len;
		right.len = (uint32_t)(text.data + text.len - right.data);
		if (!memmem(right.data, right.len, "0x", 2) || memchr(right.data, '(', right.len))
			return false;
		buf_str(&writer->out, right);
		return true;
	}
	return false;
}

static void put_constant(struct writer *writer, struct value value, struct str source)
{
	bool number = value.tag == VALUE_INT || value.tag == VALUE_UINT;

	if (value.tag == VALUE_STRING && !value.len)
		buf_lit(&writer->out, "empty");
	else if (!source.len || !number ||
		 (!put_constant_name(writer, source) && !put_hexadecimal(writer, source)))
		cel_print(&writer->out, value);
}

/* ---- atoms -------------------------------------------------------------------------------- */

static const struct {
	const char *is, *is_not;
} verbs[ATOM_KIND_COUNT] = {
	[ATOM_EQUAL] = { " is ", " is not " },
	[ATOM_PREFIX] = { " begins with ", " does not begin with " },
	[ATOM_SUFFIX] = { " ends with ", " does not end with " },
	[ATOM_CONTAINS] = { " contains ", " does not contain " },
	[ATOM_LESS] = { " is below ", " is not below " },
	[ATOM_LESS_EQUAL] = { " is at most ", " is above " },
	[ATOM_GREATER] = { " is above ", " is at most " },
	[ATOM_GREATER_EQUAL] = { " is at least ", " is below " },
};

static void put_masked(struct writer *writer, const struct normal_atom *atom, struct str source)
{
	bool none = atom->constant.u == 0;

	put_subject(writer, atom->subject);
	if (!none && atom->constant.u != atom->mask) {
		buf_printf(&writer->out, " & 0x%llx is %s0x%llx", (unsigned long long)atom->mask,
			   atom->negated ? "not " : "", (unsigned long long)atom->constant.u);
		return;
	}
	buf_printf(&writer->out, "%s",
		   none ? (atom->negated ? " has some of the bits " : " has none of the bits ")
			: (atom->negated ? " lacks a bit of " : " has the bits "));
	if (!source.len || !put_constant_name(writer, source))
		buf_printf(&writer->out, "0x%llx", (unsigned long long)atom->mask);
}

static void put_atom(struct writer *writer, const struct normal_atom *atom, struct str source)
{
	bool null = atom->kind == ATOM_EQUAL && atom->constant.tag == VALUE_NULL;

	switch ((enum atom_kind)atom->kind) {
	case ATOM_TRUTH:
		put_subject(writer, atom->subject);
		buf_printf(&writer->out, " is %s", atom->constant.b ? "true" : "false");
		return;
	case ATOM_MASKED: put_masked(writer, atom, source); return;
	default: break;
	}
	put_subject(writer, atom->subject);
	if (null || atom->kind == ATOM_PRESENT) {
		buf_printf(&writer->out, "%s", null == atom->negated ? " is there" : " is absent");
		return;
	}
	buf_printf(&writer->out, "%s",
		   atom->negated ? verbs[atom->kind].is_not : verbs[atom->kind].is);
	put_constant(writer, atom->constant, source);
}

/* ---- parts -------------------------------------------------------------------------------- */

static bool same_question(const struct normal_clause *clause)
{
	for (uint32_t i = 1; i < clause->count; i++)
		if (clause->atoms[i].kind != clause->atoms[0].kind || clause->atoms[i].negated ||
		    !str_equal(clause->atoms[i].subject->text, clause->atoms[0].subject->text))
			return false;
	return clause->count > 1 && !clause->atoms[0].negated &&
	       clause->atoms[0].kind <= ATOM_CONTAINS && clause->atoms[0].kind != ATOM_TRUTH;
}

/* subject is one of a, b, c */
static void put_choice(struct writer *writer, const struct normal_clause *clause)
{
	const struct normal_atom *first = clause->atoms;
	uint32_t listed = clause->count > LISTED_MAX + 1 ? LISTED_MAX : clause->count;

	put_subject(writer, first->subject);
	buf_printf(&writer->out, "%s%s of ", verbs[first->kind].is,
		   clause->negated ? "none" : "one");
	if (put_constant_name(writer, clause->text)) {
		buf_printf(&writer->out, " (%u)", clause->count);
		return;
	}
	for (uint32_t i = 0; i < listed; i++) {
		buf_printf(&writer->out, "%s", i ? ", " : "");
		put_constant(writer, clause->atoms[i].constant, STR(""));
	}
	if (listed < clause->count)
		buf_printf(&writer->out, " and %u more", clause->count - listed);
}

static void put_clause(struct writer *writer, const struct normal_clause *clause)
{
	const struct normal_atom *only = clause->atoms;
	bool code = !clause->exact || !clause->count ||
		    (clause->negated && !same_question(clause)) ||
		    (clause->count == 1 && only->kind == ATOM_TRUTH &&
		     only->subject->kind == SUBJECT_PROGRAM) ||
		    (clause->count > 1 && !same_question(clause) && clause->count > 4);

	if (code) {
		put_code(writer, clause->text);
		buf_printf(&writer->out, "%s", clause->want ? "" : " is false");
	} else if (same_question(clause)) {
		put_choice(writer, clause);
	} else {
		for (uint32_t i = 0; i < clause->count; i++) {
			buf_printf(&writer->out, "%s", i ? ", or " : "");
			put_atom(writer, &clause->atoms[i],
				 clause->count == 1 ? clause->text : STR(""));
		}
	}
}

void cel_words(const struct cel_program *condition, const struct cel_word *names, size_t count,
	       void (*line)(void *ctx, const char *text), void *ctx)
{
	struct writer writer = { .names = names, .name_count = count };

	for (uint32_t i = 0; condition->normal && i < condition->normal->count; i++) {
		buf_clear(&writer.out);
		put_clause(&writer, &condition->normal->clauses[i]);
		line(ctx, buf_cstr(&writer.out));
	}
	buf_free(&writer.out);
}
