/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of BPF functions as lists of names, and back. */
#include "event/helper.h"

#include "base/buf.h"
#include "base/common.h"

static const char prefix[] = "bpf_";

static const char *const names[] = {
#define HELPER(number, name) [number] = #name,
#include "event/helpers.def"
#undef HELPER
};

static void add_helper(struct buf *out, bool first, uint32_t number)
{
	buf_str(out, first ? STR("{\"value\":[\"") : STR(",\""));
	if (number < ARRAY_SIZE(names) && names[number]) {
		buf_str(out, str_of(prefix));
		buf_str(out, str_of(names[number]));
	} else {
		buf_uint(out, number);
	}
	buf_char(out, '"');
}

void helpers_write(struct buf *out, const char *words, uint32_t count)
{
	bool first = true;

	for (uint32_t bit = 0; bit < count * 64; bit++) {
		uint64_t word;

		memcpy(&word, words + (size_t)(bit / 64) * sizeof(word), sizeof(word));
		if (!(word >> bit % 64 & 1))
			continue;
		add_helper(out, first, bit);
		first = false;
	}
	buf_str(out, first ? STR("{}") : STR("]}"));
}

static int number_of_digits(struct str text)
{
	int number = 0;

	for (uint32_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || number > HELPER_WORDS * 64)
			return -1;
		number = number * 10 + (text.data[i] - '0');
	}
	return text.len && number < HELPER_WORDS * 64 ? number : -1;
}

int helper_number(struct str text)
{
	size_t skip = sizeof(prefix) - 1;

	if (text.len > skip && memcmp(text.data, prefix, skip) == 0)
		text = (struct str){ text.data + skip, text.len - (uint32_t)skip };
	for (size_t i = 0; i < MIN(ARRAY_SIZE(names), (size_t)HELPER_WORDS * 64); i++)
		if (names[i] && str_equal(text, str_of(names[i])))
			return (int)i;
	return number_of_digits(text);
}
