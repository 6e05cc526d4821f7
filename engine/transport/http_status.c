/* SPDX-License-Identifier: Apache-2.0 */
/* What HTTP statuses mean for the records of a request. */
#include "http.h"

/*
 * A status that speaks of the request's credentials, address or form holds records back: an
 * operator can put it right, and nothing is lost until then. One that speaks of the content
 * refuses it: of several records the one to blame is found by sending fewer.
 */
static const struct {
	uint16_t from, to;
	uint8_t result; /* enum delivery_result */
} rows[] = {
	{ 200, 299, DELIVERY_DONE },	  { 400, 400, DELIVERY_REFUSED },
	{ 413, 413, DELIVERY_TOO_LARGE }, { 422, 422, DELIVERY_REFUSED },
	{ 431, 431, DELIVERY_TOO_LARGE },
};

enum delivery_result http_status_result(unsigned status, uint32_t records)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (status >= rows[i].from && status <= rows[i].to)
			return rows[i].result == DELIVERY_REFUSED && records > 1
				       ? DELIVERY_TOO_LARGE
				       : (enum delivery_result)rows[i].result;
	return DELIVERY_RETRY;
}

bool http_result_by_name(struct str name, enum delivery_result *out)
{
	static const struct {
		struct str name;
		enum delivery_result result;
	} names[] = { { STR("done"), DELIVERY_DONE },
		      { STR("retry"), DELIVERY_RETRY },
		      { STR("refused"), DELIVERY_REFUSED } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_equal(names[i].name, name)) {
			*out = names[i].result;
			return true;
		}
	return false;
}
