/* SPDX-License-Identifier: Apache-2.0 */
/* A spool and scripted receivers for tests, see receiver.h. */
#include "receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>

#include "base/common.h"

static char folder[64], spool_path[96];
static struct host host = { .name = { "test-host", 9 }, .machine_id = { "0123456789abcdef", 16 } };

/* ---- the receiver -------------------- */

static struct receiver *receivers[8];

struct transport_state {
	struct receiver *receiver;
};

void receiver_init(struct receiver *receiver, const char *name)
{
	*receiver = (struct receiver){ .name = name };
	pthread_mutex_init(&receiver->lock, NULL);
	pthread_cond_init(&receiver->changed, NULL);
	receiver->sequences = malloc(sizeof(uint64_t) * RECEIVED_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(receivers); i++)
		if (!receivers[i] || !strcmp(receivers[i]->name, name)) {
			receivers[i] = receiver;
			return;
		}
	fail_msg("too many receivers");
}

void receiver_free(struct receiver *receiver)
{
	for (size_t i = 0; i < ARRAY_SIZE(receivers); i++)
		if (receivers[i] == receiver)
			receivers[i] = NULL;
	free(take(receiver->sequences));
}

void receiver_set_dead(struct receiver *receiver, bool dead)
{
	pthread_mutex_lock(&receiver->lock);
	receiver->dead = dead;
	pthread_mutex_unlock(&receiver->lock);
}

uint32_t receiver_count(struct receiver *receiver)
{
	pthread_mutex_lock(&receiver->lock);
	uint32_t count = receiver->count;

	pthread_mutex_unlock(&receiver->lock);
	return count;
}

void receiver_wait(struct receiver *receiver, uint32_t count)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&receiver->lock);
	while (receiver->count < count && r == 0)
		r = pthread_cond_timedwait(&receiver->changed, &receiver->lock, &until);
	uint32_t found = receiver->count;

	pthread_mutex_unlock(&receiver->lock);
	if (found < count)
		fail_msg("%s received %u of %u in 60 s", receiver->name, found, count);
}

static int open_receiver(const struct transport_settings *settings, struct transport_state **out,
			 struct err *err)
{
	(void)err;
	for (size_t i = 0; i < ARRAY_SIZE(receivers); i++)
		if (receivers[i] && !strcmp(receivers[i]->name, settings->output)) {
			*out = calloc(1, sizeof(**out));
			(*out)->receiver = receivers[i];
			return 0;
		}
	return -ENOENT;
}

static enum delivery_result answer(struct receiver *r, const struct transport_batch *batch,
				   const struct transport_record *record)
{
	if (r->most && batch->count > r->most)
		return DELIVERY_TOO_LARGE;
	if (r->refuse && record->sequence && record->sequence % r->refuse == 0)
		return DELIVERY_REFUSED;
	if (r->partial && record->sequence % r->partial == 0 && r->attempts++ % 2 == 0)
		return DELIVERY_RETRY;
	return DELIVERY_DONE;
}

static void check_record(const struct transport_record *record)
{
	if (record->id.len != ALERT_ID_LEN || !record->bytes.len || record->result ||
	    record->bytes.data[record->bytes.len - 1] == '\n' || !record->event.len) {
		fprintf(stderr, "a record breaks the contract\n");
		abort();
	}
}

static void keep(struct receiver *r, const struct transport_record *record)
{
	size_t len = MIN((size_t)record->bytes.len, sizeof(r->last) - 1);

	if (r->count < RECEIVED_MAX)
		r->sequences[r->count++] = record->sequence;
	memcpy(r->last, record->bytes.data, len);
	r->last[len] = 0;
}

static bool hangs_up(const struct receiver *r, const struct transport_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		uint64_t sequence = batch->records[i].sequence;

		if (sequence &&
		    ((r->hang_up && sequence % r->hang_up == 0) || sequence <= r->hang_up_through))
			return true;
	}
	return false;
}

static int send_batch(struct transport_state *state, struct transport_batch *batch)
{
	struct receiver *r = state->receiver;
	bool dead;

	pthread_mutex_lock(&r->lock);
	dead = r->dead || hangs_up(r, batch);
	r->batches++;
	for (uint32_t i = 0; i < batch->count && !dead; i++) {
		check_record(&batch->records[i]);
		batch->records[i].result = answer(r, batch, &batch->records[i]);
		if (batch->records[i].result == DELIVERY_DONE)
			keep(r, &batch->records[i]);
	}
	batch->retry_after_ms = r->retry_after_ms;
	snprintf(batch->answer, sizeof(batch->answer), "%s", dead ? "nobody is there" : "fine");
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return dead ? -ECONNREFUSED : 0;
}

static void close_receiver(struct transport_state *state, uint64_t deadline)
{
	(void)deadline;
	free(state);
}

const struct transport receiver_transport = {
	.name = "receiver",
	.doc = "a receiver of the tests",
	.format = "json",
	.batch_records = 500,
	.batch_bytes = 1 << 20,
	.open = open_receiver,
	.send = send_batch,
	.close = close_receiver,
};

/* ---- the spool -------------------- */

void test_folder_make(const char *below)
{
	snprintf(folder, sizeof(folder), "%s/spoor-delivery-XXXXXX", below);
	assert_non_null(mkdtemp(folder));
	snprintf(spool_path, sizeof(spool_path), "%s/spool.db", folder);
}

void test_folder_remove(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(folder);
}

const char *test_spool_path(void)
{
	return spool_path;
}

struct delivery_config *test_config(void)
{
	struct delivery_config *config = delivery_config_new();

	assert_non_null(config);
	config->path = spool_path;
	config->spool_bytes = 64 << 20;
	config->full = FULL_BLOCK;
	config->queue_bytes = 4 << 20;
	config->commit_ms = 1;
	config->drain_ms = 20000;
	/* Of its own: after a reload the outputs of several configurations run. */
	config->outputs = arena_array(&config->arena, struct delivery_output, 8);
	return config;
}

struct delivery_output *test_output(struct delivery_config *config, struct receiver *receiver)
{
	struct delivery_output *output = &config->outputs[config->output_count++];

	*output = (struct delivery_output){
		.name = receiver->name,
		.transport = &receiver_transport,
		.settings = { .output = receiver->name, .format = "json" },
		.format = format_by_name(STR("json")),
		.timeout_ms = 1000,
		.backoff_least = 1,
		.backoff_most = 20,
		.batch_records = 500,
		.batch_bytes = 1 << 20,
	};
	return output;
}

struct delivery *test_start(struct delivery_config *config)
{
	struct delivery *delivery = NULL;
	struct err err = { 0 };

	if (delivery_open(config, &host, "test", &delivery, &err) < 0 ||
	    delivery_start(delivery, &err) < 0)
		fail_msg("%s", err.message);
	return delivery;
}

bool test_put(struct delivery *delivery, uint64_t number, int severity)
{
	char id[ALERT_ID_LEN + 1], json[1200];
	struct row row = { .sequence = number,
			   .time = clock_epoch(),
			   .severity = severity,
			   .pid = 4242,
			   .event = STR("test_event"),
			   .detector = STR("TEST-1"),
			   .process = STR("/usr/bin/test"),
			   .container = STR("4f0c9e1d2b3a"),
			   .policies = STR("one\ntwo\n") };

	snprintf(id, sizeof(id), "%036" PRIu64, number);
	int len = snprintf(json, sizeof(json), "{\"number\":%" PRIu64 ",\"pad\":\"%01000d\"}",
			   number, 0);

	row.id = str_of(id);
	row.json = (struct str){ json, (uint32_t)len };
	return queue_put(&delivery->queue, &row);
}

void test_output_counts(struct delivery *delivery, uint32_t i, struct output_stats *out)
{
	struct delivery_stats *stats = calloc(1, sizeof(*stats));

	delivery_stats(delivery, stats);
	assert_true(i < stats->output_count);
	*out = stats->outputs[i];
	free(stats);
}
