# `make help` lists what there is. Everything lands in this folder: .uv, .venv, .venv-demo, .venv-site, .cache.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Any Python from 3.10 to 3.13 with pip.
PYTHON ?= python3
UV := .uv/bin/uv
PEERS := $(patsubst benchmarks/peers/%.txt,benchmarks/.peers/%/.installed,$(wildcard benchmarks/peers/*.txt))

# The tests of a file stay together: they share what is slow to make.
ON_ALL_CORES := --numprocesses auto --dist loadfile

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
# Temporary files and what is fetched stay here too: the home may be read-only. Who shares a cache among checkouts may.
export TMPDIR := $(CURDIR)/.cache/tmp
export XDG_CACHE_HOME := $(CURDIR)/.cache
export UV_CACHE_DIR ?= $(CURDIR)/.cache/uv
export PIP_CACHE_DIR ?= $(CURDIR)/.cache/pip
# uv trusts those whom the machine and its pip trust: a company's own certificate authority, too.
export UV_SYSTEM_CERTS ?= true
ifdef PIP_CERT
    export SSL_CERT_FILE ?= $(PIP_CERT)
endif
# Not as options: a pip that is too old for one would refuse it.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# The environment that a caller's shell has activated is not the one meant here.
unexport VIRTUAL_ENV
unexport PYTHONPATH

.PHONY: help venv lint format test pythons audit schemas docs demo site image register soak release-check bench bench-peers clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

venv: .venv/.installed ## Install the connector (.venv/bin/source-stripe) and what its tests need

lint: venv ## Check style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: venv ## Rewrite the code in the style that lint asks for
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

test: lint ## Run every check and test, those of the image too; PYTEST="-k events" narrows them
	.venv/bin/pytest $(ON_ALL_CORES) $(PYTEST)

# pyenv keeps its Pythons off PATH unless it is told which one is meant.
pythons: $(UV) ## Run the unit tests on the oldest and the newest Python, where this machine has them
	@for version in 3.10 3.13; do \
	    python=$$(PYENV_VERSION=$$version "python$$version" -c "import sys; print(sys.executable)" 2>/dev/null) || \
	        { echo "Python $$version is not on this machine: not tested."; continue; }; \
	    echo "Python $$version:"; \
	    $(UV) run --quiet --isolated --locked --python "$$python" pytest --quiet $(ON_ALL_CORES) unit_tests; \
	done

audit: venv ## Look for known vulnerabilities of what uv.lock pins for users; a warning where OSV can't be reached
	@$(UV) export --quiet --locked --no-dev --extra sql --no-emit-project --output-file .venv/locked.txt
	@.venv/bin/python -m tools.audit .venv/locked.txt

schemas: venv ## Write schemas/ and expandable.json anew from the types of the stripe package
	.venv/bin/python -m tools.generate_schemas
	.venv/bin/python -m tools.generate_expandable

docs: venv ## Write anew what is generated of docs/, README's config table and unit_tests/plans.txt
	.venv/bin/python -m tools.generate_docs
	.venv/bin/python -m tools.generate_stream_docs
	.venv/bin/python -m tools.generate_manifest_docs
	.venv/bin/python -m tools.generate_config_docs
	.venv/bin/python -m tools.generate_filter_docs
	.venv/bin/python -m tools.generate_permission_docs
	.venv/bin/python -m tools.generate_plans
	.venv/bin/python -m tools.generate_error_docs
	.venv/bin/python -m tools.generate_index

demo: venv .venv-demo/.installed ## Sync a demo account, or yours (STRIPE_SECRET_KEY), into DuckDB with PyAirbyte
	.venv-demo/bin/python tools/demo.py

site: venv .venv-site/.installed ## Build a site of all pages in site/, which works from a disk; a link that leads nowhere fails it
	.venv/bin/python -m tools.site .cache/site
	NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs build --strict --clean --config-file .cache/site/mkdocs.yml

image: | .cache/tmp ## Build the image source-stripe:dev
	tools/containers/build-image

register: venv ## Register the image in an Airbyte instance; REGISTER="--image ... --config ..." (docs/register.md)
	.venv/bin/python -m tools.register $(REGISTER)

soak: venv ## Sync a changing account 50 times while 5 % of the requests break; SOAK="--seed 2" plays another one
	.venv/bin/python -m integration_tests.soak $(SOAK)

# The SBOM lists what the wheel needs; the image has those of it that tools/containers/unused-packages.txt leaves.
release-check: audit ## Build all that a release ships, into dist/ and as an image, and check it
	rm -rf dist
	$(UV) build --quiet --no-build-isolation --python .venv/bin/python --out-dir dist
	$(UV) export --quiet --locked --no-dev --preview-features sbom-export --format cyclonedx1.5 --output-file dist/sbom.cdx.json
	tools/containers/build-image
	.venv/bin/python -m tools.check_release

bench: venv ## Measure speed, CPU, memory and requests; BENCH="--case a,h --scale 0.1" narrows it
	.venv/bin/python -m benchmarks $(BENCH)

bench-peers: venv $(PEERS) ## Measure other connectors too, in turn with this one
	.venv/bin/python -m benchmarks --peers $(BENCH)

clean: ## Remove the environments, the caches and everything built
	tools/containers/remove-store
	rm -rf .uv .venv .venv-demo .venv-site .cache benchmarks/.peers .hypothesis .mypy_cache .pytest_cache .ruff_cache .standard-tests dist site demo.duckdb*
	find . -name __pycache__ -prune -exec rm -rf {} +

# pip puts uv into a folder of its own: that works without the venv module, which Debian packages apart.
$(UV): tools/uv-requirements.txt | .cache/tmp
	rm -rf .uv
	$(PYTHON) -m pip install --quiet --target .uv --require-hashes --requirement $<
	touch $@

.cache/tmp:
	mkdir -p $@

.venv/.installed: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --locked --python $(PYTHON)
	touch $@

.venv-demo/.installed: $(UV) tools/demo-requirements.txt
	$(UV) venv --quiet --clear --python $(PYTHON) .venv-demo
	$(UV) pip install --quiet --python .venv-demo --require-hashes --requirement tools/demo-requirements.txt
	touch $@

.venv-site/.installed: $(UV) tools/site-requirements.txt
	$(UV) venv --quiet --clear --python $(PYTHON) .venv-site
	$(UV) pip install --quiet --python .venv-site --require-hashes --requirement tools/site-requirements.txt
	touch $@

# Other connectors, with what was current when they came out. One that this machine can't have is left out.
benchmarks/.peers/%/.installed: benchmarks/peers/%.txt $(UV)
	-$(UV) venv --quiet --clear --python 3.11 $(@D) && \
	    $(UV) pip install --quiet --compile-bytecode --python $(@D) --require-hashes --requirement $< && \
	    touch $@
