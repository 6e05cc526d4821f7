/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a host, with room for its texts. */
#ifndef ENGINE_HOST_H
#define ENGINE_HOST_H

#include "event.h"

enum { HOST_ADDRESSES = 16, HOST_ADDRESS_SIZE = 46, HOST_NAME_SIZE = 256, HOST_ID_SIZE = 40 };

struct host_texts {
	struct host host; /* points into the rest: must not be copied */
	struct str addresses[HOST_ADDRESSES];
	char name[HOST_NAME_SIZE], machine_id[HOST_ID_SIZE], boot_id[HOST_ID_SIZE];
	char address_texts[HOST_ADDRESSES][HOST_ADDRESS_SIZE];
};

/* Of this machine. What cannot be found out is left empty. */
void host_read(struct host_texts *out);
/* A copy; what is too long is cut, addresses beyond HOST_ADDRESSES are left out. */
void host_copy(struct host_texts *out, const struct host *host);
/* What does not belong to records of unknown origin: all but the name. */
void host_forget(struct host_texts *host);

#endif
