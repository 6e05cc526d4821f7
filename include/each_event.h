/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * One pass over all events: define the row macros you need, include this file,
 * and they are undefined again. No include guard: it is meant to be repeated.
 *
 * An event that the sensor collects is one file, include/events/NAME.def:
 *
 *	EVENT(name, id, "version", "set set ...")	id: Tracee's printed id, ours from 5500
 *	SYSCALL(x86-64 number or -1, i386 number or -1)	system calls only
 *	INTRO("one line")
 *	DESCRIPTION("paragraphs")
 *	ADVANTAGES("...")				optional
 *	DRAWBACKS("...")				optional
 *	FIELD(type, name, TRACEE|OWN, names, "origin tags", "where captured", "what it is")
 *		type: a row of types.def; names: how to print it decoded, a row of names.def or raw;
 *		origin tags: K U TOCTOU OPT, as in design.md; Tracee's fields come first
 *	HOOK(mode, "type", "function or tracepoint", "purpose")	in order of preference
 *	EXAMPLE("...")
 *	ISSUES("...")
 *	RELATED("event event ...")
 *	END(name)
 *
 * An event that is only known is a line of known.def. It has, besides EVENT, SYSCALL and INTRO:
 *	REPLAY_ONLY()		recordings of it can be replayed, but it cannot be collected yet
 *	ARG(type, member, name, names)	a field of Tracee's of which no more is known; member: its C
 *				name
 *
 * events.inc (made by make) includes every file of the folder in name order, with THIS_EVENT
 * defined as the name of the file, which is that of its event. known.inc, which files that
 * define KNOWN_EVENTS get instead, has the lines of known.def among them; an event's own file wins.
 */
#ifndef EVENT
#define EVENT(...)
#endif
#ifndef SYSCALL
#define SYSCALL(...)
#endif
#ifndef INTRO
#define INTRO(...)
#endif
#ifndef DESCRIPTION
#define DESCRIPTION(...)
#endif
#ifndef ADVANTAGES
#define ADVANTAGES(...)
#endif
#ifndef DRAWBACKS
#define DRAWBACKS(...)
#endif
#ifndef FIELD
#define FIELD(...)
#endif
#ifndef ARG
#define ARG(...)
#endif
#ifndef REPLAY_ONLY
#define REPLAY_ONLY(...)
#endif
#ifndef HOOK
#define HOOK(...)
#endif
#ifndef EXAMPLE
#define EXAMPLE(...)
#endif
#ifndef ISSUES
#define ISSUES(...)
#endif
#ifndef RELATED
#define RELATED(...)
#endif
#ifndef END
#define END(...)
#endif

#ifdef KNOWN_EVENTS
#include "known.inc"
#else
#include "events.inc"
#endif

#undef EVENT
#undef SYSCALL
#undef INTRO
#undef DESCRIPTION
#undef ADVANTAGES
#undef DRAWBACKS
#undef FIELD
#undef ARG
#undef REPLAY_ONLY
#undef HOOK
#undef EXAMPLE
#undef ISSUES
#undef RELATED
#undef END
