/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl of the OpenSSL kind: fingerprints are checked through its SSL_CTX (tls.c). */
#include <errno.h>
#include <pthread.h>

#include "base/common.h"
#include "base/err.h"
#include "curl_library.h"
#include "library.h"

static const char *const names[] = {
#define X(name) #name,
	CURL_FUNCTIONS(X)
#undef X
};

_Static_assert(sizeof(struct curl_library) == sizeof(names), "a pointer for each name");

static const struct library library = { "libcurl.so.4", "libcurl4", names, ARRAY_SIZE(names) };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct curl_library functions;
static bool loaded;

const struct curl_library *curl_library_load(struct err *err)
{
	pthread_mutex_lock(&lock);
	if (!loaded && library_load(&library, (void **)&functions, err) == 0)
		loaded = functions.curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ||
			 err_set(err, -EIO, "libcurl does not start") == 0;
	const struct curl_library *found = loaded ? &functions : NULL;

	pthread_mutex_unlock(&lock);
	return found;
}
