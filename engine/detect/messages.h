/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building blocks of the message types in environment_*.c: values of the kinds that
 * getters give. Private to those files. A getter whose data is NULL answers the
 * default, as protobuf does for an unset message.
 */
#ifndef DETECT_MESSAGES_H
#define DETECT_MESSAGES_H

#include "environment.h"

#define EMPTY_STRING ((struct value){ .tag = VALUE_STRING, .str = "" })

void give_message(struct cel_run *run, struct value *out, const struct cel_message *type,
		  const void *data);
void give_text(struct value *out, struct str text);
void give_time(struct cel_run *run, struct value *out, uint64_t epoch_ns);
void give_empty_list(struct value *out);
/* A list of `count` values to be filled in; NULL and an error in *out if memory is out. */
struct value_list *give_list(struct cel_run *run, struct value *out, uint32_t count);
struct value text_or_empty(struct str text);
struct value optional_uint(bool present, uint64_t value);

/* cel_field.has: the message is set at all; never. */
bool is_set(const void *data);
bool never(const void *data);

/* Getters of fields that our records never fill but rules may name: the type's default. */
void get_null(struct cel_run *run, const void *data, struct value *out);
void get_empty_string(struct cel_run *run, const void *data, struct value *out);
void get_zero(struct cel_run *run, const void *data, struct value *out);
void get_int_zero(struct cel_run *run, const void *data, struct value *out);
void get_empty_list(struct cel_run *run, const void *data, struct value *out);
void get_empty_map(struct cel_run *run, const void *data, struct value *out);

/* Defines a getter: `event` is the data, or the fallback is given. */
#define GETTER(name, fallback, expression) \
	static void name(struct cel_run *run, const void *data, struct value *out) \
	{ \
		const struct event *event = data; \
\
		(void)run; \
		*out = event ? (expression) : (fallback); \
	}

#define MESSAGE(variable, full_name, table) \
	const struct cel_message variable = { full_name, table, ARRAY_SIZE(table) }

/* environment_workload.c */
extern const struct cel_message workload_message;
extern const struct cel_message *const workload_messages[];
extern const size_t workload_message_count;
bool has_workload(const void *data);

/* environment_ipc.c */
extern const struct cel_message *const ipc_messages[];
extern const size_t ipc_message_count;
extern const struct cel_function ipc_functions[];
extern const uint32_t ipc_function_count;

/* environment_data.c: EventValue and the types below it. */
extern const struct cel_message entry_message;
/* environment_object.c: messages whose data is a map. */
extern const struct cel_message sockaddr_message, credentials_message, hooked_symbol_message,
	hooked_syscalls_message;
extern const struct cel_message *const data_messages[];
extern const size_t data_message_count;
/* event.data: all entries that are there. */
void get_data(struct cel_run *run, const void *data, struct value *out);

#endif
