/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libspoor: ties rules, stores, a source and outputs together behind spoor.h. Holds at
 * all times either everything of a configuration or nothing of it.
 */
#include "spoor.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/common.h"
#include "base/err.h"
#include "base/suggest.h"
#include "delivery/delivery.h"
#include "detect/detect.h"
#include "host.h"
#include "monitor.h"
#include "egress.h"
#include "outputs.h"
#include "pipeline.h"
#include "policy/policy.h"
#include "source.h"
#include "store.h"
#include "values.h"

struct rules {
	struct ruleset *ruleset;
	struct policies *policies;
};

struct spoor {
	struct pipeline pipeline;
	struct rules rules;
	struct stores *stores;
	struct outputs *outputs;
	struct host_texts host; /* whose records the source hands over */
	char **detectors, **policy_paths, **events, **scopes; /* copies, for reload */
	struct egress *egress; /* what the configuration file asks for; NULL: there is none */
	enum hook_mode hook;
	size_t ring_bytes;
	bool environment; /* --enrichment environment */
	bool compat_tracee, live, loaded, ended;
	char *record_path;
	char *memory_path;		 /* NULL: nothing is kept */
	uint64_t memory_saved;		 /* when, boot ns */
	char *error, *warnings, *faults; /* what spoor_error() and its kin answer */
};

const char *spoor_version(void)
{
	return SPOOR_VERSION;
}

/* ---- errors -------------------------------------------------------------------- */

static void text_replace(char **text, const struct err_list *list, enum err_level level)
{
	size_t len;
	char *fresh = NULL;
	FILE *out = open_memstream(&fresh, &len);

	if (!out)
		return;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].level == level)
			err_print(out, &list->items[i]);
	if (list->errors + list->warnings > list->count)
		fprintf(out, "... and %u more\n", list->errors + list->warnings - list->count);
	fclose(out);
	free(*text);
	*text = fresh;
}

/* Frees `more`. */
static void text_append(char **text, char *more)
{
	autoclean(freep) char *owned = more, *old = *text;

	if (asprintf(text, "%s%s", old ? old : "", owned ? owned : "") < 0)
		*text = NULL;
}

static int fail_list(struct spoor *spoor, const struct err_list *list, int code)
{
	text_replace(&spoor->error, list, ERR_ERROR);
	return code;
}

static int fail(struct spoor *spoor, struct err *err)
{
	struct err_list list = { .items = err, .count = 1, .errors = 1 };

	return fail_list(spoor, &list, err->code ? err->code : -EIO);
}

static int fail_memory(struct spoor *spoor)
{
	struct err err = { 0 };

	err_set(&err, -ENOMEM, "out of memory");
	return fail(spoor, &err);
}

const char *spoor_error(const struct spoor *spoor)
{
	return spoor->error ? spoor->error : "";
}

const char *spoor_warnings(const struct spoor *spoor)
{
	return spoor->warnings ? spoor->warnings : "";
}

const char *spoor_faults(struct spoor *spoor)
{
	size_t len;
	FILE *out;

	free(take(spoor->faults));
	if (!spoor->rules.ruleset || !ruleset_has_faults(spoor->rules.ruleset))
		return "";
	out = open_memstream(&spoor->faults, &len);
	if (!out)
		return "";
	ruleset_faults(spoor->rules.ruleset, out);
	fclose(out);
	return spoor->faults ? spoor->faults : "";
}

/* ---- configuration --------------------------------------------------------------- */

static void list_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

/* NULL stays NULL. */
static int list_copy(const char *const *list, char ***out)
{
	size_t count = 0;

	if (!list)
		return 0;
	while (list[count])
		count++;
	char **copy = calloc(count + 1, sizeof(*copy));

	for (size_t i = 0; copy && i < count; i++)
		if (!(copy[i] = strdup(list[i]))) {
			list_free(copy);
			copy = NULL;
		}
	if (!copy)
		return -ENOMEM;
	*out = copy;
	return 0;
}

struct spoor *spoor_new(void)
{
	return calloc(1, sizeof(struct spoor));
}

static void rules_free(struct rules *rules)
{
	policies_free(rules->policies);
	ruleset_free(rules->ruleset);
	*rules = (struct rules){ 0 };
}

/* Most likely the path is wrong, and nobody would notice a sensor that is just silent. */
static void warn_nothing(const char *path, struct err_list *problems)
{
	struct err err = { .level = ERR_WARNING };

	err_at(&err, path ? path : "--detectors", 0, 0);
	err_set(&err, 0, "no detectors here: nothing will be detected");
	err_hint(&err, "rule files end in .yaml or .yml; without --detectors the built-in rules "
		       "are used");
	err_list_add(problems, &err);
}

/* Records of different processors come out of order by less than this. */
enum { SLACK_NS = 50 * 1000 * 1000 };

/* Nothing is wrong but what --events and --scope say. */
static bool is_usage(const struct err_list *problems)
{
	for (uint32_t i = 0; i < problems->count; i++)
		if (problems->items[i].level == ERR_ERROR &&
		    strncmp(problems->items[i].path, "--", 2) != 0)
			return false;
	return problems->count;
}

/* Everything loaded from YAML, as a whole or not at all. */
static int rules_load(struct spoor *spoor, struct rules *out)
{
	const char *const *detectors = (const char *const *)spoor->detectors;
	struct ruleset_options options = { .compat_tracee = spoor->compat_tracee,
					   .environment = spoor->environment,
					   .slack = SLACK_NS,
					   .live = spoor->live };
	struct policies_options policy_options = { .compat_tracee = spoor->compat_tracee,
						   .live = spoor->live,
						   .builtin = !detectors,
						   .scopes = (const char *const *)spoor->scopes };
	autoclean(err_list_free) struct err_list problems = { 0 };
	autoclean(rules_free) struct rules rules = { 0 };

	rules.ruleset = detectors ? ruleset_load(detectors, &options, &problems)
				  : ruleset_load_builtin(&options, &problems);
	if (!rules.ruleset)
		return fail_memory(spoor);
	if (detectors && !problems.errors && !ruleset_detector_count(rules.ruleset))
		warn_nothing(detectors[0], &problems);
	rules.policies = policies_load((const char *const *)spoor->policy_paths,
				       (const char *const *)spoor->events, &policy_options,
				       rules.ruleset, &problems);
	if (!rules.policies)
		return fail_memory(spoor);
	text_replace(&spoor->warnings, &problems, ERR_WARNING);
	if (problems.errors)
		return fail_list(spoor, &problems, is_usage(&problems) ? -EDOM : -EINVAL);
	*out = take(rules);
	return 0;
}

static void rules_use(struct spoor *spoor, struct rules *rules)
{
	if (spoor->rules.ruleset)
		ruleset_adopt(rules->ruleset, spoor->rules.ruleset);
	rules_free(&spoor->rules);
	spoor->rules = take(*rules);
	spoor->pipeline.ruleset = spoor->rules.ruleset;
	spoor->pipeline.policies = spoor->rules.policies;
}

static int fail_setting(struct spoor *spoor, const char *name, const char *value, struct err *err)
{
	struct err told = *err;

	err_set(&told, err->code, "--%s%s%s: %s", name, value ? " " : "", value ? value : "",
		err->message);
	return fail(spoor, &told);
}

static int config_copy(struct spoor *spoor, const struct spoor_config *config)
{
	struct err err = { 0 };

	if (hook_parse(config->hook, &spoor->hook, &err) < 0)
		return fail_setting(spoor, "hook", config->hook, &err);
	if (ring_check(config->ring_bytes, &err) < 0)
		return fail_setting(spoor, "ring", NULL, &err);
	for (size_t i = 0; config->enrichments && config->enrichments[i]; i++)
		if (enrichment_parse(config->enrichments[i], &spoor->environment, &err) < 0)
			return fail_setting(spoor, "enrichment", config->enrichments[i], &err);
	spoor->ring_bytes = config->ring_bytes;
	spoor->compat_tracee = config->compat_tracee;
	if (config->memory && !(spoor->memory_path = strdup(config->memory)))
		return fail_memory(spoor);
	spoor->live = config->live;
	if (list_copy(config->detectors, &spoor->detectors) < 0 ||
	    list_copy(config->policies, &spoor->policy_paths) < 0 ||
	    list_copy(config->events, &spoor->events) < 0 ||
	    list_copy(config->scopes, &spoor->scopes) < 0)
		return fail_memory(spoor);
	return 0;
}

/* ---- the configuration file --------------------------------------------------------- */

/* What egress_open or egress_reload found: warnings stay beside those of the rules. */
static int egress_result(struct spoor *spoor, int r, const struct err_list *problems)
{
	char *before = take(spoor->warnings);

	text_replace(&spoor->warnings, problems, ERR_WARNING);
	text_append(&spoor->warnings, before);
	return r < 0 ? fail_list(spoor, problems, r) : 0;
}

static int file_use(struct spoor *spoor, const struct spoor_config *config)
{
	autoclean(err_list_free) struct err_list problems = { 0 };
	struct pipeline *p = &spoor->pipeline;

	if (!config->config_file)
		return 0;
	int r = egress_open(config->config_file, config->stop, p, &spoor->egress, &problems);

	return egress_result(spoor, r, &problems);
}

static int file_reload(struct spoor *spoor)
{
	autoclean(err_list_free) struct err_list problems = { 0 };

	if (!spoor->egress)
		return 0;
	return egress_result(spoor, egress_reload(spoor->egress, &problems), &problems);
}

const char *spoor_delivery_report(struct spoor *spoor)
{
	return spoor->egress ? egress_report(spoor->egress) : "";
}

bool spoor_delivery_stats(struct spoor *spoor, struct delivery_stats *out)
{
	if (!spoor->pipeline.delivery)
		return false;
	delivery_stats(spoor->pipeline.delivery, out);
	return true;
}

int spoor_load(struct spoor *spoor, const struct spoor_config *config)
{
	struct err err = { 0 };
	struct rules rules = { 0 };

	if (spoor->loaded)
		return err_set(&err, -EALREADY, "rules are loaded already"), fail(spoor, &err);
	int r = config_copy(spoor, config);

	if (r < 0 || (r = rules_load(spoor, &rules)) < 0)
		return r;
	rules_use(spoor, &rules);
	spoor->stores = stores_new(0, 0);
	if (!spoor->stores)
		return fail_memory(spoor);
	if (outputs_open(config->outputs, spoor->stores, &spoor->host.host, &spoor->outputs, &err) <
	    0)
		return fail(spoor, &err);
	host_read(&spoor->host);
	spoor->pipeline.host = &spoor->host.host;
	spoor->pipeline.stores = spoor->stores;
	spoor->pipeline.outputs = spoor->outputs;
	r = file_use(spoor, config);
	spoor->loaded = r == 0;
	return r;
}

uint32_t spoor_detector_count(const struct spoor *spoor)
{
	return spoor->rules.ruleset ? ruleset_detector_count(spoor->rules.ruleset) : 0;
}

void spoor_on_event(struct spoor *spoor, spoor_event_fn fn, void *ctx)
{
	spoor->pipeline.on_event = fn;
	spoor->pipeline.on_event_ctx = ctx;
}

int spoor_record(struct spoor *spoor, const char *path)
{
	free(spoor->record_path);
	spoor->record_path = strdup(path);
	return spoor->record_path ? 0 : fail_memory(spoor);
}

/* ---- what is kept over restarts ----------------------------------------------------- */

/* A file that is damaged is no reason not to watch: learning begins anew, and that is said. */
static void memory_load(struct spoor *spoor)
{
	const char *path = spoor->memory_path;
	int r = path ? ruleset_memory_load(spoor->rules.ruleset, path,
					   spoor->pipeline.clock.boot_epoch_ns)
		     : 0;

	if (r < 0 && r != -ENOENT)
		fprintf(stderr, "spoor: %s: %s; first_seen learns anew\n", path,
			r == -EBADMSG ? "damaged, or not of this program" : strerror(-r));
}

static int memory_save(struct spoor *spoor, struct err *err)
{
	int r = spoor->memory_path && spoor->rules.ruleset && spoor->pipeline.source
			? ruleset_memory_save(spoor->rules.ruleset, spoor->memory_path,
					      spoor->pipeline.clock.boot_epoch_ns)
			: 0;

	if (r < 0)
		err_set(err, r, "%s: cannot keep what first_seen has learnt: %s",
			spoor->memory_path, strerror(-r));
	return r;
}

/* ---- sources ---------------------------------------------------------------------- */

/* What the process store lives on: without it no event knows its executable, family, container. */
static const uint16_t store_events[] = { EV_sched_process_fork, EV_sched_process_exec,
					 EV_sched_process_exit, EV_cgroup_mkdir };

static bool is_wanted(const struct event_def *const *events, size_t count,
		      const struct event_def *def)
{
	for (size_t i = 0; i < count; i++)
		if (events[i] == def)
			return true;
	return false;
}

/* The list of events is the caller's to free, once the source has seen it. */
static int want_fill(const struct spoor *spoor, const struct rules *rules, struct source_want *want)
{
	size_t known, count = 0;
	const struct event_def *const *events = policies_events(rules->policies, &known);
	const struct event_def **all = calloc(known + ARRAY_SIZE(store_events),
					      sizeof(const struct event_def *));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < known; i++)
		if (!events[i]->replay_only)
			all[count++] = events[i];
	for (size_t i = 0; i < ARRAY_SIZE(store_events); i++) {
		const struct event_def *def = event_by_id(store_events[i]);

		if (!is_wanted(all, count, def))
			all[count++] = def;
	}
	*want = (struct source_want){
		.events = all,
		.count = count,
		.hook = spoor->hook,
		.ring_bytes = spoor->ring_bytes,
		.environment = spoor->environment,
		.host_names = policies_read_host_names(rules->policies),
	};
	return 0;
}

static int source_use(struct spoor *spoor, const struct source_ops *ops, const char *path, int fd)
{
	struct pipeline *p = &spoor->pipeline;
	struct source_want want;
	struct err err = { 0 };

	if (!spoor->loaded || p->source)
		return err_set(&err, -EINVAL, "open a source once, after loading rules"),
		       fail(spoor, &err);
	if (want_fill(spoor, &spoor->rules, &want) < 0)
		return fail_memory(spoor);
	autoclean(freep) const void *events = want.events;

	(void)events; /* freed with the scope */

	want.path = path;
	want.fd = fd;
	want.soon = pipeline_soon;
	want.soon_ctx = p;
	if (ops->open(&want, &p->source, &err) < 0)
		return fail(spoor, &err);
	p->source_ops = ops;
	p->clock = *ops->clock(p->source);
	if (ops->host)
		host_copy(&spoor->host, ops->host(p->source, &p->sequence));
	else if (path)
		host_forget(&spoor->host);
	stores_set_clock(spoor->stores, &p->clock);
	memory_load(spoor);
	/* Now it is known whose alerts they are. */
	if (p->delivery && delivery_start(p->delivery, &err) < 0)
		return fail(spoor, &err);
	if (spoor->record_path && capture_create(spoor->record_path, &p->clock, p->host,
						 p->sequence, &p->capture, &err) < 0)
		return fail(spoor, &err);
	return 0;
}

int spoor_open_live(struct spoor *spoor)
{
	if (spoor->stores)
		stores_use_kernel_symbols(spoor->stores, "/proc/kallsyms");
	return source_use(spoor, &source_live, NULL, 0);
}

/* The first bytes of what is open, which stay there to be read. */
static size_t peek(int fd, char *head, size_t size)
{
	ssize_t len = fd < 0 ? 0 : pread(fd, head, size, 0);

	if (len < 0 && errno == ESPIPE) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return 0;
		autoclean(closep) int from = ends[0];
		autoclean(closep) int to = ends[1];

		len = tee(fd, to, size, 0); /* a pipe: copied, not consumed */
		if (len > 0)
			len = read(from, head, (size_t)len);
	}
	return len > 0 ? (size_t)len : 0;
}

/* A capture if it begins like one, else JSON, whose reader says what is wrong with it. */
static const struct source_ops *recognise(int fd)
{
	char head[64];

	return source_capture.recognise(head, peek(fd, head, sizeof(head))) ? &source_capture
									    : &source_json;
}

int spoor_open_file(struct spoor *spoor, const char *path)
{
	bool standard = strcmp(path, "-") == 0;
	autoclean(closep) int opened = standard ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int fd = standard ? STDIN_FILENO : opened;

	/* Opened once: whoever writes to a named pipe ends when its reader goes away. */
	return source_use(spoor, recognise(fd), path, MAX(fd, 0));
}

/* ---- running ---------------------------------------------------------------------- */

/* An event that happened longer ago than this has come, if the ring is empty. */
enum { IN_FLIGHT_NS = 20 * 1000 * 1000 };
static const uint64_t SAVE_NS = 60000000000;

static uint64_t boot_time(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int spoor_poll(struct spoor *spoor, int timeout_ms)
{
	struct pipeline *p = &spoor->pipeline;
	struct err err = { 0 };

	if (!p->source || spoor->ended)
		return -ENODATA;
	uint64_t now = p->source_ops == &source_live ? boot_time() : 0;

	if (now > spoor->memory_saved + SAVE_NS) {
		/* Tried again later, and an error in the end. */
		memory_save(spoor, &err);
		spoor->memory_saved = now;
	}
	int r = p->source_ops->read(p->source, timeout_ms, pipeline_take, p, &err);

	if (r == 0 && now > IN_FLIGHT_NS)
		pipeline_tick(p, now - IN_FLIGHT_NS);
	outputs_flush(spoor->outputs);
	if (r == -ENODATA) {
		spoor->ended = true;
		return r;
	}
	if (r < 0)
		return fail(spoor, &err);
	if (outputs_abandoned(spoor->outputs))
		return err_set(&err, -EPIPE, "nobody reads standard output any more"),
		       fail(spoor, &err);
	if (p->capture_error) {
		err_set(&err, p->capture_error, "%s: cannot write: %s", spoor->record_path,
			strerror(-p->capture_error));
		return fail(spoor, &err);
	}
	return r;
}

static int collect_for(struct spoor *spoor, const struct rules *rules)
{
	struct pipeline *p = &spoor->pipeline;
	struct source_want want;
	struct err err = { 0 };

	if (!p->source || !p->source_ops->rewant)
		return 0;
	if (want_fill(spoor, rules, &want) < 0)
		return fail_memory(spoor);
	autoclean(freep) const void *events = want.events;

	(void)events; /* freed with the scope */
	return p->source_ops->rewant(p->source, &want, &err) < 0 ? fail(spoor, &err) : 0;
}

enum { READS_BEFORE_RELOAD = 64 };

/* What happened under the old rules is theirs to judge. A flood must not keep them for ever. */
static void take_waiting(struct spoor *spoor)
{
	struct pipeline *p = &spoor->pipeline;
	struct err err = { 0 };

	for (int i = 0; p->source && !spoor->ended && i < READS_BEFORE_RELOAD; i++)
		if (p->source_ops->read(p->source, 0, pipeline_take, p, &err) <= 0)
			return;
}

/* All or nothing: what is collected can be taken back, outputs that were told to end cannot. */
int spoor_reload(struct spoor *spoor)
{
	autoclean(rules_free) struct rules rules = { 0 };
	int r = rules_load(spoor, &rules);

	if (r >= 0)
		r = collect_for(spoor, &rules);
	if (r < 0)
		return r;
	if ((r = file_reload(spoor)) < 0) {
		collect_for(spoor, &spoor->rules);
		return r;
	}
	take_waiting(spoor);
	rules_use(spoor, &rules);
	return 0;
}

static void source_close(struct spoor *spoor)
{
	struct pipeline *p = &spoor->pipeline;

	if (p->source)
		p->source_ops->close(p->source);
	p->source = NULL;
}

int spoor_drain(struct spoor *spoor)
{
	struct pipeline *p = &spoor->pipeline;
	struct err err = { 0 };
	int r = 0;

	if (p->source && p->source_ops->drain && !spoor->ended)
		r = p->source_ops->drain(p->source, pipeline_take, p, &err);
	spoor->ended = true;
	if (spoor->loaded)
		pipeline_finish(p);
	if (spoor->outputs)
		outputs_flush(spoor->outputs);
	if (r == 0)
		r = memory_save(spoor, &err);
	if (p->delivery)
		delivery_drain(p->delivery);
	return r < 0 ? fail(spoor, &err) : 0;
}

const char *const spoor_lost_names[SPOOR_LOST_REASONS] = { "ring_full", "kretprobe_missed",
							   "program_busy" };

static void rules_stats(const struct ruleset *ruleset, struct spoor_stats *out)
{
	struct state_stats memory;

	ruleset_memory(ruleset, &memory);
	out->rule_errors += ruleset_outputs_refused(ruleset);
	out->memory_keys = memory.keys;
	out->memory_bytes = memory.bytes;
	out->memory_evicted = memory.evicted;
	out->memory_late = memory.late;
	out->memory_inexact = memory.inexact;
	out->memory_unheld = memory.unheld;
	out->memory_replaced = memory.replaced;
	out->memory_withheld = memory.withheld;
}

static void store_stats(const struct stores *stores, struct spoor_stats *out)
{
	struct store_stats stats;

	stores_stats(stores, &stats);
	out->processes_evicted = stats.process_evicted;
	out->containers_evicted = stats.container_evicted;
	out->objects_evicted = stats.ipc_evicted;
	out->attaches_evicted = stats.attaches_evicted;
}

void spoor_stats(const struct spoor *spoor, struct spoor_stats *out)
{
	const struct pipeline *p = &spoor->pipeline;
	struct source_stats source = { 0 };

	if (p->source)
		p->source_ops->stats(p->source, &source);
	*out = (struct spoor_stats){
		.events = p->events,
		.lost = source.lost,
		.malformed = source.malformed,
		.unknown = source.unknown,
		.alerts = p->alerts,
		.printed = p->printed,
		.failed = spoor->outputs ? outputs_failed(spoor->outputs) : 0,
	};
	memcpy(out->lost_by, source.lost_by, sizeof(out->lost_by));
	for (uint32_t i = 0; i < spoor_detector_count(spoor); i++) {
		struct detector_info info;

		ruleset_detector(spoor->rules.ruleset, i, &info);
		out->rule_errors += info.errors;
	}
	if (spoor->egress)
		egress_stats(spoor->egress, out);
	if (spoor->rules.ruleset)
		rules_stats(spoor->rules.ruleset, out);
	if (p->stores)
		store_stats(p->stores, out);
}

void spoor_close(struct spoor *spoor)
{
	if (!spoor)
		return;
	source_close(spoor);
	egress_close(spoor->egress);
	capture_close(spoor->pipeline.capture);
	outputs_close(spoor->outputs);
	rules_free(&spoor->rules);
	stores_free(spoor->stores);
	arena_free(&spoor->pipeline.arena);
	list_free(spoor->detectors);
	list_free(spoor->policy_paths);
	list_free(spoor->events);
	list_free(spoor->scopes);
	free(spoor->record_path);
	free(spoor->memory_path);
	free(spoor->error);
	free(spoor->warnings);
	free(spoor->faults);
	free(spoor);
}
