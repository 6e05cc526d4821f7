/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datadog's log intake: a JSON array of the records, each with Datadog's own attributes put
 * first. Datadog dates what is older than 18 hours anew, so the event's time stays an attribute
 * of its own.
 */
#include "event/json.h"
#include "http.h"
#include "library.h"

enum key { SOURCE = HTTP_KEY_COUNT, SERVICE, TAGS, KEY_COUNT };

static const struct setting_key keys[KEY_COUNT] = {
	HTTP_KEY_ROWS("https://http-intake.logs.SITE, such as datadoghq.eu; token is the API key",
		      "gzip"),
	{ "source", SETTING_TEXT, .fallback = "spoor", .doc = "ddsource of the logs" },
	{ "service", SETTING_TEXT, .fallback = "spoor", .doc = "service of the logs" },
	{ "tags", SETTING_TEXTS, .doc = "ddtags of the logs, such as env:prod" },
};

static const char *const statuses[] = { "info", "notice", "warning", "error", "critical" };

static void write_attributes(const struct transport_settings *settings,
			     const struct transport_record *record, struct buf *out)
{
	const struct setting_value *values = settings->values;
	struct buf tags = { 0 };

	for (uint32_t i = 0; i < values[TAGS].count; i++) {
		buf_str(&tags, i ? STR(",") : STR(""));
		buf_str(&tags, values[TAGS].texts[i]);
	}
	buf_lit(out, "{\"ddsource\":");
	json_text(out, values[SOURCE].text);
	buf_lit(out, ",\"ddtags\":");
	json_text(out, (struct str){ tags.data, (uint32_t)tags.len });
	buf_lit(out, ",\"hostname\":");
	json_text(out, settings->host_name);
	buf_lit(out, ",\"service\":");
	json_text(out, values[SERVICE].text);
	buf_printf(out, ",\"status\":\"%s\",\"alert_id\":",
		   statuses[MIN(record->severity, ARRAY_SIZE(statuses) - 1)]);
	json_text(out, record->id);
	buf_free(&tags);
}

static bool is_object(struct str record)
{
	return record.len >= 2 && record.data[0] == '{' && record.data[record.len - 1] == '}';
}

static void body_write(void *own, struct buf *out, const struct http_part *part)
{
	const struct transport_settings *settings = own;

	for (uint32_t i = 0; i < part->count; i++) {
		struct str record = part->records[i].bytes;

		buf_char(out, i ? ',' : '[');
		write_attributes(settings, &part->records[i], out);
		buf_char(out, ',');
		if (is_object(record) && record.len > 2) {
			buf_add(out, record.data + 1, record.len - 1);
			continue;
		}
		buf_lit(out, "\"message\":");
		json_text(out, record);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static const struct http_receiver receiver = {
	.path = "/api/v2/logs",
	.content_type = "application/json",
	.token_header = "DD-API-KEY: %s",
	.body = body_write,
};

static int datadog_open(const struct transport_settings *settings, struct transport_state **out,
			struct err *err)
{
	return http_only_open(settings, &receiver, out, err);
}

const struct transport transport_datadog = {
	.name = "datadog",
	.doc = "Datadog's log intake",
	.format = "ecs",
	.keys = keys,
	.key_count = KEY_COUNT,
	.batch_records = 500,
	.batch_bytes = 2 * 1024 * 1024,
	.missing = library_missing,
	.check = http_check,
	.open = datadog_open,
	.send = http_only_send,
	.close = http_only_close,
};
