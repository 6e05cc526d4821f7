/* SPDX-License-Identifier: Apache-2.0 */
/* Records of events that delivery makes itself: texts behind a body of fixed size. */
#ifndef DELIVERY_OWN_RECORD_H
#define DELIVERY_OWN_RECORD_H

#include <stdint.h>
#include <string.h>

#include "base/common.h"
#include "wire.h"

/* Appends a text to a record of `most` bytes, of which *size are used; it is cut to fit. */
static inline struct wire_ref own_record_text(void *record, uint32_t *size, size_t most,
					      const char *text)
{
	struct wire_ref ref = { *size, (uint32_t)MIN(strlen(text), most - *size) };

	memcpy((char *)record + ref.offset, text, ref.len);
	*size += ref.len;
	return ref;
}

/* What stands in the header. */
static inline uint32_t own_record_size(uint32_t size)
{
	return (size + 7) & ~(uint32_t)7;
}

#endif
