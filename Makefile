# The two commands: `make run` does the main job, `make test` runs the tests. Both set everything up first.

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
BIN := .venv/bin
PYTHON ?= python3
# A machine's own Python 3.11 or later is used; uv is not to download another one.
export UV_PYTHON_PREFERENCE = only-system

.PHONY: run setup test test-slow test-all lint requirements benchmark clean

run: setup  ## Validate the configuration in examples/ with a governed run on Prefect.
	$(BIN)/automation run config_validator -p config_path=examples/config -e staging --fail-on never

setup: .venv/.complete

.venv/.complete: pyproject.toml uv.lock $(if $(filter .tools/%,$(UV)),.tools/bin/uv)
	$(UV) sync --quiet --locked --all-extras --compile-bytecode
	$(BIN)/python -m compileall -q automation_scripts flows tasks blocks deployments
	touch $@

.tools/bin/uv:
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet uv

test: setup  ## The fast tests.
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: setup  ## The tests that start servers, browsers and whole processes.
	$(BIN)/python -m pytest -m slow

test-all: test test-slow

lint: setup  ## Style, types and layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

requirements: setup  ## Bring requirements.txt back in step with the lock file.
	$(UV) export --quiet --locked --all-extras --no-dev --no-hashes --no-annotate --no-header --output-file requirements.txt

benchmark: setup  ## Measure; see docs/benchmarks.md.
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv .tools dist build
