// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * System V IPC: the programs, by kind of hook. plan.c decides which of them are loaded
 * and where they are attached; all end in call_exit() of ipc_calls.h.
 *
 * Names matter: plan.c finds a program by the hook's type and target (see hook_kinds
 * there).
 */
#include "ipc_calls.h"

/* ---- raw: every call passes here, so first of all look into the filter --------- */

INLINE __u8 filter_of(const struct pt_regs *regs)
{
	__u32 number = (__u32)regs->orig_ax & ~X32_BIT;

	return number < SYSCALL_NUMBERS ? settings.syscall_filter[number] : 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(raw_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task;
	struct call call;

	if (!(filter_of(regs) & (FILTER_EXIT | FILTER_EXIT_COMPAT)))
		return 0;
	task = bpf_get_current_task_btf();
	if (call_begin(&call, task, regs, ret, HOOK_RAW))
		call_exit(&call);
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(raw_enter, struct pt_regs *regs, long number)
{
	struct thread_state *state;
	struct task_struct *task;
	struct call call;

	if (!(filter_of(regs) & (FILTER_ENTER | FILTER_ENTER_COMPAT)))
		return 0;
	task = bpf_get_current_task_btf();
	if (!call_begin(&call, task, regs, 0, HOOK_RAW))
		return 0;
	state = thread_make(task);
	if (state)
		call_enter(&call, state);
	return 0;
}

/* ---- functions inside the calls, which see what the kernel copied -------------- */

INLINE int note_type(__s64 type)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *state;

	if (is_sensor(task))
		return 0;
	state = thread_make(task);
	if (state) {
		state->message_type = type;
		state->have |= HAVE_TYPE;
	}
	return 0;
}

/* msg is about to be given to target: ourselves, or a receiver that sleeps. */
INLINE int note_message(__u64 message, __u64 target)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__s64 type = LOAD(struct msg_msg, message, m_type);
	__u32 tid;

	if (target == (__u64)task)
		return note_type(type);
	tid = LOAD(struct task_struct, target, pid);
	bpf_map_update_elem(&handed_over, &tid, &type, BPF_ANY);
	return 0;
}

INLINE int note_operations(__u64 operations, __u32 count)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *state;

	if (is_sensor(task))
		return 0;
	state = thread_make(task);
	if (!state)
		return 0;
	if (count > SEMBUF_MAX)
		count = SEMBUF_MAX;
	if (bpf_probe_read_kernel(state->operations, count * sizeof(struct sembuf),
				  (const void *)operations) == 0)
		state->have |= HAVE_OPS;
	return 0;
}

/* ---- per-function hooks: fentry and fexit -------------------------------------- */

INLINE struct pt_regs *task_registers(struct task_struct *task)
{
	return (struct pt_regs *)bpf_task_pt_regs(task);
}

/* only: the slot this program is for, so that the compiler drops the others; 0: all. */
INLINE int function_exit(__s64 ret, __u32 only, enum hook_mode mode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call call;

	if (!call_begin(&call, task, task_registers(task), ret, mode))
		return 0;
	if (only) {
		if (call.slot != only)
			return 0;
		call.slot = only;
	}
	call_exit(&call);
	return 0;
}

INLINE int function_enter(enum hook_mode mode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *state;
	struct call call;

	if (!call_begin(&call, task, task_registers(task), 0, mode))
		return 0;
	state = thread_make(task);
	if (state)
		call_enter(&call, state);
	return 0;
}

/* A system call function takes the registers; its result is the second word. */
#define FEXIT(name, only) \
	SEC("fexit") \
	int fexit_##name(unsigned long long *ctx) \
	{ \
		return function_exit(ctx[1], only, HOOK_FENTRY); \
	}

#define FENTRY(name) \
	SEC("fentry") \
	int fentry_##name(unsigned long long *ctx) \
	{ \
		return function_enter(HOOK_FENTRY); \
	}

FEXIT(msgget, SLOT_msgget)
FEXIT(msgsnd, SLOT_msgsnd)
FEXIT(msgrcv, SLOT_msgrcv)
FEXIT(msgctl, SLOT_msgctl)
FEXIT(shmget, SLOT_shmget)
FEXIT(shmat, SLOT_shmat)
FEXIT(shmdt, SLOT_shmdt)
FEXIT(shmctl, SLOT_shmctl)
FEXIT(semget, SLOT_semget)
FEXIT(semop, SLOT_semop)
FEXIT(semctl, SLOT_semctl)
FEXIT(semtimedop, SLOT_semtimedop)
FEXIT(32_msgget, SLOT_msgget)
FEXIT(32_msgsnd, SLOT_msgsnd)
FEXIT(32_msgrcv, SLOT_msgrcv)
FEXIT(32_msgctl, SLOT_msgctl)
FEXIT(32_shmget, SLOT_shmget)
FEXIT(32_shmat, SLOT_shmat)
FEXIT(32_shmdt, SLOT_shmdt)
FEXIT(32_shmctl, SLOT_shmctl)
FEXIT(32_semget, SLOT_semget)
FEXIT(32_semctl, SLOT_semctl)
FEXIT(32_semtimedop, SLOT_semtimedop)
FEXIT(32_ipc, SLOT_NONE)
FEXIT(unshare, SLOT_unshare)
FEXIT(setns, SLOT_setns)
FEXIT(sched_setaffinity, SLOT_sched_setaffinity)
FEXIT(mprotect, SLOT_shm_protect)
FEXIT(pkey_mprotect, SLOT_shm_protect)
FEXIT(open, SLOT_proc_open)
FEXIT(openat, SLOT_proc_open)
FEXIT(openat2, SLOT_proc_open)
FEXIT(creat, SLOT_proc_open)
FEXIT(32_unshare, SLOT_unshare)
FEXIT(32_setns, SLOT_setns)
FEXIT(32_sched_setaffinity, SLOT_sched_setaffinity)
FEXIT(32_mprotect, SLOT_shm_protect)
FEXIT(32_pkey_mprotect, SLOT_shm_protect)
FEXIT(32_open, SLOT_proc_open)
FEXIT(32_openat, SLOT_proc_open)
FEXIT(32_openat2, SLOT_proc_open)
FEXIT(32_creat, SLOT_proc_open)

FENTRY(msgctl)
FENTRY(shmctl)
FENTRY(semctl)
FENTRY(shmdt)
FENTRY(32_msgctl)
FENTRY(32_shmctl)
FENTRY(32_semctl)
FENTRY(32_shmdt)
FENTRY(32_ipc)

/* do_msgsnd(msqid, mtype, mtext, msgsz, msgflg) */
SEC("fentry")
int fentry_do_msgsnd(unsigned long long *ctx)
{
	return note_type(ctx[1]);
}

/* security_msg_queue_msgrcv(perm, msg, target, type, mode) */
SEC("fentry")
int fentry_security_msg_queue_msgrcv(unsigned long long *ctx)
{
	return note_message(ctx[1], ctx[2]);
}

/* __do_semtimedop(semid, sops, nsops, timeout, ns) */
SEC("fentry")
int fentry___do_semtimedop(unsigned long long *ctx)
{
	return note_operations(ctx[1], ctx[2]);
}

/* ---- per-function hooks: kprobe and kretprobe ---------------------------------- */

/*
 * The kernel keeps a limited number of return instances per function; calls that find
 * none return unseen. The entry therefore leaves a mark, and a mark that is still
 * there at the thread's next call (or its end) is a loss.
 */
INLINE struct pending *pending_of(struct thread_state *state)
{
	return &state->pending[object_number & (PENDING_MAX - 1)];
}

INLINE void pending_lost(struct pending *pending)
{
	__u32 slots[] = { pending->call, pending->other };

	*pending = (struct pending){};
	for (int i = 0; i < 2; i++) {
		if (slots[i] == SLOT_NONE || !wanted(slots[i]))
			continue;
		place_take(false);
		loss_count(slots[i], LOSS_RETPROBE_MISSED);
	}
}

SEC("kprobe")
int kprobe_enter(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *state;
	struct pending *pending, mark;
	struct call call;

	if (!call_begin(&call, task, task_registers(task), 0, HOOK_KPROBE))
		return 0;
	state = thread_make(task);
	if (!state)
		return 0;
	pending = pending_of(state);
	if (pending->call)
		pending_lost(pending);
	mark.call = call.slot;
	mark.other = call.slot == SLOT_ipc ? ipc_slot(call.arg[0]) : SLOT_NONE;
	call_enter(&call, state);
	*pending = mark;
	return 0;
}

SEC("kretprobe")
int kprobe_exit(struct pt_regs *ctx)
{
	struct thread_state *state = thread_get(bpf_get_current_task_btf());

	if (state)
		*pending_of(state) = (struct pending){};
	return function_exit(PT_REGS_RC(ctx), SLOT_NONE, HOOK_KPROBE);
}

/* Loaded only with the programs above: a thread that ends with a mark. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(kprobe_thread_end, struct task_struct *task)
{
	struct thread_state *state = thread_get(bpf_get_current_task_btf());

	if (state && pending_of(state)->call)
		pending_lost(pending_of(state));
	return 0;
}

/*
 * Run at the end, when nothing is attached any more: a mark of a thread that is not
 * inside that call belongs to a return nobody saw. (A thread whose registers still name
 * the call may be inside it: that call is not done.)
 */
SEC("iter/task")
int kprobe_left(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_state *state;

	if (!task)
		return 0;
	state = thread_get(task);
	if (state && pending_of(state)->call &&
	    pending_of(state)->call != call_slot(task, task_registers(task)))
		pending_lost(pending_of(state));
	return 0;
}

SEC("kprobe")
int kprobe_do_msgsnd(struct pt_regs *ctx)
{
	return note_type(PT_REGS_PARM2(ctx));
}

SEC("kprobe")
int kprobe_security_msg_queue_msgrcv(struct pt_regs *ctx)
{
	return note_message(PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx));
}

SEC("kprobe")
int kprobe___do_semtimedop(struct pt_regs *ctx)
{
	return note_operations(PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx));
}

/* ---- per-syscall tracepoints --------------------------------------------------- */

/* syscalls:sys_exit_NAME and raw_syscalls:sys_exit agree in this. */
struct trace_exit {
	__u64 common;
	__u64 number;
	__s64 ret;
};

SEC("tracepoint")
int tracepoint_exit(struct trace_exit *ctx)
{
	return function_exit(ctx->ret, SLOT_NONE, HOOK_TRACEPOINT);
}

SEC("tracepoint")
int tracepoint_enter(void *ctx)
{
	return function_enter(HOOK_TRACEPOINT);
}

/* The kernel has no such tracepoints for 32-bit calls: those come by the common one. */
SEC("tracepoint")
int tracepoint_exit_compat(struct trace_exit *ctx)
{
	if (!task_in_compat(bpf_get_current_task_btf()))
		return 0;
	return function_exit(ctx->ret, SLOT_NONE, HOOK_TRACEPOINT);
}

SEC("tracepoint")
int tracepoint_enter_compat(void *ctx)
{
	if (!task_in_compat(bpf_get_current_task_btf()))
		return 0;
	return function_enter(HOOK_TRACEPOINT);
}
