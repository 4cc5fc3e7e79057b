# Two commands on a fresh machine: `make demo` and `make test`.
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: env demo test test-distributed learn benchmark clean

env:
	@VENV=$(VENV) scripts/setup_env.sh

demo: env
	@PYTHON=$(RUN) scripts/demo.sh

test: env
	$(RUN) -m pytest -q -n 2 --dist loadfile test/unit

test-distributed: env
	@VENV=$(VENV) scripts/install_horovod.sh
	$(RUN) -m pytest -q test/distributed

learn: env
	@PYTHON=$(RUN) scripts/learn.sh

benchmark: env
	$(RUN) benchmarks/benchmark.py

clean:
	rm -rf .venv .venv-intel .conda37 demo learn build *.egg-info
