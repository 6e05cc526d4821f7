/* SPDX-License-Identifier: Apache-2.0 */
/* What the C tests of transports share: an outlet with a URL, and records that go through it. */
#ifndef OUTPUTS_OUTLETS_H
#define OUTPUTS_OUTLETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../support/transports.h"
#include "base/common.h"

/* SETTINGS("url=...", "token=..."): for outlet_open. */
#define SETTINGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Opens it, or fails the test with the reason. */
static inline void outlet_must_open(struct outlet *outlet, const char *name, const char *format,
				    const char *const *settings)
{
	struct err err = { 0 };

	if (outlet_open(outlet, name, format, settings, &err) < 0)
		fail_msg("%s: %s", name, err.message);
}

/* It must not open, and the message must hold the text. */
static inline void outlet_must_refuse(const char *name, const char *format, const char *text,
				      const char *const *settings)
{
	struct outlet outlet;
	struct err err = { 0 };

	assert_true(outlet_open(&outlet, name, format, settings, &err) < 0);
	if (!strstr(err.message, text))
		fail_msg("%s: '%s' does not hold '%s'", name, err.message, text);
	outlet_close(&outlet);
}

/* One batch without retries; the results stay in the records. */
static inline int outlet_once(struct outlet *outlet, struct transport_record *records,
			      uint32_t count, struct transport_batch *batch, uint32_t ms)
{
	struct timespec now;

	for (uint32_t i = 0; i < count; i++)
		records[i].result = DELIVERY_RETRY;
	clock_gettime(CLOCK_MONOTONIC, &now);
	*batch = (struct transport_batch){
		.records = records,
		.count = count,
		.deadline = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec +
			    (uint64_t)ms * 1000000,
	};
	return transport_send(outlet->transport, outlet->state, batch);
}

#endif
