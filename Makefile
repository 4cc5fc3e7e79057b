# Two commands on a fresh machine: `make demo` and `make test`. ENGINE=, PYTHON_VERSION=, PYTHON=,
# TENSORFLOW= and VENV= choose the environment (scripts/setup_env.sh); it then stays as chosen.
# The recipes take these values from the environment: make would paste them into shell text.
ifeq ($(VENV),)
override VENV := .venv
endif
export VENV
RUN = "$$VENV/bin/python"
# A test that waits for ever fails after so many seconds, and its traceback shows where.
TEST = $(RUN) -m pytest -q --timeout=600

.PHONY: env demo test test-distributed test-faults learn-kitti benchmark clean

env:
	@scripts/setup_env.sh

demo: env
	$(RUN) experiments/demo.py

test: env
	$(TEST) -n 2 --dist worksteal test/unit
	FAULTS=quick $(TEST) -n 2 --dist worksteal test/faults

test-distributed: env
	@scripts/install_horovod.sh
	$(TEST) test/distributed

test-faults: env
	$(RUN) -m pytest -q -n 2 --dist worksteal test/faults

learn-kitti: env  # KITTI=FOLDER, else drives are rendered; ARGS='--flag=value ...'
	$(RUN) experiments/learn_kitti.py --kitti_dir="$$KITTI" $(ARGS)

benchmark: env
	$(RUN) benchmarks/benchmark.py

clean:  # but not learn_kitti, which takes hours
	[ ! -e "$$VENV/pyvenv.cfg" ] || rm -rf -- "$$VENV"
	rm -rf .venv .venv-* .wheels .pytest_cache demo build dist *.egg-info
	find . -name __pycache__ -not -path './.*' -prune -exec rm -rf {} +
