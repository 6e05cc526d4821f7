/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events a policy of Tracee's gets to see: those it selects, and what the detectors behind
 * them require, in turn. What is optional there is seen only if something else selects it.
 */
#ifndef POLICY_SUBMIT_H
#define POLICY_SUBMIT_H

#include "policy_file.h"

/* Fills policy->submitted. False: out of memory. */
bool submit_collect(struct policy *policy, const struct ruleset *ruleset, struct arena *arena);
bool submit_has(const struct policy *policy, const struct event_def *def);

#endif
