/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contrib/spoor.yaml shows every key: without the # before its settings it is a configuration in
 * which nothing is wrong, and each key of the tables stands in its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/yaml.h"
#include "config/config.h"

/* Taken so that Tracee's files load; whoever writes one is told that nothing follows from it. */
static const char *const no_effect[] = {
	"output.sort-events", "output.streams.buffer", "server.grpc-address",
	"server.pprof",	      "server.pyroscope",
};

/* A setting stands right behind its #, or indented; a remark behind # and one blank. */
static bool is_setting(const char *hash)
{
	return hash[0] == '#' && hash[1] != '\n' && (hash[1] != ' ' || hash[2] == ' ');
}

/* The file with all its settings, each in its column. */
static void read_example(struct buf *out)
{
	const char *top = getenv("TOP");
	char path[512], line[512];

	snprintf(path, sizeof(path), "%s/contrib/spoor.yaml", top ? top : ".");
	autoclean(fclosep) FILE *file = fopen(path, "r");

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		size_t indent = strspn(line, " ");

		if (is_setting(line + indent))
			memmove(line + indent, line + indent + 1, strlen(line + indent));
		buf_add(out, line, strlen(line));
	}
}

static void test_is_right(void **state)
{
	(void)state;
	struct buf text = { 0 };
	struct config config;
	struct err_list problems = { 0 };

	read_example(&text);
	bool fine = config_read_text("spoor.yaml", (struct str){ text.data, (uint32_t)text.len },
				     &config, &problems);

	err_list_print(stderr, &problems);
	assert_true(fine && !problems.warnings);
	config_free(&config);
	err_list_free(&problems);
	buf_free(&text);
}

/* ---- every key -------------------- */

/* Does the path lead from the node to the key, by any item of a list? */
static bool has_key(const struct yaml_node *node, const char *path, const char *key)
{
	char name[64];
	size_t len = strcspn(path, ".");

	if (!node)
		return false;
	if (node->kind == YAML_LIST) {
		for (uint32_t i = 0; i < node->count; i++)
			if (has_key(node->items[i], path, key))
				return true;
		return false;
	}
	if (!*path)
		return node->kind == YAML_MAP && yaml_get(node, key);
	snprintf(name, sizeof(name), "%.*s", (int)len, path);
	return has_key(yaml_get(node, name), path + len + (path[len] == '.'), key);
}

struct found {
	const struct yaml_node *root;
	unsigned count, missing;
};

static void look_for(void *ctx, const char *path, const char *key)
{
	struct found *found = ctx;
	char whole[128];

	snprintf(whole, sizeof(whole), "%s%s%s", path, *path ? "." : "", key);
	for (size_t i = 0; i < ARRAY_SIZE(no_effect); i++)
		if (!strcmp(whole, no_effect[i]))
			return;
	found->count++;
	if (has_key(found->root, path, key))
		return;
	found->missing++;
	fprintf(stderr, "contrib/spoor.yaml does not show %s\n", whole);
}

static void test_is_complete(void **state)
{
	(void)state;
	struct buf text = { 0 };
	struct arena arena = { 0 };
	struct yaml_file file;
	struct found found = { 0 };
	struct err err = { 0 };

	read_example(&text);
	if (yaml_parse("spoor.yaml", (struct str){ text.data, (uint32_t)text.len }, &arena, &file,
		       &err) < 0)
		fail_msg("line %u: %s", err.line, err.message);
	found.root = file.root;
	config_keys(look_for, &found);
	assert_int_equal(found.missing, 0);
	assert_true(found.count > 40);
	arena_free(&arena);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_right),
		cmocka_unit_test(test_is_complete),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("the example of a configuration", tests, NULL, NULL);
}
