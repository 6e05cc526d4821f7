/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transports without delivery and its configuration: opened by name with KEY=VALUE settings, fed
 * with numbered records, and sent to as delivery does it, with retries and splitting.
 */
#ifndef SUPPORT_TRANSPORTS_H
#define SUPPORT_TRANSPORTS_H

#include "base/err.h"
#include "transport.h"

struct outlet {
	const struct transport *transport;
	struct transport_settings settings;
	struct transport_state *state;
	struct setting_value *values;
};

/*
 * settings: "key=value" texts, NULL at the end. A list or map is written by giving its key more
 * than once (fingerprints=A, fingerprints=B; headers=Name: value). 0 or negative errno with err
 * filled.
 */
int outlet_open(struct outlet *outlet, const char *name, const char *format,
		const char *const *settings, struct err *err);
void outlet_close(struct outlet *outlet);

/* What became of the records given to outlet_deliver. */
struct outlet_tally {
	uint32_t done, refused, too_large, retried, batches;
	char answer[512]; /* the last that was not empty */
};

/*
 * Sends until every record is done, refused or too large, or until `seconds` are over: batches of
 * at most `size`, each with a deadline of batch_ms, pauses of 20 ms or retry_after in between.
 * False if records are left, which are then RETRY.
 */
bool outlet_deliver(struct outlet *outlet, struct transport_record *records, uint32_t count,
		    uint32_t size, uint32_t batch_ms, uint32_t seconds, struct outlet_tally *tally);

/*
 * Numbered records from `first`: text `format` with one %u (such as "alert %06u"), id "id-N".
 * Freed by records_free.
 */
struct transport_record *records_make(const char *format, uint32_t first, uint32_t count);
/* A record of its own text, which must outlive it. */
void record_set(struct transport_record *record, const char *text, uint32_t number);
void records_free(struct transport_record *records, uint32_t count);

#endif
