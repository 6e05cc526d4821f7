/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of an alert: a UUID of version 7 (RFC 9562) whose 74 random bits are SipHash-2-4 of
 * what made it, keyed with the machine's id. So the same record gives the same id, live and
 * replayed, whatever other rules are loaded; and ids sort by the time of their events.
 */
#include "base/common.h"
#include "event.h"
#include "event/encode.h"

struct sip {
	uint64_t v0, v1, v2, v3, words;
};

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_rounds(struct sip *s, int count)
{
	while (count--) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_rounds(s, 2);
	s->v0 ^= word;
	s->words++;
}

/* Its length and its bytes, filled up to whole words: no two lists of texts are the same words. */
static void sip_text(struct sip *s, struct str text)
{
	sip_word(s, text.len);
	for (uint32_t i = 0; i < text.len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, text.data + i, MIN(text.len - i, 8u));
		sip_word(s, word);
	}
}

static void sip_start(struct sip *s, uint64_t key0, uint64_t key1)
{
	*s = (struct sip){ .v0 = 0x736f6d6570736575ULL ^ key0,
			   .v1 = 0x646f72616e646f6dULL ^ key1 ^ 0xee,
			   .v2 = 0x6c7967656e657261ULL ^ key0,
			   .v3 = 0x7465646279746573ULL ^ key1 };
}

static void sip_finish(struct sip *s, uint64_t out[2])
{
	sip_word(s, s->words * 8 << 56);
	s->v2 ^= 0xee;
	sip_rounds(s, 4);
	out[0] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	s->v1 ^= 0xdd;
	sip_rounds(s, 4);
	out[1] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

/* Sixteen hex digits of a machine id, zeros where there are fewer. */
static uint64_t machine_key(struct str id, uint32_t from)
{
	uint64_t key = 0;

	for (uint32_t i = from; i < from + 16; i++)
		key = key << 4 | (uint64_t)(i < id.len ? hex_digit(id.data[i]) : 0);
	return key;
}

static void sip_record(struct sip *s, const struct event *event)
{
	const struct wire_header *wire = event->wire;

	sip_word(s, wire->id | (uint64_t)wire->cpu << 32);
	sip_word(s, wire->seq);
	sip_word(s, event_epoch_time(event, wire->time));
	sip_word(s, wire->pid | (uint64_t)wire->tid << 32);
}

/* From the first detector to the last. */
static void sip_rules(struct sip *s, const struct event *event)
{
	if (!event || !event->values)
		return;
	sip_rules(s, event->detected_from);
	sip_text(s, event->rule.len ? event->rule : str_of(event->def->name));
	sip_word(s, event->repeat);
	/* A rule with memory may fire again later, with an event it fired on before. */
	if (event->state) {
		sip_text(s, str_of(event->state->phase));
		sip_word(s, event->state->events);
	}
	if (event->state)
		sip_text(s, str_of(event->state->phase));
}

static char *put_hex(char *at, uint64_t number, unsigned digits)
{
	while (digits--)
		*at++ = "0123456789abcdef"[number >> 4 * digits & 15];
	return at;
}

void alert_id(char out[ALERT_ID_LEN + 1], const struct event *event, const struct host *host)
{
	uint64_t time = event_epoch_time(event, event->wire->time) / 1000000, hash[2];
	struct sip sip;

	sip_start(&sip, machine_key(host->machine_id, 0), machine_key(host->machine_id, 16));
	sip_text(&sip, host->boot_id);
	sip_record(&sip, event);
	sip_rules(&sip, event);
	sip_finish(&sip, hash);
	out = put_hex(out, time >> 16, 8);
	*out++ = '-';
	out = put_hex(out, time & 0xffff, 4);
	*out++ = '-';
	out = put_hex(out, 0x7000 | (hash[0] & 0xfff), 4);
	*out++ = '-';
	out = put_hex(out, 0x8000 | (hash[0] >> 16 & 0x3fff), 4);
	*out++ = '-';
	out = put_hex(out, hash[1] >> 16, 12);
	*out = 0;
}
