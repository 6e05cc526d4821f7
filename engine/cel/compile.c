/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way from source to program. */
#include <errno.h>

#include "base/buf.h"
#include "normal.h"

struct node *compile_tree(struct compile *compile, const char *want, bool fold)
{
	struct node *root;
	const struct type *type;

	compile->infer.arena = compile->scratch;
	compile->fold_budget = CEL_FOLD_TOTAL;
	compile->regex_effort = REGEX_EFFORT;
	root = parse_expression(compile);
	if (!root)
		return NULL;
	type = check_expression(compile, &root, want);
	if (compile->failed)
		return NULL;
	if (fold)
		fold_tree(compile, &root);
	if (compile->failed)
		return NULL;
	root->type = type;
	return root;
}

static const char *type_name(struct arena *arena, const struct type *type)
{
	struct buf text = { .limit = 4096 };
	struct str copy;

	type_print(&text, type);
	copy = arena_str(arena, text.data ? text.data : "", text.len);
	buf_free(&text);
	return copy.data ? copy.data : "dyn";
}

static int compile_in(struct compile *compile, const char *want, const struct cel_program **out)
{
	struct node *root = compile_tree(compile, want, true);
	bool condition = want && strcmp(want, "bool") == 0;
	struct cel_program *program;

	if (!root)
		return compile->err->code;
	program = emit_program(compile, root, compile->arena, condition ? EMIT_BOOL : EMIT_ANY);
	if (!program)
		return compile->err->code;
	program->type = type_name(compile->arena, root->type);
	if (condition)
		program->normal = normal_make(compile, root, program);
	if (condition && !program->normal) {
		compile_no_memory(compile);
		return compile->err->code;
	}
	if (condition)
		program->quick = quick_make(program->normal, compile->arena);
	*out = program;
	return 0;
}

int cel_compile(const struct cel_env *env, const struct cel_source *source, const char *want,
		struct arena *arena, const struct cel_program **out, struct err *err)
{
	/* Bounds what a hostile expression can make the compiler take. */
	struct arena scratch = { .limit = 256 * 1024 * 1024 };
	struct compile compile = {
		.env = env,
		.source = source,
		.arena = arena,
		.scratch = &scratch,
		.err = err,
	};
	int result = compile_in(&compile, want, out);

	arena_free(&scratch);
	return result;
}

void cel_program_each_call(const struct cel_program *program,
			   void (*visit)(void *ctx, struct str name), void *ctx)
{
	for (uint32_t i = 0; i < program->code_count; i++)
		if (program->code[i].opcode == OPCODE_call) {
			const struct call_site *site = program->code[i].pointer;

			visit(ctx, site->name);
		}
}

/* Punctuation that an expression cannot end with. */
static bool goes_on(struct str text)
{
	static const char *const infix[] = { "&&", "||", "==", "!=", "<", "<=", ">", ">=", "+",
					     "-",  "*",	 "/",  "%",  "?", ":",	".", ",",  "!" };

	for (size_t i = 0; i < ARRAY_SIZE(infix); i++)
		if (str_equal(text, str_of(infix[i])))
			return true;
	return false;
}

bool cel_is_unfinished(const struct cel_env *env, struct str text)
{
	struct arena arena = { .limit = 4 * 1024 * 1024 };
	struct cel_source source = { .text = text };
	struct err err = { .code = 0 };
	struct compile compile = { .env = env, .source = &source, .arena = &arena, .err = &err };
	struct token token, last = { .kind = TOKEN_END };
	uint32_t offset = 0;
	int open = 0;

	while ((token = lex_next(&compile, &offset)).kind != TOKEN_END) {
		if (token.kind == TOKEN_ERROR)
			break;
		last = token;
		if (token.kind != TOKEN_PUNCTUATION)
			continue;
		open += strchr("([{", token.text.data[0]) != NULL;
		open -= strchr(")]}", token.text.data[0]) != NULL;
	}
	arena_free(&arena);
	if (token.kind == TOKEN_ERROR)
		return token.at + 3 <= text.len && offset >= text.len &&
		       (memmem(text.data + token.at, text.len - token.at, "\"\"\"", 3) ||
			memmem(text.data + token.at, text.len - token.at, "'''", 3));
	return open > 0 || (last.kind == TOKEN_PUNCTUATION && goes_on(last.text));
}

const char *cel_program_type(const struct cel_program *program)
{
	return program->type;
}

bool cel_program_is_slot(const struct cel_program *program, uint32_t *slot)
{
	*slot = (uint32_t)program->slot;
	return program->slot >= 0;
}
