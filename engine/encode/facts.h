/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every format of alerts tells, taken from an event once; and the one table of severities.
 * Texts are as they came: whoever writes them escapes them (text.h). A text that is not known
 * has len == 0.
 */
#ifndef ENCODE_FACTS_H
#define ENCODE_FACTS_H

#include "encode/text.h"
#include "event.h"
#include "format.h"

enum {
	CAP_NAME = 256,	    /* names, ids */
	CAP_TEXT = 1024,    /* one field: what Elasticsearch indexes of a keyword */
	CAP_LONG = 4096,    /* descriptions, lists */
	CAP_ADDRESSES = 16, /* of the host */
};

/* How each receiver's world calls a severity. */
struct severity_row {
	const char *name;    /* HIGH: Tracee's, OTLP's severityText */
	const char *word;    /* high: Splunk CIM, syslog parameters */
	const char *caption; /* High: OCSF */
	uint8_t cef, leef, syslog, ocsf, otlp, ecs;
};

/* Events that are no detections are informational. */
extern const struct severity_row severity_rows[SEVERITY_COUNT];

struct facts {
	const struct event *event;
	const struct format_options *options;
	const struct severity_row *severity;
	char id[ALERT_ID_LEN + 1];
	uint64_t sequence; /* 0: not numbered */
	uint64_t time;	   /* epoch ns */
	bool detection;
	struct str name;  /* of the event */
	struct str title; /* of the threat, or the event's name */
	struct str description;
	struct str rule_id, rule_version;
	struct str tactic, tactic_id;
	struct str technique_id, technique_name; /* "T1055.012" may be a sub-technique */
	struct str technique_parent;		 /* "T1055" */
	struct str source;			 /* event of the table it began with */
	struct str syscall;
	struct str host_name, sensor_version;
	const struct host *host;
	/* The process; false: not known. */
	bool process;
	struct str comm, executable;
	struct str file_name; /* of the executable, without its folder */
	uint32_t process_hash, parent_hash;
	struct str container_id, container_name, image_name, image_digest, runtime;
	struct str pod_name, pod_uid, pod_namespace;
	bool context; /* euid, gid, loginuid and namespaces are known */
};

/* All of them; they point into the event and the options. */
void facts_read(struct facts *facts, const struct event *event,
		const struct format_options *options);

/* "TITLE by COMM (pid N)". */
void facts_message(struct sheet *sheet, const struct facts *facts, enum text_form form);

/* Names of the matched policies, with ", " between; not escaped. False: cut. */
bool facts_policies(struct buf *out, const struct facts *facts);

/* ---- data ---------------------------------------------------------------------- */

enum { DATUM_ITEMS = 128 };

/* One field of the event, with its value as a number or text and, decoded, as names. */
struct datum {
	struct str name;
	struct value value; /* never VALUE_NULL; lists: see items */
	struct str names;   /* IPC_CREAT|0600, or a pointer in hex; len == 0: no names */
	uint32_t count;	    /* of items; what is beyond DATUM_ITEMS is left out */
	bool cut;
	struct value items[DATUM_ITEMS];
	char memory[256]; /* of names */
};

/* The field at *index or behind it that has a value; false: no more. *index moves behind it. */
bool facts_datum(const struct facts *facts, unsigned *index, struct datum *out);

/* The value for a person, decoded if it can be; not escaped. False: cut. */
bool datum_text(struct buf *out, const struct datum *datum);
/* NAME=VALUE of all fields, with ", " between; not escaped. False: cut. */
bool facts_data(struct buf *out, const struct facts *facts);

#endif
