/* SPDX-License-Identifier: Apache-2.0 */
/* Reading --output, and the buffers between formats and transports. */
#include "outputs.h"

#include <ctype.h>
#include <errno.h>

#include "base/buf.h"
#include "base/common.h"
#include "base/suggest.h"
#include "encode/use.h"
#include "output.h"
#include "spoor.h"
#include "transport.h"

enum { OUTPUTS_MAX = 16, FLUSH_AT = 256 * 1024, RECORD_LIMIT = 8 * 1024 * 1024 };

struct destination {
	struct format_use use;
	const struct output_ops *ops;
	struct output *output;
	struct buf buf;
	uint32_t records; /* in buf */
	bool begun;	  /* the format's head is written, with the first record */
	uint64_t failed;  /* too large to be handed over */
	bool standard;	  /* output, not a file */
	bool abandoned;	  /* the last write found nobody to read it */
};

struct outputs {
	struct format_options options;
	struct destination destinations[OUTPUTS_MAX];
	uint32_t count;
	bool silent; /* none */
};

static const struct output_ops *ops_by_name(const char *name)
{
	for (size_t i = 0; outputs[i]; i++)
		if (!strcmp(outputs[i]->name, name))
			return outputs[i];
	return NULL;
}

/* Messages name no expression: outputs_open and whoever calls outputs_check do. */
static int wrong_option(struct err *err)
{
	err_set(err, -EINVAL, "there is no such option");
	err_hint(err, "the options are: decoded-data");
	return -EINVAL;
}

/* The keys that a destination of this transport must have; a URL as it was given. */
static void destination_keys(struct buf *out, const struct transport *transport, const char *url)
{
	for (uint32_t i = 0; i < transport->key_count; i++) {
		const struct setting_key *key = &transport->keys[i];

		if (!key->required)
			continue;
		buf_printf(out, ", %s: ", key->name);
		if (*url && !strcmp(key->name, "url")) {
			buf_printf(out, "\"%s\"", url);
			continue;
		}
		for (const char *at = key->name; *at; at++)
			buf_char(out, (char)toupper((unsigned char)*at));
	}
}

/* Tracee's webhook:URL and forward:URL, and the like: these need the spool, and keys. */
static int wrong_place(const struct transport *transport, const char *url, struct err *err)
{
	autoclean(buf_free) struct buf keys = { 0 };

	destination_keys(&keys, transport, url);
	err_set(err, -EINVAL, "a receiver is a destination of a configuration");
	err_hint(err,
		 "write\n"
		 "        output: {destinations: [{name: %s, type: %s%s}]}\n"
		 "    into a file and give it with --config; contrib/spoor.yaml shows all keys",
		 transport->name, transport->name, buf_cstr(&keys));
	return -EINVAL;
}

/* rest: what stands behind the name. */
static int wrong_format(struct str name, const char *rest, struct err *err)
{
	const struct transport *transport = transport_by_name(name);
	struct suggest suggest;

	if (transport)
		return wrong_place(transport, rest + (*rest == ':'), err);
	suggest_start(&suggest, name);
	for (size_t i = 0; formats[i]; i++)
		suggest_try(&suggest, str_of(formats[i]->name));
	err_set(err, -EINVAL, "there is no such format");
	if (suggest.best.data)
		err_hint(err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	else
		err_hint(err, "'spoor list formats' has them; the form is FORMAT or FORMAT:FILE");
	return -EINVAL;
}

static int refuse_binary(struct err *err)
{
	err_set(err, -EINVAL, "its records are not lines, and a file would not keep them apart");
	err_hint(err, "use it with a transport that does, or write lines, such as otlp");
	return -EINVAL;
}

/* ---- expressions -------------------------------------------------------------------- */

enum { SETTINGS_MAX = 32 };

/* FORMAT[,SETTING=VALUE...] of an expression, which it points into. */
struct request {
	const char *expression;
	const struct format *format;
	struct setting_pair settings[SETTINGS_MAX];
	uint32_t count;
};

/* Tracee's gotemplate=FILE, and the rest of an expression's head: ,SETTING=VALUE,... */
static int request_settings(struct request *request, const char *at, const char *end,
			    struct err *err)
{
	bool first = *at == '=';

	while (at < end) {
		const char *stop = memchr(at + 1, ',', (size_t)(end - at - 1));

		stop = stop ? stop : end;
		const char *equal = memchr(at, '=', (size_t)(stop - at));

		if (!equal || request->count == SETTINGS_MAX) {
			err_set(err, -EINVAL, "found '%.*s', expected SETTING=VALUE",
				(int)(stop - at - 1), at + 1);
			err_hint(err, "the form is FORMAT[,SETTING=VALUE...][:FILE]");
			return -EINVAL;
		}
		request->settings[request->count++] = (struct setting_pair){
			first ? STR("file") : (struct str){ at + 1, (uint32_t)(equal - at - 1) },
			{ equal + 1, (uint32_t)(stop - equal - 1) }
		};
		first = false;
		at = stop;
	}
	return 0;
}

static int request_read(struct request *request, const char *expression, const char *colon,
			struct err *err)
{
	struct str name = { expression, (uint32_t)strcspn(expression, ":,=") };

	*request = (struct request){ .expression = expression };
	request->format = format_by_name(str_equal(name, STR("gotemplate")) ? STR("template")
									    : name);
	if (!request->format)
		return wrong_format(name, expression + name.len, err);
	if (request->format->binary)
		return refuse_binary(err);
	return request_settings(request, expression + name.len, colon, err);
}

static int path_check(const struct format *format, struct str path, struct err *err)
{
	if (path.len && path.len < ERR_PATH_MAX)
		return 0;
	err_set(err, -EINVAL, "%s", path.len ? "the path is too long" : "a path is missing");
	err_hint(err, "write %s:FILE, or just %s for standard output", format->name, format->name);
	return -EINVAL;
}

/* One destination; the path is not kept. */
static int destination_open(struct outputs *all, const struct request *request, struct str path,
			    struct err *err)
{
	char name[ERR_PATH_MAX];

	if (all->count == OUTPUTS_MAX)
		return err_set(err, -E2BIG, "more than %d outputs", OUTPUTS_MAX);
	memcpy(name, path.data, path.len);
	name[path.len] = 0;

	struct destination *destination = &all->destinations[all->count];

	*destination = (struct destination){ .ops = ops_by_name("file") };
	destination->buf.limit = FLUSH_AT + RECORD_LIMIT;
	destination->standard = !strcmp(name, "stdout") || !strcmp(name, "-");
	/* The file last: a wrong setting leaves none behind. */
	int r = format_use_open(&destination->use, request->format, request->settings,
				request->count, NULL, err);

	if (r < 0)
		return r;
	r = destination->ops->open(name, &destination->output, err);
	if (r < 0)
		format_use_close(&destination->use);
	else
		all->count++;
	return r;
}

/* Could its settings be used? A template that is wrong is for whoever opens it. */
static int settings_check(const struct request *request, struct err *err)
{
	struct format_use use = { 0 };
	int r = format_use_open(&use, request->format, request->settings, request->count, NULL,
				err);

	if (r == 0)
		format_use_close(&use);
	return err->path[0] ? 0 : r;
}

/* FORMAT[,SETTING=VALUE...][:FILE,...]; all NULL: looks at it only. */
static int expression_use(struct outputs *all, const char *expression, struct err *err)
{
	const char *colon = strchrnul(expression, ':');
	struct request request;
	int r = request_read(&request, expression, colon, err);

	if (r == 0 && !all)
		r = settings_check(&request, err);
	if (r < 0)
		return r;
	if (!*colon)
		return all ? destination_open(all, &request, STR("stdout"), err) : 0;
	for (const char *at = colon + 1;; at++) {
		const char *end = strchrnul(at, ',');
		struct str path = { at, (uint32_t)(end - at) };

		r = path_check(request.format, path, err);
		if (r == 0 && all)
			r = destination_open(all, &request, path, err);
		if (r < 0 || !*end)
			return r;
		at = end;
	}
}

static int expression_open(struct outputs *all, const char *expression, struct err *err)
{
	if (!strcmp(expression, "none")) {
		if (all)
			all->silent = true;
		return 0;
	}
	if (!strcmp(expression, "option") || !strncmp(expression, "option:", 7)) {
		if (strcmp(expression, "option:decoded-data") != 0)
			return wrong_option(err);
		if (all)
			all->options.decoded_data = true;
		return 0;
	}
	return expression_use(all, expression, err);
}

int outputs_check(const char *expression, struct err *err)
{
	return expression_open(NULL, expression, err);
}

/* A place in a template tells more than which option named it. */
static int expression_open_named(struct outputs *all, const char *expression, struct err *err)
{
	struct err inner = { 0 };
	int r = expression_open(all, expression, &inner);

	if (r == 0)
		return 0;
	*err = inner;
	if (!inner.path[0])
		err_set(err, r, "--output %s: %s", expression, inner.message);
	return r;
}

DEFINE_CLEANUP(struct outputs *, outputs_close)

int outputs_open(const char *const *expressions, const struct stores *stores,
		 const struct host *host, struct outputs **out, struct err *err)
{
	autoclean(outputs_closep) struct outputs *all = calloc(1, sizeof(*all));

	if (!all)
		return err_set(err, -ENOMEM, "out of memory");
	all->options = (struct format_options){
		.stores = stores,
		.host = host,
		.sensor_version = spoor_version(),
	};
	for (size_t i = 0; expressions && expressions[i]; i++) {
		int r = expression_open_named(all, expressions[i], err);

		if (r < 0)
			return r;
	}
	if (all->silent && all->count)
		return err_set(err, -EDOM, "--output none and other outputs exclude each other");
	if (!all->silent && !all->count) {
		int r = expression_open_named(all, "table", err);

		if (r < 0)
			return r;
	}
	*out = take(all);
	return 0;
}

static void destination_flush(struct destination *destination)
{
	if (!destination->buf.len)
		return;
	/* The transport counts, and tells, what it could not take. */
	int r = destination->ops->write(destination->output, destination->buf.data,
					destination->buf.len, destination->records);

	destination->abandoned = r == -EPIPE;
	buf_clear(&destination->buf);
	destination->records = 0;
}

void outputs_write(struct outputs *all, const struct event *event)
{
	for (uint32_t i = 0; i < all->count; i++) {
		struct destination *destination = &all->destinations[i];

		if (!destination->begun && destination->use.format->begin)
			destination->use.format->begin(&destination->buf, &all->options);
		destination->begun = true;
		size_t before = destination->buf.len;

		format_use_write(&destination->use, &destination->buf, event, &all->options);
		if (destination->buf.truncated) {
			/* A record over RECORD_LIMIT: dropped whole, and counted. */
			destination->buf.len = before;
			destination->buf.truncated = false;
			destination->failed++;
		} else {
			destination->records++;
		}
		if (destination->buf.len >= FLUSH_AT)
			destination_flush(destination);
	}
}

void outputs_flush(struct outputs *all)
{
	for (uint32_t i = 0; i < all->count; i++) {
		struct destination *destination = &all->destinations[i];

		destination_flush(destination);
		if (destination->ops->flush)
			destination->ops->flush(destination->output);
	}
}

bool outputs_abandoned(const struct outputs *all)
{
	for (uint32_t i = 0; i < all->count; i++)
		if (!all->destinations[i].standard || !all->destinations[i].abandoned)
			return false;
	return all->count > 0;
}

uint64_t outputs_failed(const struct outputs *all)
{
	uint64_t failed = 0;

	for (uint32_t i = 0; i < all->count; i++) {
		const struct destination *destination = &all->destinations[i];
		struct output_stats stats;

		destination->ops->stats(destination->output, &stats);
		failed += destination->failed + stats.failed;
	}
	return failed;
}

void outputs_close(struct outputs *all)
{
	if (!all)
		return;
	outputs_flush(all);
	for (uint32_t i = 0; i < all->count; i++) {
		all->destinations[i].ops->close(all->destinations[i].output);
		format_use_close(&all->destinations[i].use);
		buf_free(&all->destinations[i].buf);
	}
	free(all);
}
