/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration file: refused with a place in it, or read to outputs that can be opened. Nothing
 * is opened here; templates and secrets are read from files that the input names.
 */
#include "fuzz_rules.h"

#include "config/config.h"

static bool is_text(const char *text)
{
	return text && *text;
}

static void check_output(const struct delivery_config *delivery, uint32_t number)
{
	const struct delivery_output *output = &delivery->outputs[number];

	CHECK(is_text(output->name) && strlen(output->name) <= 64);
	CHECK(output->transport && output->format && output->settings.values);
	CHECK(output->settings.format && !strcmp(output->settings.output, output->name));
	CHECK(output->batch_records && output->batch_records <= 10000);
	CHECK(output->filter_count <= DELIVERY_FILTERS_MAX);
	CHECK(!output->format->open || output->format_state);
	for (uint32_t i = 0; i < number; i++)
		CHECK(strcmp(delivery->outputs[i].name, output->name) != 0);
}

static void check_config(const struct config *config)
{
	const struct delivery_config *delivery = config->delivery;

	for (uint32_t i = 0; config->direct && config->direct[i]; i++)
		CHECK(strchr(config->direct[i], ':') || !strcmp(config->direct[i], "none"));
	for (uint32_t i = 0; i < config->suppress_count; i++)
		CHECK(config->suppress[i].limit && config->suppress[i].keys);
	CHECK(!config->server || strchr(config->server, ':'));
	if (!delivery)
		return;
	CHECK(is_text(delivery->path) && delivery->full < FULL_POLICIES);
	CHECK(delivery->output_count <= DELIVERY_OUTPUTS_MAX);
	for (uint32_t i = 0; i < delivery->output_count; i++)
		check_output(delivery, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = { (const char *)data, (uint32_t)len };
	struct err_list problems = { 0 };
	struct config config;

	if (len > RULES_SIZE_MAX)
		return 0;
	bool fine = config_read_text("input.yaml", text, &config, &problems);

	CHECK(fine == (problems.errors == 0));
	check_problems(&problems, "input.yaml");
	if (fine)
		check_config(&config);
	config_free(&config);
	err_list_free(&problems);
	return 0;
}
