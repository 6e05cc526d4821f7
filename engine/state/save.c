/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What FACT_SEEN rules know, on disk: the secret (keys are digests under it), and for each rule
 * what its text was, since when it learns, and its keys. Times are those of the epoch, so that a
 * boot does no harm. The file is written beside and put in place as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "internal.h"

enum { MAGIC_LEN = 16, SAVE_MAX = 1 << 30 };
static const char magic[MAGIC_LEN] = "spoor-seen 2\n";

struct save_head {
	char magic[MAGIC_LEN];
	struct digest secret;
	uint64_t rules;
};

struct save_rule {
	struct digest text;
	int64_t since; /* ns of the epoch */
	uint64_t keys;
};

struct save_key {
	struct digest key;
	uint64_t deadline; /* UINT64_MAX: never */
	uint64_t owner;
};

static bool is_saved(const struct state_rule *rule)
{
	return rule->config->kind == STATE_FACT && rule->config->fact->kind == FACT_SEEN &&
	       rule->begun;
}

static uint64_t shift(uint64_t time, uint64_t by)
{
	return time == UINT64_MAX ? time : time + by;
}

/* ---- writing ---------------------------------------- */

static void write_rule(FILE *out, const struct state_rule *rule, uint64_t epoch_ns)
{
	struct save_rule head = { rule->config->text, rule->since + (int64_t)epoch_ns,
				  rule->keys.count };

	fwrite(&head, sizeof(head), 1, out);
	for (uint32_t i = 0; i < rule->keys.high; i++) {
		const struct entry *entry = keys_at(&rule->keys, i);

		if (!entry)
			continue;
		struct save_key key = { entry->key, shift(entry->deadline, epoch_ns),
					keys_owner(&rule->keys, entry) };

		fwrite(&key, sizeof(key), 1, out);
	}
}

static int write_all(const struct state *state, FILE *out, uint64_t epoch_ns)
{
	struct save_head head = { .secret = state->secret };

	memcpy(head.magic, magic, sizeof(magic));
	for (uint32_t i = 0; i < state->rule_count; i++)
		head.rules += is_saved(state->rules[i]);
	fwrite(&head, sizeof(head), 1, out);
	for (uint32_t i = 0; i < state->rule_count; i++)
		if (is_saved(state->rules[i]))
			write_rule(out, state->rules[i], epoch_ns);
	errno = 0;
	if (fflush(out) != 0 || ferror(out) || fsync(fileno(out)) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

int state_save(const struct state *state, const char *path, uint64_t epoch_ns)
{
	autoclean(freep) char *beside = NULL;
	int code, fd;

	if (asprintf(&beside, "%s.new", path) < 0)
		return -ENOMEM;
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	FILE *out = fdopen(fd, "w");

	if (!out) {
		close(fd);
		return -ENOMEM;
	}
	code = write_all(state, out, epoch_ns);
	fclose(out);
	if (!code && rename(beside, path) < 0)
		code = -errno;
	if (code)
		unlink(beside);
	return code;
}

/* ---- reading ---------------------------------------- */

struct reader {
	const char *at, *end;
};

static const void *next(struct reader *reader, size_t size)
{
	const char *at = reader->at;

	if ((size_t)(reader->end - at) < size)
		return NULL;
	reader->at += size;
	return at;
}

/* The whole must be sound before any of it is taken over. */
static bool is_sound(struct reader reader)
{
	struct save_head head;
	struct save_rule rule;
	const void *at = next(&reader, sizeof(head));

	if (!at)
		return false;
	memcpy(&head, at, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0)
		return false;
	for (uint64_t i = 0; i < head.rules; i++) {
		at = next(&reader, sizeof(rule));
		if (!at)
			return false;
		memcpy(&rule, at, sizeof(rule));
		if (rule.keys > SAVE_MAX / sizeof(struct save_key) ||
		    !next(&reader, rule.keys * sizeof(struct save_key)))
			return false;
	}
	return reader.at == reader.end;
}

static struct state_rule *rule_of_text(const struct state *state, struct digest text)
{
	for (uint32_t i = 0; i < state->rule_count; i++)
		if (state->rules[i]->config->kind == STATE_FACT &&
		    state->rules[i]->config->fact->kind == FACT_SEEN &&
		    digest_equal(state->rules[i]->config->text, text))
			return state->rules[i];
	return NULL;
}

/* A deadline before this boot is over. */
static uint64_t back(uint64_t time, uint64_t epoch_ns)
{
	return time == UINT64_MAX ? time : time > epoch_ns ? time - epoch_ns : 1;
}

static void read_rule(struct state *state, const struct save_rule *head, const char *keys,
		      uint64_t epoch_ns)
{
	struct state_rule *rule = rule_of_text(state, head->text);

	if (!rule || !rule_start(rule))
		return;
	rule->begun = true;
	rule->since = head->since - (int64_t)epoch_ns;
	for (uint64_t i = 0; i < head->keys; i++) {
		struct save_key key;

		memcpy(&key, keys + i * sizeof(key), sizeof(key));
		key.deadline = back(key.deadline, epoch_ns);
		if (!keys_find(&rule->keys, key.key))
			keys_add(&rule->keys, key.key, (uint32_t)key.owner, key.deadline);
	}
}

static void read_all(struct state *state, struct reader reader, uint64_t epoch_ns)
{
	struct save_head head;

	memcpy(&head, next(&reader, sizeof(head)), sizeof(head));
	state_set_secret(state, head.secret);
	for (uint64_t i = 0; i < head.rules; i++) {
		struct save_rule rule;

		memcpy(&rule, next(&reader, sizeof(rule)), sizeof(rule));
		read_rule(state, &rule, next(&reader, rule.keys * sizeof(struct save_key)),
			  epoch_ns);
	}
}

int state_load(struct state *state, const char *path, uint64_t epoch_ns)
{
	autoclean(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	autoclean(freep) char *data = NULL;
	struct stat st;
	size_t used = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > SAVE_MAX)
		return -EBADMSG;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	while (used < (size_t)st.st_size) {
		ssize_t len = read(fd, data + used, (size_t)st.st_size - used);

		if (len < 0 && errno != EINTR)
			return -errno;
		if (len == 0)
			break;
		used += len > 0 ? (size_t)len : 0;
	}
	if (!is_sound((struct reader){ data, data + used }))
		return -EBADMSG;
	read_all(state, (struct reader){ data, data + used }, epoch_ns);
	return 0;
}
