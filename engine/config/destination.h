/* SPDX-License-Identifier: Apache-2.0 */
/* Destinations and streams of the configuration file. */
#ifndef CONFIG_DESTINATION_H
#define CONFIG_DESTINATION_H

#include "base/schema.h"
#include "config/config.h"

/* Reads output.destinations and output.streams (nodes or NULL) into config. */
void destinations_read(struct report *report, struct config *config,
		       const struct yaml_node *destinations, const struct yaml_node *streams);
/* config_keys of output.destinations and output.streams. */
void destinations_keys(config_key_fn fn, void *ctx);

#endif
