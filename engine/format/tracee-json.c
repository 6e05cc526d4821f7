/* SPDX-License-Identifier: Apache-2.0 */
/* Tracee's v1beta1 JSON to the byte: no field and no key that Tracee does not have. */
#include "event/encode.h"

static void tracee_json_write(struct buf *out, const struct event *event,
			      const struct format_options *options)
{
	encode_event(out, event, options, false);
}

const struct format format_tracee_json = {
	.name = "tracee-json",
	.doc = "a line of JSON an event, byte for byte as Tracee prints it",
	.media_type = "application/json",
	.write = tracee_json_write,
};
