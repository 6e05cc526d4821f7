/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The generated skeleton, with the warnings its text would give turned off. */
#ifndef SPOOR_BPF_SKELETON_H
#define SPOOR_BPF_SKELETON_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include "spoor.skel.h"
#pragma GCC diagnostic pop

#endif
