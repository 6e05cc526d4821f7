/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor seen from outside: /metrics in Prometheus' text form, /healthz (it works through
 * events) and /readyz (it can deliver what it finds). The loop hands over its counters twice a
 * second; requests are answered from that copy and touch nothing of the pipeline.
 */
#ifndef ENGINE_MONITOR_H
#define ENGINE_MONITOR_H

#include "base/buf.h"
#include "base/err.h"
#include "delivery/delivery.h"
#include "spoor.h"

struct config;
struct monitor;

/* A copy of all counters. */
struct monitor_counts {
	struct spoor_stats sensor;
	bool has_delivery;
	struct delivery_stats delivery;
};

/* Serves what the configuration asks for; *out stays NULL if that is nothing. */
int monitor_open(const struct config *config, struct monitor **out, struct err *err);
/* From the loop, as often as it likes. NULL is fine. */
void monitor_tick(struct monitor *monitor, struct spoor *spoor);
/* NULL is fine. */
void monitor_close(struct monitor *monitor);

/* The text of /metrics. */
void metrics_write(struct buf *out, const struct monitor_counts *counts);
/* Can everything be delivered? Says what cannot, a line each. */
bool readiness_write(struct buf *out, const struct monitor_counts *counts);

/* spoor.c: false if there is no durable delivery. */
bool spoor_delivery_stats(struct spoor *spoor, struct delivery_stats *out);

#endif
