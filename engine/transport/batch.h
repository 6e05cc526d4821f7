/* SPDX-License-Identifier: Apache-2.0 */
/* What every transport does with a batch and with its settings. */
#ifndef TRANSPORT_BATCH_H
#define TRANSPORT_BATCH_H

#include <stdarg.h>
#include <stdio.h>

#include "base/common.h"
#include "transport.h"

/* What the receiver said, or the error; the last one stays. */
static inline void PRINTF_LIKE(2, 3)
	batch_answer(struct transport_batch *batch, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(batch->answer, sizeof(batch->answer), format, args);
	va_end(args);
}

/*
 * A text for records' `why`, in the batch's answer: texts stand there one after the other, each
 * with its NUL, each once, and the first is what is shown. Without room for it a static one. Not to
 * be mixed with batch_answer, which writes over them.
 */
static inline const char *batch_reason(struct transport_batch *batch, const char *text)
{
	char *at = batch->answer, *end = at + sizeof(batch->answer);
	size_t len = strlen(text);

	while (at < end && *at && strcmp(at, text) != 0)
		at += strlen(at) + 1;
	if (at < end && *at)
		return at;
	if (at != batch->answer && (size_t)(end - at) < len + 2)
		return "not taken by the receiver";
	len = MIN(len, (size_t)(end - at) - 2);
	memcpy(at, text, len);
	at[len] = at[len + 1] = 0;
	return at;
}

/* Sets the result of records [first, end). */
static inline void batch_results(struct transport_batch *batch, uint32_t first, uint32_t end,
				 enum delivery_result result, const char *why)
{
	for (uint32_t i = first; i < end; i++) {
		batch->records[i].result = result;
		batch->records[i].why = why;
	}
}

static inline const char *setting_text(const struct transport_settings *settings, unsigned key)
{
	return settings->values[key].text.data;
}

static inline int64_t setting_number(const struct transport_settings *settings, unsigned key)
{
	return settings->values[key].number;
}

#endif
