/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a capture file: this header, one row for each event the sensor that wrote it
 * knew, then records as they came out of the ring. Little-endian, everything 8-byte aligned.
 * There is no index and no trailer: any prefix that ends behind a record is a capture.
 */
#ifndef SOURCE_CAPTURE_H
#define SOURCE_CAPTURE_H

#include <stdint.h>

#include "event.h"

#define CAPTURE_MAGIC "SPOORCAP"

enum {
	CAPTURE_VERSION = 2, /* 1: without struct capture_host; read as well */
	CAPTURE_TEXT = 64,   /* size of the texts, NUL-padded */
	CAPTURE_ADDRESSES = 16,
	CAPTURE_EVENTS_MAX = 4096,
};

struct capture_header {
	char magic[8];
	uint32_t version;
	uint32_t record_header_size; /* sizeof(struct wire_header) */
	uint64_t boot_epoch_ns;
	char sensor_version[CAPTURE_TEXT];
	char host_name[CAPTURE_TEXT];
	uint32_t event_count;
	uint32_t reserved;
};

/* Behind the header. */
struct capture_host {
	char machine_id[CAPTURE_TEXT];
	char boot_id[CAPTURE_TEXT];
	char addresses[CAPTURE_ADDRESSES][CAPTURE_TEXT]; /* the empty ones come last */
	uint64_t sequence; /* number of the last alert before the first record */
};

struct capture_event {
	char name[CAPTURE_TEXT];
	uint64_t digest; /* of the layout: capture_digest() */
	uint32_t id;
	uint32_t reserved;
};

_Static_assert(sizeof(struct capture_header) == 160, "part of the capture format");
_Static_assert(sizeof(struct capture_host) == 1160, "part of the capture format");
_Static_assert(sizeof(struct capture_event) == 80, "part of the capture format");

/* Differs if names, types or places of an event's fields differ. */
uint64_t capture_digest(const struct event_def *def);

#endif
