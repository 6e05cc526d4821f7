# Tests: the folder is the registry. tests/GROUP/test_X.c is a cmocka program linked with
# libspoor.a and tests/support/*.c; tests/GROUP/test_X.sh a script that prints TAP.
# tests/live/X.c and tests/vm/X.c (not test_X) are static helper programs for the scripts.

# The VM runs a static program, which cannot be a sanitizer build.
TEST_GROUPS = lint unit cel cases fuzz rules outputs live $(if $(filter 1,$(SAN)),,vm)
TEST_BIN := $(patsubst %.c,$(B)/%,$(sort $(filter-out $(if $(filter 1,$(KAFKA)),,%/test_kafka.c),$(wildcard tests/*/test_*.c))))
TEST_SH := $(sort $(wildcard tests/*/test_*.sh))
SUPPORT_C := $(wildcard tests/support/*.c)
WORKLOADS := $(patsubst %.c,$(B)/%,$(filter-out $(TEST_BIN:$(B)/%=%.c),$(wildcard tests/live/*.c tests/vm/*.c)))
OUTLETS := $(patsubst %.c,$(B)/%,$(filter-out $(TEST_BIN:$(B)/%=%.c),$(wildcard tests/outputs/*.c)))
FUZZ_C := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_REPLAYS := $(FUZZ_C:%.c=$(B)/%)
programs-of = $(filter $(B)/tests/$(1)/%,$(TEST_BIN) $(FUZZ_REPLAYS)) $(filter tests/$(1)/%,$(TEST_SH))
# T=word runs only the programs whose path contains the word.
chosen = $(if $(T),$(foreach p,$(1),$(if $(findstring $(T),$(p)),$(p))),$(1))
# For the lint, which lets clang look at every file.
export CHECK_FLAGS = $(CPPFLAGS) -std=gnu11 $(WARN)
run-tests = B=$(B) tests/run $(call chosen,$(1))

$(TEST_BIN): $(B)/%: $(B)/%.o $(SUPPORT_C:%.c=$(B)/%.o) $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

# Helpers must run in a virtual machine that holds nothing else, and measure nothing of ours.
$(WORKLOADS): $(B)/%: %.c
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -g -O2 $(WARN) -MMD -MP -static $< -o $@

# Fakes of receivers use what real ones do, and Kafka's lives in its client library.
$(B)/tests/outputs/%: LDLIBS += -lssl -lcrypto $(if $(filter 1,$(KAFKA)),-lrdkafka)
# tests/outputs/X.c: programs that drive transports, or receivers for them.
$(OUTLETS): $(B)/%: $(B)/%.o $(SUPPORT_C:%.c=$(B)/%.o) $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

# ---- fuzzing: tests/fuzz/fuzz_X.c defines LLVMFuzzerTestOneInput ----------------------

# Some targets bring more objects, which the library must follow.
objects-first = $(filter %.o,$^) $(filter %.a,$^)
$(FUZZ_REPLAYS): $(B)/%: $(B)/%.o $(B)/tests/fuzz/driver.o $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(objects-first) $(LDLIBS) -o $@

# Targets about formats make their own events.
HOSTILE_O = $(B)/tests/support/hostile.o
FORMAT_O = $(HOSTILE_O) $(patsubst %,$(B)/tests/support/%.o,clean otlp records)
$(B)/tests/fuzz/fuzz_alert $(B)/libfuzzer_alert: $(HOSTILE_O)
$(B)/tests/fuzz/fuzz_format $(B)/libfuzzer_format: $(FORMAT_O)

# Without the checks that make coverage of comparisons slow: address sees what they would.
FUZZ_SAN = -fsanitize=address,undefined -fno-sanitize=null,alignment,pointer-overflow
$(B)/libfuzzer_%: $(B)/tests/fuzz/fuzz_%.o $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) -fsanitize=fuzzer $(FUZZ_SAN) $(objects-first) $(LDLIBS) -o $@

# How long: SECONDS=60 or RUNS=10000000.
FUZZ_FOR = $(if $(SECONDS),-max_total_time=$(SECONDS)) $(if $(RUNS),-runs=$(RUNS))
# Words of a language: fuzz_cel_lex takes cel.dict.
FUZZ_WORDS = $(firstword $(wildcard tests/fuzz/$(firstword $(subst _, ,$(T))).dict))

ifneq ($(SECONDS)$(RUNS),)
fuzz:
	@test -f tests/fuzz/fuzz_$(T).c || { echo "T=: one of $(FUZZ_C:tests/fuzz/fuzz_%.c=%)"; exit 2; }
	@+$(BUILD) B=build-fuzz CC=$(CLANG) 'OPT=-O2 -fsanitize=fuzzer-no-link $(FUZZ_SAN)' build-fuzz/libfuzzer_$(T)
	@mkdir -p build-fuzz/corpus/$(T)
	build-fuzz/libfuzzer_$(T) $(FUZZ_FOR) -entropic=0 -timeout=10 -rss_limit_mb=1024 \
		$(FUZZ_WORDS:%=-dict=%) -artifact_prefix=build-fuzz/ build-fuzz/corpus/$(T) tests/fuzz/corpus/$(T)
else
fuzz: $(call programs-of,fuzz) ## fuzz targets over their corpora; T=yaml with SECONDS=60 or RUNS=1000000: fuzz for real
	@$(call run-tests,$(call programs-of,$@))
endif

# ---- groups ----------------------------------------------------------------------

lint: $(B)/libspoor.a ## check layers, sizes, names, comments of the sources
unit: $(call programs-of,unit) ## unit tests (T=word: only those whose name contains it)
cel: $(B)/cel-conformance $(B)/tracee-vectors $(call programs-of,cel) ## conformance of the expression language
cases: all $(call programs-of,cases) ## golden cases by replay
rules: all $(B)/tracee-vectors ## the tests beside the built-in detectors
outputs: all $(OUTLETS) $(call programs-of,outputs) ## transports against real receivers and strict fakes
live: all $(WORKLOADS) $(call programs-of,live) ## tests on this kernel, as root
vm: $(B)/spoor-static $(WORKLOADS) $(call programs-of,vm) ## all hook kinds on Debian's kernel in qemu

$(filter-out fuzz,$(TEST_GROUPS)):
	@$(call run-tests,$(call programs-of,$@))

TEST_PROGRAMS = $(foreach group,$(TEST_GROUPS),$(call programs-of,$(group)))

tests-build: all $(B)/tracee-vectors $(B)/cel-conformance $(WORKLOADS) $(OUTLETS) $(filter $(B)/%,$(TEST_PROGRAMS)) $(if $(filter vm,$(TEST_GROUPS)),$(B)/spoor-static)
tests-run: tests-build
	@$(call run-tests,$(TEST_PROGRAMS))

test: ## set up, build and run every test
	@contrib/setup build test
	@+$(BUILD) tests-build
	@$(MAKE) --no-print-directory tests-run

STREAMS = 1000000
model: $(B)/tests/unit/test_state_model ## detectors with memory against a naive evaluator: STREAMS=1000000 random streams
	SPOOR_STREAMS=$(STREAMS) SPOOR_SEED=$(or $(SEED),1) $<
.PHONY: model

.PHONY: $(TEST_GROUPS) tests-build tests-run test

bare-test: ## make run and make test in a bare Debian 12 (root, network, 15 minutes)
	@contrib/setup bare
	@tests/bare/run
.PHONY: bare-test

quiet: ## real software under all rules, every alert shown (root, 20 minutes; MINUTES=3 for each of T='postgresql apache ...')
	@contrib/setup quiet
	@+$(BUILD) all
	@$(as-root) env B=$(B) MINUTES=$(or $(MINUTES),3) tests/quiet/run $(T)
.PHONY: quiet

# ---- measuring -----------------------------------------------------------------------

# tests/bench/X.c becomes a program linked with libspoor.a; X.sh runs as it is.
BENCH_BIN := $(patsubst %.c,$(B)/%,$(sort $(filter-out %.bpf.c,$(wildcard tests/bench/*.c))))
BENCH_SH := $(sort $(wildcard tests/bench/*.sh))
$(BENCH_BIN): $(B)/%: $(B)/%.o $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

bench: all $(BENCH_BIN) $(WORKLOADS) ## measure costs and rates, as ratios to floors of the same run
	@export TOP=$(CURDIR) B=$(abspath $(B)); failed=0; \
	for program in $(call chosen,$(BENCH_BIN) $(BENCH_SH)); do \
		echo "== $${program#$(B)/}"; \
		case $$program in *.sh) sh $$program;; *) $$program;; esac || failed=1; \
	done; exit $$failed

COVERED = unit cel cases fuzz rules outputs live
coverage: ## lines of code the tests run, per folder
	@rm -rf build-coverage
	@+$(BUILD) B=build-coverage 'OPT=-O0 --coverage' TEST_GROUPS='$(COVERED)' tests-build
	@$(MAKE) --no-print-directory B=build-coverage 'OPT=-O0 --coverage' TEST_GROUPS='$(COVERED)' tests-run
	@find build-coverage -name '*.gcno' -exec gcov -n {} + 2>/dev/null | awk -f tests/coverage.awk

format: ## format the C sources with clang-format
	clang-format -i $$(find include bpf engine tests -name '*.[ch]')
.PHONY: bench coverage format
