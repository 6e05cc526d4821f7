/* SPDX-License-Identifier: Apache-2.0 */
/* Tracee's keys exactly, then ours: own fields, and host, sensor, namespaces, ... at the end. */
#include "event/encode.h"

static void json_write(struct buf *out, const struct event *event,
		       const struct format_options *options)
{
	encode_event(out, event, options, true);
}

const struct format format_json = {
	.name = "json",
	.doc = "a line of JSON an event: Tracee's v1beta1 form, then keys of our own",
	.media_type = "application/json",
	.write = json_write,
};
