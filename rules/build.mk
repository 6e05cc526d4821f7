# The rules are part of the binary: every file of detectors/ and lists/ becomes a byte array.
RULE_FILES := $(sort $(wildcard rules/detectors/*.yaml rules/lists/*.yaml))

$(B)/gen/builtin_rules.inc: FORCE
	$(call only-if-changed,rules/embed $(RULE_FILES))

$(B)/engine/detect/builtin.o: $(B)/gen/builtin_rules.inc
