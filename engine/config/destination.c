/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where alerts go. A destination's keys are ours (the table below), those of its transport and, in
 * `format: {name: ...}`, those of its format; all of them are checked by the same tables that the
 * transports and formats bring. A stream chooses what its destinations get, as in Tracee.
 */
#include "config/destination.h"

#include <errno.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/suggest.h"
#include "config/settings.h"

enum { NAME_MAX_LEN = 64 };

/* ---- the tables -------------------- */

struct filters {
	const struct yaml_node *node;
	const struct yaml_node *severity;
	struct texts events, policies, detectors;
};

static const struct schema_key filter_keys[] = {
	SCHEMA_KEY(filters, severity, "severity", KEY_ANY, "least severity, info to critical"),
	SCHEMA_KEY(filters, events, "events", KEY_TEXTS, "names of events; prefix* is possible"),
	SCHEMA_KEY(filters, policies, "policies", KEY_TEXTS, "names of policies"),
	SCHEMA_KEY(filters, detectors, "detectors", KEY_TEXTS, "names or ids of detectors"),
};

static const struct schema filter_schema = { "filters", filter_keys, ARRAY_SIZE(filter_keys),
					     sizeof(struct filters) };

/* The keys that every destination has. */
enum own_key {
	OWN_NAME,
	OWN_TYPE,
	OWN_FORMAT,
	OWN_FILTERS,
	OWN_DURABLE,
	OWN_SEND_TIMEOUT,
	OWN_RETRY_MIN,
	OWN_RETRY_MAX,
	OWN_GIVE_UP_AFTER,
	OWN_BATCH_RECORDS,
	OWN_BATCH_BYTES,
	OWN_RATE,
	OWN_BURST,
	OWN_KEYS
};

static const struct {
	const char *name, *doc;
} own_keys[OWN_KEYS] = {
	[OWN_NAME] = { "name", "how the destination is called in streams, messages and metrics" },
	[OWN_TYPE] = { "type", "the transport ('spoor list outputs'); default file" },
	[OWN_FORMAT] = { "format", "a format, or {name: FORMAT, its keys ...}" },
	[OWN_FILTERS] = { "filters", "severity, events, policies, detectors" },
	[OWN_DURABLE] = { "durable", "for files: false writes directly, without the spool" },
	[OWN_SEND_TIMEOUT] = { "send_timeout", "for one exchange with the receiver; default 30s" },
	[OWN_RETRY_MIN] = { "retry_min", "first waiting time after a failure; default 500ms" },
	[OWN_RETRY_MAX] = { "retry_max", "longest waiting time; default 60s" },
	[OWN_GIVE_UP_AFTER] = { "give_up_after",
				"failures after which an alert is a dead letter, if others pass "
				"meanwhile; default 5, 0: never" },
	[OWN_BATCH_RECORDS] = { "batch_records",
				"most alerts at once; default: what the transport likes" },
	[OWN_BATCH_BYTES] = { "batch_bytes",
			      "most bytes at once; default: what the transport likes" },
	[OWN_RATE] = { "rate",
		       "most alerts a second; the rest waits in the spool; default 0: no limit" },
	[OWN_BURST] = { "burst", "alerts that may go at once under a rate; default the rate" },
};

/* The nodes of a destination: ours, then the transport's, as schema_read fills them. */
struct nodes {
	const struct yaml_node *map;
	const struct yaml_node *own[OWN_KEYS];
	const struct yaml_node *transport[SETTINGS_MAX];
};

static void add_key(struct schema_key *key, const char *name, const char *doc, size_t offset)
{
	*key = (struct schema_key){
		.name = name, .kind = KEY_ANY, .offset = (uint16_t)offset, .doc = doc
	};
}

/* ---- parts -------------------- */

/* Numbers of a destination, as the file has them. */
struct limits {
	uint64_t timeout, retry_min, retry_max; /* ms */
	uint64_t give_up_after, batch_records, batch_bytes;
	uint64_t rate, burst; /* 0: none is given */
};

static struct names_wanted names_of(struct report *report, const struct texts *texts)
{
	struct str *names = arena_array(report->arena, struct str, texts->count + 1);

	for (uint32_t i = 0; names && i < texts->count; i++)
		names[i] = texts->items[i]->text;
	return (struct names_wanted){ names, names ? texts->count : 0 };
}

static void read_severity(struct report *report, const struct yaml_node *node, int64_t *out)
{
	autoclean(buf_free) struct buf names = { 0 };

	for (int i = 0; i < SEVERITY_COUNT; i++)
		buf_printf(&names, "%s%s", i ? " " : "", severity_names[i]);
	read_choice(report, node, buf_cstr(&names), out);
}

static void read_filters(struct report *report, const struct yaml_node *node,
			 struct delivery_filter *out)
{
	struct filters filters = { 0 };
	int64_t severity = SEVERITY_NONE;

	schema_read(report, &filter_schema, node, &filters);
	if (filters.severity)
		read_severity(report, filters.severity, &severity);
	*out = (struct delivery_filter){
		.severity = (int32_t)severity,
		.events = names_of(report, &filters.events),
		.policies = names_of(report, &filters.policies),
		.detectors = names_of(report, &filters.detectors),
	};
}

static void add_filter(struct report *report, const struct yaml_node *node,
		       struct delivery_output *output)
{
	if (node && output->filter_count < DELIVERY_FILTERS_MAX)
		read_filters(report, node, &output->filters[output->filter_count++]);
}

enum own_kind { OWN_IS_TIME, OWN_IS_NUMBER, OWN_IS_SIZE };

/* The keys that are numbers. What an output would spin by, or could not add up, is no value. */
static const struct {
	enum own_key key;
	enum own_kind kind;
	struct range range;
	size_t offset; /* of a uint64_t in struct limits */
} limit_rows[] = {
#define LIMIT(key, kind, least, most, member) \
	{ \
		key, kind, { least, most }, offsetof(struct limits, member) \
	}
	LIMIT(OWN_SEND_TIMEOUT, OWN_IS_TIME, "10ms", "1h", timeout),
	LIMIT(OWN_RETRY_MIN, OWN_IS_TIME, "10ms", "1h", retry_min),
	LIMIT(OWN_RETRY_MAX, OWN_IS_TIME, "10ms", "1d", retry_max),
	LIMIT(OWN_GIVE_UP_AFTER, OWN_IS_NUMBER, "0", "1000", give_up_after),
	LIMIT(OWN_BATCH_RECORDS, OWN_IS_NUMBER, "1", "10000", batch_records),
	LIMIT(OWN_BATCH_BYTES, OWN_IS_SIZE, "1K", "32M", batch_bytes),
	LIMIT(OWN_RATE, OWN_IS_NUMBER, "0", "1000000", rate),
	LIMIT(OWN_BURST, OWN_IS_NUMBER, "1", "1000000", burst),
#undef LIMIT
};

static void read_limit(struct report *report, const struct yaml_node *node, size_t row,
		       struct limits *limits)
{
	const char *name = own_keys[limit_rows[row].key].name;
	struct range range = limit_rows[row].range;
	uint64_t *out = (uint64_t *)((char *)limits + limit_rows[row].offset);

	range.hint = own_keys[limit_rows[row].key].doc;
	switch (limit_rows[row].kind) {
	case OWN_IS_TIME: read_duration(report, node, name, range, out); break;
	case OWN_IS_NUMBER: read_number(report, node, name, range, out); break;
	case OWN_IS_SIZE: read_size(report, node, name, range, out); break;
	}
}

static void check_retry(struct report *report, const struct yaml_node *const own[OWN_KEYS],
			const struct limits *limits)
{
	const struct yaml_node *least = own[OWN_RETRY_MIN], *most = own[OWN_RETRY_MAX];

	if (limits->retry_min <= limits->retry_max)
		return;
	report_error(report, most ? most : least, "value",
		     "waiting times double from retry_min (default 500ms) up to retry_max "
		     "(default 60s)",
		     "'retry_max' (%s) is shorter than 'retry_min' (%s)",
		     most ? most->text.data : "60s", least ? least->text.data : "500ms");
}

static void read_limits(struct report *report, const struct yaml_node *const own[OWN_KEYS],
			struct delivery_output *output)
{
	struct limits limits = { .timeout = 30000,
				 .retry_min = 500,
				 .retry_max = 60000,
				 .give_up_after = 5,
				 .batch_records = output->transport->batch_records,
				 .batch_bytes = output->transport->batch_bytes };

	for (size_t i = 0; i < ARRAY_SIZE(limit_rows); i++)
		if (own[limit_rows[i].key])
			read_limit(report, own[limit_rows[i].key], i, &limits);
	check_retry(report, own, &limits);
	output->timeout_ms = limits.timeout;
	output->backoff_least = limits.retry_min;
	output->backoff_most = limits.retry_max;
	output->give_up_after = (uint32_t)limits.give_up_after;
	output->batch_records = (uint32_t)limits.batch_records;
	output->batch_bytes = (size_t)limits.batch_bytes;
	output->rate = limits.rate;
	output->burst = limits.burst ? limits.burst : MAX(limits.rate, UINT64_C(1));
}

/* ---- format -------------------- */

static const struct format *find_format(struct report *report, const struct yaml_node *node,
					struct str name)
{
	const struct format *format = format_by_name(
		str_equal(name, STR("gotemplate")) ? STR("template") : name);
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	struct suggest suggest;

	if (format)
		return format;
	suggest_start(&suggest, name);
	for (size_t i = 0; formats[i]; i++)
		suggest_try(&suggest, str_of(formats[i]->name));
	err_set(&err, -EINVAL, "there is no format '%.*s'", (int)name.len, name.data);
	if (suggest.best.data)
		err_hint(&err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	else
		err_hint(&err, "'spoor list formats' shows them");
	report_add(report, node, &err);
	return NULL;
}

/* Tracee writes gotemplate=FILE; the format's own key is the same file. */
static const struct yaml_node *split_template(struct report *report, const struct yaml_node *node,
					      struct str *name)
{
	const char *equals = memchr(node->text.data, '=', node->text.len);
	struct yaml_node *file = equals ? arena_new(report->arena, struct yaml_node) : NULL;

	if (!file)
		return NULL;
	*file = *node;
	file->text.data = equals + 1;
	file->text.len = (uint32_t)(node->text.data + node->text.len - equals - 1);
	name->len = (uint32_t)(equals - node->text.data);
	return file;
}

static void read_format_keys(struct report *report, const struct format *format,
			     const struct yaml_node *node, struct delivery_output *output)
{
	struct schema_key keys[SETTINGS_MAX + 1];
	struct nodes nodes = { 0 };
	char what[96];
	const struct schema schema = { what, keys, format->key_count + 1, sizeof(nodes) };

	snprintf(what, sizeof(what), "format %s", format->name);
	add_key(&keys[0], "name", "name of the format", offsetof(struct nodes, own[0]));
	for (uint32_t i = 0; i < format->key_count; i++)
		add_key(&keys[i + 1], format->keys[i].name, format->keys[i].doc,
			offsetof(struct nodes, transport[i]));
	if (node && node->kind == YAML_MAP)
		schema_read(report, &schema, node, &nodes);
	else if (node && format->key_count)
		nodes.transport[0] = node; /* gotemplate=FILE: its first key */
	output->format_options.values = settings_read(report, format->keys, format->key_count,
						      nodes.transport, node, what);
}

/* Unless there were mistakes since `before`. */
static void open_format(struct report *report, const struct format *format,
			const struct yaml_node *node, struct delivery_output *output,
			uint32_t before)
{
	uint32_t key = format->key_count;
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	struct format_state *state = NULL;

	if (!format->open || report->errors > before)
		return;
	if (format->open(output->format_options.values, &state, &key, &err) < 0) {
		const struct yaml_node *blame = NULL;

		if (node && node->kind == YAML_MAP && key < format->key_count)
			blame = yaml_get(node, format->keys[key].name);
		report_add(report, blame ? blame : node, &err);
	}
	output->format_options.state = output->format_state = state;
}

/* The format a node names, and in *keys where its settings stand; NULL: reported. */
static const struct format *read_format_name(struct report *report, const struct yaml_node *node,
					     const char *fallback, const struct yaml_node **keys)
{
	const struct yaml_node *named = node;
	struct str name = str_of(fallback);

	*keys = node;
	if (node && node->kind == YAML_MAP)
		named = yaml_get(node, "name");
	if (named && named->kind != YAML_SCALAR) {
		report_error(report, named, "kind", "a format, or {name: FORMAT, its keys ...}",
			     "a format must be a name, found %s", yaml_describe(named));
		return NULL;
	}
	if (named)
		name = named->text;
	if (named && named == node)
		*keys = split_template(report, node, &name);
	return find_format(report, node, name);
}

static bool read_format(struct report *report, const struct yaml_node *node,
			struct delivery_output *output, uint32_t before)
{
	const char *fallback = output->transport->format ? output->transport->format : "json";
	const struct yaml_node *keys;
	const struct format *format = read_format_name(report, node, fallback, &keys);

	if (!format)
		return false;
	output->format = format;
	output->settings.format = format->name;
	read_format_keys(report, format, keys, output);
	open_format(report, format, keys, output, before);
	return true;
}

/* ---- a destination -------------------- */

static const struct transport *find_transport(struct report *report, const struct yaml_node *node)
{
	const struct transport *transport = transport_by_name(node ? node->text : STR("file"));
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	struct suggest suggest;

	if (transport)
		return transport;
	suggest_start(&suggest, node ? node->text : STR("file"));
	for (size_t i = 0; transports[i]; i++)
		suggest_try(&suggest, str_of(transports[i]->name));
	err_set(&err, -EINVAL, "there is no transport '%s'", node ? node->text.data : "file");
	if (suggest.best.data)
		err_hint(&err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	else
		err_hint(&err, "'spoor list outputs' shows them");
	report_add(report, node, &err);
	return NULL;
}

static void check_settings(struct report *report, const struct nodes *nodes,
			   const struct delivery_output *output, uint32_t before)
{
	const struct transport *transport = output->transport;
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	uint32_t key = transport->key_count;

	if (!transport->check || report->errors > before ||
	    transport->check(&output->settings, &key, &err) >= 0)
		return;
	const struct yaml_node *blame = key < transport->key_count ? nodes->transport[key] : NULL;

	report_add(report, blame ? blame : nodes->map, &err);
}

static void read_transport_keys(struct report *report, const struct yaml_node *map,
				const struct transport *transport, struct nodes *nodes,
				struct delivery_output *output)
{
	struct schema_key keys[OWN_KEYS + SETTINGS_MAX];
	char *what = arena_alloc(report->arena, 96);
	const struct schema schema = { what, keys, OWN_KEYS + transport->key_count,
				       sizeof(*nodes) };

	if (!what)
		return;
	snprintf(what, 96, "destination of type %s", transport->name);
	for (uint32_t i = 0; i < OWN_KEYS; i++)
		add_key(&keys[i], own_keys[i].name, own_keys[i].doc,
			offsetof(struct nodes, own[i]));
	for (uint32_t i = 0; i < transport->key_count; i++)
		add_key(&keys[OWN_KEYS + i], transport->keys[i].name, transport->keys[i].doc,
			offsetof(struct nodes, transport[i]));
	schema_read(report, &schema, map, nodes);
	output->settings.values = settings_read(report, transport->keys, transport->key_count,
						nodes->transport, map, what);
}

static bool is_name(struct str name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"_.-";

	return name.len && name.len <= NAME_MAX_LEN && strspn(name.data, allowed) == name.len;
}

/* The text of a key; NULL: there is none, or it is something else, which is reported. */
static const struct yaml_node *text_of(struct report *report, const struct yaml_node *map,
				       const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);

	if (!node || node->kind == YAML_SCALAR)
		return node;
	report_error(report, node, "kind", NULL, "'%s' must be a text, found %s", key,
		     yaml_describe(node));
	return NULL;
}

static bool read_name(struct report *report, const struct yaml_node *map,
		      const struct delivery_config *delivery, struct delivery_output *output)
{
	const struct yaml_node *name = yaml_get(map, "name");

	if (!name || name->kind != YAML_SCALAR || !is_name(name->text)) {
		report_error(report, name ? name : map, "value", NULL,
			     name ? "a name has up to 64 letters, digits and _ . -"
				  : "a destination needs a name");
		return false;
	}
	for (uint32_t i = 0; i < delivery->output_count; i++)
		if (!strcmp(delivery->outputs[i].name, name->text.data)) {
			report_error(report, name, "value", NULL,
				     "there are two destinations called '%s'", name->text.data);
			return false;
		}
	output->name = output->settings.output = name->text.data;
	return true;
}

/* stdout, or a file that is to be written directly: what --output does. */
static bool is_direct(struct report *report, const struct yaml_node *map,
		      const struct transport *transport)
{
	const struct yaml_node *path = text_of(report, map, "path");
	const struct yaml_node *durable = yaml_get(map, "durable");
	bool value = true;

	if (strcmp(transport->name, "file") != 0)
		return false;
	if (durable && !yaml_bool(durable, &value))
		report_error(report, durable, "kind", NULL, "'durable' must be true or false");
	return !value || !path || !strcmp(path->text.data, "stdout") ||
	       !strcmp(path->text.data, "-");
}

/* Mistakes in a format's keys are told here, where their place is known. */
static bool check_format(struct report *report, const struct format *format,
			 const struct yaml_node *keys)
{
	struct delivery_output scratch = { 0 };
	uint32_t before = report->errors;

	read_format_keys(report, format, keys, &scratch);
	open_format(report, format, keys, &scratch, before);
	if (scratch.format_state)
		format->close(scratch.format_state);
	return report->errors == before;
}

/* FORMAT[,SETTING=VALUE...]:PATH. NULL: reported. */
static const char *direct_expression(struct report *report, const struct yaml_node *map)
{
	const struct yaml_node *path = yaml_get(map, "path"), *keys;
	const struct format *format = read_format_name(report, yaml_get(map, "format"), "table",
						       &keys);
	struct buf out = { 0 };

	/* What is wrong with the path has been told when it was looked at first. */
	if ((path && path->kind != YAML_SCALAR) || !format || !check_format(report, format, keys))
		return NULL;
	buf_str(&out, str_of(format->name));
	if (keys && keys->kind == YAML_SCALAR) {
		buf_lit(&out, ",file=");
		buf_str(&out, keys->text);
	}
	for (uint32_t i = 0; keys && keys->kind == YAML_MAP && i < keys->count; i++) {
		const struct yaml_pair *pair = &keys->pairs[i];

		if (str_equal(pair->key->text, STR("name")))
			continue;
		buf_printf(&out, ",%s=%s", pair->key->text.data,
			   pair->value->kind == YAML_SCALAR ? pair->value->text.data : "");
	}
	buf_char(&out, ':');
	buf_str(&out, path ? path->text : STR("stdout"));
	const char *expression = arena_str(report->arena, out.data, out.len).data;

	buf_free(&out);
	return expression;
}

static void add_direct(struct report *report, struct config *config, const struct yaml_node *map)
{
	static const char *const known[] = { "name", "type", "format", "path", "durable" };
	uint32_t count = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		bool fine = false;

		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			fine |= !strcmp(map->pairs[i].key->text.data, known[k]);
		if (!fine)
			report_error(
				report, map->pairs[i].key, "unknown-key",
				"without a spool a file takes: name, type, format, path, durable",
				"'%s' needs a file with a spool", map->pairs[i].key->text.data);
	}
	while (config->direct && config->direct[count])
		count++;
	const char **list = arena_array(report->arena, const char *, count + 2);
	const char *expression = direct_expression(report, map);

	if (!list || !expression)
		return;
	if (count)
		memcpy(list, config->direct, count * sizeof(*list));
	list[count] = expression;
	config->direct = list;
}

static void read_destination(struct report *report, struct config *config,
			     const struct yaml_node *map)
{
	struct delivery_config *delivery = config->owner;
	struct delivery_output output = { 0 };
	struct nodes nodes = { 0 };
	uint32_t before = report->errors;

	if (map->kind != YAML_MAP) {
		report_error(report, map, "kind", NULL, "a destination must be a map, found %s",
			     yaml_describe(map));
		return;
	}
	if (!read_name(report, map, delivery, &output))
		return;
	output.transport = find_transport(report, text_of(report, map, "type"));
	if (!output.transport)
		return;
	if (is_direct(report, map, output.transport)) {
		add_direct(report, config, map);
		return;
	}
	read_transport_keys(report, map, output.transport, &nodes, &output);
	output.settings.sensor_version = str_of(SPOOR_VERSION);
	if (!read_format(report, nodes.own[OWN_FORMAT], &output, before))
		return;
	read_limits(report, nodes.own, &output);
	add_filter(report, nodes.own[OWN_FILTERS], &output);
	check_settings(report, &nodes, &output, before);
	delivery->outputs[delivery->output_count++] = output;
	config->delivery = delivery;
}

/* ---- streams -------------------- */

struct buffer {
	const struct yaml_node *node;
	const struct yaml_node *size, *mode;
};

struct stream {
	const struct yaml_node *node;
	const struct yaml_node *name;
	struct texts destinations;
	const struct yaml_node *filters;
	struct buffer buffer;
};

static const struct schema_key buffer_keys[] = {
	SCHEMA_KEY(buffer, size, "size", KEY_ANY, "events; here the spool is the buffer"),
	SCHEMA_KEY(buffer, mode, "mode", KEY_ANY, "block or drop; here spool.full"),
};
static const struct schema buffer_schema = { "buffer", buffer_keys, ARRAY_SIZE(buffer_keys),
					     sizeof(struct buffer) };
static const struct schema_key stream_keys[] = {
	SCHEMA_KEY(stream, name, "name", KEY_TEXT, "name of the stream"),
	{ .name = "destinations",
	  .kind = KEY_TEXTS,
	  .required = true,
	  .offset = offsetof(struct stream, destinations),
	  .doc = "names of destinations" },
	SCHEMA_KEY(stream, filters, "filters", KEY_ANY, "what its destinations get"),
	{ .name = "buffer",
	  .kind = KEY_MAP,
	  .offset = offsetof(struct stream, buffer),
	  .of = &buffer_schema,
	  .doc = "size and mode" },
};
static const struct schema stream_schema = { "stream", stream_keys, ARRAY_SIZE(stream_keys),
					     sizeof(struct stream) };

static struct delivery_output *find_output(struct delivery_config *delivery, struct str name)
{
	for (uint32_t i = 0; i < delivery->output_count; i++)
		if (str_equal(name, str_of(delivery->outputs[i].name)))
			return &delivery->outputs[i];
	return NULL;
}

static void no_such_destination(struct report *report, const struct delivery_config *delivery,
				const struct yaml_node *name)
{
	struct err err = { .level = ERR_ERROR, .rule = "value" };
	struct suggest suggest;

	suggest_start(&suggest, name->text);
	for (uint32_t i = 0; i < delivery->output_count; i++)
		suggest_try(&suggest, str_of(delivery->outputs[i].name));
	err_set(&err, -EINVAL, "no destination with a spool is called '%s'", name->text.data);
	if (suggest.best.data)
		err_hint(&err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	report_add(report, name, &err);
}

static void read_stream(struct report *report, struct delivery_config *delivery,
			const struct yaml_node *map)
{
	struct stream stream = { 0 };

	schema_read(report, &stream_schema, map, &stream);
	if (stream.buffer.node)
		report_warning(report, stream.buffer.node, "no-effect",
			       "see spool.memory and spool.full",
			       "buffer has no effect: the spool is every destination's buffer");
	for (uint32_t i = 0; i < stream.destinations.count; i++) {
		const struct yaml_node *name = stream.destinations.items[i];
		struct delivery_output *output = find_output(delivery, name->text);

		if (!output) {
			no_such_destination(report, delivery, name);
		} else if (output->streamed) {
			report_error(report, name, "value",
				     "filters of the destination can be used instead",
				     "destination '%s' is in another stream already", output->name);
		} else {
			output->streamed = true;
			add_filter(report, stream.filters, output);
		}
	}
}

void destinations_keys(config_key_fn fn, void *ctx)
{
	for (size_t i = 0; i < OWN_KEYS; i++)
		fn(ctx, "output.destinations", own_keys[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(filter_keys); i++)
		fn(ctx, "output.destinations.filters", filter_keys[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(stream_keys); i++)
		fn(ctx, "output.streams", stream_keys[i].name);
}

void destinations_read(struct report *report, struct config *config,
		       const struct yaml_node *destinations, const struct yaml_node *streams)
{
	struct delivery_config *delivery = config->owner;
	uint32_t count = destinations ? destinations->count : 0;

	if ((destinations && destinations->kind != YAML_LIST) ||
	    (streams && streams->kind != YAML_LIST)) {
		report_error(report, destinations, "kind", NULL,
			     "destinations and streams must be lists");
		return;
	}
	if (count > DELIVERY_OUTPUTS_MAX) {
		report_error(report, destinations, "limit", NULL, "more than %d destinations",
			     DELIVERY_OUTPUTS_MAX);
		return;
	}
	delivery->outputs = arena_array(report->arena, struct delivery_output,
					DELIVERY_OUTPUTS_MAX);
	for (uint32_t i = 0; i < count && delivery->outputs; i++)
		read_destination(report, config, destinations->items[i]);
	for (uint32_t i = 0; streams && i < streams->count; i++)
		read_stream(report, delivery, streams->items[i]);
}
