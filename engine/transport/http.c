/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: a batch is cut into requests, at most `concurrency` are on their way, and after
 * the first that fails no more are begun, so that with one at a time records keep their order.
 * curl keeps the connections; they are dropped when certificates change.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/err.h"
#include "curl_library.h"
#include "gzip.h"
#include "http.h"
#include "moment.h"
#include "openssl.h"
#include "connection.h"

enum { RETRY_AFTER_MAX_S = 3600, SECRET_MIN = 4, FILES = 3 };

struct request {
	CURL *easy;
	struct curl_slist *headers;
	struct buf body, packed, answer;
	struct http_part part;
	bool busy;
	char error[CURL_ERROR_SIZE];
};

struct http {
	const struct curl_library *lib;
	const struct transport_settings *settings;
	const struct http_receiver *receiver;
	void *own;
	struct url url;
	char shown[URL_PART_MAX + 32];
	struct buf address; /* the URL as curl gets it */
	CURLM *multi;
	struct request *requests;
	uint32_t request_count;
	struct request *building;
	struct timespec changed[FILES]; /* of the certificate files */
	bool stopped;			/* after a failure */
	char said[640];			/* what the last answer was, for a person */
};

/* ---- settings ---------------------------------------------------------------------------- */

static int check_header(const struct setting_pair *pair, struct err *err)
{
	for (uint32_t i = 0; i < pair->key.len; i++)
		if (!isalnum((unsigned char)pair->key.data[i]) &&
		    !memchr("!#$%&'*+-.^_`|~", pair->key.data[i], 15))
			return err_set(err, -EINVAL, "'%.*s' is no name of a header",
				       (int)pair->key.len, pair->key.data);
	if (!pair->key.len)
		return err_set(err, -EINVAL, "a header has no name");
	for (uint32_t i = 0; i < pair->value.len; i++)
		if ((unsigned char)pair->value.data[i] < ' ' && pair->value.data[i] != '\t')
			return err_set(err, -EINVAL,
				       "the value of the header %.*s has a control character",
				       (int)pair->key.len, pair->key.data);
	return 0;
}

static bool status_pair(const struct setting_pair *pair, unsigned *status,
			enum delivery_result *result)
{
	*status = 0;
	for (uint32_t i = 0; i < pair->key.len && i < 4; i++)
		*status = isdigit((unsigned char)pair->key.data[i])
				  ? *status * 10 + (unsigned)(pair->key.data[i] - '0')
				  : 9999;
	return *status >= 100 && *status <= 599 && http_result_by_name(pair->value, result);
}

static int check_pairs(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	const struct setting_value *headers = &settings->values[HTTP_HEADERS];
	const struct setting_value *statuses = &settings->values[HTTP_STATUSES];
	enum delivery_result result;
	unsigned status;

	*key = HTTP_HEADERS;
	for (uint32_t i = 0; i < headers->count; i++)
		if (check_header(&headers->pairs[i], err) < 0)
			return -EINVAL;
	*key = HTTP_STATUSES;
	for (uint32_t i = 0; i < statuses->count; i++)
		if (!status_pair(&statuses->pairs[i], &status, &result)) {
			err_set(err, -EINVAL, "'%.*s: %.*s' is not understood",
				(int)statuses->pairs[i].key.len, statuses->pairs[i].key.data,
				(int)statuses->pairs[i].value.len, statuses->pairs[i].value.data);
			err_hint(err, "a status from 100 to 599, and done, retry or refused");
			return -EINVAL;
		}
	return 0;
}

int http_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	int64_t concurrency = setting_number(settings, HTTP_CONCURRENCY);
	struct url url;
	int r = url_parse(settings->values[HTTP_URL].text, "http https", &url, err);

	*key = HTTP_URL;
	if (r < 0)
		return r;
	if (concurrency < 1 || concurrency > HTTP_CONCURRENCY_MAX) {
		*key = HTTP_CONCURRENCY;
		return err_set(err, -EINVAL, "concurrency is %lld, and must be 1 to %d",
			       (long long)concurrency, HTTP_CONCURRENCY_MAX);
	}
	if (setting_text(settings, HTTP_PASSWORD) && !setting_text(settings, HTTP_USER)) {
		*key = HTTP_PASSWORD;
		return err_set(err, -EINVAL, "a password needs a user");
	}
	for (uint32_t i = 0; i < TLS_KEY_COUNT && strcmp(url.scheme, "https") != 0; i++)
		if (settings->values[HTTP_TLS + i].given) {
			*key = HTTP_TLS + i;
			err_set(err, -EINVAL, "this key needs an https:// URL");
			return -EINVAL;
		}
	r = check_pairs(settings, key, err);
	if (r < 0)
		return r;
	r = tls_check(settings->values + HTTP_TLS, key, err);
	*key += r < 0 ? HTTP_TLS : 0;
	return r;
}

/* ---- certificates that change -------------------------------------------------------------- */

/* True if one of the files has changed since the last call. */
static bool files_changed(struct http *http)
{
	static const uint8_t file_keys[FILES] = { TLS_CA_FILE, TLS_CERTIFICATE_FILE, TLS_KEY_FILE };
	bool changed = false;
	struct stat found;

	for (int i = 0; i < FILES; i++) {
		const char *path = setting_text(http->settings, HTTP_TLS + file_keys[i]);

		if (!path || stat(path, &found) < 0)
			continue;
		changed |= memcmp(&found.st_mtim, &http->changed[i], sizeof(found.st_mtim)) != 0;
		http->changed[i] = found.st_mtim;
	}
	return changed;
}

/* Connections (and what curl remembers of certificates) live in the multi handle. */
static int connections_drop(struct http *http)
{
	http->lib->curl_multi_cleanup(http->multi);
	http->multi = http->lib->curl_multi_init();
	return http->multi ? 0 : -ENOMEM;
}

/* ---- a request ------------------------------------------------------------------------------- */

static size_t take_answer(char *data, size_t size, size_t count, void *ctx)
{
	struct request *request = ctx;

	buf_add(&request->answer, data, size * count);
	return request->answer.truncated ? 0 : size * count; /* 0 ends the request */
}

static CURLcode prepare_ssl(CURL *easy, void *context, void *ctx)
{
	const struct http *http = ctx;

	(void)easy;
	tls_prepare(http->settings->values + HTTP_TLS, context);
	return CURLE_OK;
}

void http_header(struct http *http, const char *line)
{
	struct curl_slist *more = http->lib->curl_slist_append(http->building->headers, line);

	http->building->headers = more ? more : http->building->headers;
}

static void add_headers(struct http *http, const char *content_type)
{
	const struct setting_value *values = http->settings->values, *own = &values[HTTP_HEADERS];
	struct buf line = { 0 };

	if (content_type) {
		buf_printf(&line, "Content-Type: %s", content_type);
		http_header(http, buf_cstr(&line));
	}
	http_header(http, "Expect:"); /* no waiting for 100 Continue */
	if (values[HTTP_TOKEN].text.data && http->receiver->token_header) {
		buf_clear(&line);
		buf_add(&line, http->receiver->token_header,
			strcspn(http->receiver->token_header, "%"));
		buf_str(&line, values[HTTP_TOKEN].text);
		http_header(http, buf_cstr(&line));
	}
	for (uint32_t i = 0; i < own->count; i++) {
		buf_clear(&line);
		buf_str(&line, own->pairs[i].key);
		/* An empty value is written with a semicolon; a colon would remove the header. */
		buf_add(&line, own->pairs[i].value.len ? ": " : ";",
			own->pairs[i].value.len ? 2 : 1);
		buf_str(&line, own->pairs[i].value);
		http_header(http, buf_cstr(&line));
	}
	buf_free(&line);
}

#define SET(option, value) http->lib->curl_easy_setopt(easy, option, value)

static void set_security(struct http *http, CURL *easy)
{
	const struct setting_value *tls = http->settings->values + HTTP_TLS;
	bool verify = tls[TLS_VERIFY].number && !tls[TLS_FINGERPRINTS].count;

	SET(CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	SET(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
	SET(CURLOPT_SSL_CTX_FUNCTION, prepare_ssl);
	SET(CURLOPT_SSL_CTX_DATA, http);
	if (tls[TLS_CA_FILE].text.data)
		SET(CURLOPT_CAINFO, tls[TLS_CA_FILE].text.data);
	if (tls[TLS_CERTIFICATE_FILE].text.data) {
		SET(CURLOPT_SSLCERT, tls[TLS_CERTIFICATE_FILE].text.data);
		SET(CURLOPT_SSLKEY, tls[TLS_KEY_FILE].text.data);
	}
	if (tls[TLS_KEY_PASSWORD].text.data)
		SET(CURLOPT_KEYPASSWD, tls[TLS_KEY_PASSWORD].text.data);
}

static void set_login(struct http *http, CURL *easy)
{
	const struct transport_settings *settings = http->settings;
	const char *user = setting_text(settings, HTTP_USER);
	const char *password = setting_text(settings, HTTP_PASSWORD);

	if (!user && http->url.user[0]) {
		user = http->url.user;
		password = http->url.password;
	}
	if (user) {
		SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, user);
		SET(CURLOPT_PASSWORD, password ? password : "");
	}
	if (setting_text(settings, HTTP_PROXY))
		SET(CURLOPT_PROXY, setting_text(settings, HTTP_PROXY));
	if (setting_text(settings, HTTP_PROXY_USER))
		SET(CURLOPT_PROXYUSERNAME, setting_text(settings, HTTP_PROXY_USER));
	if (setting_text(settings, HTTP_PROXY_PASSWORD))
		SET(CURLOPT_PROXYPASSWORD, setting_text(settings, HTTP_PROXY_PASSWORD));
}

static void set_common(struct http *http, struct request *request, const char *address,
		       struct str body, uint64_t deadline)
{
	CURL *easy = request->easy;
	int64_t timeout = setting_number(http->settings, HTTP_TIMEOUT);

	SET(CURLOPT_URL, address);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDS, body.data);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	SET(CURLOPT_HTTPHEADER, request->headers);
	SET(CURLOPT_USERAGENT, "spoor/" SPOOR_VERSION);
	SET(CURLOPT_WRITEFUNCTION, take_answer);
	SET(CURLOPT_WRITEDATA, request);
	SET(CURLOPT_ERRORBUFFER, request->error);
	SET(CURLOPT_PRIVATE, request);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_TIMEOUT_MS, (long)MAX(MIN(timeout, moment_left_ms(deadline)), 1));
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)setting_number(http->settings, HTTP_CONNECT_TIMEOUT));
	set_login(http, easy);
	if (!strcmp(http->url.scheme, "https"))
		set_security(http, easy);
}

/* Hands it to curl. The answer's buffer is bounded: a receiver cannot fill our memory. */
static int begin(struct http *http, struct request *request, const char *address, bool compress,
		 uint64_t deadline)
{
	struct str body = { request->body.data, (uint32_t)request->body.len };

	if (request->body.truncated)
		return -ENOMEM;
	if (compress && gzip_pack(&request->body, &request->packed)) {
		http_header(http, "Content-Encoding: gzip");
		body = (struct str){ request->packed.data, (uint32_t)request->packed.len };
	}
	request->answer.limit = HTTP_ANSWER_MAX;
	buf_clear(&request->answer);
	request->error[0] = 0;
	set_common(http, request, address, body, deadline);
	if (http->lib->curl_multi_add_handle(http->multi, request->easy) != CURLM_OK)
		return -EIO;
	request->busy = true;
	return 0;
}

static void end(struct http *http, struct request *request)
{
	if (request->busy)
		http->lib->curl_multi_remove_handle(http->multi, request->easy);
	request->busy = false;
	http->lib->curl_slist_free_all(request->headers);
	request->headers = NULL;
}

static int request_begin(struct http *http, struct request *request, struct http_part part,
			 uint64_t deadline)
{
	http->building = request;
	request->part = part;
	buf_clear(&request->body);
	http->receiver->body(http->own, &request->body, &part);
	add_headers(http, http->receiver->content_type);
	if (http->receiver->headers)
		http->receiver->headers(
			http->own, http, &part,
			(struct str){ request->body.data, (uint32_t)request->body.len });
	int r = begin(http, request, buf_cstr(&http->address),
		      setting_number(http->settings, HTTP_COMPRESSION) != 0, deadline);

	if (r < 0)
		end(http, request);
	return r;
}

/* ---- answers ----------------------------------------------------------------------------- */

/* A receiver may repeat what it was sent: secrets are blotted out. */
static void blot(char *text, struct str secret)
{
	char *at = text;

	if (!secret.data || secret.len < SECRET_MIN)
		return;
	while ((at = memmem(at, strlen(at), secret.data, secret.len)))
		memset(at, '*', secret.len);
}

static void blot_all(const struct http *http, char *text)
{
	const struct setting_value *values = http->settings->values;

	blot(text, values[HTTP_TOKEN].text);
	blot(text, values[HTTP_PASSWORD].text);
	blot(text, values[HTTP_PROXY_PASSWORD].text);
	blot(text, str_of(http->url.password));
	for (uint32_t i = 0; i < values[HTTP_HEADERS].count; i++)
		blot(text, values[HTTP_HEADERS].pairs[i].value);
}

/* "HTTP 503 from https://host: what it said" and, of a redirect, where it wants us to go. */
static void describe(struct http *http, struct request *request, const struct http_answer *answer)
{
	enum { SHOWN_MAX = 200 };
	uint32_t len = MIN(answer->body.len, (uint32_t)SHOWN_MAX);
	char *text = http->said, *target = NULL;
	int used = snprintf(text, sizeof(http->said), "HTTP %u from %s%s%.*s", answer->status,
			    http->shown, len ? ": " : "", (int)len, answer->body.data);

	http->lib->curl_easy_getinfo(request->easy, CURLINFO_REDIRECT_URL, &target);
	if (target && used > 0 && (size_t)used < sizeof(http->said))
		snprintf(text + used, sizeof(http->said) - (size_t)used,
			 "; it redirects to %.*s, which is not followed: set url to it",
			 (int)strcspn(target, "?#"), target);
	blot_all(http, text);
}

static bool status_override(const struct http *http, unsigned status, enum delivery_result *out)
{
	const struct setting_value *statuses = &http->settings->values[HTTP_STATUSES];
	unsigned found;

	for (uint32_t i = 0; i < statuses->count; i++)
		if (status_pair(&statuses->pairs[i], &found, out) && found == status)
			return true;
	return false;
}

static void part_results(const struct http_part *part, enum delivery_result result, const char *why)
{
	for (uint32_t i = 0; i < part->count; i++) {
		part->records[i].result = result;
		part->records[i].why = why;
	}
}

static void classify(struct http *http, struct request *request, struct transport_batch *batch)
{
	struct http_answer answer = { .body = { request->answer.data,
						(uint32_t)request->answer.len } };
	const struct http_receiver *receiver = http->receiver;
	enum delivery_result result;
	long status = 0;
	curl_off_t wait = 0;

	http->lib->curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	http->lib->curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &wait);
	answer.status = (unsigned)status;
	if (wait > 0)
		batch->retry_after_ms = (uint32_t)MIN(wait, RETRY_AFTER_MAX_S) * 1000;
	describe(http, request, &answer);
	bool overridden = status_override(http, answer.status, &result);

	if (!overridden && status >= 200 && status < 300) {
		part_results(&request->part, DELIVERY_DONE, NULL);
		if (receiver->accepted)
			receiver->accepted(http->own, &answer, &request->part, batch);
		return;
	}
	if (!overridden)
		result = http_status_result(answer.status, request->part.count);
	const char *why = result == DELIVERY_DONE ? NULL : batch_reason(batch, http->said);

	if (overridden || !receiver->failed ||
	    !receiver->failed(http->own, &answer, &request->part, why))
		part_results(&request->part, result, why);
}

/* Certificates and names that are wrong are told apart from a receiver that is away. */
static int transfer_failed(struct http *http, struct request *request, CURLcode code,
			   struct transport_batch *batch)
{
	const char *why = request->error[0] ? request->error : http->lib->curl_easy_strerror(code);

	if (request->answer.truncated)
		why = "the answer is too long";
	snprintf(http->said, sizeof(http->said), "%s: %s", http->shown, why);
	blot_all(http, http->said);
	part_results(&request->part, DELIVERY_RETRY, batch_reason(batch, http->said));
	return code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
}

static bool all_done(const struct http_part *part)
{
	for (uint32_t i = 0; i < part->count; i++)
		if (part->records[i].result != DELIVERY_DONE &&
		    part->records[i].result != DELIVERY_REFUSED)
			return false;
	return true;
}

/* ---- a batch --------------------------------------------------------------------------------- */

/* Takes finished requests off curl. 0 or the negative errno of the last that failed. */
static int collect(struct http *http, struct transport_batch *batch)
{
	CURLMsg *message;
	int left, r = 0;

	while ((message = http->lib->curl_multi_info_read(http->multi, &left))) {
		struct request *request = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		http->lib->curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		if (code == CURLE_OK)
			classify(http, request, batch);
		else
			r = transfer_failed(http, request, code, batch);
		http->stopped |= !all_done(&request->part);
		end(http, request);
	}
	return r;
}

static bool busy(const struct http *http)
{
	for (uint32_t i = 0; i < http->request_count; i++)
		if (http->requests[i].busy)
			return true;
	return false;
}

/* Begins as many requests as may be on their way; *next is the first record not yet in one. */
static int launch(struct http *http, struct transport_batch *batch, uint32_t *next)
{
	uint32_t share = (batch->count + http->request_count - 1) / http->request_count;
	uint32_t most = http->receiver->records ? http->receiver->records : share;

	for (uint32_t i = 0; i < http->request_count && *next < batch->count; i++) {
		struct http_part part = { batch->records + *next, MIN(most, batch->count - *next) };

		if (http->stopped || http->requests[i].busy)
			continue;
		int r = request_begin(http, &http->requests[i], part, batch->deadline);

		if (r < 0)
			return r;
		*next += part.count;
	}
	return 0;
}

static int run(struct http *http, struct transport_batch *batch)
{
	uint32_t next = 0;
	int r = 0, running;

	http->stopped = false;
	for (;;) {
		int failed = launch(http, batch, &next);

		r = failed < 0 ? failed : r;
		http->stopped |= failed < 0;
		if (!busy(http))
			return r;
		http->lib->curl_multi_perform(http->multi, &running);
		failed = collect(http, batch);
		r = failed < 0 ? failed : r;
		int left = moment_left_ms(batch->deadline);

		if (!left && busy(http)) {
			snprintf(http->said, sizeof(http->said), "%s: no answer in time",
				 http->shown);
			batch_reason(batch, http->said);
			return -ETIMEDOUT;
		}
		if (running)
			http->lib->curl_multi_poll(http->multi, NULL, 0, left, NULL);
	}
}

int http_send(struct http *http, struct transport_batch *batch)
{
	sigset_t before;
	int r = 0;

	sigpipe_hold(&before);
	http->said[0] = 0;
	memset(batch->answer, 0, sizeof(batch->answer));
	if (files_changed(http))
		r = connections_drop(http);
	if (r == 0)
		r = run(http, batch);
	for (uint32_t i = 0; i < http->request_count; i++)
		end(http, &http->requests[i]);
	sigpipe_release(&before);
	if (!batch->answer[0])
		batch_reason(batch, http->said); /* nothing went wrong: the last good answer */
	return r;
}

/* ---- opening and closing ----------------------------------------------------------------- */

static void request_free(struct http *http, struct request *request)
{
	end(http, request);
	if (request->easy)
		http->lib->curl_easy_cleanup(request->easy);
	buf_free(&request->body);
	buf_free(&request->packed);
	buf_free(&request->answer);
}

void http_close(struct http *http)
{
	if (!http)
		return;
	for (uint32_t i = 0; i < http->request_count; i++)
		request_free(http, &http->requests[i]);
	if (http->multi)
		http->lib->curl_multi_cleanup(http->multi);
	free(http->requests);
	buf_free(&http->address);
	free(http);
}

static void address_make(struct http *http, const char *path, const char *query, struct buf *out)
{
	buf_clear(out);
	buf_printf(out, "%s%s", http->shown, path);
	if (query && *query)
		buf_printf(out, "?%s", query);
}

static int requests_make(struct http *http, uint32_t count)
{
	http->requests = calloc(count, sizeof(*http->requests));
	http->multi = http->lib->curl_multi_init();
	if (!http->requests || !http->multi)
		return -ENOMEM;
	http->request_count = count;
	for (uint32_t i = 0; i < count; i++) {
		CURL *easy = http->lib->curl_easy_init();

		http->requests[i].easy = easy;
		if (!easy)
			return -ENOMEM;
		if (http->receiver->cookies)
			SET(CURLOPT_COOKIEFILE, "");
	}
	return 0;
}

/* The certificates are tried now, so that a wrong file is told at the start. */
static int try_certificates(const struct http *http, struct err *err)
{
	struct tls *tls = NULL;
	int r = tls_open(http->settings->values + HTTP_TLS, http->url.host, &tls, err);

	tls_free(tls);
	return r;
}

int http_open(const struct transport_settings *settings, const struct http_receiver *receiver,
	      void *own, struct http **out, struct err *err)
{
	const struct curl_library *lib = curl_library_load(err);
	struct http *http = lib ? calloc(1, sizeof(*http)) : NULL;

	if (!http)
		return lib ? err_set(err, -ENOMEM, "out of memory") : err->code;
	*http = (struct http){ lib, settings, receiver, own };
	int r = url_parse(settings->values[HTTP_URL].text, "http https", &http->url, err);

	if (r == 0) {
		bool bare = !http->url.path[0] || !strcmp(http->url.path, "/");

		url_shown(&http->url, http->shown, sizeof(http->shown));
		address_make(http, bare && receiver->path ? receiver->path : http->url.path,
			     http->url.query, &http->address);
		if (!strcmp(http->url.scheme, "https"))
			r = try_certificates(http, err);
		files_changed(http);
	}
	if (r == 0) {
		r = requests_make(http, (uint32_t)setting_number(settings, HTTP_CONCURRENCY));
		if (r < 0)
			err_set(err, r, "out of memory");
	}
	if (r < 0) {
		http_close(http);
		return r;
	}
	*out = http;
	return 0;
}

int http_only_open(const struct transport_settings *settings, const struct http_receiver *receiver,
		   struct transport_state **out, struct err *err)
{
	return http_open(settings, receiver, (void *)settings, (struct http **)out, err);
}

int http_only_send(struct transport_state *state, struct transport_batch *batch)
{
	return http_send((struct http *)state, batch);
}

void http_only_close(struct transport_state *state, uint64_t deadline)
{
	(void)deadline;
	http_close((struct http *)state);
}

int http_state_send(struct transport_state *state, struct transport_batch *batch)
{
	return http_send(*(struct http **)state, batch);
}

void http_state_close(struct transport_state *state, uint64_t deadline)
{
	(void)deadline;
	if (!state)
		return;
	http_close(*(struct http **)state);
	free(state);
}

/* ---- a request of another kind ----------------------------------------------------------- */

static int exchange_run(struct http *http, struct transport_batch *batch, CURLcode *code)
{
	CURLMsg *message;
	int running = 1, left;

	while (running) {
		http->lib->curl_multi_perform(http->multi, &running);
		if ((message = http->lib->curl_multi_info_read(http->multi, &left)) &&
		    message->msg == CURLMSG_DONE) {
			*code = message->data.result;
			return 0;
		}
		int wait = moment_left_ms(batch->deadline);

		if (!wait)
			return -ETIMEDOUT;
		http->lib->curl_multi_poll(http->multi, NULL, 0, wait, NULL);
	}
	return -EIO;
}

int http_exchange(struct http *http, const char *path, struct str body,
		  struct transport_batch *batch, struct http_answer *answer)
{
	struct request *request = &http->requests[0];
	struct buf address = { 0 };
	CURLcode code = CURLE_OK;
	sigset_t before;
	long status = 0;

	sigpipe_hold(&before);
	http->building = request;
	request->part = (struct http_part){ 0 };
	buf_clear(&request->body);
	buf_str(&request->body, body);
	add_headers(http, "application/json");
	address_make(http, path, NULL, &address);
	int r = begin(http, request, buf_cstr(&address), false, batch->deadline);

	if (r == 0)
		r = exchange_run(http, batch, &code);
	snprintf(http->said, sizeof(http->said), "%s: %s", http->shown, r < 0 ? strerror(-r) : "");
	if (r < 0)
		batch_reason(batch, http->said);
	else if (code != CURLE_OK)
		r = transfer_failed(http, request, code, batch);
	http->lib->curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	*answer = (struct http_answer){ (unsigned)status,
					{ request->answer.data, (uint32_t)request->answer.len } };
	end(http, request);
	sigpipe_release(&before);
	buf_free(&address);
	return r;
}
