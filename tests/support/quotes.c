/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in tests is written with ' for ". */
#include "quotes.h"

#include <stdlib.h>
#include <string.h>

char *quotes_set(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		abort();
	memcpy(copy, text, len);
	copy[len] = 0;
	for (size_t i = 0; i < len; i++)
		if (copy[i] == '\'')
			copy[i] = '"';
	return copy;
}
