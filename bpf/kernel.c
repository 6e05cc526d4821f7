// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What this kernel offers. Asked once per process and remembered: the kernel does not
 * change under us.
 *
 * Invariant: nothing tried here stays attached.
 */
#include "plan.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

/* ---- symbols ------------------------------------------------------------------- */

/* Names of functions that begin like those we hook; everything else is not kept. */
static const char *const prefixes[] = { "__x64_sys_", "__ia32_",       "sys_",
					"SyS_",	      "compat_sys_",   "do_msg",
					"__do_sem",   "security_msg_", "commit_creds" };

static struct {
	bool read;
	char **names;
	size_t count, capacity;
} symbols;

static bool symbol_interesting(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void symbol_keep(const char *name)
{
	if (symbols.count == symbols.capacity) {
		size_t capacity = symbols.capacity ? symbols.capacity * 2 : 1024;
		char **names = realloc(symbols.names, capacity * sizeof(*names));

		if (!names)
			return;
		symbols.names = names;
		symbols.capacity = capacity;
	}
	symbols.names[symbols.count] = strdup(name);
	symbols.count += symbols.names[symbols.count] != NULL;
}

static void symbols_read(void)
{
	autoclean(fclosep) FILE *file = fopen("/proc/kallsyms", "re");
	char line[512], type, name[256];

	symbols.read = true;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %c %255s", &type, name) != 2 || (type | 0x20) != 't')
			continue;
		if (symbol_interesting(name))
			symbol_keep(name);
	}
	qsort(symbols.names, symbols.count, sizeof(*symbols.names), name_order);
}

bool kernel_has_symbol(const char *name)
{
	if (!symbols.read)
		symbols_read();
	return symbols.count &&
	       bsearch(&name, symbols.names, symbols.count, sizeof(*symbols.names), name_order);
}

/* ---- BTF ----------------------------------------------------------------------- */

static struct btf *kernel_btf(void)
{
	static struct btf *btf;
	static bool tried;

	if (!tried) {
		btf = btf__load_vmlinux_btf();
		tried = true;
	}
	return libbpf_get_error(btf) ? NULL : btf;
}

bool kernel_has_btf(void)
{
	return kernel_btf() != NULL;
}

bool kernel_has_typedef(const char *name)
{
	struct btf *btf = kernel_btf();

	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF) > 0;
}

unsigned kernel_tracepoint_args(const char *name)
{
	struct btf *btf = kernel_btf();
	char text[128];
	int32_t id;

	snprintf(text, sizeof(text), "btf_trace_%s", name);
	id = btf ? btf__find_by_name_kind(btf, text, BTF_KIND_TYPEDEF) : -1;
	if (id <= 0)
		return 0;
	const struct btf_type *pointer = btf__type_by_id(btf,
							 btf__type_by_id(btf, (uint32_t)id)->type);
	uint16_t count = btf_vlen(btf__type_by_id(btf, pointer->type));

	return count ? count - 1U : 0; /* the first is the tracepoint's own */
}

bool kernel_has_function(const char *name, const char *parameter, unsigned index)
{
	struct btf *btf = kernel_btf();
	int32_t id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) : -1;
	const struct btf_type *type;

	if (id <= 0 || !parameter)
		return id > 0;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	return btf_vlen(type) > index &&
	       strcmp(btf__name_by_offset(btf, btf_params(type)[index].name_off), parameter) == 0;
}

/* ---- trying -------------------------------------------------------------------- */

/* A program that does nothing, attached by fentry to a function that is rarely called. */
static int fentry_try(void)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY);
	autoclean(closep) int program = -1;
	autoclean(closep) int link = -1;
	struct btf *btf = kernel_btf();
	int id = btf ? btf__find_by_name_kind(btf, "__x64_sys_getpgid", BTF_KIND_FUNC) : -1;

	if (id <= 0)
		return -ENOENT;
	options.attach_btf_id = (uint32_t)id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "spoor_try", "GPL", nothing,
				ARRAY_SIZE(nothing), &options);
	if (program < 0)
		return program;
	link = bpf_raw_tracepoint_open(NULL, program);
	return link < 0 ? link : 0;
}

static enum kernel_state state_of(int result, char why[REASON_MAX], const char *what)
{
	if (result == 0)
		return KERNEL_HAS;
	if (result == -EPERM && geteuid() != 0) {
		snprintf(why, REASON_MAX, "not tried: needs root");
		return KERNEL_UNKNOWN;
	}
	snprintf(why, REASON_MAX, "%s refused by this kernel (%s)", what,
		 result == -524 ? "not supported" : strerror(-result));
	return KERNEL_LACKS;
}

enum kernel_state kernel_fentry(char why[REASON_MAX])
{
	static int result;
	static bool tried;

	if (!kernel_has_btf()) {
		snprintf(why, REASON_MAX, "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)");
		return KERNEL_LACKS;
	}
	if (!tried) {
		result = fentry_try();
		tried = true;
	}
	return state_of(result, why, "fentry");
}

static int kprobe_try(void)
{
	autoclean(fclosep) FILE *file = fopen("/sys/bus/event_source/devices/kprobe/type", "re");
	autoclean(closep) int fd = -1;
	struct perf_event_attr attr = { .size = sizeof(attr) };
	unsigned type;

	if (!file || fscanf(file, "%u", &type) != 1)
		return -ENOENT;
	attr.type = type;
	attr.config1 = (uint64_t)(uintptr_t) "__x64_sys_getpgid";
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

enum kernel_state kernel_kprobe(char why[REASON_MAX])
{
	static int result;
	static bool tried;

	if (!tried) {
		result = kprobe_try();
		tried = true;
	}
	if (result == -ENOENT) {
		snprintf(why, REASON_MAX, "the kernel has no kprobes (CONFIG_KPROBE_EVENTS)");
		return KERNEL_LACKS;
	}
	if (result == -EACCES && geteuid() != 0)
		result = -EPERM;
	return state_of(result, why, "kprobe");
}

/* ---- tracepoints --------------------------------------------------------------- */

const char *kernel_tracefs(void)
{
	/* In the order libbpf looks. */
	static const char *const places[] = { "/sys/kernel/debug/tracing", "/sys/kernel/tracing" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {

		if (statfs(places[i], &fs) == 0 && fs.f_type == TRACEFS_MAGIC)
			return places[i];
	}
	return "";
}

bool kernel_has_tracepoint(const char *group_and_name)
{
	const char *colon = strchr(group_and_name, ':');
	char path[256];

	if (!colon || !kernel_tracefs()[0])
		return false;
	snprintf(path, sizeof(path), "%s/events/%.*s/%s/id", kernel_tracefs(),
		 (int)(colon - group_and_name), group_and_name, colon + 1);
	return access(path, F_OK) == 0;
}

/* ---- preemption ------------------------------------------------------------------ */

bool kernel_is_realtime(void)
{
	struct utsname name;

	return uname(&name) < 0 || strstr(name.version, "PREEMPT_RT") != NULL;
}

/* ---- rights -------------------------------------------------------------------- */

bool kernel_may(void)
{
	/* Bits of <linux/capability.h>: perfmon and bpf, or sysadmin, which stands for both. */
	const uint64_t both = 1ULL << 38 | 1ULL << 39, admin = 1ULL << 21;
	autoclean(fclosep) FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	unsigned long long effective = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			return (effective & both) == both || effective & admin;
	return false;
}
