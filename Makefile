# make report   everything from nothing to the layer report in report/
# make test     everything from nothing to the tests' result
# make fuzz     the fuzz targets' corpora replayed, then FUZZ_SECONDS (10) of fuzzing each
# make bench    the benchmarks against every peer, into bench/results/
# make check-kernels   every kernel against the scalar one; ARGS="-i avx2 -k gemm -n 1000000 -s 7" narrows it
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# what the extension is built from
NATIVE := setup.py build_flags.py pyproject.toml qkernels/_native.pyx qkernels/common_case.pxi qkernels/plan.pxi qkernels/capi.pxd $(shell find src_c -type f)

.PHONY: report test fuzz bench lint check-kernels clean

report: $(VENV)/built
	$(BIN)/qkernels report $(if $(QKERNELS_DATA),--images "$(QKERNELS_DATA)/images") --out report

test: $(VENV)/built
	$(BIN)/python -m pytest -q

fuzz: $(VENV)/built
	$(BIN)/python tests/fuzz/campaign.py

bench: $(VENV)/peers
	$(BIN)/python bench/all.py

lint: $(VENV)/built
	$(BIN)/pip install --quiet ruff
	$(BIN)/ruff check .

check-kernels: build/checker/checker
	$< $(ARGS)

build/checker/checker: build_flags.py tests/native_build.py $(shell find src_c tests/kernels/checker -type f)
	$(PYTHON) tests/native_build.py $(@D)

$(VENV)/built: $(NATIVE)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet "setuptools>=77" "cython>=3.1" "numpy>=2.0"
	$(BIN)/pip install --quiet --no-build-isolation --editable ".[report,test]"
	touch $@

$(VENV)/peers: $(VENV)/built
	$(BIN)/pip install --quiet --no-build-isolation --editable ".[report,test,peers]"
	touch $@

clean:
	rm -rf $(VENV) build qkernels/_native.c qkernels/*.so *.egg-info report
