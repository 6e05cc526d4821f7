/* SPDX-License-Identifier: Apache-2.0 */
/* Threats that --events and policies ask for, see threat.h. */
#include "policy/threat.h"

#include <errno.h>
#include <strings.h>

#include "base/common.h"
#include "base/suggest.h"

enum property { SEVERITY, NAME, TECHNIQUE, TACTIC };
static const char *const properties[] = { "severity", "name", "mitre.technique", "mitre.tactic" };

enum operator{ EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL };
static const char *const operators[] = { "=", "!=", "<", "<=", ">", ">=" };

/* Position in a list of words, -1 if there is none. */
static int position(struct str word, const char *const *words, size_t count, bool any_case)
{
	for (size_t i = 0; i < count; i++)
		if (word.len == strlen(words[i]) &&
		    (any_case ? strncasecmp(word.data, words[i], word.len)
			      : memcmp(word.data, words[i], word.len)) == 0)
			return (int)i;
	return -1;
}

#define POSITION(word, words, any_case) position((word), (words), ARRAY_SIZE(words), (any_case))

static int suggest_word(struct str word, const char *const *words, size_t count, const char *all,
			struct err *err)
{
	struct suggest suggest;

	suggest_start(&suggest, word);
	for (size_t i = 0; i < count; i++)
		suggest_try(&suggest, str_of(words[i]));
	if (suggest.best.data)
		err_hint(err, "did you mean %.*s?", (int)suggest.best.len, suggest.best.data);
	else
		err_hint(err, "one of %s", all);
	return -EINVAL;
}

static int parse_severity(struct str value, struct threat_query *out, struct err *err)
{
	int severity = position(value, severity_names, SEVERITY_COUNT, true);

	if (value.len == 1 && value.data[0] >= '0' && value.data[0] <= '4')
		severity = value.data[0] - '0';
	if (severity >= 0) {
		out->severity = (enum severity)severity;
		return 0;
	}
	err_set(err, -EINVAL, "invalid severity value: %.*s", (int)value.len, value.data);
	return suggest_word(value, severity_names, SEVERITY_COUNT,
			    "info, low, medium, high, critical or 0 to 4", err);
}

int threat_query_parse(struct str property, struct str op, struct str value,
		       struct threat_query *out, struct err *err)
{
	int which = POSITION(property, properties, false), how = POSITION(op, operators, false);

	if (which < 0) {
		err_set(err, -EINVAL, "unsupported threat property: %.*s", (int)property.len,
			property.data);
		return suggest_word(property, properties, ARRAY_SIZE(properties),
				    "severity, name, mitre.technique, mitre.tactic", err);
	}
	if (how < 0 || (which != SEVERITY && how > UNEQUAL)) {
		err_set(err, -EINVAL, "unsupported operator for %s: %.*s",
			which == SEVERITY ? "severity" : "string matching", (int)op.len, op.data);
		err_hint(err, which == SEVERITY ? "one of = != < <= > >=" : "use = or !=");
		return -EINVAL;
	}
	*out = (struct threat_query){ .property = (uint8_t)which,
				      .op = (uint8_t)how,
				      .value = value };
	return which == SEVERITY ? parse_severity(value, out, err) : 0;
}

static bool severity_matches(const struct threat_query *q, enum severity is)
{
	switch ((enum operator)q->op) {
	case EQUAL: return is == q->severity;
	case UNEQUAL: return is != q->severity;
	case LESS: return is < q->severity;
	case LESS_EQUAL: return is <= q->severity;
	case GREATER: return is > q->severity;
	case GREATER_EQUAL: return is >= q->severity;
	}
	return false;
}

bool threat_query_matches(const struct threat_query *q, const struct threat *threat)
{
	if (!threat)
		return false;
	if (q->property == SEVERITY)
		return severity_matches(q, threat->severity);
	struct str is = q->property == NAME	   ? threat->name
			: q->property == TECHNIQUE ? threat->technique_id
						   : threat->tactic;

	return str_equal(is, q->value) == (q->op == EQUAL);
}
