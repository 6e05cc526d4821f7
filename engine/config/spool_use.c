/* SPDX-License-Identifier: Apache-2.0 */
/* The spool of a command, see spool_use.h. */
#include "config/spool_use.h"

#include <errno.h>

#include "command.h"
#include "config/config.h"

int spool_use(const struct options *options, enum spool_mode mode, struct spool **out)
{
	struct err err = { 0 };

	if (spool_open(config_spool_path(options), mode, out, &err) >= 0)
		return EXIT_FINE;
	err_print(stderr, &err);
	return err.code == -EACCES ? EXIT_ENVIRONMENT : EXIT_BAD_INPUT;
}

int spool_used_by(const char *command, const struct options *options, struct spool *spool, int r)
{
	if (r < 0 && r != -EINVAL)
		fprintf(stderr, "spoor %s: %s: %s\n", command, config_spool_path(options),
			spool_error(spool));
	spool_close(spool);
	return r < 0 ? EXIT_BAD_INPUT : EXIT_FINE;
}
