/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `spoor test --update`: what came out of a test is written into its file. Only what differs is
 * touched, byte by byte; comments, layout and order stay as the author has them.
 */
#ifndef DETECT_GOLDEN_H
#define DETECT_GOLDEN_H

#include "base/buf.h"
#include "base/arena.h"
#include "base/yaml.h"
#include "event.h"

struct golden_edit {
	uint32_t start, end; /* of the text that is replaced */
	uint32_t from, len;  /* of the new text, in golden->text */
};

/* Zero-initialise with file set; golden_free. */
struct golden {
	const struct yaml_file *file;
	struct golden_edit *edits;
	uint32_t count, capacity;
	struct buf text;
	uint32_t changed, added, removed; /* values, detections */
	bool failed;			  /* out of memory */
};

/* The text of a node becomes this value, or this word. */
void golden_value(struct golden *golden, const struct yaml_node *node, struct value value);
void golden_word(struct golden *golden, const struct yaml_node *node, struct str word);
/*
 * The list `expect` of a test keeps its first `keep` detections and gets `count` new ones.
 * named: with the names of their events.
 */
void golden_expect(struct golden *golden, const struct yaml_node *test, uint32_t keep,
		   const struct event *const *made, uint32_t count, bool named,
		   struct arena *arena);
/* The file with all changes made. False: out of memory. */
bool golden_apply(struct golden *golden, struct buf *out);
/* Puts the text in the file's place, at once and with its mode. 0, or a negative errno with err. */
struct err;
int golden_write(const char *path, const struct buf *text, struct err *err);
void golden_free(struct golden *golden);

#endif
