/* SPDX-License-Identifier: Apache-2.0 */
/* The formats, outputs and transports there are: the folders' files, listed by make. */
#include "base/common.h"
#include "base/text.h"
#include "format.h"
#include "output.h"
#include "transport.h"

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

#define X(name) extern const struct transport transport_##name;
#include "transport.inc"
#undef X

const struct transport *const transports[] = {
#define X(name) &transport_##name,
#include "transport.inc"
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

const struct transport *transport_by_name(struct str name)
{
	for (size_t i = 0; transports[i]; i++)
		if (str_equal(name, str_of(transports[i]->name)))
			return transports[i];
	return NULL;
}

int transport_send(const struct transport *transport, struct transport_state *state,
		   struct transport_batch *batch)
{
	int r = transport->send(state, batch);

	text_clean(batch->answer, sizeof(batch->answer));
	return r;
}
