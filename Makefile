# Every target is one script; `bash scripts/<name>.sh` does the same.
.DEFAULT_GOAL := help
.PHONY: help serve dev build test bench fmt

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: ## Build what changed and run Latchkey here, with everything it needs installed first
	@bash scripts/serve.sh run $(ARGS)

dev: ## Like serve, and rebuild and restart at every change of a file
	@bash scripts/serve.sh watch $(ARGS)

build: ## Build the release: one binary with the pages' files inside
	@bash scripts/serve.sh release

test: ## Check everything: format, lints, arrows, licences, unit, integration and browser tests
	@bash scripts/test.sh

bench: ## Measure the door and the pages over filled databases: two tables, server and load on different cores
	@bash scripts/bench.sh $(ARGS)

fmt: ## Format the Rust code
	@bash scripts/test.sh --format
