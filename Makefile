# Needs python3 (3.11 or newer) with venv, and make; no root, no Docker. `make` alone shows what there is.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin/python

export OMP_NUM_THREADS ?= 1
unexport PYTHONDONTWRITEBYTECODE # every process would compile all that it imports

.DEFAULT_GOAL := help
.PHONY: FORCE help run test mutations soak lint audit coverage bench lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Start everything on this machine; Ctrl-C stops it
	@exec $(RUN) -m bot up --die-with-parent

test: $(VENV)/.installed-dev ## Run the tests, one file a process at a time (many of them wait); ARGS=… goes to pytest
	@$(RUN) -m pytest --numprocesses=$$(($$(nproc) + 2)) --dist=loadfile $(ARGS)

mutations: $(VENV)/.installed-dev ## Build known faults into a copy and see each one noticed; ONLY="drop the cursor"
	@$(RUN) -m tests.contracts.mutations $(if $(ONLY),"$(ONLY)")

soak: $(VENV)/.installed-dev ## Let faults strike under load; MINUTES=45; SEED=… repeats earlier draws; REPORT=FILE
	@$(RUN) -m tests.faults.soak --minutes $(or $(MINUTES),45) $(if $(SEED),--seed $(SEED)) $(if $(REPORT),--report $(REPORT))

lint: $(VENV)/.installed-dev ## Check style, types and the direction of imports
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

audit: $(VENV)/.installed-dev ## Look for secrets in the repository and for known vulnerabilities of what it needs
	@.ci/audit

coverage: $(VENV)/.installed-dev ## Run the tests and show the lines they never reach
	@$(RUN) -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

bench: $(VENV)/.installed ## Measure this machine, 15 minutes; FULL=1 two hours; SAVE=FOLDER; DATA=FOLDER adds retrieval
	@$(RUN) -m benchmarks.suite $(if $(FULL),--full) $(if $(SAVE),--save "$(SAVE)")
	@$(RUN) -m benchmarks.embedding
	@if [ -n "$(DATA)" ]; then $(RUN) -m benchmarks.retrieval "$(DATA)" --cache var/cache; fi

lock: $(VENV)/.installed-dev ## Write the requirements*.txt anew from the *.in files
	@for name in requirements requirements-dev requirements-uv; do \
	  $(RUN) -m uv pip compile --quiet --system-certs --upgrade --generate-hashes --python-version 3.11 --no-emit-index-url \
	    --custom-compile-command "make lock" $$name.in --output-file $$name.txt || exit 1; \
	done

clean: ## Remove the virtual environment and caches; your data (var/, bots.yaml) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installing: uv takes seconds, pip a minute or two; both check every file against the hashes of the lock. Only pip
# reads pip.conf, so a network with an index of its own is served by the second way.

$(VENV)/.installed: requirements.txt $(VENV)/.uv
	@$(call install,requirements.txt)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(call install,requirements-dev.txt)
	@touch $@

# A virtual environment whose Python does not run (moved, upgraded away, half made) is built again.
ifneq ($(shell $(RUN) -c 'print("runs")' 2>/dev/null),runs)
$(VENV)/.uv: FORCE
endif
FORCE:

$(VENV)/.uv: requirements-uv.txt
	@test -n "$(PYTHON)" || { echo "python3 is missing; on Debian: apt install python3 python3-venv" >&2; exit 2; }
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) \
	  || { echo "python3 lacks venv; on Debian: apt install python3-venv" >&2; exit 2; }
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r $< \
	  || echo "uv could not be installed" >&2
	@touch $@

define install
echo "installing $(1)"; \
$(RUN) -m uv pip install --quiet --system-certs --python $(RUN) --require-hashes -r $(1) || { \
  echo "uv did not manage; trying pip, which takes longer" >&2; \
  $(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); \
}
endef
