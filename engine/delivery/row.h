/* SPDX-License-Identifier: Apache-2.0 */
/* An alert as delivery keeps it: its canonical line of JSON and what is asked for in queries. */
#ifndef DELIVERY_ROW_H
#define DELIVERY_ROW_H

#include "event.h"

enum { SEVERITY_NONE = -1 }; /* of events that are no detections */

enum { ROW_TEXTS = 7 };

/*
 * The texts are copied together, so they stand in an array as well. Limits: the json line
 * is at most ROW_JSON_MAX bytes, the others ROW_TEXT_MAX.
 */
struct row {
	uint64_t position; /* in the spool, from 1, each once; 0: not in it yet */
	uint64_t sequence; /* of the sensor; 0: not an alert */
	uint64_t time;	   /* of the event, epoch ns */
	uint64_t arrived;  /* in the spool, epoch ns; set by it */
	int32_t severity;  /* enum severity or SEVERITY_NONE */
	uint32_t pid;
	union {
		struct {
			struct str id;
			struct str event;     /* name */
			struct str detector;  /* id of the rule; "" none */
			struct str process;   /* path of the executable, or the command's name */
			struct str container; /* id */
			struct str policies;  /* names, each followed by a newline */
			struct str json;      /* the canonical line, without its end */
		};
		struct str texts[ROW_TEXTS];
	};
};

enum { ROW_TEXT_MAX = 4096, ROW_JSON_MAX = 8 * 1024 * 1024 };

#endif
