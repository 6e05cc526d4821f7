# Programs that run recorded cases of the expression language; engine/cel/README.md.

CEL_VECTORS_O = $(B)/tests/cel/vectors.o
# rules/build.mk links these into tracee-vectors.
CEL_TRACEE_O = $(CEL_VECTORS_O) $(patsubst %.c,$(B)/%.o,$(wildcard tests/cel/tracee_*.c))

$(B)/cel-conformance: $(B)/tests/cel/cel_conformance.o $(CEL_VECTORS_O) $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@

CEL_ORACLE_O = $(B)/tests/cel/oracle.o $(B)/tests/cel/random.o
$(B)/tests/cel/test_differential $(B)/tests/fuzz/fuzz_cel $(B)/libfuzzer_cel: $(CEL_ORACLE_O)
CEL_STAGES = $(wildcard tests/fuzz/fuzz_cel_*.c)
$(CEL_STAGES:%.c=$(B)/%) $(CEL_STAGES:tests/fuzz/fuzz_%.c=$(B)/libfuzzer_%): $(B)/tests/cel/random.o
$(B)/tests/cel/test_triples: $(CEL_ORACLE_O) $(CEL_VECTORS_O)

# Counts allocations: every malloc of the program goes through the benchmark.
$(B)/tests/bench/bench_cel $(B)/tests/bench/bench_rules: $(B)/tests/cel/oracle.o
$(B)/tests/bench/bench_cel $(B)/tests/bench/bench_rules $(B)/tests/bench/bench_state: LDFLAGS += -Wl,--wrap=malloc

$(B)/tests/unit/test_index: $(CEL_ORACLE_O)
$(B)/tests/unit/test_index_tables $(B)/tests/unit/test_detect_index $(B)/tests/unit/test_state_model $(B)/tests/unit/test_keys $(B)/tests/unit/test_judge: $(B)/tests/cel/random.o

# The crash tests: delivery with the points at which they end the process (delivery/fault.h).
FAULT_O = $(patsubst %.c,$(B)/faults/%.o,$(wildcard engine/delivery/*.c))
$(B)/faults/%.o: %.c | $(GEN)
	$(say) CC '$< (faults)'
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -DSPOOR_FAULTS $(CFLAGS) -MMD -MP -c $< -o $@
$(B)/faults/delivery.a: $(FAULT_O)
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/tests/unit/test_delivery_crash: $(B)/faults/delivery.a
# All of it before the library, which then has nothing to add of these files.
$(B)/tests/unit/test_delivery_crash: LDFLAGS += -Wl,--whole-archive $(B)/faults/delivery.a -Wl,--no-whole-archive
DELIVERY_TESTS = $(addprefix $(B)/tests/unit/,test_delivery test_delivery_open test_delivery_suspect)
$(DELIVERY_TESTS): $(B)/tests/unit/receiver.o
$(B)/tests/unit/test_delivery: LDFLAGS += -Wl,--wrap=pthread_create
# They ask the library for more, once more.
$(DELIVERY_TESTS): LDLIBS := $(B)/libspoor.a $(LDLIBS)

torture: $(B)/tests/unit/test_delivery_crash ## the crash test of delivery, 1000 processes
	@SPOOR_CRASH_ROUNDS=1000 $<
.PHONY: torture
