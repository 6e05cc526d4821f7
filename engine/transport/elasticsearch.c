/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elasticsearch and OpenSearch by `_bulk`: documents are created under the alert's id, so that one
 * sent twice is there once. Each item of the answer counts for itself.
 */
#include <ctype.h>
#include <errno.h>

#include "answers.h"
#include "base/err.h"
#include "event/json.h"
#include "library.h"

enum key { INDEX = HTTP_KEY_COUNT, KEY_COUNT };

static const struct setting_key keys[KEY_COUNT] = {
	HTTP_KEY_ROWS("http://HOST:9200; a path of your own must end in /_bulk. token is an ApiKey",
		      "gzip"),
	{ "index", SETTING_TEXT, .fallback = "logs-spoor.alerts-default",
	  .doc = "index or data stream the documents go to" },
};

struct transport_state {
	struct http *http; /* first, for http_state_send */
	const struct transport_settings *settings;
	struct http_receiver receiver;
	char path[URL_PATH_MAX];
};

/* Every document is a line: what a format writes has no line break. */
static void body_write(void *own, struct buf *out, const struct http_part *part)
{
	(void)own;
	for (uint32_t i = 0; i < part->count; i++) {
		buf_lit(out, "{\"create\":{\"_id\":");
		json_text(out, part->records[i].id);
		buf_lit(out, "}}\n");
		buf_str(out, part->records[i].bytes);
		buf_char(out, '\n');
	}
}

static void accepted(void *own, const struct http_answer *answer, const struct http_part *part,
		     struct transport_batch *batch)
{
	(void)own;
	bulk_answer(answer, part, batch);
}

static int check_path(const struct transport_settings *settings, struct err *err)
{
	struct url url;
	int r = url_parse(settings->values[HTTP_URL].text, "http https", &url, err);
	size_t len = r == 0 ? strlen(url.path) : 0;

	if (len <= 1 || (len >= 6 && !strcmp(url.path + len - 6, "/_bulk")))
		return r;
	err_set(err, -EINVAL, "the URL's path does not end in /_bulk");
	err_hint(err, "leave the path out: it is made from `index`");
	return -EINVAL;
}

static int elasticsearch_check(const struct transport_settings *settings, uint32_t *key,
			       struct err *err)
{
	int r = http_check(settings, key, err);

	if (r < 0)
		return r;
	*key = HTTP_URL;
	r = check_path(settings, err);
	if (r < 0)
		return r;
	*key = INDEX;
	struct str index = settings->values[INDEX].text;

	for (uint32_t i = 0; i < index.len; i++)
		if (!islower((unsigned char)index.data[i]) &&
		    !isdigit((unsigned char)index.data[i]) && !memchr("-_.+", index.data[i], 4))
			r = -EINVAL;
	if (r == 0 && index.len && !memchr("-_+.", index.data[0], 4))
		return 0;
	err_set(err, -EINVAL, "'%s' is no name of an index", index.data ? index.data : "");
	err_hint(err, "small letters, digits and . - _ +, the first a letter or a digit");
	return -EINVAL;
}

static int elasticsearch_open(const struct transport_settings *settings,
			      struct transport_state **out, struct err *err)
{
	autoclean(freep) struct transport_state *state = calloc(1, sizeof(*state));

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	/* The answer without what is not looked at: a tenth of its size. */
	snprintf(state->path, sizeof(state->path),
		 "/%s/_bulk?filter_path=errors,items.*.status,items.*.error",
		 setting_text(settings, INDEX));
	state->settings = settings;
	state->receiver = (struct http_receiver){
		.path = state->path,
		.content_type = "application/x-ndjson",
		.token_header = "Authorization: ApiKey %s",
		.body = body_write,
		.accepted = accepted,
	};
	int r = http_open(settings, &state->receiver, state, &state->http, err);

	if (r < 0)
		return r;
	*out = take(state);
	return 0;
}

const struct transport transport_elasticsearch = {
	.name = "elasticsearch",
	.doc = "Elasticsearch or OpenSearch, by _bulk, each document under the alert's id",
	.format = "ecs",
	.keys = keys,
	.key_count = KEY_COUNT,
	.batch_records = 1000,
	.batch_bytes = 4 * 1024 * 1024,
	.missing = library_missing,
	.check = elasticsearch_check,
	.open = elasticsearch_open,
	.send = http_state_send,
	.close = http_state_close,
};
