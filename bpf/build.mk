# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The BPF object: every bpf/*.bpf.c in one unit, and its skeleton for bpf/live.c.
#
# vmlinux.h comes from the running kernel's BTF; without one (or with
# VMLINUX=committed) from bpf/vmlinux/vmlinux.h, which names just what we use. The
# object is the same to CO-RE either way.

VMLINUX ?= $(if $(wildcard /sys/kernel/btf/vmlinux),running,committed)
BPF_THEMES := $(sort $(wildcard bpf/*.bpf.c))
# Atomics that give back a value need the third instruction set (kernel 5.12).
BPF_FLAGS = -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-missing-declarations -Ibpf -Iinclude -I$(B)/gen

$(B)/gen/vmlinux.h:
	@mkdir -p $(@D)
ifeq ($(VMLINUX),running)
	$(say) BTF $@
	$(Q)$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c > $@
else
	$(say) COPY $@
	$(Q)cp bpf/vmlinux/vmlinux.h $@
endif

$(B)/gen/spoor.bpf.c: FORCE
	$(call only-if-changed,for f in $(BPF_THEMES); do echo "#include \"$${f##*/}\""; done)

$(B)/gen/spoor.bpf.o: $(B)/gen/spoor.bpf.c $(B)/gen/vmlinux.h $(B)/gen/events.inc
	$(say) CLANG $@
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -MF $(B)/gen/spoor.bpf.d -MT $@ -c $< -o $@

# Without debug sections: the skeleton carries the object inside the binary.
$(B)/gen/spoor.skel.h: $(B)/gen/spoor.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen object $(B)/gen/spoor.linked.o $<
	$(Q)$(BPFTOOL) gen skeleton $(B)/gen/spoor.linked.o name spoor_bpf > $@

$(patsubst %.c,$(B)/%.o,$(filter-out %.bpf.c,$(wildcard bpf/*.c))): $(B)/gen/spoor.skel.h
$(patsubst %.c,$(B)/%.o,$(filter-out %.bpf.c,$(wildcard bpf/*.c))): CPPFLAGS += -Ibpf

# ---- bench: floors to compare with ---------------------------------------------------

$(B)/gen/bench_hooks.bpf.o: tests/bench/bench_hooks.bpf.c $(B)/gen/vmlinux.h
	$(say) CLANG $@
	$(Q)$(CLANG) $(BPF_FLAGS) -c $< -o $@

$(B)/gen/bench_hooks.skel.h: $(B)/gen/bench_hooks.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name bench_hooks > $@

$(B)/tests/bench/bench_hooks.o: $(B)/gen/bench_hooks.skel.h

bench-hooks: $(B)/tests/bench/bench_hooks ## cost of the hooks, as ratios to floors of the same run
	$<

.PHONY: bench-hooks
