# The generated reference: not committed, so it cannot be out of date.

docs: $(B)/spoor ## write the pages of events and detectors to build/docs as Markdown
	$(Q)contrib/reference $(B)/spoor $(B)/docs
	$(say) DOCS $(B)/docs

.PHONY: docs
