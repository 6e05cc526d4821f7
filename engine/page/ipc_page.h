/* SPDX-License-Identifier: Apache-2.0 */
/* The System V objects of this host and who is behind them, for `spoor list ipc`. */
#ifndef PAGE_IPC_PAGE_H
#define PAGE_IPC_PAGE_H

#include <jansson.h>

#include "base/err.h"

/* Cells: kind, id, key, mode, owner, size, use, who. */
enum { IPC_PAGE_COLUMNS = 8 };

/*
 * Calls `add` for every object of every IPC namespace that can be read, by namespace, kind and
 * identifier. The callee owns the JSON object; cells are valid during the call. Returns how many
 * namespaces could not be read (they need CAP_SYS_ADMIN), or negative errno with err filled.
 */
int ipc_page_list(void (*add)(void *ctx, json_t *object, const char *const *cells), void *ctx,
		  struct err *err);

#endif
