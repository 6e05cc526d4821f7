/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that outlive their batch: record, values, and what a recording knew of it, in one piece
 * of memory. The definition is not kept but found again through the rule, so that a reload does no
 * harm; the process and the container are looked up again, and the container's own texts stand in
 * if nobody knows it any more.
 */
#include "internal.h"

#include "store.h"

struct kept_event {
	uint32_t size;
	uint8_t input; /* which of the detector's events it is */
	struct event event;
	struct event_given given;
	struct container container;
};

/* Two passes: with at == NULL it measures. */
struct packer {
	char *at;
	size_t used;
};

static void *pack(struct packer *packer, const void *data, size_t len)
{
	void *to = packer->at ? packer->at + packer->used : NULL;

	if (to && len)
		memcpy(to, data, len);
	packer->used += (len + 7) & ~(size_t)7;
	return to;
}

static void pack_str(struct packer *packer, struct str *text)
{
	if (text->data)
		text->data = pack(packer, text->data, text->len);
}

static void pack_given(struct packer *packer, struct event_given *given)
{
	struct str *const texts[] = {
		&given->executable,   &given->container_id,	 &given->container_name,
		&given->image_id,     &given->image_name,	 &given->image_digest,
		&given->pod_name,     &given->pod_uid,		 &given->pod_namespace,
		&given->host_name,    &given->syscall_name,	 &given->timestamp,
		&given->source_event, &given->container_runtime,
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		pack_str(packer, texts[i]);
	/* Only alerts that are read back have them, and no rule sees those. */
	given->ancestors = NULL;
	given->ancestor_count = 0;
}

static void pack_container(struct packer *packer, struct container *container)
{
	struct str *const texts[] = { &container->id,		&container->name,
				      &container->image_id,	&container->image_name,
				      &container->image_digest, &container->runtime };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		pack_str(packer, texts[i]);
}

static void pack_value(struct packer *packer, struct value *value);

static const struct value_list *pack_list(struct packer *packer, const struct value_list *list)
{
	struct value_list *own = pack(packer, list,
				      sizeof(*list) + list->count * sizeof(struct value));

	for (uint32_t i = 0; i < list->count; i++) {
		struct value item = list->items[i];

		pack_value(packer, &item);
		if (own)
			own->items[i] = item;
	}
	return own;
}

static const struct value_map *pack_map(struct packer *packer, const struct value_map *map)
{
	struct value_map *own = pack(packer, map,
				     sizeof(*map) + map->count * sizeof(struct value_entry));

	for (uint32_t i = 0; i < map->count; i++) {
		struct value_entry entry = map->entries[i];

		pack_value(packer, &entry.key);
		pack_value(packer, &entry.value);
		if (own)
			own->entries[i] = entry;
	}
	return own;
}

/* Of a produced event: texts, numbers, lists of texts, and objects that were an input's. */
static void pack_value(struct packer *packer, struct value *value)
{
	if (value->tag == VALUE_STRING || value->tag == VALUE_BYTES)
		value->str = pack(packer, value->str, value->len);
	else if (value->tag == VALUE_LIST)
		value->list = pack_list(packer, value->list);
	else if (value->tag == VALUE_MAP)
		value->map = pack_map(packer, value->map);
}

static void pack_values(struct packer *packer, struct event *event)
{
	struct value *own = pack(packer, event->values, event->def->field_count * sizeof(*own));

	for (uint32_t i = 0; i < event->def->field_count; i++) {
		struct value value = event->values[i];

		pack_value(packer, &value);
		if (own)
			own[i] = value;
	}
	event->values = own;
}

/* A record without what stands behind its fixed part. */
static void pack_wire(struct packer *packer, struct event *event, bool short_form)
{
	const struct event_def *def = event_by_id(event->wire->id);
	uint32_t fixed = (uint32_t)sizeof(struct wire_header) + (def ? def->body_size : 0);
	uint32_t size = short_form ? MIN((fixed + 7) & ~7u, event->wire->size) : event->wire->size;
	/* Records of tests need not say how large they are. */
	struct wire_header *own = pack(packer, event->wire, MAX(size, sizeof(struct wire_header)));

	for (uint32_t i = 0; own && short_form && def && i < def->field_count; i++)
		if (field_is_ref(def->fields[i].type))
			own->present &= ~(1ULL << i);
	if (own && short_form) {
		own->size = size;
		own->host_name = 0;
	}
	event->wire = own;
}

static void pack_event(struct packer *packer, struct kept_event *kept, bool short_form)
{
	struct event *event = &kept->event;

	packer->used = (sizeof(*kept) + 7) & ~(size_t)7;
	pack_wire(packer, event, short_form);
	pack_str(packer, &event->rule); /* the rule itself may be gone by then */
	if (event->values)
		pack_values(packer, event);
	if (event->given) {
		kept->given = *event->given;
		pack_given(packer, &kept->given);
	}
	if (event->container) {
		kept->container = *event->container;
		pack_container(packer, &kept->container);
	}
}

static size_t packed_size(const struct event *event, bool short_form)
{
	struct kept_event kept = { .event = *event };
	struct packer packer = { 0 };

	pack_event(&packer, &kept, short_form);
	return packer.used;
}

/* How large it will be; *short_form: only if its long texts are left out. */
static size_t kept_size(const struct event *event, bool *short_form)
{
	size_t size = packed_size(event, false);

	*short_form = size > SLAB_PIECE_MAX;
	return *short_form ? packed_size(event, true) : size;
}

static struct kept_event *keep(struct kept_event *kept, size_t size, bool short_form,
			       const struct state_input *input)
{
	struct packer packer = { 0 };

	if (!kept)
		return NULL;
	*kept = (struct kept_event){ .size = (uint32_t)size,
				     .input = input->input,
				     .event = *input->event };
	packer.at = (char *)kept;
	pack_event(&packer, kept, short_form);
	/* Where it came from is of another batch. */
	kept->event.detected_from = NULL;
	kept->event.policies = NULL;
	kept->event.policy_count = 0;
	kept->event.state = NULL;
	return kept;
}

struct kept_event *kept_event_new(struct state_rule *rule, const struct entry *entry,
				  const struct state_input *input)
{
	bool short_form;
	size_t size = kept_size(input->event, &short_form);

	return keep(rule_alloc(rule, entry, size), size, short_form, input);
}

struct kept_event *kept_event_in(struct slab *slab, const struct state_input *input)
{
	bool short_form;
	size_t size = kept_size(input->event, &short_form);

	return keep(slab_alloc(slab, size), size, short_form, input);
}

void kept_event_show(const struct state_rule *rule, struct kept_event *kept,
		     const struct stores *stores, uint64_t time, struct event *out)
{
	struct wire_header *wire = (struct wire_header *)kept->event.wire; /* our own */

	wire->time = MAX(wire->time, time);

	*out = kept->event;
	out->def = rule->config->inputs[kept->input];
	out->given = kept->event.given ? &kept->given : NULL;
	out->process = stores ? process_find(stores, wire->pid, wire->leader_start_time) : NULL;
	out->container = stores && wire->cgroup_id ? container_find(stores, wire->cgroup_id) : NULL;
	if (!out->container && kept->event.container)
		out->container = &kept->container;
	/* The threat of a detection that was kept belongs to rules that may be gone. */
	out->threat = NULL;
}

uint32_t kept_event_size(const struct kept_event *kept)
{
	return kept->size;
}

uint8_t kept_event_input(const struct kept_event *kept)
{
	return kept->input;
}

void kept_event_free(struct slab *slab, struct kept_event *kept)
{
	if (kept)
		slab_release(slab, kept, kept->size);
}
