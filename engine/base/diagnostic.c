/* SPDX-License-Identifier: Apache-2.0 */
/* The table of diagnostic.def. */
#include "diagnostic.h"

const struct diagnostic diagnostics[] = {
#define DIAGNOSTIC(id, level, title, help) { id, ERR_##level, title, help },
#include "diagnostic.def"
#undef DIAGNOSTIC
};
const size_t diagnostic_count = ARRAY_SIZE(diagnostics);

const struct diagnostic *diagnostic_find(const char *id)
{
	for (size_t i = 0; id && i < diagnostic_count; i++)
		if (strcmp(diagnostics[i].id, id) == 0)
			return &diagnostics[i];
	return NULL;
}
