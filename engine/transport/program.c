/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as lines to the standard input of a program, which is started when there is something
 * to send and again after it has ended, with growing pauses. A pipe has no answer: a record counts
 * as delivered when it is written to it whole, and what a program that dies had not read yet is
 * lost. Its last line of standard error and how it ended are told.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/err.h"
#include "batch.h"
#include "moment.h"
#include "connection.h"

enum key { COMMAND, RESTART_WAIT, RESTART_WAIT_MAX };
enum { SAID_MAX = 200, TERM_WAIT_MS = 500 };

static const struct setting_key keys[] = {
	[COMMAND] = { "command", SETTING_TEXTS, .required = true,
		      .doc = "the program and its arguments; no shell is involved" },
	[RESTART_WAIT] = { "restart_wait", SETTING_DURATION, .fallback = "1s",
			   .doc = "pause before it is started again; doubled each time it ends "
				  "within a minute" },
	[RESTART_WAIT_MAX] = { "restart_wait_max", SETTING_DURATION, .fallback = "1m",
			       .doc = "longest pause" },
};

struct transport_state {
	const struct transport_settings *settings;
	char **argv;
	pid_t pid; /* 0: not running */
	int input, errors, process;
	uint64_t started, not_before;
	int64_t wait_ms;
	char said[SAID_MAX + 1]; /* its last line on standard error */
	uint32_t said_len;
	bool said_ended;
	char ended[SAID_MAX + 80]; /* how the last one ended; "" not yet */
	struct buf lines;
};

/* ---- the child --------------------------------------------------------------------------- */

static int program_check(const struct transport_settings *settings, uint32_t *key, struct err *err)
{
	const struct setting_value *command = &settings->values[COMMAND];

	*key = COMMAND;
	if (!command->count || !command->texts[0].len)
		return err_set(err, -EINVAL, "the command is empty");
	if (!memchr(command->texts[0].data, '/', command->texts[0].len)) {
		err_set(err, -EINVAL, "'%.*s' is no path", (int)command->texts[0].len,
			command->texts[0].data);
		err_hint(err, "name the program by its whole path: PATH is not searched");
		return -EINVAL;
	}
	return 0;
}

static void child_close(struct transport_state *state)
{
	int *fds[] = { &state->input, &state->errors, &state->process };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	state->pid = 0;
}

/* The last line it said, without what a terminal would obey. */
static void errors_read(struct transport_state *state)
{
	char chunk[1024];
	ssize_t len;

	while (state->errors >= 0 && (len = read(state->errors, chunk, sizeof(chunk))) > 0)
		for (ssize_t i = 0; i < len; i++) {
			unsigned char c = (unsigned char)chunk[i];

			if (c == '\n') {
				state->said_ended = true;
				continue;
			}
			if (state->said_ended)
				state->said_len = 0;
			state->said_ended = false;
			if (state->said_len < SAID_MAX)
				state->said[state->said_len++] = c < ' ' || c == 0x7f ? ' '
										      : (char)c;
			state->said[state->said_len] = 0;
		}
}

static void note_end(struct transport_state *state, int status)
{
	int64_t most = setting_number(state->settings, RESTART_WAIT_MAX);
	bool soon = moment_now() - state->started < 60000 * MOMENT_MS;
	const char *colon = state->said_len ? ": " : "";

	errors_read(state);
	if (WIFSIGNALED(status))
		snprintf(state->ended, sizeof(state->ended), "%s was ended by signal %d%s%s",
			 state->argv[0], WTERMSIG(status), colon, state->said);
	else
		snprintf(state->ended, sizeof(state->ended), "%s ended with status %d%s%s",
			 state->argv[0], WEXITSTATUS(status), colon, state->said);
	state->wait_ms = soon && state->wait_ms ? MIN(state->wait_ms * 2, most)
						: setting_number(state->settings, RESTART_WAIT);
	state->not_before = moment_in_ms(state->wait_ms);
	child_close(state);
}

/* Has it ended? Waits for that until the deadline. */
static bool child_ended(struct transport_state *state, uint64_t deadline)
{
	struct pollfd poll_fd = { .fd = state->process, .events = POLLIN };
	int status;

	if (!state->pid)
		return true;
	if (state->process >= 0)
		poll(&poll_fd, 1, moment_left_ms(deadline));
	pid_t r = waitpid(state->pid, &status, WNOHANG);

	if (r == 0 || (r < 0 && errno == EINTR))
		return false;
	note_end(state, r < 0 ? 0 : status);
	return true;
}

static int spawn(struct transport_state *state, int input, int errors)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	/* Ctrl-C at our terminal is ours: the program ends when its input does. */
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
	int r = posix_spawn(&state->pid, state->argv[0], &actions, &attributes, state->argv,
			    environ);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -r;
}

static int child_start(struct transport_state *state)
{
	int input[2], errors[2];

	if (pipe2(input, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) {
		close(input[0]);
		close(input[1]);
		return -EMFILE;
	}
	fcntl(input[1], F_SETFL, O_NONBLOCK);
	state->said_len = 0;
	state->said[0] = 0;
	int r = spawn(state, input[0], errors[1]);

	close(input[0]);
	close(errors[1]);
	state->input = input[1];
	state->errors = errors[0];
	state->started = moment_now();
	if (r < 0) {
		child_close(state);
		return r;
	}
	state->process = (int)syscall(SYS_pidfd_open, state->pid, 0);
	return 0;
}

/* ---- sending -------------------------------------------------------------------------------- */

static int program_open(const struct transport_settings *settings, struct transport_state **out,
			struct err *err)
{
	const struct setting_value *command = &settings->values[COMMAND];
	autoclean(freep) struct transport_state *state = calloc(1, sizeof(*state));
	char **argv = calloc(command->count + 1, sizeof(*argv));

	if (!state || !argv) {
		free(argv);
		return err_set(err, -ENOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < command->count; i++)
		argv[i] = strndup(command->texts[i].data, command->texts[i].len);
	state->settings = settings;
	state->argv = argv;
	state->input = state->errors = state->process = -1;
	if (access(argv[0], X_OK) < 0) {
		err_set(err, -errno, "cannot run %s: %s", argv[0], strerror(errno));
		err_hint(err, "`command` is a list: the program's path, then its arguments");
		for (char **at = argv; *at; at++)
			free(*at);
		free(argv);
		return err->code;
	}
	*out = take(state);
	return 0;
}

static int ready(struct transport_state *state, struct transport_batch *batch)
{
	if (state->pid && !child_ended(state, 0))
		return 0;
	if (moment_now() < state->not_before) {
		batch->retry_after_ms = (uint32_t)moment_left_ms(state->not_before);
		batch_answer(batch, "%s", state->ended);
		return -EAGAIN;
	}
	int r = child_start(state);

	if (r < 0)
		batch_answer(batch, "cannot run %s: %s", state->argv[0], strerror(-r));
	return r;
}

static int write_lines(struct transport_state *state, uint64_t deadline, size_t *done)
{
	while (*done < state->lines.len) {
		ssize_t written = write(state->input, state->lines.data + *done,
					state->lines.len - *done);
		struct pollfd fds[] = { { .fd = state->input, .events = POLLOUT },
					{ .fd = state->errors, .events = POLLIN } };

		if (written > 0) {
			*done += (size_t)written;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		errors_read(state);
		int left = moment_left_ms(deadline);

		if (!left)
			return -ETIMEDOUT;
		poll(fds, ARRAY_SIZE(fds), left);
	}
	return 0;
}

/* A line begun must be ended before the next batch: the program is ended with it. */
static void give_up(struct transport_state *state)
{
	kill(state->pid, SIGKILL);
	child_ended(state, moment_in_ms(TERM_WAIT_MS));
}

static uint32_t count_whole(const struct transport_batch *batch, size_t done, bool *torn)
{
	uint32_t i = 0;

	while (i < batch->count && done >= batch->records[i].bytes.len + 1)
		done -= batch->records[i++].bytes.len + 1;
	*torn = done > 0;
	return i;
}

static int program_send(struct transport_state *state, struct transport_batch *batch)
{
	size_t done = 0;
	sigset_t before;
	bool torn;
	int r = ready(state, batch);

	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	buf_clear(&state->lines);
	for (uint32_t i = 0; i < batch->count; i++) {
		buf_str(&state->lines, batch->records[i].bytes);
		buf_char(&state->lines, '\n');
	}
	if (state->lines.truncated)
		return -ENOMEM;
	sigpipe_hold(&before);
	r = write_lines(state, batch->deadline, &done);
	sigpipe_release(&before);
	errors_read(state);
	batch_results(batch, 0, count_whole(batch, done, &torn), DELIVERY_DONE, NULL);
	if (r == 0) {
		if (state->said_len)
			batch_answer(batch, "%s", state->said);
		return 0;
	}
	if (r == -EPIPE && child_ended(state, moment_in_ms(TERM_WAIT_MS)))
		batch_answer(batch, "%s", state->ended);
	else
		batch_answer(batch, "%s does not read: %s", state->argv[0], strerror(-r));
	if (state->pid && (torn || r == -EPIPE))
		give_up(state);
	return r;
}

static void program_close(struct transport_state *state, uint64_t deadline)
{
	if (!state)
		return;
	if (state->input >= 0)
		close(state->input);
	state->input = -1;
	if (state->pid && !child_ended(state, deadline)) {
		kill(state->pid, SIGTERM);
		if (!child_ended(state, moment_in_ms(TERM_WAIT_MS)))
			give_up(state);
	}
	child_close(state);
	for (char **at = state->argv; *at; at++)
		free(*at);
	free(state->argv);
	buf_free(&state->lines);
	free(state);
}

const struct transport transport_program = {
	.name = "program",
	.doc = "lines to a program's standard input",
	.format = "json",
	.keys = keys,
	.key_count = ARRAY_SIZE(keys),
	.batch_records = 256,
	.batch_bytes = 256 * 1024,
	.check = program_check,
	.open = program_open,
	.send = program_send,
	.close = program_close,
};
