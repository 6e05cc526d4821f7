/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grafana Loki: a record is a line of a stream. Labels are few and of few values (host, severity
 * and those configured); what differs from alert to alert goes into structured metadata.
 */
#include <ctype.h>
#include <errno.h>

#include "base/err.h"
#include "event/json.h"
#include "http.h"
#include "library.h"

enum key { LABELS = HTTP_KEY_COUNT, TENANT, METADATA, KEY_COUNT };
enum { LABELS_MAX = 13 };

static const struct setting_key keys[KEY_COUNT] = {
	HTTP_KEY_ROWS("http://HOST:3100; without a path /loki/api/v1/push. token is a Bearer token",
		      "gzip"),
	{ "labels", SETTING_PAIRS,
	  .doc = "labels of the streams, beside job, host and severity; at most 12" },
	{ "tenant", SETTING_TEXT, .doc = "tenant (X-Scope-OrgID)" },
	{ "structured_metadata", SETTING_BOOL, .fallback = "true",
	  .doc = "alert_id and event beside the line; needs Loki 3, or 2.9 with it allowed" },
};

static bool is_label(struct str name)
{
	for (uint32_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.data[i]) && name.data[i] != '_')
			return false;
	return name.len && !isdigit((unsigned char)name.data[0]);
}

static int loki_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	const struct setting_value *labels = &settings->values[LABELS];
	int r = http_check(settings, key, err);

	if (r < 0)
		return r;
	*key = LABELS;
	if (labels->count > LABELS_MAX - 1) {
		err_set(err, -EINVAL, "%u labels are too many", labels->count);
		err_hint(err, "Loki takes 15; job, host and severity are ours");
		return -EINVAL;
	}
	for (uint32_t i = 0; i < labels->count; i++) {
		struct str name = labels->pairs[i].key;

		if (is_label(name) && !str_equal(name, STR("host")) &&
		    !str_equal(name, STR("severity")))
			continue;
		err_set(err, -EINVAL, "'%.*s' cannot be a label", (int)name.len, name.data);
		err_hint(err,
			 "letters, digits and _, the first no digit; host and severity are ours");
		return -EINVAL;
	}
	return 0;
}

static void write_labels(const struct transport_settings *settings, uint8_t severity,
			 struct buf *out)
{
	const struct setting_value *labels = &settings->values[LABELS];
	bool job = false;

	buf_lit(out, "{\"stream\":{\"host\":");
	json_text(out, settings->host_name);
	buf_printf(out, ",\"severity\":\"%s\"", severity_names[severity]);
	for (uint32_t i = 0; i < labels->count; i++) {
		buf_char(out, ',');
		json_text(out, labels->pairs[i].key);
		buf_char(out, ':');
		json_text(out, labels->pairs[i].value);
		job |= str_equal(labels->pairs[i].key, STR("job"));
	}
	if (!job)
		buf_lit(out, ",\"job\":\"spoor\"");
	buf_lit(out, "},\"values\":[");
}

/* ["NANOSECONDS", "LINE", {"alert_id": ...}]; the time is a string, or Loki refuses it. */
static void write_value(const struct transport_settings *settings,
			const struct transport_record *record, struct buf *out)
{
	buf_printf(out, "[\"%llu\",", (unsigned long long)record->time);
	json_text(out, record->bytes);
	if (setting_number(settings, METADATA)) {
		buf_lit(out, ",{\"alert_id\":");
		json_text(out, record->id);
		buf_lit(out, ",\"event\":");
		json_text(out, record->event);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void body_write(void *own, struct buf *out, const struct http_part *part)
{
	const struct transport_settings *settings = own;
	bool streams = false;

	buf_lit(out, "{\"streams\":[");
	for (uint8_t severity = 0; severity < SEVERITY_COUNT; severity++) {
		bool values = false;

		for (uint32_t i = 0; i < part->count; i++) {
			if (MIN(part->records[i].severity, SEVERITY_COUNT - 1) != severity)
				continue;
			if (!values && streams)
				buf_char(out, ',');
			if (values)
				buf_char(out, ',');
			else
				write_labels(settings, severity, out);
			write_value(settings, &part->records[i], out);
			values = true;
		}
		if (values)
			buf_lit(out, "]}");
		streams |= values;
	}
	buf_lit(out, "]}");
}

static void add_tenant(void *own, struct http *http, const struct http_part *part, struct str body)
{
	const char *tenant = setting_text(own, TENANT);
	char line[URL_PART_MAX];

	(void)part, (void)body;
	if (!tenant)
		return;
	snprintf(line, sizeof(line), "X-Scope-OrgID: %s", tenant);
	http_header(http, line);
}

static const struct http_receiver receiver = {
	.path = "/loki/api/v1/push",
	.content_type = "application/json",
	.token_header = "Authorization: Bearer %s",
	.body = body_write,
	.headers = add_tenant,
};

static int loki_open(const struct transport_settings *settings, struct transport_state **out,
		     struct err *err)
{
	return http_only_open(settings, &receiver, out, err);
}

const struct transport transport_loki = {
	.name = "loki",
	.doc = "Grafana Loki",
	.format = "json",
	.keys = keys,
	.key_count = KEY_COUNT,
	.batch_records = 500,
	.batch_bytes = 1024 * 1024,
	.missing = library_missing,
	.check = loki_check,
	.open = loki_open,
	.send = http_only_send,
	.close = http_only_close,
};
