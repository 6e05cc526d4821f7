/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers of detectors that look at how programs start: a copy of this program starts under the
 * name, or from the place, that they know, and does nothing.
 */
#include "trigger/trigger.h"

#include <errno.h>
#include <sys/prctl.h>

static enum trigger_result start_copy(struct ledger *ledger, const char *parent, const char *name,
				      const char *trigger, const char *done)
{
	if (program_is_copy(name))
		return trigger_done(ledger, "it has started");
	if (program_copy_run(ledger, parent, name, trigger) == 0)
		return trigger_done(ledger, "%s", done);
	if (errno == EACCES || errno == EPERM)
		return trigger_skip(ledger, "no program may be started in %s",
				    parent ? parent : "the temporary folders");
	if (errno == EPROTO)
		return trigger_skip(ledger, "a copy of this program could not do it");
	return trigger_fail(ledger, "running a copy of this program");
}

enum trigger_result trigger_fileless_execution(struct ledger *ledger)
{
	return start_copy(ledger, "/dev/shm", "spoor-copy", "fileless_execution",
			  "started a copy of this program that lay in shared memory");
}

/* What starts the shell is known by its thread's name. */
enum trigger_result trigger_illegitimate_shell(struct ledger *ledger)
{
	prctl(PR_SET_NAME, "nginx");
	return start_copy(ledger, NULL, "sh", "illegitimate_shell",
			  "started a copy of this program named sh, as a process named nginx");
}

enum trigger_result trigger_rcd_modification(struct ledger *ledger)
{
	return start_copy(ledger, NULL, "update-rc.d", "rcd_modification",
			  "started a copy of this program named update-rc.d");
}

enum trigger_result trigger_scheduled_task_mod(struct ledger *ledger)
{
	return start_copy(ledger, NULL, "crontab", "scheduled_task_mod",
			  "started a copy of this program named crontab");
}
