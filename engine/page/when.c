/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time for people, see when.h. */
#include "page/when.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/common.h"

#define SECOND UINT64_C(1000000000)

static const struct {
	const char *name;
	uint64_t ns;
} units[] = { { "d", 86400 * SECOND },
	      { "h", 3600 * SECOND },
	      { "m", 60 * SECOND },
	      { "s", SECOND },
	      { "ms", SECOND / 1000 } };

void when_time(char out[WHEN_SIZE], uint64_t epoch_ns)
{
	time_t seconds = (time_t)(epoch_ns / SECOND);
	struct tm tm;
	char date[WHEN_SIZE - 8];

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, WHEN_SIZE, "%s.%03uZ", date, (unsigned)(epoch_ns % SECOND / 1000000));
}

void when_age(char out[WHEN_SIZE], uint64_t ns)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && ns < units[i].ns)
		i++;
	snprintf(out, WHEN_SIZE, "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
}

static bool parse_ago(const char *text, uint64_t now, uint64_t *out)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	uint64_t number = strtoull(text, &end, 10);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].name) && !errno && number <= now / units[i].ns) {
			*out = now - number * units[i].ns;
			return true;
		}
	return false;
}

bool when_parse(const char *text, uint64_t now, uint64_t *out)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
					       "%Y-%m-%d %H:%M:%S" };

	if (parse_ago(text, now, out))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, formats[i], &tm);
		time_t seconds = end ? timegm(&tm) : -1;

		if (end && (!*end || !strcmp(end, "Z")) && seconds >= 0) {
			*out = (uint64_t)seconds * SECOND;
			return true;
		}
	}
	return false;
}
