/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery and suppression as the configuration file has them, see egress.h. */
#include "egress.h"

#include <errno.h>
#include <inttypes.h>

#include "base/common.h"
#include "config/config.h"
#include "delivery/suppress.h"
#include "options.h"

struct egress {
	char *path;
	const volatile sig_atomic_t *stop;
	struct pipeline *pipeline; /* its delivery and suppress are ours */
	struct config config;
	struct config started; /* what the running sensor goes by, beside destinations */
	uint64_t suppressed;   /* before the last reload */
	char *report;
};

static int problem(struct err_list *problems, struct err *err)
{
	err->level = ERR_ERROR;
	err_list_add(problems, err);
	return err->code;
}

static int delivery_use(struct egress *o, struct config *config, struct err *err)
{
	struct pipeline *p = o->pipeline;

	if (!config->delivery)
		return 0;
	config->delivery->stop = o->stop;
	int r = delivery_open(config->delivery, p->host, SPOOR_VERSION, &p->delivery, err);

	if (r < 0)
		return r;
	p->sequence = MAX(p->sequence, delivery_sequence(p->delivery));
	return 0;
}

/* What was held back so far is told before the rules change. */
static int suppress_use(struct egress *o, const struct config *config, struct err *err)
{
	struct pipeline *p = o->pipeline;
	struct suppress *fresh = NULL;

	if (config->suppress_count &&
	    !(fresh = suppress_new(config->suppress, config->suppress_count, pipeline_report, p)))
		return err_set(err, -ENOMEM, "out of memory");
	if (p->suppress) {
		suppress_advance(p->suppress, UINT64_MAX);
		o->suppressed += suppress_count(p->suppress);
	}
	suppress_free(p->suppress);
	p->suppress = fresh;
	return 0;
}

int egress_open(const char *path, const volatile sig_atomic_t *stop, struct pipeline *pipeline,
		struct egress **out, struct err_list *problems)
{
	struct egress *o = calloc(1, sizeof(*o));
	struct err err = { 0 };
	int r = -EINVAL;

	if (!o || !(o->path = strdup(path))) {
		free(o);
		err_set(&err, -ENOMEM, "out of memory");
		return problem(problems, &err);
	}
	o->stop = stop;
	o->pipeline = pipeline;
	if (config_read(path, &o->config, problems)) {
		r = delivery_use(o, &o->config, &err);
		if (r == 0)
			r = suppress_use(o, &o->config, &err);
		if (r < 0)
			problem(problems, &err);
	}
	o->started = o->config;
	if (o->config.owner)
		delivery_config_hold(o->config.owner);
	if (r < 0)
		egress_close(o);
	else
		*out = o;
	return r;
}

/* ---- reload -------------------------------------------------------------------------- */

static void tell_fixed(const struct egress *o, const char *key, struct err_list *problems)
{
	struct err err = { .level = ERR_WARNING, .rule = "no-effect" };

	err_at(&err, o->path, 0, 0);
	err_set(&err, -EBUSY, "'%s' has changed, which a running sensor does not follow", key);
	err.level = ERR_WARNING;
	err_hint(&err, "it takes effect at the next start");
	err_list_add(problems, &err);
}

/* The spool's settings stay what they were at the start. */
static void tell_spool(const struct egress *o, const struct delivery_config *b,
		       struct err_list *problems)
{
	const struct delivery_config *a = delivery_settings(o->pipeline->delivery);
	const struct {
		const char *key;
		bool differs;
	} rows[] = {
		{ "spool.path", strcmp(a->path, b->path) != 0 },
		{ "spool.max_bytes", a->spool_bytes != b->spool_bytes },
		{ "spool.max_age", a->spool_age_ms != b->spool_age_ms },
		{ "spool.full", a->full != b->full },
		{ "spool.memory", a->queue_bytes != b->queue_bytes },
		{ "spool.commit_interval", a->commit_ms != b->commit_ms },
		{ "spool.drain_timeout", a->drain_ms != b->drain_ms },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].differs)
			tell_fixed(o, rows[i].key, problems);
}

static const struct config_option *option_of(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->option_count; i++)
		if (!strcmp(config->options[i].name, name))
			return &config->options[i];
	return NULL;
}

static bool same_option(const struct config_option *a, const struct config_option *b)
{
	if (!a || !b || a->count != b->count)
		return a == b;
	for (uint32_t i = 0; i < a->count; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

static bool same_texts(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *b && !strcmp(*a, *b))
		a++, b++;
	return !*a && !*b;
}

/* What the command line has as well, and the server: read at the start. */
static void tell_others(const struct egress *o, const struct config *new, struct err_list *problems)
{
	const struct config *old = &o->started;

	for (uint32_t i = 0; i < new->option_count; i++)
		if (!same_option(&new->options[i], option_of(old, new->options[i].name)))
			tell_fixed(o, new->options[i].name, problems);
	for (uint32_t i = 0; i < old->option_count; i++)
		if (!option_of(new, old->options[i].name))
			tell_fixed(o, old->options[i].name, problems);
	if (!same_texts(old->direct, new->direct))
		tell_fixed(o, "output (what has no spool)", problems);
	if (old->metrics != new->metrics || old->healthz != new->healthz ||
	    !same_texts((const char *const[]){ old->server, NULL },
			(const char *const[]){ new->server, NULL }))
		tell_fixed(o, "server", problems);
}

int egress_reload(struct egress *o, struct err_list *problems)
{
	struct pipeline *p = o->pipeline;
	struct config config;
	struct err err = { 0 };
	int r = -EINVAL;

	if (!config_read(o->path, &config, problems)) {
		config_free(&config);
		return r;
	}
	if (p->delivery)
		r = delivery_reload(p->delivery, config.owner, &err);
	else if ((r = delivery_use(o, &config, &err)) == 0 && p->delivery &&
		 (r = delivery_start(p->delivery, &err)) < 0)
		delivery_close(take(p->delivery)); /* nobody would empty its queue */
	if (r == 0)
		r = suppress_use(o, &config, &err);
	if (r < 0) {
		config_free(&config);
		return problem(problems, &err);
	}
	if (p->delivery)
		tell_spool(o, config.owner, problems);
	tell_others(o, &config, problems);
	config_free(&o->config);
	o->config = config;
	return 0;
}

/* ---- telling ------------------------------------------------------------------------- */

static void report_output(FILE *out, const struct output_stats *stats)
{
	fprintf(out, "spoor: output %s: %" PRIu64 " sent", stats->name, stats->sent);
	if (stats->waiting)
		fprintf(out, ", %" PRIu64 " wait in the spool", stats->waiting);
	for (unsigned i = 0; i < LOSS_REASONS; i++)
		if (stats->dropped[i])
			fprintf(out, ", %" PRIu64 " dropped (%s)", stats->dropped[i],
				loss_reason_names[i]);
	if (stats->dead)
		fprintf(out, ", %" PRIu64 " refused for good (spoor spool list)", stats->dead);
	if (stats->failures)
		fprintf(out, "; failing: %s", stats->answer);
	fputc('\n', out);
}

const char *egress_report(struct egress *o)
{
	autoclean(freep) struct delivery_stats *stats = calloc(1, sizeof(*stats));
	size_t len;
	FILE *out;

	free(take(o->report));
	if (!o->pipeline->delivery || !stats || !(out = open_memstream(&o->report, &len)))
		return "";
	delivery_stats(o->pipeline->delivery, stats);
	for (uint32_t i = 0; i < stats->output_count; i++)
		report_output(out, &stats->outputs[i]);
	fclose(out);
	return o->report ? o->report : "";
}

void egress_stats(const struct egress *o, struct spoor_stats *out)
{
	const struct pipeline *p = o->pipeline;

	out->suppressed = o->suppressed;
	if (p->suppress)
		out->suppressed += suppress_count(p->suppress);
	if (p->delivery)
		out->failed += delivery_lost(p->delivery);
}

void egress_close(struct egress *o)
{
	if (!o)
		return;
	delivery_close(take(o->pipeline->delivery));
	suppress_free(take(o->pipeline->suppress));
	config_free(&o->config);
	config_free(&o->started);
	free(o->path);
	free(o->report);
	free(o);
}
