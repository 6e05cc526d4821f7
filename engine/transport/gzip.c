/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) by zlib, in one go. */
#include <zlib.h>

#include "gzip.h"

bool gzip_pack(const struct buf *in, struct buf *out)
{
	z_stream stream = { .next_in = (Bytef *)in->data, .avail_in = (uInt)in->len };

	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	uLong bound = deflateBound(&stream, in->len);

	buf_clear(out);
	stream.next_out = (Bytef *)buf_room(out, bound);
	stream.avail_out = (uInt)bound;
	bool done = stream.next_out && deflate(&stream, Z_FINISH) == Z_STREAM_END;

	out->len = done ? stream.total_out : 0;
	deflateEnd(&stream);
	return done;
}
