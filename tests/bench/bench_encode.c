/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_encode: what it costs to turn an event into the bytes of an output record, by format, in
 * ns, and as a ratio to the floor of this run: copying the same bytes with memcpy. The events are
 * a msgsnd and a semtimedop with the kernel's own fields and an exec with paths and arguments.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/common.h"
#include "event.h"
#include "format.h"

enum { ROUNDS = 5, EVENTS = 200000, FLUSH_AT = 64 * 1024 };

static const struct clock boot_clock = { .boot_epoch_ns = 1785751200000000000 };
static const struct str policy = { "ipc-policy", 10 };

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static struct wire_header header_of(uint16_t id, size_t size)
{
	return (struct wire_header){
		.size = (uint32_t)size,
		.id = id,
		.cpu = 1,
		.seq = 12345678,
		.present = ~0ULL >> (64 - event_by_id(id)->field_count),
		.start_time = 86400123456789,
		.leader_start_time = 86400123456789,
		.parent_start_time = 86300123456789,
		.cgroup_id = 5120,
		.pid = 4242,
		.tid = 4243,
		.ppid = 4200,
		.ns_pid = 4242,
		.ns_tid = 4243,
		.ns_ppid = 4200,
		.uid = 1000,
		.euid = 1000,
		.gid = 1000,
		.loginuid = 1000,
		.mnt_ns = 4026531841,
		.pid_ns = 4026531836,
		.ipc_ns = 4026531839,
		.user_ns = 4026531837,
		.net_ns = 4026531840,
		.syscall = event_by_id(id)->syscall,
		.flags = WIRE_CONTEXT | HOOK_FENTRY << WIRE_HOOK_SHIFT,
		.comm = "ipcsrv",
	};
}

static struct {
	struct wire_header header;
	struct ev_msgsnd body;
} msgsnd;

static struct {
	struct wire_header header;
	struct ev_semtimedop body;
	int16_t lists[12];
} semtimedop;

static struct {
	struct wire_header header;
	struct ev_sched_process_exec body;
	char tail[256];
} execution;

static void prepare_msgsnd(void)
{
	msgsnd.header = header_of(EV_msgsnd, sizeof(msgsnd));
	msgsnd.body.msqid = 32769;
	msgsnd.body.msgp = 0x7ffd5a3b1c20;
	msgsnd.body.msgsz = 128;
	msgsnd.body.msgflg = 2048;
	msgsnd.body.perm_key = 1234567;
	msgsnd.body.perm_uid = msgsnd.body.perm_cuid = 1000;
	msgsnd.body.perm_mode = 0660;
	msgsnd.body.msg_cbytes = 1024;
}

static void prepare_semtimedop(void)
{
	uint32_t at = (uint32_t)((char *)semtimedop.lists - (char *)&semtimedop);

	semtimedop.header = header_of(EV_semtimedop, sizeof(semtimedop));
	semtimedop.body.semid = 5;
	semtimedop.body.sops = 0x7ffd5a3b1c20;
	semtimedop.body.nsops = 2;
	semtimedop.body.timeout = (struct wire_timespec){ 1, 500000000 };
	semtimedop.body.returnValue = -11;
	semtimedop.body.sem_num = (struct wire_ref){ at, 4 };
	semtimedop.body.sem_op = (struct wire_ref){ at + 4, 4 };
	semtimedop.body.sem_flg = (struct wire_ref){ at + 8, 4 };
	semtimedop.lists[2] = -1;
}

static struct wire_ref put_text(const char *text, uint32_t len, uint32_t *used)
{
	struct wire_ref ref = { (uint32_t)(execution.tail - (char *)&execution) + *used, len };

	memcpy(execution.tail + *used, text, len);
	*used += len;
	return ref;
}

static void prepare_exec(void)
{
	uint32_t used = 0;

	execution.header = header_of(EV_sched_process_exec, sizeof(execution));
	execution.header.syscall = 59;
	execution.body.cmdpath = put_text("/usr/bin/ls", 11, &used);
	execution.body.pathname = put_text("/usr/bin/ls", 11, &used);
	execution.body.interpreter_pathname = put_text(
		"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", 46, &used);
	execution.body.argv = put_text("ls\0-la\0/tmp/a directory\0", 24, &used);
	execution.body.interp = put_text("/usr/bin/ls", 11, &used);
	execution.body.stdin_path = put_text("/dev/pts/0", 10, &used);
	execution.body.prev_comm = put_text("bash", 4, &used);
	execution.body.pwd = put_text("/home/user", 10, &used);
	execution.body.ctime = execution.body.interpreter_ctime = 1716287400123456789;
	execution.body.inode = 1703992;
}

struct result {
	double ns, floor_ns;
	size_t bytes;
};

/* The best of a few rounds: noise only adds. */
static struct result measure(const struct format *format, struct wire_header *header, bool decoded)
{
	static struct buf out, copy;
	struct host here = { .name = STR("host1") };
	struct format_options options = { .host = &here,
					  .sensor_version = SPOOR_VERSION,
					  .decoded_data = decoded };
	struct event event = { .def = event_by_id(header->id),
			       .wire = header,
			       .policies = &policy,
			       .policy_count = 1,
			       .clock = &boot_clock };
	struct result result = { 0 };

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns();

		buf_clear(&out);
		for (uint32_t i = 0; i < EVENTS; i++) {
			header->time = 86500000000000 + i * 1234567ULL;
			if (out.len > FLUSH_AT)
				buf_clear(&out);
			format->write(&out, &event, &options);
		}
		double ns = (now_ns() - start) / EVENTS;

		buf_clear(&out);
		format->write(&out, &event, &options);
		result.bytes = out.len;
		buf_clear(&copy);
		start = now_ns();
		for (uint32_t i = 0; i < EVENTS; i++) {
			if (copy.len > FLUSH_AT)
				buf_clear(&copy);
			buf_add(&copy, out.data, out.len);
			__asm__ volatile("" ::: "memory");
		}
		double floor_ns = (now_ns() - start) / EVENTS;

		if (!round || ns < result.ns)
			result.ns = ns;
		if (!round || floor_ns < result.floor_ns)
			result.floor_ns = floor_ns;
	}
	return result;
}

static void report(const char *event, const char *format, bool decoded, struct wire_header *header)
{
	struct result r = measure(format_by_name(str_of(format)), header, decoded);

	printf("encode %-18s %-11s%-8s %6.0f ns  %5zu bytes  %5.2f GB/s  %5.1f x memcpy (%.1f ns)\n",
	       event, format, decoded ? " decoded" : "", r.ns, r.bytes, (double)r.bytes / r.ns,
	       r.ns / r.floor_ns, r.floor_ns);
}

int main(void)
{
	static const struct {
		const char *name;
		struct wire_header *header;
	} events[] = { { "msgsnd", &msgsnd.header },
		       { "semtimedop", &semtimedop.header },
		       { "sched_process_exec", &execution.header } };

	prepare_msgsnd();
	prepare_semtimedop();
	prepare_exec();
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		report(events[i].name, "tracee-json", false, events[i].header);
		report(events[i].name, "json", false, events[i].header);
		report(events[i].name, "json", true, events[i].header);
		report(events[i].name, "table", false, events[i].header);
	}
	return 0;
}
