/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of RELP (librelp's doc/relp.html): TXNR SP COMMAND SP LEN [SP DATA] LF. */
#ifndef TRANSPORT_RELP_FRAME_H
#define TRANSPORT_RELP_FRAME_H

#include <stddef.h>

#include "value.h"

enum { RELP_TXNR_MAX = 999999999, RELP_DATA_MAX = 64 * 1024 };

struct relp_frame {
	uint32_t txnr;
	struct str command, data; /* in what was read */
};

/*
 * Reads one frame. Bytes it takes, 0 if there is more to come, or -EPROTO. Data longer than
 * RELP_DATA_MAX, which no answer has, is -EPROTO.
 */
long relp_frame_read(const char *bytes, size_t len, struct relp_frame *out);
/* The code of an answer's data, "200 OK"; 0 if it has none. */
unsigned relp_code(struct str data);

#endif
