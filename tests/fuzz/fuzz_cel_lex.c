/* SPDX-License-Identifier: Apache-2.0 */
/* The lexer: tokens follow each other, lie in the source, and decode to what they may hold. */
#include "cel_stage.h"

static void check_token(const struct stage *stage, const struct token *token, uint32_t offset)
{
	CHECK(token->at <= token->end && token->end <= stage->source.text.len);
	CHECK(token->end == offset);
	if (token->kind == TOKEN_STRING || token->kind == TOKEN_BYTES)
		CHECK(token->text.len <= token->end - token->at);
	/* What is wrong in the source is refused by the parser, not here. */
	if (token->kind == TOKEN_STRING &&
	    utf8_is_valid(stage->source.text.data, stage->source.text.len))
		CHECK(utf8_is_valid(token->text.data, token->text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t offset = 0, before;
	struct token token = { .kind = TOKEN_PUNCTUATION };
	struct stage stage;

	if (!stage_start(&stage, data, len))
		return 0;
	while (token.kind != TOKEN_END && token.kind != TOKEN_ERROR) {
		before = offset;
		token = lex_next(&stage.compile, &offset);
		CHECK(token.at >= before);
		CHECK(offset > before || token.kind == TOKEN_END || token.kind == TOKEN_ERROR);
		check_token(&stage, &token, offset);
	}
	CHECK(stage.compile.failed == (token.kind == TOKEN_ERROR));
	stage_end(&stage);
	return 0;
}
