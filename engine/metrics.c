/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of /metrics and /readyz from the counters; the rows are in stats.def. */
#include <inttypes.h>

#include "base/common.h"
#include "monitor.h"

enum { FAILING = 3 }; /* failures in a row: a single one happens to the best receiver */

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_number(struct buf *out, double value)
{
	if (value == (double)(uint64_t)value)
		buf_uint(out, (uint64_t)value);
	else
		buf_printf(out, "%.9g", value);
	buf_char(out, '\n');
}

static void sensor_write(struct buf *out, const struct spoor_stats *s)
{
#define SENSOR(type, name, value, help) \
	add_head(out, name, #type, help); \
	buf_lit(out, name " "); \
	add_number(out, (double)(value));
#define DELIVERY(type, name, value, help)
#define OUTPUT(type, name, value, help)
#include "stats.def"
#undef SENSOR
#undef DELIVERY
#undef OUTPUT
	add_head(out, "spoor_build_info", "gauge", "The version of the sensor.");
	buf_lit(out, "spoor_build_info{version=\"" SPOOR_VERSION "\"} 1\n");
}

static void spool_write(struct buf *out, const struct delivery_stats *d)
{
#define SENSOR(type, name, value, help)
#define DELIVERY(type, name, value, help) \
	add_head(out, name, #type, help); \
	buf_lit(out, name " "); \
	add_number(out, (double)(value));
#define OUTPUT(type, name, value, help)
#include "stats.def"
#undef SENSOR
#undef DELIVERY
#undef OUTPUT
}

/* Names of destinations have no character that would have to be escaped (config/destination.c). */
static void outputs_write_counts(struct buf *out, const struct delivery_stats *d)
{
#define SENSOR(type, name, value, help)
#define DELIVERY(type, name, value, help)
#define OUTPUT(type, metric, value, help) \
	add_head(out, metric, #type, help); \
	for (const struct output_stats *o = d->outputs; o < d->outputs + d->output_count; o++) { \
		buf_printf(out, metric "{output=\"%s\"} ", o->name); \
		add_number(out, (double)(value)); \
	}
#include "stats.def"
#undef SENSOR
#undef DELIVERY
#undef OUTPUT
}

/* NAME{LABELS,reason="..."} of each reason that can be; labels may be empty. */
static void reasons_write(struct buf *out, const char *name, const char *labels,
			  const char *const *reasons, const uint64_t *counts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		buf_printf(out, "%s{%s%sreason=\"%s\"} %" PRIu64 "\n", name, labels,
			   *labels ? "," : "", reasons[i], counts[i]);
}

static void events_lost_write(struct buf *out, const struct spoor_stats *s)
{
	add_head(out, "spoor_events_lost_total", "counter",
		 "Events lost in the kernel, by reason.");
	reasons_write(out, "spoor_events_lost_total", "", spoor_lost_names, s->lost_by,
		      SPOOR_LOST_REASONS);
}

static void spool_lost_write(struct buf *out, const struct delivery_stats *d)
{
	add_head(out, "spoor_spool_lost_total", "counter",
		 "Alerts that never got into the spool, by reason.");
	reasons_write(out, "spoor_spool_lost_total", "", loss_reason_names, d->lost, LOSS_REASONS);
}

/* One family: for every output a sample of each reason. */
static void by_reason_write(struct buf *out, const struct delivery_stats *d, bool dropped)
{
	char label[128];

	for (const struct output_stats *o = d->outputs; o < d->outputs + d->output_count; o++) {
		snprintf(label, sizeof(label), "output=\"%s\"", o->name);
		if (dropped)
			reasons_write(out, "spoor_output_dropped_total", label, loss_reason_names,
				      o->dropped, LOSS_REASONS);
		else
			reasons_write(out, "spoor_output_failed_total", label, output_failure_names,
				      o->failed, FAILURE_COUNT);
	}
}

static void failures_write(struct buf *out, const struct delivery_stats *d)
{
	add_head(out, "spoor_output_failed_total", "counter",
		 "Records that were not taken, by reason.");
	by_reason_write(out, d, false);
	add_head(out, "spoor_output_dropped_total", "counter",
		 "Records that will never be sent, by reason.");
	by_reason_write(out, d, true);
}

static void latency_write(struct buf *out, const struct output_stats *o)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		sum += o->latency[i];
		buf_printf(out,
			   "spoor_output_send_seconds_bucket{output=\"%s\",le=\"%g\"} %" PRIu64
			   "\n",
			   o->name, latency_bounds[i] / 1e3, sum);
	}
	sum += o->latency[LATENCY_BUCKETS];
	buf_printf(out, "spoor_output_send_seconds_bucket{output=\"%s\",le=\"+Inf\"} %" PRIu64 "\n",
		   o->name, sum);
	buf_printf(out, "spoor_output_send_seconds_sum{output=\"%s\"} %.9g\n", o->name,
		   (double)o->latency_ns / 1e9);
	buf_printf(out, "spoor_output_send_seconds_count{output=\"%s\"} %" PRIu64 "\n", o->name,
		   sum);
}

void metrics_write(struct buf *out, const struct monitor_counts *counts)
{
	const struct delivery_stats *d = &counts->delivery;

	sensor_write(out, &counts->sensor);
	events_lost_write(out, &counts->sensor);
	if (!counts->has_delivery)
		return;
	spool_write(out, d);
	spool_lost_write(out, d);
	if (!d->output_count)
		return;
	outputs_write_counts(out, d);
	failures_write(out, d);
	add_head(out, "spoor_output_send_seconds", "histogram",
		 "How long exchanges with the receiver took.");
	for (uint32_t i = 0; i < d->output_count; i++)
		latency_write(out, &d->outputs[i]);
}

bool readiness_write(struct buf *out, const struct monitor_counts *counts)
{
	const struct delivery_stats *d = &counts->delivery;
	bool ready = true;

	if (counts->has_delivery && d->spool_failing) {
		buf_printf(out, "spool: %s\n", d->spool_error);
		ready = false;
	}
	for (uint32_t i = 0; counts->has_delivery && i < d->output_count; i++) {
		const struct output_stats *o = &d->outputs[i];

		if (o->failures < FAILING)
			continue;
		buf_printf(out, "output %s: %" PRIu64 " alerts wait: %s\n", o->name, o->waiting,
			   o->answer);
		ready = false;
	}
	if (ready)
		buf_lit(out, "OK\n");
	return ready;
}
