/* SPDX-License-Identifier: Apache-2.0 */
/* The counters as they were half a second ago, and the server that shows them; see monitor.h. */
#include "monitor.h"

#include <errno.h>
#include <pthread.h>

#include "base/common.h"
#include "config/config.h"
#include "delivery/clock.h"
#include "serve/server.h"

enum { COPY_MS = 500, ALIVE_MS = 10000 };

struct monitor {
	struct server *server;
	bool metrics, healthz;
	pthread_mutex_t lock;
	uint64_t ticked; /* when the loop last came by, CLOCK_MONOTONIC */
	uint64_t copied;
	struct monitor_counts counts;
};

static struct monitor_counts *copy_counts(struct monitor *m, uint64_t *ticked)
{
	struct monitor_counts *copy = malloc(sizeof(*copy));

	pthread_mutex_lock(&m->lock);
	if (copy)
		*copy = m->counts;
	*ticked = m->ticked;
	pthread_mutex_unlock(&m->lock);
	return copy;
}

/* A page: its status and its text. */
static unsigned answer(void *ctx, const char *path, struct buf *out)
{
	struct monitor *m = ctx;
	uint64_t ticked;
	autoclean(freep) struct monitor_counts *counts = copy_counts(m, &ticked);
	bool alive = clock_now() - ticked < ALIVE_MS * CLOCK_MS;

	if (!counts)
		return 503;
	if (m->metrics && !strcmp(path, "/metrics")) {
		metrics_write(out, counts);
		return 200;
	}
	if (m->healthz && !strcmp(path, "/healthz")) {
		buf_str(out, alive ? STR("OK\n") : STR("NOT OK\n"));
		return alive ? 200 : 503;
	}
	if (m->healthz && !strcmp(path, "/readyz"))
		return readiness_write(out, counts) && alive ? 200 : 503;
	buf_lit(out, "there is nothing here\n");
	return 404;
}

int monitor_open(const struct config *config, struct monitor **out, struct err *err)
{
	if (!config || !config->server)
		return 0;
	struct monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return err_set(err, -ENOMEM, "out of memory");
	m->metrics = config->metrics;
	m->healthz = config->healthz;
	m->ticked = clock_now();
	pthread_mutex_init(&m->lock, NULL);
	int r = server_open(config->server, answer, m, &m->server, err);

	if (r < 0) {
		monitor_close(m);
		return r;
	}
	*out = m;
	return 0;
}

void monitor_tick(struct monitor *m, struct spoor *spoor)
{
	uint64_t now = clock_now();

	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->ticked = now;
	if (now - m->copied >= COPY_MS * CLOCK_MS) {
		m->copied = now;
		spoor_stats(spoor, &m->counts.sensor);
		m->counts.has_delivery = spoor_delivery_stats(spoor, &m->counts.delivery);
	}
	pthread_mutex_unlock(&m->lock);
}

void monitor_close(struct monitor *m)
{
	if (!m)
		return;
	server_close(m->server);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
