/* SPDX-License-Identifier: Apache-2.0 */
/* Compression of what is sent. */
#ifndef TRANSPORT_GZIP_H
#define TRANSPORT_GZIP_H

#include <stdbool.h>

#include "base/buf.h"

/* Replaces `out` by the gzip of `in`; false if memory is out. */
bool gzip_pack(const struct buf *in, struct buf *out);

#endif
