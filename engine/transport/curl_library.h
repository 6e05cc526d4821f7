/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl, loaded on first use (library.h). */
#ifndef TRANSPORT_CURL_LIBRARY_H
#define TRANSPORT_CURL_LIBRARY_H

/* With it, calls through the table would be wrapped in a check that names the functions. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

struct err;

#define CURL_FUNCTIONS(X) \
	X(curl_easy_cleanup) \
	X(curl_easy_getinfo) \
	X(curl_easy_init) \
	X(curl_easy_setopt) \
	X(curl_easy_strerror) \
	X(curl_global_init) \
	X(curl_multi_add_handle) \
	X(curl_multi_cleanup) \
	X(curl_multi_info_read) \
	X(curl_multi_init) \
	X(curl_multi_perform) \
	X(curl_multi_poll) \
	X(curl_multi_remove_handle) \
	X(curl_multi_setopt) \
	X(curl_multi_strerror) \
	X(curl_slist_append) \
	X(curl_slist_free_all)

struct curl_library {
#define X(name) __typeof__(name) *name;
	CURL_FUNCTIONS(X)
#undef X
};

/* NULL with err filled if it cannot be had. Thread-safe. */
const struct curl_library *curl_library_load(struct err *err);

#endif
