/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd's functions. The program loads the library only when a server is asked for: with
 * GnuTLS, which it drags in, it would cost every run megabytes. The static build has it inside.
 */
#ifndef SERVE_MICROHTTPD_H
#define SERVE_MICROHTTPD_H

#include <microhttpd.h>

struct err;

#define MICROHTTPD_FUNCTIONS(X) \
	X(MHD_start_daemon) \
	X(MHD_stop_daemon) \
	X(MHD_get_daemon_info) \
	X(MHD_create_response_from_buffer) \
	X(MHD_add_response_header) \
	X(MHD_queue_response) \
	X(MHD_destroy_response)

struct microhttpd {
#define X(name) __typeof__(name) *name;
	MICROHTTPD_FUNCTIONS(X)
#undef X
};

/* 0, or negative errno with err filled. */
int microhttpd_load(struct microhttpd *out, struct err *err);

#endif
