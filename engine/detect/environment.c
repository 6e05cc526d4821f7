/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of conditions and outputs, put together; and its constants. */
#include "messages.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

/* Not in every libc's headers. */
#ifndef IPC_64
#define IPC_64 0x100
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif
/* A user id that was never set: loginuid of a daemon. */
#define UID_NONE 4294967295

const struct environment_constant environment_constants[] = {
#define CONSTANT(name) { #name, name },
#include "constants.def"
#undef CONSTANT
};
const size_t environment_constant_count = ARRAY_SIZE(environment_constants);

/* What a slot is that is no field of the event. */
static void load_memory(struct detect_run *detect, struct state_ref ref, struct value *out)
{
	struct state_input input = { .event = detect->event, .run = &detect->cel };

	*out = value_null();
	if (ref.kind == REF_FACT)
		*out = fact_get(detect->fact(detect->fact_ctx, ref.index), &input);
	else if (detect->match)
		state_read(detect->match, ref, &detect->cel, out);
}

void environment_load(struct cel_run *run, uint32_t slot)
{
	struct detect_run *detect = (struct detect_run *)run;
	int16_t index = detect->fields[slot];

	if (detect->refs && detect->refs[slot].kind) {
		load_memory(detect, detect->refs[slot], &run->slots[slot]);
		return;
	}
	run->slots[slot] = index < 0
				   ? value_null()
				   : event_field_value(detect->event, (unsigned)index, run->arena);
}

static int no_memory(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	(void)ctx, (void)name, (void)out;
	return err_set(err, -EINVAL, "there is no such thing here: only rules remember");
}

static const struct environment_memory nothing = { no_memory, no_memory, no_memory, no_memory };

static int declare_memory(struct cel_env *env, const struct environment_memory *memory, void *ctx)
{
	const struct {
		const char *value, *has;
		cel_resolve_fn resolve;
	} rows[] = { { "state", "hasState", memory->state },
		     { "variable", "hasVariable", memory->variable },
		     { "hasLabel", "hasLabelSet", memory->label },
		     { "score", "hasScore", memory->score } };
	int code = 0;

	for (size_t i = 0; !code && i < ARRAY_SIZE(rows); i++)
		code = cel_env_slots(env, rows[i].value, rows[i].has, rows[i].resolve, ctx);
	return code;
}

int environment_declare_functions(struct cel_env *env)
{
	int code = cel_env_functions(env, environment_functions, environment_function_count);

	return code ? code : cel_env_functions(env, ipc_functions, ipc_function_count);
}

static int declare(struct cel_env *env, cel_resolve_fn resolve,
		   const struct environment_memory *memory, void *ctx)
{
	int code = environment_messages(env);

	if (!code)
		code = environment_variables(env, false);
	if (!code)
		code = environment_declare_functions(env);
	for (size_t i = 0; !code && i < environment_constant_count; i++)
		code = cel_env_constant(env, environment_constants[i].name, "int",
					value_int(environment_constants[i].value));
	if (!code)
		code = declare_memory(env, memory ? memory : &nothing, ctx);
	return code ? code : cel_env_slots(env, "getEventData", "hasData", resolve, ctx);
}

static int resolve_any(void *ctx, struct str name, struct cel_slot *out, struct err *err)
{
	(void)ctx, (void)name, (void)err;
	*out = (struct cel_slot){ .type = "dyn" };
	return 0;
}

struct cel_env *environment_new_tracee(void)
{
	struct cel_env *env = cel_env_new_with(CEL_TRACEE);
	int code = env ? environment_messages(env) : -ENOMEM;

	if (!code)
		code = environment_variables(env, true);
	if (!code)
		code = cel_env_functions(env, environment_functions, environment_tracee_count);
	if (!code)
		code = cel_env_slots(env, "getEventData", "hasData", resolve_any, NULL);
	if (code) {
		cel_env_free(env);
		return NULL;
	}
	return env;
}

struct cel_env *environment_new(uint32_t options, cel_resolve_fn resolve,
				const struct environment_memory *memory, void *ctx)
{
	struct cel_env *env = cel_env_new_with(options);
	int code = env ? declare(env, resolve, memory, ctx) : -ENOMEM;

	environment_learn_host();
	if (code) {
		/* The tables are ours: a row that is wrong is found by the unit test. */
		cel_env_free(env);
		return NULL;
	}
	return env;
}
