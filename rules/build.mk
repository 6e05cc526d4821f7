# The rules are part of the binary: every file becomes a byte array of engine/detect/builtin.c.
RULE_FILES := $(sort $(wildcard $(addprefix rules/,detectors/*.yaml lists/*.yaml policies/*.yaml detectors/tests/*.yaml)))

$(B)/gen/builtin_rules.inc: FORCE
	$(call only-if-changed,rules/embed $(RULE_FILES))

$(B)/engine/detect/builtin.o: $(B)/gen/builtin_rules.inc

# Runs recorded cases of Tracee: build/tracee-vectors --kind KIND FILE.
VECTORS_O := $(patsubst %.c,$(B)/%.o,$(wildcard tests/vectors/*.c))
$(B)/tracee-vectors: $(VECTORS_O) $(CEL_TRACEE_O) $(B)/libspoor.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(LDLIBS) -o $@
