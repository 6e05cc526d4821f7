/* SPDX-License-Identifier: Apache-2.0 */
/* The formats and outputs there are: the folders' files, listed by make. */
#include "base/common.h"
#include "format.h"
#include "output.h"

#define X(name) extern const struct format format_##name;
#include "format.inc"
#undef X

const struct format *const formats[] = {
#define X(name) &format_##name,
#include "format.inc"
#undef X
	NULL,
};

#define X(name) extern const struct output_ops output_##name;
#include "output.inc"
#undef X

const struct output_ops *const outputs[] = {
#define X(name) &output_##name,
#include "output.inc"
#undef X
	NULL,
};

const struct format *format_by_name(struct str name)
{
	for (size_t i = 0; formats[i]; i++)
		if (str_equal(name, str_of(formats[i]->name)))
			return formats[i];
	return NULL;
}
