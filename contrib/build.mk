# The generated reference: not committed, so it cannot be out of date.

docs: $(B)/spoor ## write the pages of events and detectors to build/docs as Markdown
	$(Q)contrib/reference $(B)/spoor $(B)/docs
	$(say) DOCS $(B)/docs

.PHONY: docs

# Committed, so that an editor can use it where the program is not; a unit test compares.
schema: $(B)/spoor ## write contrib/schema/spoor-rules.json, the JSON Schema of rule files
	$(Q)mkdir -p contrib/schema
	$(Q)$(B)/spoor check --schema plain >contrib/schema/spoor-rules.json

.PHONY: schema
