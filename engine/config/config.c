/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file's top: settings of the command line, spool, server, suppression. */
#include "config/config.h"

#include <errno.h>

#include "base/common.h"
#include "config/destination.h"
#include "config/settings.h"
#include "options.h"

#define DEFAULT_SPOOL "/var/lib/spoor/spool.db"

/* Settings of the command line that are keys of the file too; `output` has a form of its own. */
static const char *const option_keys[] = { "events",	 "scope",  "policy", "detectors",
					   "enrichment", "memory", "hook",   "ring",
					   "duration",	 "compat", "quiet" };

/* Keys of Tracee's file that change nothing here; the advice is part of a warning. */
static const struct {
	const char *name, *advice;
} foreign_keys[] = {
	{ "artifacts", "this sensor captures no artifacts" },
	{ "buffers", "the ring's size is `ring`, the queue's spool.memory" },
	{ "capabilities", "the sensor's unit or container decides over capabilities" },
	{ "logging", "messages go to standard error, as text" },
	{ "signatures-dir", "detectors are YAML files: `detectors`" },
	{ "stores", "the stores are always on" },
};

struct output_keys {
	const struct yaml_node *node;
	const struct yaml_node *destinations, *streams;
	bool none, sort_events;
};
static const struct schema_key output_schema_keys[] = {
	SCHEMA_KEY(output_keys, destinations, "destinations", KEY_ANY, "where alerts go"),
	SCHEMA_KEY(output_keys, streams, "streams", KEY_ANY, "which of them go where"),
	SCHEMA_KEY(output_keys, none, "none", KEY_BOOL, "print nothing"),
	SCHEMA_KEY(output_keys, sort_events, "sort-events", KEY_BOOL, "order is kept anyway"),
};
static const struct schema output_schema = { "output", output_schema_keys,
					     ARRAY_SIZE(output_schema_keys),
					     sizeof(struct output_keys) };

struct spool_keys {
	const struct yaml_node *node;
	const struct yaml_node *path, *max_bytes, *max_age, *full, *memory, *commit_interval,
		*drain_timeout;
};
static const struct schema_key spool_schema_keys[] = {
	SCHEMA_KEY(spool_keys, path, "path", KEY_TEXT, "the file; default " DEFAULT_SPOOL),
	SCHEMA_KEY(spool_keys, max_bytes, "max_bytes", KEY_ANY, "size of the file; default 1G"),
	SCHEMA_KEY(spool_keys, max_age, "max_age", KEY_ANY, "how long alerts are kept; default 7d"),
	SCHEMA_KEY(spool_keys, full, "full", KEY_ANY, "what to do then: " FULL_POLICY_NAMES),
	SCHEMA_KEY(spool_keys, memory, "memory", KEY_ANY,
		   "for alerts on their way to it; default 16M"),
	SCHEMA_KEY(spool_keys, commit_interval, "commit_interval", KEY_ANY,
		   "how long an alert may wait to be written together with others; default 20ms"),
	SCHEMA_KEY(spool_keys, drain_timeout, "drain_timeout", KEY_ANY,
		   "how long outputs may go on when the sensor ends; default 10s"),
};
static const struct schema spool_schema = { "spool", spool_schema_keys,
					    ARRAY_SIZE(spool_schema_keys),
					    sizeof(struct spool_keys) };

struct server_keys {
	const struct yaml_node *node;
	const struct yaml_node *address, *grpc, *pyroscope;
	bool metrics, healthz, pprof;
};
static const struct schema_key server_schema_keys[] = {
	SCHEMA_KEY(server_keys, address, "http-address", KEY_TEXT,
		   "host:port; default 127.0.0.1:3366"),
	SCHEMA_KEY(server_keys, metrics, "metrics", KEY_BOOL, "serve /metrics"),
	SCHEMA_KEY(server_keys, healthz, "healthz", KEY_BOOL, "serve /healthz and /readyz"),
	SCHEMA_KEY(server_keys, grpc, "grpc-address", KEY_ANY, "not here"),
	SCHEMA_KEY(server_keys, pprof, "pprof", KEY_BOOL, "not here"),
	SCHEMA_KEY(server_keys, pyroscope, "pyroscope", KEY_ANY, "not here"),
};
static const struct schema server_schema = { "server", server_schema_keys,
					     ARRAY_SIZE(server_schema_keys),
					     sizeof(struct server_keys) };

struct suppress_keys {
	const struct yaml_node *node;
	struct texts detectors, key;
	const struct yaml_node *window, *limit;
};
static const struct schema_key suppress_schema_keys[] = {
	SCHEMA_KEY(suppress_keys, detectors, "detectors", KEY_TEXTS, "names or ids; default all"),
	SCHEMA_KEY(suppress_keys, key, "key", KEY_TEXTS,
		   "what makes alerts the same: process, pid, user, container, data.FIELD"),
	SCHEMA_KEY(suppress_keys, window, "window", KEY_ANY, "default 60s"),
	SCHEMA_KEY(suppress_keys, limit, "limit", KEY_ANY,
		   "alerts that pass in a window; default 1"),
};
static const struct schema suppress_schema = { "suppress", suppress_schema_keys,
					       ARRAY_SIZE(suppress_schema_keys),
					       sizeof(struct suppress_keys) };

/* All of the file. */
struct top {
	const struct yaml_node *node;
	const struct yaml_node *output;
	struct spool_keys spool;
	struct server_keys server;
	struct maps suppress;
	const struct yaml_node *options[ARRAY_SIZE(option_keys)];
	const struct yaml_node *foreign[ARRAY_SIZE(foreign_keys)];
};
static const struct schema_key top_keys[] = {
	SCHEMA_KEY(top, output, "output", KEY_ANY,
		   "destinations and streams, or --output expressions"),
	{ .name = "spool",
	  .kind = KEY_MAP,
	  .offset = offsetof(struct top, spool),
	  .of = &spool_schema },
	{ .name = "server",
	  .kind = KEY_MAP,
	  .offset = offsetof(struct top, server),
	  .of = &server_schema },
	{ .name = "suppress",
	  .kind = KEY_MAPS,
	  .offset = offsetof(struct top, suppress),
	  .of = &suppress_schema },
};

enum { TOP_KEYS = ARRAY_SIZE(top_keys) + ARRAY_SIZE(option_keys) + ARRAY_SIZE(foreign_keys) };

static void all_keys(struct schema_key keys[TOP_KEYS])
{
	size_t count = ARRAY_SIZE(top_keys);

	memcpy(keys, top_keys, sizeof(top_keys));
	for (size_t i = 0; i < ARRAY_SIZE(option_keys); i++)
		keys[count++] = (struct schema_key){
			.name = option_keys[i],
			.kind = KEY_ANY,
			.offset = (uint16_t)offsetof(struct top, options[i]),
		};
	for (size_t i = 0; i < ARRAY_SIZE(foreign_keys); i++)
		keys[count++] = (struct schema_key){
			.name = foreign_keys[i].name,
			.kind = KEY_ANY,
			.offset = (uint16_t)offsetof(struct top, foreign[i]),
		};
}

static void keys_of(const char *path, const struct schema *schema, config_key_fn fn, void *ctx)
{
	for (uint32_t i = 0; i < schema->count; i++)
		fn(ctx, path, schema->keys[i].name);
}

void config_keys(config_key_fn fn, void *ctx)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_keys); i++)
		fn(ctx, "", option_keys[i]);
	for (size_t i = 0; i < ARRAY_SIZE(top_keys); i++)
		fn(ctx, "", top_keys[i].name);
	keys_of("spool", &spool_schema, fn, ctx);
	keys_of("output", &output_schema, fn, ctx);
	keys_of("server", &server_schema, fn, ctx);
	keys_of("suppress", &suppress_schema, fn, ctx);
	destinations_keys(fn, ctx);
}

/* ---- settings of the command line -------------------- */

/* Each of the option's values, at its node, is one that the setting can have. */
static bool values_fit(struct report *report, const struct config_option *option,
		       const struct yaml_node *const *items)
{
	bool fine = true;

	for (uint32_t i = 0; i < option->count; i++) {
		struct err err = { .level = ERR_ERROR, .rule = "value" };

		if (options_check(option, i, &err) >= 0)
			continue;
		struct err told = err;

		err_set(&told, err.code, "'%s': %s, found '%s'", option->name, err.message,
			option->values[i]);
		report_add(report, items[i], &told);
		fine = false;
	}
	return fine;
}

static void add_option(struct report *report, struct config *config, const char *name,
		       const struct yaml_node *node)
{
	struct config_option *option = &config->options[config->option_count];
	const struct yaml_node *const *items = node->kind == YAML_LIST ? node->items : &node;
	uint32_t count = node->kind == YAML_LIST ? node->count : 1;
	const char **values = arena_array(report->arena, const char *, count + 1);
	const char *wrong = NULL;

	if (!values)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (items[i]->kind != YAML_SCALAR)
			wrong = "a text, or a list of texts";
		values[i] = items[i]->kind == YAML_SCALAR ? items[i]->text.data : "";
	}
	*option = (struct config_option){ name, values, count };
	if (!wrong)
		wrong = options_refuse(option);
	if (wrong)
		report_error(report, node, "value", NULL, "'%s' must be %s, found %s%s%s", name,
			     wrong, node->kind == YAML_SCALAR ? "'" : yaml_describe(node),
			     node->kind == YAML_SCALAR ? node->text.data : "",
			     node->kind == YAML_SCALAR ? "'" : "");
	else if (values_fit(report, option, items))
		config->option_count++;
}

/* Tracee's form of enrichment is a map: {environment: true, container: {enabled: true}}. */
static const struct yaml_node *list_of_map(struct report *report, const struct yaml_node *map)
{
	struct yaml_node *list = arena_new(report->arena, struct yaml_node);
	const struct yaml_node **items = arena_array(report->arena, const struct yaml_node *,
						     map->count + 1);

	if (!list || !items)
		return map;
	*list = *map;
	list->kind = YAML_LIST;
	list->items = items;
	list->count = 0;
	for (uint32_t i = 0; i < map->count; i++) {
		const struct yaml_node *value = map->pairs[i].value;
		bool on = false;

		if (value->kind == YAML_MAP)
			value = yaml_get(value, "enabled");
		if (value && yaml_bool(value, &on) && on)
			items[list->count++] = map->pairs[i].key;
	}
	return list;
}

static void read_options(struct report *report, struct config *config, const struct top *top)
{
	config->options = arena_array(report->arena, struct config_option,
				      ARRAY_SIZE(option_keys) + 2);
	for (size_t i = 0; i < ARRAY_SIZE(option_keys) && config->options; i++) {
		const struct yaml_node *node = top->options[i];

		if (node && node->kind == YAML_MAP && !strcmp(option_keys[i], "enrichment"))
			node = list_of_map(report, node);
		if (node)
			add_option(report, config, option_keys[i], node);
	}
	for (size_t i = 0; i < ARRAY_SIZE(foreign_keys); i++)
		if (top->foreign[i])
			report_warning(report, top->foreign[i], "no-effect", foreign_keys[i].advice,
				       "'%s' has no effect here", foreign_keys[i].name);
}

/* ---- parts -------------------- */

static void read_output(struct report *report, struct config *config, const struct yaml_node *node)
{
	struct output_keys output = { 0 };
	static const char *const none[] = { "none", NULL };

	if (node &&
	    node->kind != YAML_MAP) { /* a list of --output expressions, as Tracee takes it */
		add_option(report, config, "output", node);
		return;
	}
	if (node)
		schema_read(report, &output_schema, node, &output);
	destinations_read(report, config, output.destinations, output.streams);
	/* Whoever names destinations wants no table on standard output. */
	if (output.none || (config->owner->output_count && !config->direct))
		config->direct = none;
}

static void read_spool(struct report *report, struct config *config, const struct spool_keys *spool)
{
	struct delivery_config *d = config->owner;
	int64_t full = FULL_DROP_OLDEST;

	d->path = spool->path ? spool->path->text.data : DEFAULT_SPOOL;
	d->spool_bytes = 1 << 30;
	d->spool_age_ms = UINT64_C(7) * 86400000;
	d->queue_bytes = 16 << 20;
	d->commit_ms = 20;
	d->drain_ms = 10000;
	if (spool->max_bytes)
		read_size(report, spool->max_bytes, "max_bytes",
			  (struct range){ "1M", SIZE_MOST, "size of the file; default 1G" },
			  &d->spool_bytes);
	if (spool->max_age)
		read_duration(report, spool->max_age, "max_age",
			      (struct range){ "1s", DURATION_MOST,
					      "how long alerts are kept; default 7d" },
			      &d->spool_age_ms);
	if (spool->full)
		read_choice(report, spool->full, FULL_POLICY_NAMES, &full);
	if (spool->memory)
		read_size(report, spool->memory, "memory",
			  (struct range){ "256K", "1G",
					  "for alerts on their way to the spool; default 16M" },
			  &d->queue_bytes);
	if (spool->commit_interval)
		read_duration(
			report, spool->commit_interval, "commit_interval",
			(struct range){ "0ms", "1m",
					"how long an alert may wait to be written; default 20ms" },
			&d->commit_ms);
	if (spool->drain_timeout)
		read_duration(
			report, spool->drain_timeout, "drain_timeout",
			(struct range){ "0s", "1h",
					"how long outputs may go on at the end; default 10s" },
			&d->drain_ms);
	d->full = (enum full_policy)full;
	if (spool->node)
		config->delivery = d;
}

static void read_server(struct report *report, struct config *config,
			const struct server_keys *server)
{
	const char *address = server->address ? server->address->text.data : "127.0.0.1:3366";

	if (server->grpc)
		report_warning(report, server->grpc, "no-effect", NULL,
			       "there is no gRPC server here");
	if (server->pprof || server->pyroscope)
		report_warning(report, server->node, "no-effect", NULL,
			       "pprof and pyroscope are for Go programs");
	config->metrics = server->metrics;
	config->healthz = server->healthz;
	if (!server->metrics && !server->healthz)
		return;
	if (!strrchr(address, ':')) {
		report_error(report, server->address, "value", "for example 127.0.0.1:3366",
			     "'%s' has no port", address);
		return;
	}
	config->server = address;
}

static bool read_suppress_key(struct report *report, const struct yaml_node *node,
			      struct suppress_key *out)
{
	int64_t part;

	if (!strncmp(node->text.data, "data.", 5) && node->text.len > 5) {
		*out = (struct suppress_key){ SUPPRESS_FIELD,
					      { node->text.data + 5, node->text.len - 5 } };
		return true;
	}
	if (!read_choice(report, node, "process pid user container", &part))
		return false;
	*out = (struct suppress_key){ .part = (enum suppress_part)part };
	return true;
}

static void read_suppress(struct report *report, const struct suppress_keys *keys,
			  struct suppress_rule *out)
{
	struct suppress_key *parts = arena_array(report->arena, struct suppress_key,
						 keys->key.count + 1);
	struct str *names = arena_array(report->arena, struct str, keys->detectors.count + 1);
	uint64_t window = 60000, limit = 1;

	if (!parts || !names)
		return;
	for (uint32_t i = 0; i < keys->key.count; i++)
		read_suppress_key(report, keys->key.items[i], &parts[i]);
	for (uint32_t i = 0; i < keys->detectors.count; i++)
		names[i] = keys->detectors.items[i]->text;
	if (keys->window)
		read_duration(report, keys->window, "window",
			      (struct range){ "1ms", "365d", "default 60s" }, &window);
	if (keys->limit)
		read_number(
			report, keys->limit, "limit",
			(struct range){ "1", "1000000", "alerts that pass in a window; default 1" },
			&limit);
	*out = (struct suppress_rule){ .detectors = { names, keys->detectors.count },
				       .keys = parts,
				       .key_count = keys->key.count,
				       .window_ns = window * 1000000,
				       .limit = (uint32_t)limit };
}

static void read_all(struct report *report, struct config *config, const struct top *top)
{
	const struct suppress_keys *suppress = top->suppress.items;

	read_options(report, config, top);
	read_spool(report, config, &top->spool);
	read_output(report, config, top->output);
	read_server(report, config, &top->server);
	config->suppress = arena_array(report->arena, struct suppress_rule,
				       top->suppress.count + 1);
	config->suppress_count = config->suppress ? top->suppress.count : 0;
	for (uint32_t i = 0; i < config->suppress_count; i++)
		read_suppress(report, &suppress[i], &config->suppress[i]);
}

/* ---- the file -------------------- */

bool config_recognise(const struct yaml_node *root)
{
	/* What a rule file has that forgot its `type`, and a configuration has not. */
	static const char *const others[] = { "type", "kind",  "id",   "produced_event",
					      "name", "rules", "tests" };

	if (!root || root->kind != YAML_MAP)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (yaml_get(root, others[i]))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(top_keys); i++)
		if (yaml_get(root, top_keys[i].name))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(option_keys); i++)
		if (yaml_get(root, option_keys[i]))
			return true;
	return false;
}

static bool begin(struct config *out)
{
	*out = (struct config){ .owner = delivery_config_new() };
	out->arena = out->owner ? &out->owner->arena : NULL;
	return out->owner;
}

static bool read_text(const char *path, struct str text, struct config *out,
		      struct err_list *problems)
{
	struct schema_key keys[TOP_KEYS];
	const struct schema schema = { "the configuration", keys, TOP_KEYS, sizeof(struct top) };
	struct yaml_file file = { .path = path };
	struct report report = { .problems = problems, .file = &file, .arena = out->arena };
	struct top top = { 0 };
	struct err err = { .level = ERR_ERROR };

	if (yaml_parse(path, text, out->arena, &file, &err) < 0) {
		err_list_add(problems, &err);
		return false;
	}
	all_keys(keys);
	if (file.root) /* an empty file is all defaults */
		schema_read(&report, &schema, file.root, &top);
	read_all(&report, out, &top);
	return !report.errors;
}

bool config_read_text(const char *path, struct str text, struct config *out,
		      struct err_list *problems)
{
	return begin(out) && read_text(path, text, out, problems);
}

bool config_read(const char *path, struct config *out, struct err_list *problems)
{
	struct err err = { .level = ERR_ERROR };
	struct str text;

	if (!begin(out))
		return false;
	if (yaml_read_file(path, out->arena, &text, &err) < 0) {
		err_list_add(problems, &err);
		return false;
	}
	return read_text(path, text, out, problems);
}

const char *config_spool_path(const struct options *options)
{
	if (options->spool)
		return options->spool;
	return options->config_file ? options->config_file->owner->path : DEFAULT_SPOOL;
}

void config_free(struct config *config)
{
	delivery_config_release(config->owner);
	*config = (struct config){ 0 };
}

int config_apply(const struct config *config, struct options *options)
{
	int r = 0;

	for (uint32_t i = 0; i < config->option_count && r == 0; i++)
		r = options_default(options, &config->options[i]);
	if (r == 0 && config->direct) {
		struct config_option direct = { "output", (const char **)config->direct, 0 };

		while (direct.values[direct.count])
			direct.count++;
		r = options_default(options, &direct);
	}
	return r;
}
