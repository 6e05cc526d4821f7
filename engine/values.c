/* SPDX-License-Identifier: Apache-2.0 */
/* Which values settings can have: a row a setting. */
#include "values.h"

#include <errno.h>

#include "base/common.h"
#include "base/suggest.h"
#include "options.h"
#include "outputs.h"

static const struct {
	const char *name;
	enum hook_mode mode;
} hook_names[] = {
	{ "auto", HOOK_NONE },	   { "fentry", HOOK_FENTRY },
	{ "kprobe", HOOK_KPROBE }, { "tracepoint", HOOK_TRACEPOINT },
	{ "raw", HOOK_RAW },
};

int hook_parse(const char *name, enum hook_mode *out, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(hook_names); i++)
		if (!name || !strcmp(name, hook_names[i].name)) {
			*out = hook_names[i].mode;
			return 0;
		}
	err_set(err, -EINVAL, "there is no such kind of hook");
	err_hint(err, "kinds are: auto, fentry, kprobe, tracepoint, raw");
	return -EINVAL;
}

enum { RING_LEAST = 64 << 10 };
static const size_t ring_most = (size_t)2 << 30;

/* A long exec record fits in the least; the kernel takes no more than the most. */
int ring_check(size_t bytes, struct err *err)
{
	if (!bytes || (bytes >= RING_LEAST && bytes <= ring_most))
		return 0;
	err_set(err, -EINVAL, "expected 64K to 2G");
	err_hint(err, "the default of 16M does for most hosts; busy ones want 64M or more");
	return -EINVAL;
}

/* Tracee's names; what is on whenever it can be and what is something else here. */
static const struct {
	const char *name, *advice;
} enrichments[] = {
	{ "environment", NULL },
	{ "container", NULL },
	{ "decoded-data", "here it is an option of the output: --output option:decoded-data" },
	{ "executable-hash", "this sensor does not collect it yet" },
	{ "fd-paths", "this sensor does not collect it yet" },
	{ "user-stack", "this sensor does not collect it yet" },
};

int enrichment_parse(const char *name, bool *environment, struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, str_of(name));
	for (size_t i = 0; i < ARRAY_SIZE(enrichments); i++) {
		suggest_try(&suggest, str_of(enrichments[i].name));
		if (strcmp(name, enrichments[i].name) != 0)
			continue;
		if (!enrichments[i].advice) {
			*environment |= strcmp(name, "environment") == 0;
			return 0;
		}
		err_set(err, -EINVAL, "not available");
		err_hint(err, "%s", enrichments[i].advice);
		return -EINVAL;
	}
	err_set(err, -EINVAL, "there is no such enrichment");
	if (suggest.best.data)
		err_hint(err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	else
		err_hint(err, "there are: environment, container (always on)");
	return -EINVAL;
}

/* ---- by setting ------------------------------------------------------------------------- */

static int check_hook(const char *value, struct err *err)
{
	enum hook_mode mode;

	return hook_parse(value, &mode, err);
}

static int check_ring(const char *value, struct err *err)
{
	size_t bytes;

	/* 0 is no size here; that a number is wanted the kind of the setting says. */
	return size_parse(value, &bytes) ? ring_check(bytes ? bytes : 1, err) : 0;
}

static int check_enrichment(const char *value, struct err *err)
{
	bool environment = false;

	return enrichment_parse(value, &environment, err);
}

static int check_compat(const char *value, struct err *err)
{
	return !strcmp(value, "tracee") ? 0 : err_set(err, -EINVAL, "only 'tracee' is known");
}

static const struct {
	const char *setting;
	int (*check)(const char *value, struct err *err);
} checks[] = {
	{ "hook", check_hook },	    { "ring", check_ring },	 { "enrichment", check_enrichment },
	{ "compat", check_compat }, { "output", outputs_check },
};

int value_check(const char *setting, const char *value, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (!strcmp(setting, checks[i].setting))
			return checks[i].check(value, err);
	return 0;
}
