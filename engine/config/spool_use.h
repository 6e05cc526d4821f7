/* SPDX-License-Identifier: Apache-2.0 */
/* How a command works on the spool: opened as its options say, with the statuses there are. */
#ifndef CONFIG_SPOOL_USE_H
#define CONFIG_SPOOL_USE_H

#include "delivery/spool.h"
#include "options.h"

/* EXIT_FINE and *out, or another status; then the reason is printed. */
int spool_use(const struct options *options, enum spool_mode mode, struct spool **out);
/*
 * Closes it. r: how the work ended, 0 or negative errno, which is printed, but for -EINVAL: that
 * was told already. Returns the status.
 */
int spool_used_by(const char *command, const struct options *options, struct spool *spool, int r);

#endif
