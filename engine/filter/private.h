/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of one event, compiled; for filter.c, which matches, and need.c. */
#ifndef FILTER_PRIVATE_H
#define FILTER_PRIVATE_H

#include "filter.h"

struct data_filter {
	uint16_t field; /* position in the event */
	bool numeric;	/* numbers holds it all */
	bool ordered;	/* numbers holds < > <= >= conditions, to be met as well */
	struct string_filter text;
	struct number_filter numbers;
};

struct scope_filter {
	const struct scope_field *field;
	bool started; /* container=started */
	struct number_filter numbers;
	struct string_filter text;
	struct bool_filter truth;
};

struct filters {
	const struct event_def *def;
	struct arena *arena;
	bool compat;
	enum scope_view view;
	bool any_container, any_host;
	struct data_filter *data;
	struct scope_filter *scope;
	uint32_t data_count, scope_count;
	uint64_t fields;
	int result_field; /* position of returnValue, -1 none */
	struct number_filter result;
};

/* The number that a filter keeps in its order-preserving form. */
uint64_t number_filter_bits(const struct number_filter *filter, uint64_t order);

#endif
