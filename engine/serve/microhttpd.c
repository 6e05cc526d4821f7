/* SPDX-License-Identifier: Apache-2.0 */
/* Loads libmicrohttpd, see microhttpd.h. */
#include "serve/microhttpd.h"

#include <dlfcn.h>
#include <errno.h>

#include "base/err.h"

int microhttpd_load(struct microhttpd *out, struct err *err)
{
	static const char *const names[] = {
#define X(name) #name,
		MICROHTTPD_FUNCTIONS(X)
#undef X
	};
	void *handle = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
	void **functions = (void **)out;

	for (size_t i = 0; handle && i < ARRAY_SIZE(names); i++)
		if (!(functions[i] = dlsym(handle, names[i])))
			handle = NULL;
	if (handle)
		return 0;
	err_set(err, -ENOENT, "cannot load libmicrohttpd: %s", dlerror());
	err_hint(err, "install it (apt-get install libmicrohttpd12), or leave out server: in the "
		      "configuration");
	return -ENOENT;
}
