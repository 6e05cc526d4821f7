/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of syslog records, RFC 5424 and RFC 3164, without framing: that is the transport's.
 * Formats that stand behind such a header (CEF, LEEF) have its settings as well.
 */
#ifndef ENCODE_SYSLOG_H
#define ENCODE_SYSLOG_H

#include "encode/facts.h"

/* Rows of a table of keys; SYSLOG_FACILITY and so on are their places, counted from the first. */
#define SYSLOG_KEYS \
	{ .name = "facility", \
	  .kind = SETTING_CHOICE, \
	  .fallback = "authpriv", \
	  .choices = \
		  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit " \
		  "alert clock local0 local1 local2 local3 local4 local5 local6 local7", \
	  .doc = "syslog facility" }, \
		{ .name = "app_name", \
		  .kind = SETTING_TEXT, \
		  .fallback = "spoor", \
		  .doc = "name of the program in the syslog header" }, \
	{ \
		.name = "time_zone", .kind = SETTING_CHOICE, .fallback = "local", \
		.choices = "local utc", \
		.doc = "RFC 3164 headers tell no time zone: which time they tell" \
	}

enum { SYSLOG_FACILITY, SYSLOG_APP_NAME, SYSLOG_TIME_ZONE, SYSLOG_KEY_COUNT };

/* Up to the structured data. values: of SYSLOG_KEYS. */
void syslog_5424(struct sheet *sheet, const struct facts *facts,
		 const struct setting_value *values);
/* Up to the message, with ": " behind the tag. */
void syslog_3164(struct sheet *sheet, const struct facts *facts,
		 const struct setting_value *values);

/* A header in front of another format: a row of the table, its places, and what it writes. */
#define SYSLOG_HEADER_KEY \
	{ \
		.name = "header", .kind = SETTING_CHOICE, .fallback = "none", \
		.choices = "none rfc3164 rfc5424", \
		.doc = "syslog header in front of each record, as collectors of this format expect it" \
	}

enum { SYSLOG_HEADER_NONE, SYSLOG_HEADER_3164, SYSLOG_HEADER_5424 };

/* values: of SYSLOG_HEADER_KEY and SYSLOG_KEYS, in this order. */
void syslog_header(struct sheet *sheet, const struct facts *facts,
		   const struct setting_value *values);

#endif
