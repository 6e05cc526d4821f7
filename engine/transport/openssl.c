/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL as a shared library. libssl.so brings libcrypto.so, whose functions it finds too. */
#include <pthread.h>

#include "base/common.h"
#include "base/err.h"
#include "library.h"
#include "openssl.h"

static const char *const names[] = {
#define X(name) #name,
	OPENSSL_FUNCTIONS(X)
#undef X
};

_Static_assert(sizeof(struct openssl) == sizeof(names), "a pointer for each name");

static const struct library library = { "libssl.so.3", "libssl3", names, ARRAY_SIZE(names) };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct openssl functions;
static bool loaded;

const struct openssl *openssl_load(struct err *err)
{
	pthread_mutex_lock(&lock);
	loaded = loaded || library_load(&library, (void **)&functions, err) == 0;
	const struct openssl *found = loaded ? &functions : NULL;

	pthread_mutex_unlock(&lock);
	return found;
}
