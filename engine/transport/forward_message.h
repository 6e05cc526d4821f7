/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Fluent Forward receiver says (Forward Protocol v1): HELO, PONG and acknowledgements, in
 * MessagePack. They are few and small, so they are read in place: libmsgpack's unpacker makes room
 * for as many objects as a peer announces before one has come.
 */
#ifndef TRANSPORT_FORWARD_MESSAGE_H
#define TRANSPORT_FORWARD_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "value.h"

enum forward_kind { FORWARD_OTHER, FORWARD_HELO, FORWARD_PONG, FORWARD_ACK };

enum { FORWARD_MESSAGE_MAX = 16 * 1024 };

struct forward_message {
	enum forward_kind kind;
	struct str ack;			 /* of the chunk */
	struct str nonce, salt;		 /* HELO; salt.len: it asks for user and password */
	bool welcome;			 /* PONG */
	struct str reason, host, digest; /* PONG */
};

/*
 * Reads one message. Bytes it takes, 0 if there is more to come, or -EPROTO. The texts lie in
 * `bytes`.
 */
long forward_message_read(const char *bytes, size_t len, struct forward_message *out);

#endif
