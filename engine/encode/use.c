/* SPDX-License-Identifier: Apache-2.0 */
/* Settings are read first and completely; then the format is opened with them. */
#include "encode/use.h"

#include <errno.h>

#include "base/common.h"
#include "base/settings.h"

static int read_pair(const struct format *format, const struct setting_pair *pair,
		     struct setting_value *values, struct arena *arena, struct err *err)
{
	int index = setting_find(format->keys, format->key_count, pair->key, err);

	if (index < 0) {
		if (!format->key_count)
			err_hint(err, "the format '%s' has no settings", format->name);
		return -EINVAL;
	}
	struct err inner = { 0 };
	int r = setting_parse(&format->keys[index], pair->value, arena, &values[index], &inner);

	if (r < 0) {
		err_set(err, r, "setting '%s': %s", format->keys[index].name, inner.message);
		if (inner.hint[0])
			err_hint(err, "%s", inner.hint);
	}
	return r;
}

static int read_required(const struct format *format, const struct setting_value *values,
			 struct err *err)
{
	for (uint32_t i = 0; i < format->key_count; i++)
		if (format->keys[i].required && !values[i].text.len) {
			err_set(err, -EINVAL, "the format '%s' wants the setting '%s'",
				format->name, format->keys[i].name);
			err_hint(err, "%s: %s", format->keys[i].name, format->keys[i].doc);
			return -EINVAL;
		}
	return 0;
}

static uint32_t position_of(const struct format *format, uint32_t key,
			    const struct setting_pair *given, uint32_t count)
{
	uint32_t i = 0;

	while (i < count && (key >= format->key_count ||
			     !str_equal(given[i].key, str_of(format->keys[key].name))))
		i++;
	return i;
}

static int open_with(struct format_use *use, const struct setting_pair *given, uint32_t count,
		     uint32_t *blame, struct err *err)
{
	const struct format *format = use->format;
	struct setting_value *values = settings_default(format->keys, format->key_count,
							&use->arena);
	uint32_t key = format->key_count;
	int r;

	if (!values)
		return err_set(err, -ENOMEM, "out of memory");
	use->values = values;
	for (*blame = 0; *blame < count; ++*blame) {
		r = read_pair(format, &given[*blame], values, &use->arena, err);
		if (r < 0)
			return r;
	}
	r = read_required(format, values, err);
	if (r < 0 || !format->open)
		return r;
	r = format->open(values, &use->state, &key, err);
	if (r < 0)
		*blame = position_of(format, key, given, count);
	return r;
}

int format_use_open(struct format_use *use, const struct format *format,
		    const struct setting_pair *given, uint32_t count, uint32_t *blame,
		    struct err *err)
{
	uint32_t ignored;

	*use = (struct format_use){ .format = format };
	int r = open_with(use, given, count, blame ? blame : &ignored, err);

	if (r < 0)
		format_use_close(use);
	return r;
}

void format_use_close(struct format_use *use)
{
	if (use->state)
		use->format->close(use->state);
	arena_free(&use->arena);
	*use = (struct format_use){ 0 };
}

void format_use_write(const struct format_use *use, struct buf *out, const struct event *event,
		      const struct format_options *options)
{
	struct format_options own = *options;

	own.values = use->values;
	own.state = use->state;
	use->format->write(out, event, &own);
}
