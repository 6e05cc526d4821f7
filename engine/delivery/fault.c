/* SPDX-License-Identifier: Apache-2.0 */
/* Ending the process at a named point, for the crash tests only; see fault.h. */
#include "delivery/fault.h"

#ifdef SPOOR_FAULTS

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static const char *armed;
static atomic_uint left;

void fault_arm(const char *name, unsigned count)
{
	armed = name;
	atomic_store(&left, count);
}

void fault_reach(const char *name)
{
	if (armed && !strcmp(name, armed) && atomic_fetch_sub(&left, 1) == 1)
		kill(getpid(), SIGKILL);
}

#endif
