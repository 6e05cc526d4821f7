// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Processes: fork, exec, exit, and an iterator over those that were there before us.
 * Scheduler tracepoints exist on every kernel and see every kind of task, so these
 * events have one hook each.
 */
#include "common/path.h"
#include "common/thread.h"

/* The x86-64 number of the call the task is in; compat numbers mean other calls. */
INLINE __s32 current_syscall(struct task_struct *task)
{
	const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(task);
	__s64 number = regs->orig_ax;

	if (task->flags & TASK_KTHREAD || task_in_compat(task) || number < 0 ||
	    number >= SYSCALL_NUMBERS)
		return -1;
	return number;
}

INLINE __u32 compat_flag(struct task_struct *task)
{
	return HOOK_TRACEPOINT << WIRE_HOOK_SHIFT | (task_in_compat(task) ? WIRE_COMPAT : 0);
}

/* Thread id in the task's own pid namespace. */
INLINE __s32 task_ns_tid(struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	struct upid_view view;

	if (pid->level == 0)
		return task->pid;
	pid_innermost(pid, &view);
	return view.number;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct task_struct *leader = child->group_leader;
	struct task_struct *process = leader->real_parent->group_leader;
	RECORD(sched_process_fork, 0) * record;
	__u64 present = 0;

	if (is_sensor(parent) || !wanted(SLOT_sched_process_fork))
		return 0;
	if (!record_begin(sched_process_fork, record, parent, current_syscall(parent),
			  compat_flag(parent), false))
		return 0;
	SET(sched_process_fork, record, parent_tid, parent->pid);
	SET(sched_process_fork, record, parent_ns_tid, task_ns_tid(parent));
	SET(sched_process_fork, record, parent_pid, parent->tgid);
	SET(sched_process_fork, record, parent_ns_pid, task_ns_tid(parent->group_leader));
	SET(sched_process_fork, record, parent_start_time, parent->start_boottime);
	SET(sched_process_fork, record, child_tid, child->pid);
	SET(sched_process_fork, record, child_ns_tid, task_ns_tid(child));
	SET(sched_process_fork, record, child_pid, child->tgid);
	SET(sched_process_fork, record, child_ns_pid, task_ns_tid(leader));
	SET(sched_process_fork, record, start_time, child->start_boottime);
	SET(sched_process_fork, record, parent_process_tid, process->pid);
	SET(sched_process_fork, record, parent_process_ns_tid, task_ns_tid(process));
	SET(sched_process_fork, record, parent_process_pid, process->tgid);
	SET(sched_process_fork, record, parent_process_ns_pid, task_ns_tid(process));
	SET(sched_process_fork, record, parent_process_start_time, process->start_boottime);
	SET(sched_process_fork, record, leader_tid, leader->pid);
	SET(sched_process_fork, record, leader_ns_tid, task_ns_tid(leader));
	SET(sched_process_fork, record, leader_pid, leader->tgid);
	SET(sched_process_fork, record, leader_ns_pid, task_ns_tid(leader));
	SET(sched_process_fork, record, leader_start_time, leader->start_boottime);
	SET(sched_process_fork, record, child_user_ns, child->cred->user_ns->ns.inum);
	SET(sched_process_fork, record, shares_memory, child->mm == parent->mm);
	record->header.present = present;
	record_send(record);
	return 0;
}

/* Of the code that wait() gives; the bit above them says that memory was dumped. */
enum { EXIT_SIGNAL = 0x7f };

/*
 * Is this the last thread? Where the kernel does not say, threads that end at the same
 * time may each find themselves the last.
 */
INLINE bool is_last_thread(struct task_struct *task, const unsigned long long *ctx)
{
	if (exit_tells_last)
		return ctx[1];
	return task->signal->live.counter == 0;
}

SEC("tp_btf/sched_process_exit")
int process_exit(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	RECORD(sched_process_exit, 0) * record;
	__u64 present = 0;
	__u32 code = task->exit_code;

	if (is_sensor(task) || !wanted(SLOT_sched_process_exit))
		return 0;
	if (!record_begin(sched_process_exit, record, task, current_syscall(task),
			  compat_flag(task), false))
		return 0;
	SET(sched_process_exit, record, exit_code, code >> 8 & 0xff);
	SET(sched_process_exit, record, signal_code, code & EXIT_SIGNAL);
	SET(sched_process_exit, record, process_group_exit, is_last_thread(task, ctx));
	record->header.present = present;
	record_send(record);
	return 0;
}

/* ---- exec ---------------------------------------------------------------------- */

/* An exec record under construction: a draft begins with these. */
struct exec_record {
	struct wire_header header;
	struct ev_sched_process_exec body;
};

/*
 * execve gives the thread another name before it comes to the hook below, and nothing
 * but this runs between them: the name kept here is that of the execve it is used for.
 */
SEC("tp_btf/task_rename")
int BPF_PROG(process_rename, struct task_struct *task, const char *name)
{
	struct thread_state *state;

	if (is_sensor(task) || !wanted(SLOT_sched_process_exec) || !task_in_exec(task))
		return 0;
	state = thread_make(task);
	if (state && bpf_probe_read_kernel(state->previous_comm, WIRE_COMM_LEN, task->comm) == 0)
		state->have |= HAVE_COMM;
	return 0;
}

INLINE void exec_previous(struct draft *draft, struct exec_record *out, struct task_struct *task,
			  __u64 *present)
{
	struct thread_state *state = thread_get(task);

	if (!state || !(state->have & HAVE_COMM))
		return;
	state->have &= ~HAVE_COMM;
	if (draft_string(draft, state->previous_comm, &out->body.prev_comm))
		*present |= FIELD_BIT(sched_process_exec, prev_comm);
}

INLINE void exec_file(struct draft *draft, struct exec_record *out, struct file *file,
		      __u64 *present)
{
	struct inode *inode = file->f_inode;

	if (draft_path(draft, (__u64)file->f_path.dentry, (__u64)file->f_path.mnt,
		       &out->body.pathname))
		*present |= FIELD_BIT(sched_process_exec, pathname);
	out->body.dev = inode->i_sb->s_dev;
	out->body.inode = inode->i_ino;
	out->body.ctime = inode_ctime((__u64)inode);
	out->body.inode_mode = inode->i_mode;
	*present |= FIELD_BIT(sched_process_exec, dev) | FIELD_BIT(sched_process_exec, inode) |
		    FIELD_BIT(sched_process_exec, ctime) |
		    FIELD_BIT(sched_process_exec, inode_mode);
}

struct area_search {
	__u64 file;
};

static long file_of_area(struct task_struct *task, struct vm_area_struct *area,
			 struct area_search *search)
{
	search->file = (__u64)area->vm_file;
	return 0;
}

/*
 * A program with an interpreter begins to run in the interpreter's file, one without in
 * its own. The file stays: until the program runs nobody can unmap it.
 */
INLINE void exec_interpreter(struct draft *draft, struct exec_record *out, struct task_struct *task,
			     struct file *program, __u64 *present)
{
	const struct pt_regs *regs = (const struct pt_regs *)bpf_task_pt_regs(task);
	struct area_search search = {};
	struct opened opened;
	__u64 inode;

	if (!has_find_vma || bpf_find_vma(task, regs->ip, file_of_area, &search, 0) || !search.file)
		return;
	file_opened(search.file, &opened);
	inode = (__u64)LOAD(struct dentry, opened.dentry, d_inode);
	if (!inode || inode == (__u64)program->f_inode)
		return;
	if (draft_path(draft, opened.dentry, opened.mount, &out->body.interpreter_pathname))
		*present |= FIELD_BIT(sched_process_exec, interpreter_pathname);
	out->body.interpreter_dev = LOAD(struct super_block, LOAD(struct inode, inode, i_sb),
					 s_dev);
	out->body.interpreter_inode = LOAD(struct inode, inode, i_ino);
	out->body.interpreter_ctime = inode_ctime(inode);
	*present |= FIELD_BIT(sched_process_exec, interpreter_dev) |
		    FIELD_BIT(sched_process_exec, interpreter_inode) |
		    FIELD_BIT(sched_process_exec, interpreter_ctime);
}

enum { FILE_TYPE_BITS = 0170000 };

INLINE void exec_stdin(struct draft *draft, struct exec_record *out, struct task_struct *task,
		       __u64 *present)
{
	struct file **table = task->files->fdt->fd;
	struct file *file = NULL;
	__u64 address;

	bpf_probe_read_kernel(&file, sizeof(file), table);
	address = (__u64)file;
	if (!address)
		return;
	out->body.stdin_type = LOAD(struct inode, LOAD(struct file, address, f_inode), i_mode) &
			       FILE_TYPE_BITS;
	*present |= FIELD_BIT(sched_process_exec, stdin_type);
	if (draft_path(draft, (__u64)LOAD(struct file, address, f_path.dentry),
		       (__u64)LOAD(struct file, address, f_path.mnt), &out->body.stdin_path))
		*present |= FIELD_BIT(sched_process_exec, stdin_path);
}

INLINE void exec_host_name(struct draft *draft, struct exec_record *out, struct task_struct *task)
{
	__u32 at = 0;
	__u8 *room = wants_host_names ? draft_room(draft, &at) : NULL;

	if (!room)
		return;
	host_name_read(room, task);
	out->header.host_name = at;
	draft->used = at + WIRE_HOST_NAME_LEN;
}

INLINE void exec_texts(struct draft *draft, struct exec_record *out, struct task_struct *task,
		       struct linux_binprm *bprm, __u64 *present)
{
	struct mm_struct *mm = task->mm;

	if (draft_string(draft, bprm->filename, &out->body.cmdpath))
		*present |= FIELD_BIT(sched_process_exec, cmdpath);
	if (draft_string(draft, bprm->interp, &out->body.interp))
		*present |= FIELD_BIT(sched_process_exec, interp);
	if (mm && draft_user(draft, mm->arg_start, mm->arg_end, &out->body.argv)) {
		*present |= FIELD_BIT(sched_process_exec, argv);
		out->header.user |= FIELD_BIT(sched_process_exec, argv);
	}
	if (wants_environment && mm &&
	    draft_user(draft, mm->env_start, mm->env_end, &out->body.env)) {
		*present |= FIELD_BIT(sched_process_exec, env);
		out->header.user |= FIELD_BIT(sched_process_exec, env);
	}
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct draft *draft;
	struct exec_record *out;
	struct fs_struct *fs;
	struct place place;
	__u64 present = 0;
	__u32 size;

	if (is_sensor(task) || !wanted(SLOT_sched_process_exec))
		return 0;
	place = place_take(false);
	draft = draft_get();
	if (!draft)
		return loss_count(SLOT_sched_process_exec, LOSS_RING_FULL);
	out = (struct exec_record *)draft->bytes;
	__builtin_memset(&out->body, 0, sizeof(out->body));
	draft->used = sizeof(*out);
	header_fill(&out->header, task, EV_sched_process_exec, 0, place, current_syscall(task),
		    compat_flag(task));
	out->header.time = bpf_ktime_get_boot_ns();
	exec_host_name(draft, out, task);
	exec_texts(draft, out, task, bprm, &present);
	exec_previous(draft, out, task, &present);
	exec_file(draft, out, bprm->file, &present);
	exec_interpreter(draft, out, task, bprm->file, &present);
	exec_stdin(draft, out, task, &present);
	fs = task->fs;
	if (draft_path(draft, (__u64)fs->pwd.dentry, (__u64)fs->pwd.mnt, &out->body.pwd))
		present |= FIELD_BIT(sched_process_exec, pwd);
	out->body.invoked_from_kernel = !!(task->real_parent->flags & TASK_KTHREAD);
	out->header.present = present | FIELD_BIT(sched_process_exec, invoked_from_kernel);
	size = (draft->used + 7) & ~7U;
	if (size > DRAFT_BYTES)
		size = DRAFT_BYTES;
	out->header.size = size;
	if (bpf_ringbuf_output(&ring, draft->bytes, size, record_wakeup(place.seq)))
		loss_count(SLOT_sched_process_exec, LOSS_RING_FULL);
	return 0;
}

/* ---- control groups ---------------------------------------------------------- */

enum { GROUP_PATH_MAX = 960 }; /* the kernel tells no more than 1024 bytes of it */

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(group_mkdir, struct cgroup *cgroup, const char *path)
{
	struct task_struct *task = bpf_get_current_task_btf();
	RECORD(cgroup_mkdir, GROUP_PATH_MAX) * record;
	__u64 present = 0;
	long len;

	if (is_sensor(task) || !wanted(SLOT_cgroup_mkdir))
		return 0;
	if (!record_begin(cgroup_mkdir, record, task, current_syscall(task), compat_flag(task),
			  false))
		return 0;
	len = bpf_probe_read_kernel_str(record->bytes, GROUP_PATH_MAX, path);
	record->body.cgroup_path.offset = offsetof(__typeof__(*record), bytes);
	record->body.cgroup_path.len = len > 0 ? len - 1 : 0;
	SET(cgroup_mkdir, record, cgroup_id, cgroup->kn->id);
	SET(cgroup_mkdir, record, hierarchy_id, cgroup->root->hierarchy_id);
	SET(cgroup_mkdir, record, tracked, cgroup_is_numbered(cgroup, cgroup_subsystem));
	record->header.present = present | FIELD_BIT(cgroup_mkdir, cgroup_path);
	record_send(record);
	return 0;
}

/* ---- credentials ---------------------------------------------------------------- */

/* The kernel's capability sets were two words once and are one now: the same bytes. */
INLINE __u64 capabilities(__u64 cred)
{
	__u64 set = 0;

	bpf_probe_read_kernel(&set, sizeof(set),
			      (void *)(cred + bpf_core_field_offset(struct cred, cap_effective)));
	return set;
}

INLINE bool cred_differs(const struct ev_cred_change *change)
{
	return change->old_uid != change->new_uid || change->old_euid != change->new_euid ||
	       change->old_gid != change->new_gid ||
	       change->old_cap_effective != change->new_cap_effective;
}

/* The task has its old credentials still. */
INLINE int cred_change(__u64 to, enum hook_mode mode)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *from = task->cred;
	RECORD(cred_change, 0) * record;
	struct ev_cred_change change = {};
	__u64 present = 0;

	if (is_sensor(task) || !wanted(SLOT_cred_change))
		return 0;
	change.old_uid = from->uid.val;
	change.old_euid = from->euid.val;
	change.old_gid = from->gid.val;
	change.old_cap_effective = capabilities((__u64)from);
	change.new_uid = LOAD(struct cred, to, uid.val);
	change.new_euid = LOAD(struct cred, to, euid.val);
	change.new_gid = LOAD(struct cred, to, gid.val);
	change.new_cap_effective = capabilities(to);
	if (!cred_differs(&change))
		return 0;
	if (!record_begin(cred_change, record, task, current_syscall(task),
			  mode << WIRE_HOOK_SHIFT | (task_in_compat(task) ? WIRE_COMPAT : 0),
			  false))
		return 0;
	SET(cred_change, record, old_uid, change.old_uid);
	SET(cred_change, record, new_uid, change.new_uid);
	SET(cred_change, record, old_euid, change.old_euid);
	SET(cred_change, record, new_euid, change.new_euid);
	SET(cred_change, record, old_gid, change.old_gid);
	SET(cred_change, record, new_gid, change.new_gid);
	SET(cred_change, record, old_cap_effective, change.old_cap_effective);
	SET(cred_change, record, new_cap_effective, change.new_cap_effective);
	SET(cred_change, record, new_user_ns,
	    LOAD(struct user_namespace, LOAD(struct cred, to, user_ns), ns.inum));
	if (exec_is_told())
		SET(cred_change, record, exec, task_in_exec(task));
	record->header.present = present;
	record_send(record);
	return 0;
}

/* commit_creds(new) */
SEC("fentry")
int fentry_commit_creds(unsigned long long *ctx)
{
	return cred_change(ctx[0], HOOK_FENTRY);
}

SEC("kprobe")
int kprobe_commit_creds(struct pt_regs *ctx)
{
	return cred_change(PT_REGS_PARM1(ctx), HOOK_KPROBE);
}

/* ---- processes that were there before us --------------------------------------- */

enum { KTHREADD = 2 };

/* The address is stored last: whoever finds it finds the rest. */
INLINE void learn_first_namespaces(struct task_struct *task)
{
	struct nsproxy *nsproxy = task->nsproxy;

	if (task->pid != KTHREADD || !(task->flags & TASK_KTHREAD) || !nsproxy)
		return;
	first_namespaces.mnt_ns = nsproxy->mnt_ns->ns.inum;
	first_namespaces.ipc_ns = nsproxy->ipc_ns->ns.inum;
	first_namespaces.net_ns = nsproxy->net_ns->ns.inum;
	*(volatile __u64 *)&first_namespaces.nsproxy = (__u64)nsproxy;
}

SEC("iter/task")
int process_existing(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct {
		struct wire_header header;
		struct ev_process_existing body;
	} record = {};
	struct place place = { .cpu = WIRE_CPU_NONE };

	if (!task || task->pid != task->tgid)
		return 0;
	learn_first_namespaces(task);
	header_fill(&record.header, task, EV_process_existing, sizeof(record), place, -1, 0);
	record.header.time = bpf_ktime_get_boot_ns();
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/* Run once, never attached: our own process id as the init namespace has it. */
SEC("raw_tp")
int own_process(void *ctx)
{
	settings.own_pid = bpf_get_current_task_btf()->tgid;
	return 0;
}
