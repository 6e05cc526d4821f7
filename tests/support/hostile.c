/* SPDX-License-Identifier: Apache-2.0 */
/* Events made to break formats. */
#include "hostile.h"

#include "base/common.h"
#include "store.h"

uint64_t hostile_below(struct hostile *h, uint64_t bound)
{
	h->state ^= h->state << 13;
	h->state ^= h->state >> 7;
	h->state ^= h->state << 17;
	return (h->state >> 11) % bound;
}

static bool one_in(struct hostile *h, unsigned n)
{
	return hostile_below(h, n) == 0;
}

/* ---- texts ------------------------------ */

static const struct str pieces[] = {
	STR("\n"),
	STR("\r\n"),
	STR("|"),
	STR("="),
	STR("\\"),
	STR("\""),
	STR("]"),
	STR("["),
	STR("^"),
	STR("\t"),
	STR("\x1f"),
	STR("\0"),
	STR("\x7f"),
	STR("\xc2\x85"),
	STR("\xe2\x80\xa8"),
	STR("\xef\xbf\xbd"),
	STR("\xef\xbb\xbf"),
	STR("\xff"),
	STR("\xc3"),
	STR("\xed\xa0\x80"),
	STR("\xf0\x9f\x98\x80"),
	STR("\xc3\xa9"),
	STR(" act=allowed "),
	STR("\nCEF:0|x|y|1|2|3|10|"),
	STR("\\n"),
	STR("<13>1 - - - - - - x"),
	STR("\"] [evil@1 a=\"b"),
	STR("\",\"severity\":0,\"x\":\""),
	STR(" cs1Label=x cs1=y"),
	STR("x09"),
	STR("\\="),
	STR("\\|"),
	STR("{{.name}}"),
	STR("%n%s"),
	STR("</script>"),
	STR("\x1b[2J"),
	STR("/tmp/a b"),
	STR("'"),
	STR(","),
	STR(" "),
	STR("\xe2\x80\xa6"),
	STR("\xf4\x90\x80\x80"),
	STR("IPC_CREAT"),
	STR("1"),
};

static struct str long_text(struct hostile *h)
{
	static const uint32_t lengths[] = { 255,  256,	512,  1023, 1024, 1025,
					    2048, 4000, 4096, 4097, 8192, 65536 };
	struct str unit = one_in(h, 2) ? pieces[hostile_below(h, ARRAY_SIZE(pieces))] : STR("a");
	uint32_t want = lengths[hostile_below(h, ARRAY_SIZE(lengths))];
	char *text = arena_alloc(&h->arena, want + 64);
	struct str out = { text, 0 };

	if (!text)
		abort();
	for (uint32_t lead = (uint32_t)hostile_below(h, 4); out.len < lead;)
		text[out.len++] = 'b';
	while (out.len < want) {
		memcpy(text + out.len, unit.data, unit.len);
		out.len += unit.len;
	}
	text[out.len] = 0;
	return out;
}

struct str hostile_text(struct hostile *h)
{
	char text[128];
	uint32_t len = 0, count = (uint32_t)hostile_below(h, 5);

	if (one_in(h, 1500))
		return long_text(h);
	for (uint32_t i = 0; i < count && len < 64; i++) {
		struct str piece = pieces[hostile_below(h, ARRAY_SIZE(pieces))];

		if (h->len && one_in(h, 3)) {
			size_t at = hostile_below(h, h->len), most = 1 + hostile_below(h, 8);

			piece = (struct str){ h->bytes + at, (uint32_t)MIN(h->len - at, most) };
		} else if (one_in(h, 3)) {
			piece = STR("plain");
		}
		memcpy(text + len, piece.data, piece.len);
		len += piece.len;
	}
	struct str out = arena_str(&h->arena, text, len);

	if (!out.data)
		abort();
	return out;
}

/* Without a NUL inside: what stands in C strings. */
static const char *c_text(struct hostile *h)
{
	return hostile_text(h).data;
}

static struct str maybe(struct hostile *h)
{
	return one_in(h, 4) ? (struct str){ 0 } : hostile_text(h);
}

/* ---- values ------------------------------ */

static uint64_t number(struct hostile *h)
{
	static const uint64_t limits[] = {
		0,	    1,		9,	   INT32_MAX,  INT32_MAX + 1u,
		UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX
	};

	return one_in(h, 2) ? limits[hostile_below(h, ARRAY_SIZE(limits))]
			    : hostile_below(h, 1000000);
}

static struct value texts(struct hostile *h)
{
	uint32_t count = (uint32_t)hostile_below(h, 4);
	struct value_list *list = arena_alloc(&h->arena,
					      sizeof(*list) + count * sizeof(struct value));

	if (!list)
		abort();
	list->count = count;
	for (uint32_t i = 0; i < count; i++)
		list->items[i] = value_str(hostile_text(h));
	return (struct value){ .tag = VALUE_LIST, .kind = FIELD_strs, .len = count, .list = list };
}

/* An object, perhaps of one of Tracee's kinds. */
static struct value map(struct hostile *h)
{
	uint32_t count = (uint32_t)hostile_below(h, 3);
	struct value_map *map = arena_alloc(&h->arena,
					    sizeof(*map) + count * sizeof(struct value_entry));

	if (!map)
		abort();
	map->count = count;
	for (uint32_t i = 0; i < count; i++)
		map->entries[i] = (struct value_entry){ value_str(hostile_text(h)), texts(h) };
	return (struct value){ .tag = VALUE_MAP,
			       .kind = one_in(h, 2) ? FIELD_hooked_syscalls : FIELD_none,
			       .len = count,
			       .map = map };
}

/* What a detector can compute. */
static struct value value(struct hostile *h)
{
	struct str text = { 0 };

	switch (hostile_below(h, 9)) {
	case 0: return value_int((int64_t)number(h));
	case 1: return value_uint(number(h));
	case 2: return value_bool(one_in(h, 2));
	case 3: return value_double((double)(int64_t)number(h) / (one_in(h, 2) ? 1 : 1e9));
	case 4: text = hostile_text(h); return value_bytes(text.data, text.len);
	case 5: return texts(h);
	case 6: return value_null();
	case 7: return map(h);
	default: return value_str(hostile_text(h));
	}
}

/* ---- the alert ------------------------------ */

static void make_wire(struct hostile *h, struct wire_header *wire)
{
	static const uint16_t sources[] = { EV_shmget, EV_msgget, EV_shmat, EV_sched_process_exec };
	struct str comm = hostile_text(h);

	*wire = (struct wire_header){
		.size = sizeof(*wire),
		.id = sources[hostile_below(h, ARRAY_SIZE(sources))],
		.cpu = (uint16_t)hostile_below(h, 4),
		.seq = number(h),
		.time = number(h) >> 2,
		.start_time = number(h) >> 2,
		.cgroup_id = number(h),
		.pid = (uint32_t)number(h),
		.tid = (uint32_t)number(h),
		.ppid = (uint32_t)number(h),
		.ns_pid = (uint32_t)number(h),
		.ns_tid = (uint32_t)number(h),
		.uid = (uint32_t)number(h),
		.euid = (uint32_t)number(h),
		.loginuid = (uint32_t)number(h),
		.mnt_ns = (uint32_t)number(h),
		.syscall = (int)hostile_below(h, 80) - 2,
		.flags = (uint32_t)hostile_below(h, 16) | HOOK_FENTRY << WIRE_HOOK_SHIFT,
	};
	memcpy(wire->comm, comm.data, MIN(comm.len, (uint32_t)WIRE_COMM_LEN));
}

static struct event_def *make_def(struct hostile *h, struct value **values)
{
	uint16_t count = (uint16_t)hostile_below(h, 6);
	struct event_field *fields = arena_array(&h->arena, struct event_field, count + 1u);
	struct event_def *def = arena_new(&h->arena, struct event_def);

	*values = arena_array(&h->arena, struct value, count + 1u);
	for (uint16_t i = 0; i < count; i++) {
		fields[i].name = one_in(h, 3) ? "shmflg" : c_text(h);
		(*values)[i] = value(h);
	}
	*def = (struct event_def){ .id = 7500,
				   .name = one_in(h, 2) ? "hostile_event" : c_text(h),
				   .version = c_text(h),
				   .sets = "",
				   .syscall = -1,
				   .syscall32 = -1,
				   .fields = fields,
				   .field_count = count };
	return def;
}

static struct threat *make_threat(struct hostile *h)
{
	struct threat *threat = arena_new(&h->arena, struct threat);

	*threat = (struct threat){ .name = hostile_text(h),
				   .description = hostile_text(h),
				   .severity = (enum severity)hostile_below(h, 5),
				   .has_mitre = !one_in(h, 3) };
	if (threat->has_mitre) {
		threat->tactic = hostile_text(h);
		threat->technique_id = hostile_text(h);
		threat->technique_name = hostile_text(h);
	}
	threat->property_count = (uint32_t)hostile_below(h, 3);
	threat->properties = arena_array(&h->arena, struct threat_property, 3);
	for (uint32_t i = 0; i < threat->property_count; i++)
		threat->properties[i] = (struct threat_property){ hostile_text(h),
								  hostile_text(h) };
	return threat;
}

static struct event_state *make_state(struct hostile *h)
{
	struct event_state *state = arena_new(&h->arena, struct event_state);

	*state = (struct event_state){ .phase = one_in(h, 2) ? "crossed" : "absent",
				       .first = number(h) >> 2,
				       .last = number(h) >> 2,
				       .events = number(h),
				       .lost = one_in(h, 2) ? number(h) : 0 };
	return state;
}

static struct process *make_process(struct hostile *h)
{
	struct process *process = arena_new(&h->arena, struct process);

	process->executable = maybe(h);
	return process;
}

static struct container *make_container(struct hostile *h)
{
	struct container *container = arena_new(&h->arena, struct container);

	*container = (struct container){ .id = hostile_text(h),
					 .name = hostile_text(h),
					 .image_name = maybe(h),
					 .image_id = hostile_text(h),
					 .image_digest = maybe(h),
					 .runtime = one_in(h, 2) ? STR("docker") : STR("") };
	return container;
}

static void make_event(struct hostile *h, struct event *event)
{
	static const struct clock clock = { .boot_epoch_ns = 1785751200000000000 };
	struct wire_header *wire = arena_new(&h->arena, struct wire_header);
	struct event *input = arena_new(&h->arena, struct event);
	struct event *root = arena_new(&h->arena, struct event);
	struct str *policies = arena_array(&h->arena, struct str, 3);
	struct value *values;

	make_wire(h, wire);
	*event = (struct event){ .wire = wire, .clock = &clock };
	if (!one_in(h, 4))
		event->process = make_process(h);
	if (one_in(h, 3))
		event->container = make_container(h);
	*root = *input = *event;
	root->def = make_def(h, &values);
	root->values = values;
	input->def = make_def(h, &values);
	input->values = values;
	input->detected_from = root;
	input->print_detected_from = one_in(h, 2);
	event->def = make_def(h, &values);
	event->values = values;
	event->detected_from = input;
	event->print_detected_from = one_in(h, 3);
	event->rule = hostile_text(h);
	if (!one_in(h, 5))
		event->threat = make_threat(h);
	if (one_in(h, 4))
		event->state = make_state(h);
	event->policies = policies;
	event->policy_count = (uint32_t)hostile_below(h, 3);
	for (uint32_t i = 0; i < event->policy_count; i++)
		policies[i] = hostile_text(h);
}

void hostile_alert(struct hostile *h, const void *bytes, size_t len)
{
	struct alert_identity *identity;
	struct str *addresses;

	arena_reset(&h->arena);
	h->bytes = bytes;
	h->len = len;
	h->state = 0xcbf29ce484222325;
	for (size_t i = 0; i < len; i++)
		h->state = (h->state ^ h->bytes[i]) * 0x100000001b3;
	h->state |= 1;
	make_event(h, &h->event);
	addresses = arena_array(&h->arena, struct str, 2);
	h->host = (struct host){ .name = hostile_text(h),
				 .machine_id = one_in(h, 4)
						       ? (struct str){ 0 }
						       : STR("00112233445566778899aabbccddeeff"),
				 .boot_id = one_in(h, 4)
						    ? (struct str){ 0 }
						    : STR("0d0c0b0a-0908-0706-0504-030201000000"),
				 .addresses = addresses,
				 .address_count = (uint32_t)hostile_below(h, 3) };
	addresses[0] = one_in(h, 2) ? STR("192.0.2.1") : hostile_text(h);
	addresses[1] = one_in(h, 2) ? STR("2001:db8::1") : hostile_text(h);
	h->options = (struct format_options){ .host = &h->host,
					      .sensor_version = one_in(h, 2) ? "1.2.3"
									     : c_text(h) };
	identity = arena_new(&h->arena, struct alert_identity);
	alert_id(identity->id, &h->event, &h->host);
	identity->sequence = number(h);
	h->event.alert = identity;
}
