/* SPDX-License-Identifier: Apache-2.0 */
/* The program linked against shared libraries can load more of them. */
#include <dlfcn.h>
#include <errno.h>

#include "base/err.h"
#include "library.h"

int library_load(const struct library *library, void **functions, struct err *err)
{
	void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		err_set(err, -ENOENT, "cannot load %s: %s", library->file, dlerror());
		err_hint(err, "install it: apt-get install %s", library->package);
		return -ENOENT;
	}
	for (size_t i = 0; i < library->count; i++) {
		functions[i] = dlsym(handle, library->names[i]);
		if (!functions[i]) {
			err_set(err, -ENOSYS, "%s has no %s", library->file, library->names[i]);
			err_hint(err, "it is too old: Debian 12's %s has it", library->package);
			return -ENOSYS;
		}
	}
	return 0;
}

const char *library_missing(void)
{
	return NULL;
}
