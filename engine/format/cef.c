/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ArcSight's Common Event Format, version 0 (revision 25). Keys are those of its dictionary; what
 * it has no key for stands in the labelled custom ones. Invariant: `|` and `\` of the header and
 * `=`, `\` and ends of lines of the extension are escaped, and no value ends in a space, so that
 * the extension splits at " key=" and nowhere else.
 */
#include "base/common.h"
#include "encode/facts.h"
#include "encode/syslog.h"
#include "encode/text.h"
#include "event/encode.h"

enum { VERSION_MAX = 31, ID_MAX = 1023, NAME_MAX_BYTES = 512, VALUE_MAX = 1023, CUSTOM_MAX = 4000 };

static void header_field(struct sheet *sheet, struct str text, uint32_t cap)
{
	sheet_text(sheet, text, TEXT_CEF_HEADER, cap);
	buf_char(sheet->out, '|');
}

/* " key="; returns where to go back to. */
static size_t key(struct sheet *sheet, const char *name)
{
	size_t before = sheet->out->len;

	buf_char(sheet->out, ' ');
	buf_add(sheet->out, name, strlen(name));
	buf_char(sheet->out, '=');
	return before;
}

/* Left out if nothing is there to write. */
static bool pair(struct sheet *sheet, const char *name, struct str text, uint32_t cap)
{
	size_t before = key(sheet, name), value = sheet->out->len;

	sheet_text(sheet, text, TEXT_CEF_VALUE, cap);
	if (sheet->out->len > value)
		return true;
	sheet->out->len = before;
	return false;
}

static void number(struct sheet *sheet, const char *name, uint64_t value)
{
	key(sheet, name);
	buf_uint(sheet->out, value);
}

/* cs1Label=LABEL cs1=VALUE */
static void custom(struct sheet *sheet, const char *label_key, const char *label, const char *name,
		   struct str text)
{
	size_t before = key(sheet, label_key);

	buf_add(sheet->out, label, strlen(label));
	if (!pair(sheet, name, text, CUSTOM_MAX))
		sheet->out->len = before;
}

static void custom_number(struct sheet *sheet, const char *label_key, const char *label,
			  const char *name, uint64_t value)
{
	key(sheet, label_key);
	buf_add(sheet->out, label, strlen(label));
	number(sheet, name, value);
}

/* "T1055 Process Injection" */
static struct str joined(struct buf *out, struct str id, struct str name)
{
	text_append(out, id);
	if (id.len && name.len)
		text_append(out, STR(" "));
	text_append(out, name);
	return (struct str){ out->data, (uint32_t)out->len };
}

static void add_device(struct sheet *sheet, const struct facts *facts)
{
	bool four = false, six = false;

	pair(sheet, "dvchost", facts->host_name, VALUE_MAX);
	pair(sheet, "deviceExternalId", facts->host->machine_id, CAP_NAME);
	for (uint32_t i = 0; i < facts->host->address_count; i++) {
		struct str address = facts->host->addresses[i];
		bool colon = memchr(address.data ? address.data : "", ':', address.len);

		if (colon && !six)
			custom(sheet, "c6a1Label", "Device IPv6 Address", "c6a1", address);
		else if (!colon && !four)
			pair(sheet, "dvc", address, CAP_NAME);
		six |= colon;
		four |= !colon;
	}
	pair(sheet, "deviceProcessName", STR("spoor"), CAP_NAME);
}

static void add_process(struct sheet *sheet, const struct facts *facts)
{
	if (!facts->process)
		return;
	pair(sheet, "sproc", facts->executable.len ? facts->executable : facts->comm, VALUE_MAX);
	number(sheet, "spid", facts->event->wire->pid);
	number(sheet, "suid", facts->event->wire->uid);
	pair(sheet, "fname", facts->file_name, VALUE_MAX);
	pair(sheet, "filePath", facts->executable, VALUE_MAX);
}

static void add_customs(struct sheet *sheet, const struct facts *facts)
{
	char memory[CUSTOM_MAX + 96];
	struct buf text = TEXT_BUF(memory);

	custom(sheet, "cs1Label", "mitreTechnique", "cs1",
	       joined(&text, facts->technique_id, facts->technique_name));
	text.len = 0;
	custom(sheet, "cs2Label", "mitreTactic", "cs2",
	       joined(&text, facts->tactic_id, facts->tactic));
	custom(sheet, "cs3Label", "containerId", "cs3", facts->container_id);
	text.len = 0;
	sheet->truncated += !facts_data(&text, facts);
	custom(sheet, "cs4Label", "eventData", "cs4",
	       (struct str){ text.data, (uint32_t)text.len });
	text.len = 0;
	sheet->truncated += !facts_policies(&text, facts);
	custom(sheet, "cs5Label", "policies", "cs5", (struct str){ text.data, (uint32_t)text.len });
	custom(sheet, "cs6Label", "containerImage", "cs6", facts->image_name);
	custom(sheet, "flexString1Label", "ruleVersion", "flexString1", facts->rule_version);
	custom(sheet, "flexString2Label", "processName", "flexString2", facts->comm);
	if (facts->sequence)
		custom_number(sheet, "cn1Label", "sequence", "cn1", facts->sequence);
	if (facts->process)
		custom_number(sheet, "cn2Label", "parentPid", "cn2", facts->event->wire->ppid);
}

/* Of several events: from when to when, and how many. */
static void add_state(struct sheet *sheet, const struct facts *facts)
{
	const struct event_state *state = facts->event->state;

	if (!state)
		return;
	number(sheet, "start", event_epoch_time(facts->event, state->first) / 1000000);
	number(sheet, "end", event_epoch_time(facts->event, state->last) / 1000000);
	number(sheet, "cnt", state->events);
}

static void message(struct sheet *sheet, const struct facts *facts)
{
	size_t before = key(sheet, "msg"), value = sheet->out->len;

	facts_message(sheet, facts, TEXT_CEF_VALUE);
	if (sheet->out->len == value)
		sheet->out->len = before;
}

static void add_extension(struct sheet *sheet, const struct facts *facts)
{
	buf_lit(sheet->out, "rt=");
	buf_uint(sheet->out, facts->time / 1000000);
	add_state(sheet, facts);
	pair(sheet, "externalId", str_of(facts->id), CAP_NAME);
	pair(sheet, "cat", facts->tactic, VALUE_MAX);
	pair(sheet, "act", facts->detection ? STR("detected") : STR("observed"), CAP_NAME);
	pair(sheet, "deviceEventCategory", facts->source, VALUE_MAX);
	add_device(sheet, facts);
	add_process(sheet, facts);
	add_customs(sheet, facts);
	message(sheet, facts);
	pair(sheet, "reason", facts->description, VALUE_MAX);
	if (sheet->truncated)
		custom_number(sheet, "cn3Label", "truncatedFields", "cn3", sheet->truncated);
}

static void cef_write(struct buf *out, const struct event *event,
		      const struct format_options *options)
{
	struct sheet sheet = { .out = out };
	struct facts facts;

	facts_read(&facts, event, options);
	syslog_header(&sheet, &facts, options->values);
	buf_lit(out, "CEF:0|spoor|spoor|");
	header_field(&sheet, facts.sensor_version, VERSION_MAX);
	header_field(&sheet, facts.rule_id, ID_MAX);
	header_field(&sheet, facts.title, NAME_MAX_BYTES);
	buf_uint(out, facts.severity->cef);
	buf_char(out, '|');
	add_extension(&sheet, &facts);
	buf_char(out, '\n');
}

static const struct setting_key cef_keys[] = { SYSLOG_HEADER_KEY, SYSLOG_KEYS };

const struct format format_cef = {
	.name = "cef",
	.doc = "ArcSight Common Event Format (CEF:0)",
	.media_type = "text/plain",
	.keys = cef_keys,
	.key_count = ARRAY_SIZE(cef_keys),
	.write = cef_write,
};
