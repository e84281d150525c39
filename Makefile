# Lepton's commands. `make help` lists them; each does the set-up it needs, once.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready
LOCKS := requirements/setup.lock requirements/local.lock

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test lint unit real cluster e2e bench bench-operator faults faults-cluster generate format lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## Make .venv ready: everything of the lock files, and Lepton itself

$(READY): $(LOCKS) pyproject.toml tools/setup.py
	@$(PYTHON) -c '' 2>/dev/null || { echo "Python 3.11 is needed: install it (sudo apt-get install python3.11 \
	python3.11-venv libpython3.11), or run make with PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) tools/setup.py
	@touch $@

demo: $(READY) ## From manifests/samples/digits.yaml to a small, served, measured model, live
	@$(BIN)/lepton demo manifests/samples/digits.yaml

test: lint unit real cluster ## Everything that CI checks: lint, types, layers, then all tests
	$(BIN)/pytest tests/faults

lint: $(READY) ## Style, types and the law of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY) ## The pure tests: seconds
	$(BIN)/pytest tests/unit tests/contract

real: $(READY) ## The tests with a real Ray and a real Triton: minutes
	$(BIN)/pytest tests/real

cluster: $(READY) ## The tests on a real Kubernetes control plane; the first time it is fetched or built, in half an hour
	$(BIN)/python -m tests.programs
	$(BIN)/python -m tests.programs helm policies prometheus promtool kuberay
	$(BIN)/pytest tests/cluster tests/chart

e2e: $(READY) ## The life of a model on a whole real Kubernetes node, brought up for it; or on the cluster of KUBECONFIG
	$(if $(KUBECONFIG),$(BIN)/pytest tests/e2e -m "not own_node",$(BIN)/python -m tests.node $(BIN)/pytest tests/e2e)

bench: $(READY) ## What Lepton is worth, as ratios measured side by side
	$(BIN)/python -m bench

bench-operator: $(READY) ## What the operator's runtime costs, beside kopf and a bare loop: 10,000 models, an hour or more
	$(BIN)/python -m tests.programs
	$(BIN)/python -m bench.operator

faults: $(READY) ## Kill every process at random points, 20 times each, and see that the end is the same
	$(BIN)/pytest tests/faults --fault-runs 20

faults-cluster: $(READY) ## Let each fault of a cluster strike at random points, 20 times each
	$(BIN)/python -m tests.programs
	$(BIN)/pytest tests/cluster/faults --fault-runs 20

generate: $(READY) ## Write the CRD, the JSON schema and the references from the code
	$(BIN)/python -m tools.generate

format: $(READY) ## Let ruff mend and format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(READY) ## Resolve the dependencies anew into the lock files
	$(BIN)/python -m tools.lock

clean: ## Remove what the commands above made here: .venv, caches, builds
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
