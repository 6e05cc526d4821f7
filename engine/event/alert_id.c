/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id of an alert: a UUID of version 7 (RFC 9562) whose 74 random bits are SipHash-2-4 of
 * what made it, keyed with the machine's id. So the same record gives the same id, live and
 * replayed, whatever other rules are loaded; and ids sort by the time of their events.
 */
#include "base/common.h"
#include "base/siphash.h"
#include "event.h"
#include "event/encode.h"

enum { ROUNDS = 2 };

struct id_hash {
	struct sip sip;
	uint64_t words;
};

static void put_word(struct id_hash *hash, uint64_t word)
{
	sip_word(&hash->sip, word, ROUNDS);
	hash->words++;
}

/* Its length and its bytes, filled up to whole words: no two lists of texts are the same words. */
static void put_text(struct id_hash *s, struct str text)
{
	put_word(s, text.len);
	for (uint32_t i = 0; i < text.len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, text.data + i, MIN(text.len - i, 8u));
		put_word(s, word);
	}
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

static void put_record(struct id_hash *s, const struct event *event)
{
	const struct wire_header *wire = event->wire;

	put_word(s, wire->id | (uint64_t)wire->cpu << 32);
	put_word(s, wire->seq);
	put_word(s, event_epoch_time(event, wire->time));
	put_word(s, wire->pid | (uint64_t)wire->tid << 32);
}

/* From the first detector to the last. */
static void put_rules(struct id_hash *s, const struct event *event)
{
	if (!event || !event->values)
		return;
	put_rules(s, event->detected_from);
	put_text(s, event->rule.len ? event->rule : str_of(event->def->name));
	put_word(s, event->repeat);
	/* A rule with memory may fire again later, with an event it fired on before. */
	if (event->state) {
		put_text(s, str_of(event->state->phase));
		put_word(s, event->state->events);
	}
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
	struct id_hash id = { 0 };

	sip_start(&id.sip, machine_key(host->machine_id, 0), machine_key(host->machine_id, 16));
	put_text(&id, host->boot_id);
	put_record(&id, event);
	put_rules(&id, event);
	sip_end(&id.sip, id.words * 8 << 56, ROUNDS, hash);
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
