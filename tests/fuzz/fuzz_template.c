/* SPDX-License-Identifier: Apache-2.0 */
/* Template text: refused with a place and a reason, or run over an event, within bounds. */
#include "encode/template.h"
#include "touch.h"

static const char event_line[] =
	"{\"timestamp\":\"2026-09-20T10:11:12.345678901Z\",\"id\":7503,\"name\":\"shm_probe\","
	"\"policies\":{\"matched\":[\"p\",\"q\"]},\"workload\":{\"process\":{\"executable\":{\"path\":"
	"\"/tmp/x\"},\"host_pid\":42,\"thread\":{\"name\":\"a\\n\\u0000b\"},\"ancestors\":[{\"pid\":1}]}},"
	"\"data\":[{\"name\":\"a\",\"int64\":\"5000000000\"},{\"name\":\"b\",\"str_array\":{\"value\":"
	"[\"x\",\"y\"]}},{\"name\":\"c\",\"double\":1.5}],\"threat\":{\"name\":\"t\",\"severity\":3,"
	"\"mitre\":{\"tactic\":{\"name\":\"Execution\"}}}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct arena parsed, running;
	static struct buf out;
	struct json_fault fault;
	struct err err = { 0 };
	const struct template *template = template_parse(
		&parsed, (struct str){ (const char *)data, (uint32_t)len }, "t", &err);

	CHECK(template || (err.message[0] && err.line && err.column));
	if (template) {
		struct str copy = arena_str(&running, event_line, sizeof(event_line) - 1);
		const struct json *tree = json_parse(&running, (char *)copy.data, copy.len, &fault);

		CHECK(tree);
		running.limit = 16 * 1024 * 1024;
		out.limit = 4 * 1024 * 1024;
		template_run(template, tree, 1789899072345678901ULL, &running, &out);
		buf_clear(&out);
	}
	arena_reset(&running);
	arena_reset(&parsed);
	return 0;
}
