/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport takes batches of finished records to a receiver and says of each record what
 * became of it. One file in engine/transport/ exporting `const struct transport transport_NAME`
 * (minus signs in the name become underscores); the Makefile lists the folder.
 *
 * Who does what: delivery (engine/delivery) owns the spool, the cursor, retries and their waiting
 * times, splitting, dead letters and counting; a transport owns the connection and the protocol.
 * Each output runs its transport in a thread of its own, so that a slow receiver holds up
 * nobody else.
 *
 * Invariant: a record is DELIVERY_DONE only when the receiver has said so, or, where the protocol
 * has no answer, when everything the protocol offers has been done to know.
 */
#ifndef SPOOR_TRANSPORT_H
#define SPOOR_TRANSPORT_H

#include <stddef.h>

#include "event.h"
#include "setting.h"

struct err;
struct transport_state; /* each transport's own */

struct transport_settings {
	const char *output;		    /* the output's name, for messages */
	const struct setting_value *values; /* one per key, in the order of the table */
	const char *format;		    /* name of the format the records are in */
	/* Identity of the sensor, for protocols that carry it outside the record. */
	struct str host_name, sensor_version;
};

/* ---- a batch ------------------------------------------------------------------- */

enum delivery_result {
	DELIVERY_RETRY,	    /* not known to have arrived: send again. Records start as this */
	DELIVERY_DONE,	    /* the receiver has it */
	DELIVERY_TOO_LARGE, /* send fewer at once; a record alone: it will never fit */
	DELIVERY_REFUSED,   /* the receiver will never take it: to the dead letters */
};

struct transport_record {
	struct str bytes;  /* what the format made, without end of line */
	struct str id;	   /* of the alert, for protocols that can tell duplicates */
	struct str key;	   /* what keeps order at the receiver: the host's machine id */
	uint64_t time;	   /* of the event, epoch ns */
	uint64_t sequence; /* of the sensor, rises by one */
	uint8_t severity;  /* enum severity */
	struct str event;  /* name of the event or detection */
	/* Out. */
	enum delivery_result result;
	const char *why; /* REFUSED, RETRY: static text, or in the batch's answer; may be NULL */
};

struct transport_batch {
	struct transport_record *records;
	uint32_t count;
	uint64_t deadline; /* CLOCK_MONOTONIC ns: be back by then, with what is known */
	/* Out. */
	uint32_t retry_after_ms; /* the receiver asked for it; 0: did not */
	char answer[512];	 /* what the receiver said last, or the error, for a person */
};

struct transport {
	const char *name;
	const char *doc;
	const char *format; /* the format used if the output names none */
	const struct setting_key *keys;
	uint32_t key_count;
	uint32_t batch_records; /* most records it wants at once */
	size_t batch_bytes;
	/*
	 * Why it cannot work in this build or on this host (a library left out, no journald), for
	 * lists and for those who configure it; NULL: it can. May be NULL itself.
	 */
	const char *(*missing)(void);
	/*
	 * What the tables cannot say (keys that exclude each other, a URL's form). Touches neither
	 * network nor files. 0, or negative errno with err's message and hint filled and *key
	 * the position of the key to blame. May be NULL.
	 */
	int (*check)(const struct transport_settings *settings, uint32_t *key, struct err *err);
	/*
	 * Gets ready; need not connect: a receiver that is down is a matter of send. 0 or negative
	 * errno (a certificate that cannot be read, no memory). settings outlive the state.
	 */
	int (*open)(const struct transport_settings *settings, struct transport_state **out,
		    struct err *err);
	/*
	 * Connects if need be, sends, waits for answers, sets every record's result. 0, or negative
	 * errno when the receiver could not be reached or spoke nonsense (answer says what);
	 * results count either way.
	 */
	int (*send)(struct transport_state *state, struct transport_batch *batch);
	/* Ends politely what send left open, until `deadline`. NULL state is fine. */
	void (*close)(struct transport_state *state, uint64_t deadline);
};

extern const struct transport *const transports[]; /* NULL-terminated, in name order */
/* NULL if there is none. */
const struct transport *transport_by_name(struct str name);
/*
 * Calls its send. A receiver may say anything: what is in the answer afterwards, and so in `why`,
 * is text, without control characters and with a ? for every byte that is not UTF-8.
 */
int transport_send(const struct transport *transport, struct transport_state *state,
		   struct transport_batch *batch);

#endif
