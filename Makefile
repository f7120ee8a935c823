# Every target sets up what it needs in .venv; PYTHON=python3.13 chooses another interpreter for it.
PYTHON ?= python3
# What `make lambda-zip` builds for: x86_64 or arm64 (which AWS runs for a fifth less), and a Python of Lambda's.
ARCH ?= arm64
RUNTIME ?= 3.13
# How often `make soak` calls.
CALLS ?= 100000
# How often `make bench` measures each thing.
ROUNDS ?= 15
VENV := .venv
BIN := $(VENV)/bin
BENCH := build/bench
# pip's own cache and configuration apply; nothing else of the machine is used or changed.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

.PHONY: demo demo-aws standin lambda-zip test bench faults soak fuzz lint lock clean

demo: $(VENV)/ready  ## the main job for real, against the stand-in: what is sent, what is answered, what is refused
	@$(BIN)/python -m demo

demo-aws: $(VENV)/ready  ## the same on AWS: the archive under Lambda's own client, its key in Secrets Manager (moto)
	@$(BIN)/python -m demo aws

standin: $(VENV)/ready  ## HelseID with Selvbetjening, the Sample API and a secret manager on this machine, until ctrl-C
	@$(BIN)/python -m standin

lambda-zip: $(VENV)/ready  ## the archive for AWS Lambda, in build/: ARCH=x86_64|arm64 RUNTIME=3.13
	@$(BIN)/python -m infra.lambda_zip --arch $(ARCH) --python $(RUNTIME)

bench: $(VENV)/ready $(BENCH)/deployed/ready $(BENCH)/peers/ready  ## how fast it is beside its peers: some minutes on a quiet machine; ROUNDS=15
	@$(BIN)/python -m bench --rounds $(ROUNDS)

test: lint $(VENV)/terraform/ready $(VENV)/ministack/ready  ## everything: lint, types, all tests
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile -rs

faults: $(VENV)/ready  ## every party failing in every way there is: runs each case and prints the table
	@$(BIN)/python -m tests.support.faults

soak: $(VENV)/ready  ## very many calls while keys, tokens, nonces and servers come and go; CALLS=100000
	@$(BIN)/python -m tests.long.soak --calls $(CALLS)

fuzz: $(VENV)/ready  ## more than 100,000 inputs that nobody thought of, other ones every time
	@$(BIN)/python -m pytest tests/long/fuzz --hypothesis-profile=long -p no:logging

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock: $(VENV)/ready  ## pin each requirements*.in anew, for every supported Python
	$(call pin,)
	$(call pin,-aws,-c requirements.txt)
	$(call pin,-dev,-c requirements.txt -c requirements-aws.txt)
	$(call pin,-bench,-c requirements.txt -c requirements-aws.txt)
	$(call pin,-clients)
	$(call pin,-terraform)
	$(call pin,-ministack)

# The pins of one file, below what it says of each library.
define pin
	$(LOCK) $(2) requirements$(1).in -o $(VENV)/lock
	sed 's/^\([^#]\)/# \1/' requirements$(1).in | cat - $(VENV)/lock > requirements$(1).txt
endef

clean:
	rm -rf $(VENV) build .cache .mypy_cache .pytest_cache .ruff_cache

$(VENV)/ready: requirements.txt requirements-aws.txt requirements-dev.txt
	@echo "Setting up $(VENV) (about a minute, once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; try: make PYTHON=python3.13 ...")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --require-hashes -r requirements-aws.txt
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

# Tools whose pins do not go together with the function's have an environment of their own, within it.
$(VENV)/%/ready: requirements-%.txt $(VENV)/ready
	$(install)

# What is measured: the function with what it installs and nothing else, and its peers with what they install.
$(BENCH)/deployed/ready: requirements.txt
$(BENCH)/peers/ready: requirements-bench.txt
$(BENCH)/%/ready:
	$(install)

# An environment of the target's own, of what the first prerequisite pins.
define install
	@echo "Setting up $(@D) ..."
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@
endef
