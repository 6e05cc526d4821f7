/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A POST of JSON to a URL: one record a request, as Tracee does it, or many. Tracee's parameters
 * in the URL (timeout, contentType) are obeyed. Requests can be signed the way
 * standardwebhooks.com says: the alert's id, the time of sending and the body under HMAC-SHA256,
 * so that the receiver can tell who sent it, that it is whole, and that it is not a replay.
 */
#include <errno.h>
#include <time.h>

#include "base/err.h"
#include "event/json.h"
#include "http.h"
#include "library.h"
#include "openssl.h"

enum key { BATCH = HTTP_KEY_COUNT, CONTENT_TYPE, SECRET, SECRET_OLD, KEY_COUNT };
enum batch_form { SINGLE, ARRAY, LINES };
enum { KEY_MAX = 512, DIGEST = 32 };

static const struct setting_key keys[KEY_COUNT] = {
	HTTP_KEY_ROWS("http:// or https:// URL; Tracee's ?timeout= and ?contentType= are obeyed",
		      "none"),
	{ "batch", SETTING_CHOICE, .fallback = "single", .choices = "single array lines",
	  .doc = "a record a request, a JSON array of many, or many lines" },
	{ "content_type", SETTING_TEXT, .fallback = "application/json",
	  .doc = "Content-Type of the requests" },
	{ "secret", SETTING_SECRET,
	  .doc = "key to sign with (HMAC-SHA256; webhook-signature header); whsec_ and base64, or as "
		 "it is" },
	{ "secret_old", SETTING_SECRET,
	  .doc = "former key, which signs as well while keys change" },
};

struct transport_state {
	struct http *http;
	const struct transport_settings *settings;
	const struct openssl *lib; /* NULL: nothing to sign */
	struct http_receiver receiver;
	struct setting_value *values;
	struct transport_settings own; /* with the URL's parameters applied */
	char content_type[128];
};

/* ---- bodies ---------------------------------------------------------------------------------- */

static void body_write(void *ctx, struct buf *out, const struct http_part *part)
{
	const struct transport_state *state = ctx;
	int64_t form = setting_number(state->settings, BATCH);

	if (form == ARRAY)
		buf_char(out, '[');
	for (uint32_t i = 0; i < part->count; i++) {
		if (form == ARRAY && i)
			buf_char(out, ',');
		buf_str(out, part->records[i].bytes);
		if (form == LINES)
			buf_char(out, '\n');
	}
	if (form == ARRAY)
		buf_char(out, ']');
}

/* ---- signatures -------------------------------------------------------------------------- */

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* whsec_BASE64 is decoded; anything else is the key itself. Length, or -1 if it is neither. */
static int key_read(struct str secret, uint8_t out[KEY_MAX])
{
	uint32_t bits = 0, held = 0;
	int len = 0;

	if (secret.len > KEY_MAX)
		return -1;
	if (secret.len < 6 || memcmp(secret.data, "whsec_", 6) != 0) {
		memcpy(out, secret.data, secret.len);
		return (int)secret.len;
	}
	for (uint32_t i = 6; i < secret.len && secret.data[i] != '='; i++) {
		int digit = base64_digit(secret.data[i]);

		if (digit < 0)
			return -1;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[len++] = (uint8_t)(bits >> held);
		}
	}
	return len ? len : -1;
}

/* v1,BASE64(HMAC-SHA256(key, ID.TIME.BODY)) */
static void sign(const struct transport_state *state, enum key secret, struct str signed_part,
		 struct buf *out)
{
	uint8_t key[KEY_MAX], digest[DIGEST];
	struct buf text = { 0 };
	unsigned len = DIGEST;
	struct str given = state->settings->values[secret].text;
	int key_len = given.data ? key_read(given, key) : -1;

	if (key_len < 0 ||
	    !state->lib->HMAC(state->lib->EVP_sha256(), key, key_len,
			      (const uint8_t *)signed_part.data, signed_part.len, digest, &len))
		return;
	json_base64(&text, (struct str){ (const char *)digest, len });
	buf_lit(out, " v1,");
	buf_add(out, text.data + 1, text.len - 2); /* without its quotes */
	buf_free(&text);
	explicit_bzero(key, sizeof(key));
}

static void add_signature(void *ctx, struct http *http, const struct http_part *part,
			  struct str body)
{
	const struct transport_state *state = ctx;
	struct buf text = { 0 }, line = { 0 };
	long long now = (long long)time(NULL);

	if (!state->lib)
		return;
	/* Signed when sent, not when made: receivers refuse what is five minutes old. */
	buf_str(&text, part->records[0].id);
	buf_printf(&text, ".%lld.", now);
	buf_str(&text, body);
	buf_lit(&line, "webhook-id: ");
	buf_str(&line, part->records[0].id);
	http_header(http, buf_cstr(&line));
	buf_clear(&line);
	buf_printf(&line, "webhook-timestamp: %lld", now);
	http_header(http, buf_cstr(&line));
	buf_clear(&line);
	buf_lit(&line, "webhook-signature:");
	sign(state, SECRET, (struct str){ text.data, (uint32_t)text.len }, &line);
	sign(state, SECRET_OLD, (struct str){ text.data, (uint32_t)text.len }, &line);
	http_header(http, buf_cstr(&line));
	buf_free(&text);
	buf_free(&line);
}

/* ---- settings ---------------------------------------------------------------------------- */

static int check_parameters(const struct transport_settings *settings, struct err *err)
{
	char text[128];
	struct url url;
	int r = url_parse(settings->values[HTTP_URL].text, "http https", &url, err);

	if (r < 0)
		return r;
	if (url_parameter(&url, "timeout", text, sizeof(text)) && url_duration(text) < 0) {
		err_set(err, -EINVAL, "the URL's timeout '%s' is no duration", text);
		err_hint(err, "such as 10s, 500ms, 1m; the key `timeout` says the same");
		return -EINVAL;
	}
	if (url_parameter(&url, "gotemplate", text, sizeof(text))) {
		err_set(err, -EINVAL, "the URL names a template");
		err_hint(err, "say it with the destination's format: gotemplate=%s", text);
		return -EINVAL;
	}
	return 0;
}

static int webhook_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	uint8_t bytes[KEY_MAX];
	int r = http_check(settings, key, err);

	if (r < 0)
		return r;
	*key = HTTP_URL;
	r = check_parameters(settings, err);
	for (uint32_t i = SECRET; r == 0 && i <= SECRET_OLD; i++) {
		struct str secret = settings->values[i].text;

		*key = i;
		if (secret.data && key_read(secret, bytes) < 0) {
			r = err_set(err, -EINVAL, "the secret is not base64, or too long");
			err_hint(err,
				 "after whsec_ base64 is expected; without whsec_ any text is");
		}
	}
	return r;
}

static void webhook_close(struct transport_state *state, uint64_t deadline)
{
	(void)deadline;
	if (!state)
		return;
	http_close(state->http);
	free(state->values);
	free(state);
}

/* The values, with what the URL's parameters say in them. */
static int apply_parameters(struct transport_state *state,
			    const struct transport_settings *settings, struct err *err)
{
	char text[128];
	struct url url;
	int r = url_parse(settings->values[HTTP_URL].text, "http https", &url, err);

	state->values = r == 0 ? malloc(sizeof(*state->values) * KEY_COUNT) : NULL;
	if (!state->values)
		return r < 0 ? r : err_set(err, -ENOMEM, "out of memory");
	memcpy(state->values, settings->values, sizeof(*state->values) * KEY_COUNT);
	state->own = *settings;
	state->own.values = state->values;
	state->settings = &state->own;
	if (url_parameter(&url, "timeout", text, sizeof(text)) && url_duration(text) > 0)
		state->values[HTTP_TIMEOUT].number = url_duration(text);
	snprintf(state->content_type, sizeof(state->content_type), "%s",
		 setting_text(settings, CONTENT_TYPE));
	if (url_parameter(&url, "contentType", text, sizeof(text)) && !strpbrk(text, "\r\n"))
		snprintf(state->content_type, sizeof(state->content_type), "%s", text);
	return 0;
}

static int webhook_open(const struct transport_settings *settings, struct transport_state **out,
			struct err *err)
{
	struct transport_state *state = calloc(1, sizeof(*state));
	int r = state ? apply_parameters(state, settings, err)
		      : err_set(err, -ENOMEM, "out of memory");

	if (r == 0 && setting_text(settings, SECRET) && !(state->lib = openssl_load(err)))
		r = err->code;
	if (r == 0) {
		state->receiver = (struct http_receiver){
			.content_type = state->content_type,
			.token_header = "Authorization: Bearer %s",
			.records = setting_number(settings, BATCH) == SINGLE ? 1 : 0,
			.body = body_write,
			.headers = add_signature,
		};
		r = http_open(state->settings, &state->receiver, state, &state->http, err);
	}
	if (r < 0) {
		webhook_close(state, 0);
		return r;
	}
	*out = state;
	return 0;
}

static int webhook_send(struct transport_state *state, struct transport_batch *batch)
{
	return http_send(state->http, batch);
}

const struct transport transport_webhook = {
	.name = "webhook",
	.doc = "POST to a URL, signed if a secret is given; Tracee's webhook",
	.format = "json",
	.keys = keys,
	.key_count = KEY_COUNT,
	.batch_records = 100,
	.batch_bytes = 1024 * 1024,
	.missing = library_missing,
	.check = webhook_check,
	.open = webhook_open,
	.send = webhook_send,
	.close = webhook_close,
};
