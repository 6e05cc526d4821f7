/* SPDX-License-Identifier: Apache-2.0 */
/* Which alerts an output wants. */
#include "base/common.h"
#include "delivery/delivery.h"

/* What tells of alerts that are missing is for everybody. */
static const struct str always[] = {
	{ "events_lost", 11 },
	{ "alerts_lost", 11 },
	{ "alerts_suppressed", 17 },
};

static bool name_matches(struct str wanted, struct str name)
{
	if (wanted.len && wanted.data[wanted.len - 1] == '*')
		return name.len >= wanted.len - 1 &&
		       !memcmp(name.data, wanted.data, wanted.len - 1);
	return str_equal(wanted, name);
}

static bool names_have(const struct names_wanted *wanted, struct str name)
{
	if (!name.len)
		return false;
	for (uint32_t i = 0; i < wanted->count; i++)
		if (name_matches(wanted->names[i], name))
			return true;
	return false;
}

/* names: each followed by a newline. */
static bool names_have_one(const struct names_wanted *wanted, struct str names)
{
	while (names.len) {
		const char *end = memchr(names.data, '\n', names.len);
		uint32_t len = end ? (uint32_t)(end - names.data) : names.len;

		if (names_have(wanted, (struct str){ names.data, len }))
			return true;
		names.data += MIN(len + 1, names.len);
		names.len -= MIN(len + 1, names.len);
	}
	return false;
}

bool filter_passes(const struct delivery_filter *filter, const struct row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		if (str_equal(row->event, always[i]))
			return true;
	if (row->severity < filter->severity)
		return false;
	if (filter->events.count && !names_have(&filter->events, row->event))
		return false;
	if (filter->policies.count && !names_have_one(&filter->policies, row->policies))
		return false;
	return !filter->detectors.count ||
	       (row->detector.len && (names_have(&filter->detectors, row->detector) ||
				      names_have(&filter->detectors, row->event)));
}

bool output_wants(const struct delivery_output *output, const struct row *row)
{
	for (uint32_t i = 0; i < output->filter_count; i++)
		if (!filter_passes(&output->filters[i], row))
			return false;
	return true;
}
