/* SPDX-License-Identifier: Apache-2.0 */
/* Selecting detections by their threat: threat.severity>=high, threat.mitre.technique=T1055. */
#ifndef POLICY_THREAT_H
#define POLICY_THREAT_H

#include "base/err.h"
#include "event.h"

struct threat_query {
	uint8_t property, op; /* private */
	enum severity severity;
	struct str value;
};

/* property: severity, name, mitre.technique, mitre.tactic. -EINVAL with message and hint. */
int threat_query_parse(struct str property, struct str op, struct str value,
		       struct threat_query *out, struct err *err);
/* A detection without threat data never matches, not even !=. */
bool threat_query_matches(const struct threat_query *query, const struct threat *threat);

#endif
