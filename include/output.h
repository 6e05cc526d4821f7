/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An output (transport) takes finished records and delivers them. One file in
 * engine/output/ exporting `const struct output_ops output_NAME`.
 */
#ifndef SPOOR_OUTPUT_H
#define SPOOR_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct output; /* each transport's own */

struct output_stats {
	uint64_t records, bytes, failed; /* failed: records that could not be delivered */
};

struct output_ops {
	const char *name;
	const char *doc;
	/* destination: a path, a URL. The caller owns *out until close. */
	int (*open)(const char *destination, struct output **out, struct err *err);
	/* Takes `count` whole records of `len` bytes together. 0 or negative errno. */
	int (*write)(struct output *output, const char *data, size_t len, uint32_t count);
	int (*flush)(struct output *output);
	void (*stats)(const struct output *output, struct output_stats *out);
	void (*close)(struct output *output);
};

extern const struct output_ops *const outputs[]; /* NULL-terminated, in name order */

#endif
