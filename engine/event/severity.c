/* SPDX-License-Identifier: Apache-2.0 */
/* How severities are called; formats that have other words for them map the enum themselves. */
#include "base/common.h"
#include "event.h"

const char *const severity_names[SEVERITY_COUNT + 1] = {
	[SEVERITY_INFO] = "info", [SEVERITY_LOW] = "low",	    [SEVERITY_MEDIUM] = "medium",
	[SEVERITY_HIGH] = "high", [SEVERITY_CRITICAL] = "critical",
};

int severity_by_name(struct str name)
{
	for (int i = 0; i < SEVERITY_COUNT; i++)
		if (str_equal(name, str_of(severity_names[i])))
			return i;
	return -1;
}
