// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the doctor asks about this machine: one function per line of its report.
 *
 * Invariant: every check says what was found, and a check that is not OK what to do.
 */
#include "plan.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static void found(struct source_check *check, enum check_state state, const char *format, ...)
	PRINTF_LIKE(3, 4);
static void advise(struct source_check *check, const char *format, ...) PRINTF_LIKE(2, 3);

static void found(struct source_check *check, enum check_state state, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->found, sizeof(check->found), format, args);
	va_end(args);
	check->state = state;
}

static void advise(struct source_check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->advice, sizeof(check->advice), format, args);
	va_end(args);
}

/* First line of a file, without its end; "" if it cannot be read. */
static const char *first_line(const char *path, char *line, size_t size)
{
	autoclean(fclosep) FILE *file = fopen(path, "re");

	line[0] = 0;
	if (file && fgets(line, (int)size, file))
		line[strcspn(line, "\n")] = 0;
	return line;
}

static void check_kernel(struct source_check *check)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	uname(&name);
	if (sscanf(name.release, "%u.%u", &major, &minor) != 2 ||
	    strcmp(name.machine, "x86_64") != 0) {
		found(check, CHECK_MISSING, "%s on %s", name.release, name.machine);
		advise(check, "the sensor runs on x86_64 only");
		return;
	}
	found(check, CHECK_OK, "%s", name.release);
	if (major > 5 || (major == 5 && minor >= 15))
		return;
	check->state = CHECK_MISSING;
	advise(check, "needs Linux 5.15 or later (bpf_task_pt_regs, task storage)");
}

static void check_rights(struct source_check *check)
{

	if (kernel_may()) {
		found(check, CHECK_OK, "uid %u", (unsigned)geteuid());
		return;
	}
	found(check, CHECK_MISSING, "uid %u without CAP_BPF and CAP_PERFMON", (unsigned)geteuid());
	advise(check, "run as root: sudo spoor doctor");
}

static void check_btf(struct source_check *check)
{
	if (kernel_has_btf()) {
		found(check, CHECK_OK, "/sys/kernel/btf/vmlinux");
		return;
	}
	found(check, CHECK_MISSING, "none");
	advise(check, "needs a kernel built with CONFIG_DEBUG_INFO_BTF=y");
}

/* Loads a program that does nothing, of the kind every hook but kprobes uses. */
static int bpf_try(void)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	autoclean(closep) int fd = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "spoor_try", "GPL",
						 nothing, ARRAY_SIZE(nothing), NULL);

	return fd < 0 ? fd : 0;
}

static void check_bpf(struct source_check *check)
{
	int result = bpf_try();
	char line[16];

	if (result == 0) {
		found(check, CHECK_OK, "programs load");
		return;
	}
	found(check, CHECK_MISSING, "programs do not load: %s", strerror(-result));
	if (result == -EPERM && geteuid() != 0)
		advise(check,
		       "not a fault: others than root may not (unprivileged_bpf_disabled is %s)",
		       first_line("/proc/sys/kernel/unprivileged_bpf_disabled", line,
				  sizeof(line)));
	else
		advise(check,
		       "needs a kernel with CONFIG_BPF_SYSCALL=y and no policy against bpf(2) "
		       "(container seccomp profile, lockdown)");
}

static void check_lockdown(struct source_check *check)
{
	char line[128];

	first_line("/sys/kernel/security/lockdown", line, sizeof(line));
	if (!line[0] || strstr(line, "[none]")) {
		found(check, CHECK_OK, "%s",
		      line[0] ? "none"
			      : "none (not built in, or securityfs is "
				"not mounted)");
	} else if (strstr(line, "[integrity]")) {
		found(check, CHECK_OK, "integrity");
	} else {
		found(check, CHECK_MISSING, "confidentiality");
		advise(check, "this level forbids programs that read kernel memory; boot with "
			      "lockdown=integrity");
	}
}

static int map_try(enum bpf_map_type type)
{
	autoclean(closep) int fd = bpf_map_create(type, "spoor_try", 0, 0, 4096, NULL);

	return fd < 0 ? fd : 0;
}

static void check_ring(struct source_check *check)
{
	int result = map_try(BPF_MAP_TYPE_RINGBUF);

	if (result == 0) {
		found(check, CHECK_OK, "available");
		return;
	}
	found(check, CHECK_MISSING, "%s", result == -EPERM ? "not tried: needs root" : "refused");
	advise(check, "needs Linux 5.8 or later");
}

static void feature(struct source_check *check, enum kernel_state state, const char *why,
		    const char *advice)
{
	if (state == KERNEL_HAS) {
		found(check, CHECK_OK, "available");
		return;
	}
	found(check, CHECK_DEGRADED, "%s", why);
	if (state == KERNEL_LACKS)
		advise(check, "%s", advice);
	else
		advise(check, "run as root: sudo spoor doctor");
}

static void check_fentry(struct source_check *check)
{
	char why[REASON_MAX] = "";

	feature(check, kernel_fentry(why), why,
		"other hooks are used; a kernel with CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS and "
		"CONFIG_DEBUG_INFO_BTF makes untraced calls free");
}

static void check_kprobes(struct source_check *check)
{
	char why[REASON_MAX] = "";

	feature(check, kernel_kprobe(why), why,
		"other hooks are used; CONFIG_KPROBES and CONFIG_KPROBE_EVENTS bring kprobes");
}

static void check_tracefs(struct source_check *check)
{
	if (kernel_tracefs()[0]) {
		found(check, CHECK_OK, "%s", kernel_tracefs());
		return;
	}
	found(check, CHECK_DEGRADED, "not mounted");
	advise(check,
	       "only --hook tracepoint needs it: mount -t tracefs tracefs /sys/kernel/tracing");
}

static void check_tracepoints(struct source_check *check)
{
	if (kernel_has_tracepoint("syscalls:sys_exit_msgget")) {
		found(check, CHECK_OK, "available");
		return;
	}
	if (kernel_tracefs()[0] && geteuid() != 0) {
		found(check, CHECK_DEGRADED, "not tried: needs root");
		advise(check, "run as root: sudo spoor doctor");
		return;
	}
	found(check, CHECK_DEGRADED, "%s",
	      kernel_tracefs()[0] ? "the kernel has none" : "tracefs is not mounted");
	advise(check,
	       "only --hook tracepoint needs them (CONFIG_FTRACE_SYSCALLS, tracefs mounted)");
}

static void check_raw(struct source_check *check)
{
	/* The kernel's BTF carries one such type per tracepoint. */
	if (kernel_has_typedef("btf_trace_sys_exit")) {
		found(check, CHECK_OK, "available");
		return;
	}
	found(check, CHECK_DEGRADED, "no BTF of sys_exit");
	advise(check, "fork, exec and exit need it: a kernel with CONFIG_DEBUG_INFO_BTF=y");
}

static void check_storage(struct source_check *check)
{
	if (kernel_has_function("bpf_task_storage_get", NULL, 0)) {
		found(check, CHECK_OK, "available");
		return;
	}
	found(check, CHECK_MISSING, "%s",
	      kernel_has_btf() ? "the kernel has none" : "no BTF to tell");
	advise(check, "needs Linux 5.12 or later");
}

static void check_memlock(struct source_check *check)
{
	struct rlimit limit = { 0, 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		found(check, CHECK_OK, "unlimited");
	else
		found(check, CHECK_OK, "%llu KiB; kernels from 5.11 on count BPF memory elsewhere",
		      (unsigned long long)limit.rlim_cur / 1024);
}

static void check_cgroup(struct source_check *check)
{
	char mount[CGROUP_MOUNT_MAX];
	int subsystem = cgroup_choose(mount);

	if (!mount[0]) {
		found(check, CHECK_DEGRADED, "no cgroup file system is mounted");
		advise(check,
		       "containers cannot be told apart; mount -t cgroup2 none /sys/fs/cgroup");
		return;
	}
	found(check, CHECK_OK, "%s, containers by %s", subsystem < 0 ? "v2" : "v1 or hybrid",
	      mount);
}

static const struct {
	const char *name;
	void (*run)(struct source_check *check);
} checks[] = {
	{ "kernel", check_kernel },
	{ "rights", check_rights },
	{ "BTF", check_btf },
	{ "BPF", check_bpf },
	{ "lockdown", check_lockdown },
	{ "ring buffer", check_ring },
	{ "task storage", check_storage },
	{ "fentry", check_fentry },
	{ "kprobes", check_kprobes },
	{ "raw tracepoints", check_raw },
	{ "syscall tracepoints", check_tracepoints },
	{ "tracefs", check_tracefs },
	{ "memlock", check_memlock },
	{ "cgroup", check_cgroup },
};

void source_live_check(void (*report)(void *ctx, const struct source_check *check), void *ctx)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct source_check check = { .name = checks[i].name };

		checks[i].run(&check);
		report(ctx, &check);
	}
	libbpf_set_print(before);
}
