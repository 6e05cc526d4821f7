/* SPDX-License-Identifier: Apache-2.0 */
/* Twin of library.c for `make static`: a static program cannot load shared libraries. */
#include <errno.h>

#include "base/err.h"
#include "library.h"

int library_load(const struct library *library, void **functions, struct err *err)
{
	(void)functions;
	err_set(err, -ENOSYS, "%s is not in this build, which is the static one", library->file);
	err_hint(err, "use the program that `make` builds, with the package %s installed",
		 library->package);
	return -ENOSYS;
}

const char *library_missing(void)
{
	return "not in the static build";
}
