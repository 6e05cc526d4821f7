// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The hook plan: which programs are loaded, and what they are attached to. */
#include "live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "skeleton.h"

void links_detach(struct links *links)
{
	while (links->count)
		bpf_link__destroy(links->items[--links->count]);
}

static int attach(struct links *links, struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach(program);

	if (!link)
		return -errno;
	links->items[links->count++] = link;
	return 0;
}

static const struct {
	uint8_t slot;
	uint16_t id;
} slots[] = {
#define EVENT(name, id, version, sets) { SLOT_##name, id },
#include "each_event.h"
};

static uint8_t slot_of(const struct event_def *def)
{
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++)
		if (slots[i].id == def->id)
			return slots[i].slot;
	return SLOT_NONE;
}

static const struct {
	uint8_t slot;
	int16_t number, number32;
} syscalls[] = {
#define EVENT(name, id, version, sets) { SLOT_##name
#define SYSCALL(number, number32) , number, number32
#define END(name) },
#include "each_event.h"
};

static bool needs_entry(uint8_t slot)
{
	return slot == SLOT_msgctl || slot == SLOT_shmctl || slot == SLOT_semctl || slot == SLOT_shmdt;
}

static void settings_fill(struct settings *settings, const struct source_want *want)
{
	bool any = false, entry = false;

	for (size_t i = 0; i < want->count; i++)
		settings->wanted[slot_of(want->events[i])] = 1;
	for (size_t i = 0; i < ARRAY_SIZE(syscalls); i++) {
		uint8_t slot = syscalls[i].slot;
		int number = syscalls[i].number, number32 = syscalls[i].number32;

		if (!number || !settings->wanted[slot])
			continue;
		any = true;
		entry |= needs_entry(slot);
		if (number > 0) {
			settings->syscall_slot[number] = slot;
			settings->syscall_filter[number] |=
				FILTER_EXIT | (needs_entry(slot) ? FILTER_ENTER : 0);
		}
		if (number32 > 0) {
			settings->syscall32_slot[number32] = slot;
			settings->syscall_filter[number32] |=
				FILTER_EXIT_COMPAT | (needs_entry(slot) ? FILTER_ENTER_COMPAT : 0);
		}
	}
	if (any) {
		settings->syscall32_slot[117] = SLOT_ipc;
		settings->syscall_filter[117] |= FILTER_EXIT_COMPAT | (entry ? FILTER_ENTER_COMPAT : 0);
	}
}

int plan_attach(const struct source_want *want, struct spoor_bpf **skeleton, struct links *links,
		struct err *err)
{
	char mount[CGROUP_MOUNT_MAX];
	struct spoor_bpf *bpf = spoor_bpf__open();
	struct bpf_program *program;
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int result;

	if (!bpf)
		return err_set(err, -errno, "cannot open the BPF object: %s", strerror(errno));
	bpf->rodata->has_rdonly_cast = true;
	bpf->rodata->has_find_vma = true;
	bpf->rodata->cgroup_subsystem = cgroup_choose(mount);
	bpf_map__set_max_entries(bpf->maps.ring, want->ring_bytes ? want->ring_bytes : 16 << 20);
	bpf->rodata->wakeup_bytes = bpf_map__max_entries(bpf->maps.ring) / 4;
	bpf_map__set_max_entries(bpf->maps.drafts, libbpf_num_possible_cpus());
	settings_fill(&bpf->data->settings, want);
	result = spoor_bpf__load(bpf);
	if (result < 0) {
		spoor_bpf__destroy(bpf);
		return err_set(err, result, "cannot load the BPF programs: %s", strerror(-result));
	}
	*skeleton = bpf;
	bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.own_process), &opts);
	bpf_object__for_each_program(program, bpf->obj)
	{
		if (program == bpf->progs.own_process || program == bpf->progs.process_existing)
			continue;
		result = attach(links, program);
		if (result < 0)
			return err_set(err, result, "cannot attach %s: %s", bpf_program__name(program),
				       strerror(-result));
	}
	return 0;
}
