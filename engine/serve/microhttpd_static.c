/* SPDX-License-Identifier: Apache-2.0 */
/* Twin of microhttpd.c for `make static`: the library is in the program. */
#include "serve/microhttpd.h"

int microhttpd_load(struct microhttpd *out, struct err *err)
{
	(void)err;
#define X(name) out->name = name;
	MICROHTTPD_FUNCTIONS(X)
#undef X
	return 0;
}
