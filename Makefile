# spoor: `make help` lists the targets. V=1 shows commands, SAN=1 builds with
# sanitizers (into build-san/), B=DIR builds somewhere else.

SAN ?= 0
B ?= $(if $(filter 1,$(SAN)),build-san,build)
CC = gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
VERSION := $(shell cat VERSION)

WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers
OPT = $(if $(filter 1,$(SAN)),-O1 -fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer,-O2)
comma = ,
CPPFLAGS += -Iinclude -Iengine -I$(B)/gen -D_GNU_SOURCE -DSPOOR_VERSION='"$(VERSION)"'
CFLAGS += -std=gnu11 -g $(OPT) $(WARN) -ffunction-sections -fdata-sections
# Packed relocations: the tables are full of pointers, and a page of relocations read is memory used.
LDFLAGS += $(if $(filter 1,$(SAN)),-fsanitize=address$(comma)undefined,) -Wl,--gc-sections,-z,pack-relative-relocs
LDLIBS = -lsqlite3 -lbpf -lelf -lz -lyaml -ljansson -lpcre2-8 -ledit -lmsgpackc -lm
# The Kafka transport, if librdkafka-dev is there; KAFKA=0 leaves it out.
ifndef KAFKA
KAFKA := $(shell echo '\#include <librdkafka/rdkafka.h>' | $(CC) -E - >/dev/null 2>&1 && echo 1 || echo 0)
endif
# What libedit needs where it is static.
LDLIBS_STATIC = $(LDLIBS) -ltinfo -lbsd -lmd

ifeq ($(V),1)
Q =
say = @true
else
Q = @
say = @printf '  %-9s%s\n'
endif

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:

all: $(B)/spoor $(B)/libspoor.a ## build build/spoor and build/libspoor.a (default)

# A room with targets of its own brings a build.mk.
include $(wildcard */build.mk)

# ---- generated lists: the folder is the registry --------------------------------

FORCE:
# $(call folder-list,FILE,CONTENT COMMAND): rewrite FILE only if its content changes.
define only-if-changed
@mkdir -p $(@D)
$(Q){ $(1); } > $@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
endef

$(B)/gen/events.inc: FORCE
	$(call only-if-changed,for f in $(sort $(wildcard include/events/*.def)); do f=$${f##*/}; printf "#define THIS_EVENT %s\n#include \"events/%s\"\n#undef THIS_EVENT\n" $${f%.def} $$f; done)

# Every known event in name order: its own file, else its line of known.def.
$(B)/gen/known.inc: FORCE
	$(call only-if-changed,{ \
		for f in include/events/*.def; do f=$${f##*/}; printf '%s\t#include "events/%s"\n' $${f%.def} $$f; done; \
		sed -n 's/^EVENT.\([_a-z0-9]*\).*/\1\t&/p' include/known.def; \
	} | LC_ALL=C sort -s -t '	' -k 1$(comma)1 | awk -F '\t' \
		'$$1 != last { print "#define THIS_EVENT " $$1 "\n" $$2 "\n#undef THIS_EVENT" } { last = $$1 }')

# engine/format/tracee-json.c defines `const struct format format_tracee_json`; files without
# such a definition are helpers.
FOLDERS = format output transport command
$(FOLDERS:%=$(B)/gen/%.inc): $(B)/gen/%.inc: FORCE
	$(call only-if-changed,for f in $(sort $(basename $(wildcard engine/$*/*.c))); do if grep -qs '^const struct .* $*_.* = {' $$f.c; then echo "X($${f##*/})" | tr - _; fi; done)

GEN = $(B)/gen/events.inc $(B)/gen/known.inc $(FOLDERS:%=$(B)/gen/%.inc)

# ---- engine ----------------------------------------------------------------------

# X_static.c is the twin of X.c in the static program, X_none.c that of a part left out.
STATIC_C := $(wildcard engine/*/*_static.c)
OUT_C := engine/transport/kafka_$(if $(filter 1,$(KAFKA)),none,producer).c
ENGINE_C := $(filter-out engine/main.c $(STATIC_C) $(OUT_C),$(wildcard engine/*.c engine/*/*.c))
ENGINE_O := $(ENGINE_C:%.c=$(B)/%.o)
BPF_C := $(wildcard bpf/*.c)
BPF_C := $(filter-out %.bpf.c,$(BPF_C))
BPF_O := $(BPF_C:%.c=$(B)/%.o)

$(B)/%.o: %.c | $(GEN)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# Made anew as well when its parts are others than last time, as with KAFKA=0.
$(B)/gen/parts: FORCE
	$(call only-if-changed,echo $(ENGINE_O) $(BPF_O))

$(B)/libspoor.a: $(ENGINE_O) $(BPF_O) $(B)/gen/parts
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(B)/spoor: $(B)/engine/main.o $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

static: $(B)/spoor-static ## build build/spoor-static, which needs no library
# Warnings about getaddrinfo are true: host names need the C library's own files at run time.
$(B)/spoor-static: $(B)/engine/main.o $(STATIC_C:%.c=$(B)/%.o) $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static $^ $(LDLIBS_STATIC) -lmicrohttpd -lssl -lcrypto -o $@ 2>$@.said || { cat $@.said; exit 1; }

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- set-up and use ----------------------------------------------------------------

# In recipes: as many jobs as there are processors, unless the caller said -j.
BUILD = $(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
as-root = $(if $(filter 0,$(shell id -u)),,sudo)

setup: ## install the Debian packages that are missing, for building and testing
	@contrib/setup build test

run: ## set up, build and run the sensor with the built-in rules (ARGS='...': its arguments)
	@contrib/setup build
	@+$(BUILD) all
	@$(as-root) $(B)/spoor run $(ARGS)

PREFIX ?= /usr/local
install: all ## install the program and a systemd unit below PREFIX=/usr/local (DESTDIR=...)
	install -D -m 755 $(B)/spoor $(DESTDIR)$(PREFIX)/sbin/spoor
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,@sbindir@,$(PREFIX)/sbin,' contrib/systemd/spoor.service \
		>$(DESTDIR)$(PREFIX)/lib/systemd/system/spoor.service
	install -D -m 644 contrib/completion/spoor.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/spoor

uninstall: ## remove what install made; settings, spool and logs stay (same PREFIX and DESTDIR)
	rm -f $(DESTDIR)$(PREFIX)/sbin/spoor $(DESTDIR)$(PREFIX)/lib/systemd/system/spoor.service \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/spoor

clean: ## remove build output
	$(Q)rm -rf build build-san build-coverage build-fuzz

distclean: clean ## remove what was downloaded as well
	$(Q)rm -rf build-cache

help: ## list targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | expand -t 12

.PHONY: all static setup run install uninstall clean distclean help FORCE
