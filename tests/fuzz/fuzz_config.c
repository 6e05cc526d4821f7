/* SPDX-License-Identifier: Apache-2.0 */
/* A file as configuration: what is refused is refused with a place, what is taken is freed. */
#include "config/config.h"
#include "delivery/delivery.h"
#include "fuzz_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct str text = { (const char *)data, (uint32_t)len };
	struct err_list problems = { 0 };
	struct config config;

	if (len > RULES_SIZE_MAX)
		return 0;
	CHECK(config_read_text("input.yaml", text, &config, &problems) == !problems.errors);
	check_problems(&problems, "input.yaml");
	config_free(&config);
	err_list_free(&problems);
	return 0;
}
