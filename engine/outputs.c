/* SPDX-License-Identifier: Apache-2.0 */
/* Reading --output, and the buffers between formats and transports. */
#include "outputs.h"

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

static int wrong_option(struct str name, struct err *err)
{
	err_set(err, -EINVAL, "--output option:%.*s: there is no such option", (int)name.len,
		name.data);
	err_hint(err, "the options are: decoded-data");
	return -EINVAL;
}

/* Tracee's webhook:URL and forward:URL, and the like: these need the spool, and keys. */
static bool is_receiver(struct str name)
{
	return transport_by_name(name) != NULL;
}

static int wrong_format(struct str name, struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, name);
	for (size_t i = 0; formats[i]; i++)
		suggest_try(&suggest, str_of(formats[i]->name));
	err_set(err, -EINVAL, "--output %.*s: there is no such format", (int)name.len, name.data);
	if (is_receiver(name)) {
		err_hint(err,
			 "a receiver is a destination of a configuration: {name: siem, type: %.*s, "
			 "url: URL}; see contrib/spoor.yaml and --config",
			 (int)name.len, name.data);
		return -EINVAL;
	}
	if (suggest.best.data)
		err_hint(err, "did you mean '%.*s'?", (int)suggest.best.len, suggest.best.data);
	else
		err_hint(err, "'spoor list formats' has them; the form is FORMAT or FORMAT:FILE");
	return -EINVAL;
}

static int refuse_binary(const struct format *format, struct err *err)
{
	err_set(err, -EINVAL,
		"--output %s: its records are not lines, and a file would not keep "
		"them apart",
		format->name);
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

static int request_use(const struct request *request, struct format_use *out, struct err *err)
{
	struct err inner = { 0 };
	int r = format_use_open(out, request->format, request->settings, request->count, NULL,
				&inner);

	if (r == 0)
		return 0;
	*err = inner;
	/* A place in a template tells more than which option named it. */
	if (!inner.path[0])
		err_set(err, r, "--output %s: %s", request->expression, inner.message);
	return r;
}

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
			err_set(err, -EINVAL, "--output %s: found '%.*s', expected SETTING=VALUE",
				request->expression, (int)(stop - at - 1), at + 1);
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
		return wrong_format(name, err);
	if (request->format->binary)
		return refuse_binary(request->format, err);
	return request_settings(request, expression + name.len, colon, err);
}

/* One destination; the path is not kept. */
static int destination_open(struct outputs *all, const struct request *request, struct str path,
			    struct err *err)
{
	const struct format *format = request->format;
	char name[ERR_PATH_MAX];

	if (all->count == OUTPUTS_MAX)
		return err_set(err, -E2BIG, "--output: more than %d outputs", OUTPUTS_MAX);
	if (!path.len || path.len >= sizeof(name)) {
		err_set(err, -EINVAL, "--output %s:%.*s: %s", format->name, (int)MIN(path.len, 64u),
			path.data, path.len ? "the path is too long" : "a path is missing");
		err_hint(err, "write %s:FILE, or just %s for standard output", format->name,
			 format->name);
		return -EINVAL;
	}
	memcpy(name, path.data, path.len);
	name[path.len] = 0;

	struct destination *destination = &all->destinations[all->count];

	*destination = (struct destination){ .ops = ops_by_name("file") };
	destination->buf.limit = FLUSH_AT + RECORD_LIMIT;
	destination->standard = !strcmp(name, "stdout") || !strcmp(name, "-");
	/* The file last: a wrong setting leaves none behind. */
	int r = request_use(request, &destination->use, err);

	if (r < 0)
		return r;
	r = destination->ops->open(name, &destination->output, err);
	if (r < 0)
		format_use_close(&destination->use);
	else
		all->count++;
	return r;
}

static int expression_open(struct outputs *all, const char *expression, struct err *err)
{
	const char *colon = strchrnul(expression, ':');
	struct str name = { expression, (uint32_t)(colon - expression) };

	if (str_equal(name, STR("none")) && !*colon) {
		all->silent = true;
		return 0;
	}
	if (str_equal(name, STR("option"))) {
		if (!*colon || strcmp(colon + 1, "decoded-data") != 0)
			return wrong_option(str_of(*colon ? colon + 1 : ""), err);
		all->options.decoded_data = true;
		return 0;
	}
	struct request request;
	int r = request_read(&request, expression, colon, err);

	if (r < 0)
		return r;
	if (!*colon)
		return destination_open(all, &request, STR("stdout"), err);
	for (const char *at = colon + 1;; at++) {
		const char *end = strchrnul(at, ',');
		r = destination_open(all, &request, (struct str){ at, (uint32_t)(end - at) }, err);
		if (r < 0 || !*end)
			return r;
		at = end;
	}
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
		int r = expression_open(all, expressions[i], err);

		if (r < 0)
			return r;
	}
	if (all->silent && all->count)
		return err_set(err, -EINVAL, "--output none and other outputs exclude each other");
	if (!all->silent && !all->count) {
		int r = expression_open(all, "table", err);

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
