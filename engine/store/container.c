/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which part of a cgroup path names a container. Runtimes put the id into the last
 * components: /docker/ID, docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope,
 * libpod-ID.scope, kubepods/.../ID; ECS uses 32 hex digits, a dash and a number,
 * Garden a UUID.
 */
#include <ctype.h>

#include "base/common.h"
#include "store.h"

struct runtime_prefix {
	const char *prefix; /* of the component */
	const char *runtime;
};

static const struct runtime_prefix prefixes[] = {
	{ "cri-containerd-", "containerd" },
	{ "cri-o-", "crio" },
	{ "crio-", "crio" },
	{ "docker-", "docker" },
	{ "libpod-", "podman" },
};

static uint32_t hex_run(struct str s, uint32_t from)
{
	uint32_t n = 0;

	while (from + n < s.len && isxdigit((unsigned char)s.data[from + n]))
		n++;
	return n;
}

static bool is_uuid(struct str s)
{
	static const uint8_t groups[] = { 8, 4, 4, 4, 12 };
	uint32_t at = 0;

	if (s.len != 36)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (hex_run(s, at) < groups[i] ||
		    (i + 1 < ARRAY_SIZE(groups) && s.data[at + groups[i]] != '-'))
			return false;
		at += groups[i] + 1u;
	}
	return true;
}

/* 32 hex digits, '-', digits. */
static bool is_ecs(struct str s)
{
	uint32_t at = 33;

	if (s.len < 34 || hex_run(s, 0) != 32 || s.data[32] != '-')
		return false;
	while (at < s.len && isdigit((unsigned char)s.data[at]))
		at++;
	return at == s.len;
}

static bool has_component(struct str path, const char *name)
{
	size_t len = strlen(name);

	for (uint32_t i = 0; i + len <= path.len; i++)
		if (!memcmp(path.data + i, name, len) && (i == 0 || path.data[i - 1] == '/') &&
		    (i + len == path.len || path.data[i + len] == '/'))
			return true;
	return false;
}

/* The container named by one component, if any. */
static struct str id_of_component(struct str part, struct str path, struct str *runtime)
{
	struct str none = { 0 };

	*runtime = STR("");
	if (part.len > 6 && !memcmp(part.data + part.len - 6, ".scope", 6))
		part.len -= 6;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		uint32_t len = (uint32_t)strlen(prefixes[i].prefix);

		if (part.len > len && !memcmp(part.data, prefixes[i].prefix, len)) {
			*runtime = str_of(prefixes[i].runtime);
			part = (struct str){ part.data + len, part.len - len };
			break;
		}
	}
	if (part.len == 64 && hex_run(part, 0) == 64) {
		if (!runtime->len && has_component(path, "docker"))
			*runtime = STR("docker");
		return part;
	}
	if (is_ecs(part))
		return *runtime = STR("ecs"), part;
	if (is_uuid(part) && has_component(path, "garden"))
		return *runtime = STR("garden"), part;
	return none;
}

/* From the end: the innermost container is the one a process is in. */
struct str container_id_of_path(struct str path, struct str *runtime)
{
	uint32_t end = path.len;

	while (end > 0) {
		uint32_t start = end;

		while (start > 0 && path.data[start - 1] != '/')
			start--;
		struct str id = id_of_component((struct str){ path.data + start, end - start },
						path, runtime);

		if (id.data)
			return id;
		end = start ? start - 1 : 0;
	}
	*runtime = STR("");
	return (struct str){ 0 };
}
