/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go templates, as Tracee's gotemplate format: a file that says what a record looks like. The
 * template is given the event as the json format writes it. A record ends with one end of line.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/common.h"
#include "encode/template.h"
#include "event/encode.h"

enum { FILE_SETTING, TEMPLATE_MAX = 1024 * 1024, SCRATCH_MAX = 64 * 1024 * 1024 };

/* What one thread needs to write a record; kept for the next one. */
struct scratch {
	struct scratch *next;
	struct arena arena;
	struct buf json;
};

struct format_state {
	struct arena arena;
	const struct template *template;
	pthread_mutex_t lock;
	struct scratch *free;
};

static void template_close(struct format_state *state)
{
	if (!state)
		return;
	while (state->free) {
		struct scratch *scratch = state->free;

		state->free = scratch->next;
		arena_free(&scratch->arena);
		buf_free(&scratch->json);
		free(scratch);
	}
	pthread_mutex_destroy(&state->lock);
	arena_free(&state->arena);
	free(state);
}

DEFINE_CLEANUP(struct format_state *, template_close)

/* The whole file, in the arena. */
static int read_file(struct arena *arena, const char *path, struct str *out, struct err *err)
{
	autoclean(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = arena_alloc(arena, TEMPLATE_MAX + 1);
	size_t len = 0;
	ssize_t n = 0;

	err_at(err, path, 0, 0);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	while (fd >= 0 && len <= TEMPLATE_MAX &&
	       (n = read(fd, text + len, TEMPLATE_MAX + 1 - len)) > 0)
		len += (size_t)n;
	if (fd < 0 || n < 0)
		return err_set(err, -errno, "cannot read the template: %s", strerror(errno));
	if (len > TEMPLATE_MAX)
		return err_set(err, -EFBIG, "the template is larger than 1 MiB");
	*out = (struct str){ text, (uint32_t)len };
	return 0;
}

static int template_open(const struct setting_value *values, struct format_state **out,
			 uint32_t *key, struct err *err)
{
	autoclean(template_closep) struct format_state *state = calloc(1, sizeof(*state));
	const char *path = values[FILE_SETTING].text.data;
	struct str text;
	int r;

	*key = FILE_SETTING;
	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&state->lock, NULL);
	r = read_file(&state->arena, path, &text, err);
	if (r < 0)
		return r;
	state->template = template_parse(&state->arena, text, path, err);
	if (!state->template)
		return err->code;
	*out = take(state);
	return 0;
}

/* The lock is held for a moment only: it hands out memory, it does not guard writing. */
static struct scratch *scratch_take(struct format_state *state)
{
	struct scratch *scratch;

	pthread_mutex_lock(&state->lock);
	scratch = state->free;
	if (scratch)
		state->free = scratch->next;
	pthread_mutex_unlock(&state->lock);
	if (!scratch && (scratch = calloc(1, sizeof(*scratch))))
		scratch->arena.limit = SCRATCH_MAX;
	return scratch;
}

static void scratch_give(struct format_state *state, struct scratch *scratch)
{
	arena_reset(&scratch->arena);
	buf_clear(&scratch->json);
	pthread_mutex_lock(&state->lock);
	scratch->next = state->free;
	state->free = scratch;
	pthread_mutex_unlock(&state->lock);
}

/* False: the template took too much work or memory. */
static bool run_template(const struct format_state *state, struct scratch *scratch, struct buf *out,
			 const struct event *event)
{
	struct json_fault fault;
	const struct json *tree = json_parse(&scratch->arena, scratch->json.data, scratch->json.len,
					     &fault);

	return tree &&
	       template_run(state->template, tree, event_epoch_time(event, event->wire->time),
			    &scratch->arena, out);
}

static void template_write(struct buf *out, const struct event *event,
			   const struct format_options *options)
{
	struct format_state *state = (struct format_state *)options->state;
	struct scratch *scratch = scratch_take(state);
	size_t before = out->len;

	/* A record that could not be made is no empty record: who asked for it counts it. */
	if (!scratch) {
		out->truncated = true;
		return;
	}
	encode_event(&scratch->json, event, options, true);
	out->truncated |= scratch->json.truncated || !run_template(state, scratch, out, event);
	scratch_give(state, scratch);
	while (out->len > before && out->data[out->len - 1] == '\n')
		out->len--;
	buf_char(out, '\n');
}

static const struct setting_key template_keys[] = {
	{ .name = "file",
	  .kind = SETTING_FILE,
	  .required = true,
	  .doc = "the template; what it may use stands in engine/encode/README.md" },
};

const struct format format_template = {
	.name = "template",
	.doc = "what a Go template makes of it, as Tracee's gotemplate",
	.media_type = "text/plain",
	.keys = template_keys,
	.key_count = ARRAY_SIZE(template_keys),
	.open = template_open,
	.close = template_close,
	.write = template_write,
};
