# Every target installs what it needs into .venv.
#   make PYTHON=python3.13 ...  rebuilds .venv with another interpreter; without PYTHON=, an existing .venv is kept
#   VERBOSE=1 make demo         shows every claim of every request

# What `make lambda-zip` builds for: arm64 (a fifth cheaper on AWS) or x86_64, and one of Lambda's Pythons; `make google-zip` for
# x86_64, and one of Google's Pythons.
ARCH ?= arm64
RUNTIME ?= 3.13
# A folder with a main.py of your own, whose job it packs; the archive is then in that folder's build/.
SOURCE ?=
# How many calls `make soak` makes.
CALLS ?= 100000
# How many times `make bench` takes each measurement.
ROUNDS ?= 15
# `make lock UPGRADE=1` takes the newest versions; without it, pins move only where pyproject.toml demands it.
UPGRADE ?=

VENV := .venv
BIN := $(VENV)/bin
BENCH := build/bench
DIST := build/release
SBOM := build/sbom
REQUIREMENTS := requirements.txt $(addprefix requirements/,standin.txt standin-aws.txt aws.txt dev.txt)
# pip reads its own cache and configuration; nothing else on the machine is used or changed.
PIP_INSTALL := -m pip --disable-pip-version-check --quiet install --require-hashes

# An interpreter is known by its path and version, which .venv/interpreter records.
IDENTIFY := import os, sys; print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)), sys.version.split()[0])
ifdef PYTHON
ifneq ($(shell $(PYTHON) -c '$(IDENTIFY)' 2>&1),$(shell cat $(VENV)/interpreter 2>/dev/null))
$(VENV)/interpreter: rebuild
endif
else
PYTHON := python3
endif

.DEFAULT_GOAL := help
.PHONY: help demo demo-aws standin lambda-zip google-zip test mutations faults soak deliveries fuzz bench lint lock audit sbom release clean rebuild

help:  ## list the targets
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/demo-ready  ## sign in to HelseID and call an API, against the stand-in: requests, responses, refusals
	@$(BIN)/python -m demo

demo-aws: $(VENV)/demo-aws-ready  ## the same on AWS: the Lambda archive, with its key in Secrets Manager (moto)
	@$(BIN)/python -m demo aws

standin: $(VENV)/demo-ready  ## run HelseID, Selvbetjening, the Sample API and a secret manager here, until Ctrl-C
	@$(BIN)/python -m standin

lambda-zip: $(VENV)/demo-ready  ## build the archive for AWS Lambda in build/: ARCH=arm64|x86_64 RUNTIME=3.11|...|3.14 SOURCE=
	@$(BIN)/python -m infra.lambda_zip --arch $(ARCH) --python $(RUNTIME) $(if $(SOURCE),--source $(SOURCE))

google-zip: $(VENV)/demo-ready  ## build the archive for Google Cloud, wheels inside, in build/: RUNTIME=3.11|...|3.14 SOURCE=
	@$(BIN)/python -m infra.google_zip --python $(RUNTIME) $(if $(SOURCE),--source $(SOURCE))

test: lint $(VENV)/terraform/ready $(VENV)/ministack/ready  ## lint, types, all tests, and a short form of the runs below
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile -rs -m "not mutations"

mutations: $(VENV)/ready $(VENV)/terraform/ready  ## put faults into copies of the Terraform modules, which their tests must catch
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile -rs -m mutations tests/deployment

faults: $(VENV)/ready  ## every party failing in every way: run each case and print the table
	@$(BIN)/python -m tests.support.faults

soak: $(VENV)/ready  ## call for a long time while keys, tokens, nonces and servers change: CALLS=100000
	@$(BIN)/python -m tests.long.soak --calls $(CALLS)

deliveries: $(VENV)/ready  ## kill jobs in every step, and follow a long register while everything fails
	@$(BIN)/python -m tests.long.delivery kills
	@$(BIN)/python -m tests.long.delivery register

fuzz: $(VENV)/ready  ## over 100,000 generated inputs, different ones each time
	@$(BIN)/python -m pytest tests/long/fuzz --hypothesis-profile=long -p no:logging

bench: $(VENV)/ready $(BENCH)/deployed/ready $(BENCH)/peers/ready  ## measure against its peers, on a quiet machine: ROUNDS=15
	@$(BIN)/python -m bench --rounds $(ROUNDS)

lint: $(VENV)/ready  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: $(VENV)/ready  ## pin what pyproject.toml declares, with hashes, for every supported Python: UPGRADE=1
	$(call lock,pyproject.toml --extra google --no-emit-package python-dotenv,requirements.txt)
	$(call lock,pyproject.toml --extra aws -c requirements.txt --no-emit-package click --no-emit-package colorama --no-emit-package python-dotenv,requirements/aws.txt)
	$(call lock,pyproject.toml --extra standin -c requirements.txt,requirements/standin.txt)
	$(call lock,--group standin-aws -c requirements.txt -c requirements/aws.txt,requirements/standin-aws.txt)
	$(call lock,--group dev $(foreach file,$(filter-out %/dev.txt,$(REQUIREMENTS)),-c $(file)),requirements/dev.txt)
	$(call lock,--group bench -c requirements.txt -c requirements/aws.txt,requirements/bench.txt)
	$(call lock,--group clients,requirements/clients.txt)
	$(call lock,--group terraform,requirements/terraform.txt)
	$(call lock,--group ministack,requirements/ministack.txt)
	$(call lock,--group audit,requirements/audit.txt)
	$(call lock,--group release,requirements/release.txt)

# $(1): what to pin, and under which constraints; $(2): the file, whose present pins are kept where they can be. A file that
# comes out the same is not written, so that .venv stays.
define lock
	@echo "Locking $(2) ..."
	@if [ -f $(2) ]; then cp $(2) $(VENV)/lock; else rm -f $(VENV)/lock; fi
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --system-certs \
		$(if $(UPGRADE),--upgrade) $(1) --output-file $(VENV)/lock
	@cmp -s $(VENV)/lock $(2) || cp $(VENV)/lock $(2)
endef

audit: $(VENV)/ready $(VENV)/audit/ready  ## known vulnerabilities in what a deployment installs; says so if it cannot ask
	@$(BIN)/python -m infra.audit

sbom: $(VENV)/release/ready  ## SBOMs of what a deployment installs (CycloneDX), in build/sbom/
	@rm -rf $(SBOM) && mkdir -p $(SBOM)
	@PYTHONWARNINGS=ignore $(VENV)/release/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file $(SBOM)/sbom-google.cdx.json requirements.txt
	@PYTHONWARNINGS=ignore $(VENV)/release/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file $(SBOM)/sbom-aws.cdx.json requirements/aws.txt

release: sbom $(VENV)/demo-ready  ## the wheel, the archives for both clouds, SBOMs and checksums, in build/release/
	@rm -rf $(DIST) && mkdir -p $(DIST)
	@$(VENV)/release/bin/hatchling build --target wheel --directory $(CURDIR)/$(DIST)
	@$(BIN)/python -m infra.lambda_zip --arch arm64 --python $(RUNTIME) --require-bytecode
	@$(BIN)/python -m infra.lambda_zip --arch x86_64 --python $(RUNTIME) --require-bytecode
	@$(BIN)/python -m infra.google_zip --python $(RUNTIME)
	@cp build/lambda-arm64-$(RUNTIME).zip build/lambda-x86_64-$(RUNTIME).zip build/google-$(RUNTIME).zip $(SBOM)/*.json $(DIST)
	@cd $(DIST) && sha256sum -- * > SHA256SUMS && cat SHA256SUMS

clean:  ## remove .venv, build and every cache
	rm -rf $(VENV) build .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis

# .venv grows in layers: the demo installs what it needs, the tests add the rest. Whatever changes a pin or the interpreter
# starts it again, so that nothing stays installed that is not pinned.
$(VENV)/interpreter: $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; try: make PYTHON=python3.13 ...")'
	@echo "Creating $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PYTHON) -c '$(IDENTIFY)' > $@

$(VENV)/demo-ready: LAYER := requirements.txt requirements/standin.txt
$(VENV)/demo-ready: $(VENV)/interpreter
	@echo "Installing the function and the stand-in (half a minute, once) ..."
	$(install-layer)

# What the AWS module's `make_key` needs.
$(VENV)/aws-ready: LAYER := requirements/aws.txt
$(VENV)/aws-ready: $(VENV)/interpreter
	@echo "Installing AWS's client (some seconds, once) ..."
	$(install-layer)

$(VENV)/demo-aws-ready: LAYER := $(filter-out %/dev.txt,$(REQUIREMENTS))
$(VENV)/demo-aws-ready: $(VENV)/interpreter
	@echo "Installing the function, the stand-in and Secrets Manager's (about a minute, once) ..."
	$(install-layer)
	@touch $(VENV)/demo-ready $(VENV)/aws-ready

$(VENV)/ready: LAYER := $(REQUIREMENTS)
$(VENV)/ready: $(VENV)/interpreter
	@echo "Installing everything that the tests and checks need (a minute or two, once) ..."
	$(install-layer)
	@touch $(VENV)/demo-ready $(VENV)/aws-ready $(VENV)/demo-aws-ready

# Not compiled ahead: what is imported is compiled then, and most of it never is.
define install-layer
	@$(BIN)/python $(PIP_INSTALL) --no-compile $(addprefix -r ,$(LAYER))
	@touch $@
endef

# Tools whose pins conflict with the function's have an environment of their own, within .venv.
$(VENV)/%/ready: requirements/%.txt $(VENV)/interpreter
	$(install-alone)

# `make bench` measures the function with its own requirements and nothing else, and its peers with theirs.
$(BENCH)/deployed/ready: requirements.txt $(VENV)/interpreter
$(BENCH)/peers/ready: requirements/bench.txt $(VENV)/interpreter
$(BENCH)/%/ready:
	$(install-alone)

# Creates an environment with the pins of the first prerequisite, of the interpreter that .venv has.
define install-alone
	@echo "Installing $< into $(@D) ..."
	@$(BIN)/python -m venv --clear $(@D)
	@$(@D)/bin/python $(PIP_INSTALL) -r $<
	@touch $@
endef
