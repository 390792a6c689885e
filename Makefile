# make demo   the whole chain and the figures of two papers on a small synthetic twin; ends with results/report.html
# make demo-sun2024  the figures of the third paper, on a second small twin; ends with results/huaihe_twin/report.html
# make real   the same chain on SMAP and NLDAS-2 at 412 cells; MIRROR=folder takes local copies
# make camels  streamflow of the basins of CAMELS-US by HBV and by VIC; MIRROR=folder takes local copies
# make test   all tests and the checks of style
# make test-slurm  the workflow on a SLURM of one node, which it installs (Debian, root) and starts
# make test-attack  files changed and jobs killed at random: 20 minutes on two cores, docs/audit.md
# make bench  ratios of speed against peers, in one run
# make docs   the pages of docs/ and a reference of the library as a site, build/site/index.html
# make rulegraph   docs/rules.svg, the picture in docs/extending.md; wants graphviz
#
# Each sets up .venv by itself from requirements.lock, again when the lock changed; docs has an
# environment of its own, from requirements-docs.lock.

CORES ?= 2
MIRROR ?=
SHELL := /bin/bash

# The first of these that is Python 3.11 or newer; never the one inside .venv, which is replaced.
NEW_ENOUGH := import sys; sys.exit("too old") if sys.version_info < (3, 11) else print(sys._base_executable)
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && break; done)

READY := .venv/requirements.lock
DOCS := build/docs-venv/requirements-docs.lock
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/workflow/lib

HUAIHE := --configfile config/huaihe_twin.yaml
REAL := --configfile config/real.yaml
CAMELS := --configfile config/camels.yaml
CAMELS_HBV := --configfile config/camels_hbv.yaml
# the folder is meant as seen from where make was called, and its name may hold blanks
ifneq ($(MIRROR),)
FROM := --config 'source={"mirror": "$(shell realpath -m -- '$(MIRROR)')"}'
REAL += $(FROM)
CAMELS += $(FROM)
CAMELS_HBV += $(FROM)
endif

# $(call timed,NAME,COMMAND): run a command and say how long it took
define timed
@start=$$SECONDS; $(2) && took=$$((SECONDS - start)) && \
	printf '=== %s: %d min %02d s\n' '$(1)' $$((took / 60)) $$((took % 60))
endef

# $(call all_of,HEADING,RESULTS,OPTIONS): make all that a configuration asks for, and its report
define all_of
@printf '\n%s\n' '$(1)'
@snakemake --cores $(CORES) --logger parlearn $(3) -- all
@echo '  writing the report ...'
@log=$(2)/logs/report.log; snakemake $(3) --report $(2)/report.html >$$log 2>&1 || \
	{ cat $$log >&2; exit 1; }
endef

# $(call where,RESULTS,NEXT): where to look, in one or more folders of results, and what to do next
define where
@echo; printf '%-13s%s\n' 'The report' '$(1:=/report.html)' 'The figures' '$(1:=/figures/)' 'Next' '$(2)'
endef

.PHONY: demo demo-sun2024 real camels test test-unit test-reference test-rules test-workflow test-slurm test-attack lint bench docs rulegraph setup
# of the second twin the way from its archives to a map of the study
demo: $(READY)
	$(call all_of,A synthetic twin of soil moisture over CONUS,results)
	@printf '\n%s\n' 'A synthetic twin of the Huaihe study, from its archives to a map'
	@snakemake --cores $(CORES) --logger parlearn $(HUAIHE) -- sun2024_fig3
	$(call where,results,make demo-sun2024 or make real)

demo-sun2024: $(READY)
	$(call all_of,A synthetic twin of the Huaihe study,results/huaihe_twin,$(HUAIHE))
	$(call where,results/huaihe_twin,make real)

real: $(READY)
	$(call all_of,SMAP soil moisture and NLDAS-2 weather at 412 cells over CONUS,results/real,$(REAL))
	$(call where,results/real,source .venv/bin/activate && snakemake -c$(CORES) --configfile config/li2023_real.yaml)

camels: $(READY)
	$(call all_of,Streamflow of the basins of CAMELS-US by HBV,results/camels_hbv,$(CAMELS_HBV))
	$(call all_of,The same by VIC,results/camels,$(CAMELS))
	$(call where,results/camels_hbv results/camels,source .venv/bin/activate && snakemake -c$(CORES) --configfile config/pub.yaml)

# make -j2 test   two of these side by side
test: lint test-unit test-workflow test-reference test-rules

test-unit: $(READY)
	$(call timed,unit tests,pytest tests/unit)

test-reference: $(READY)
	$(call timed,reference tests,pytest tests/reference)

test-rules: $(READY)
	$(call timed,rule tests,pytest tests/rules)

test-workflow: $(READY)
	$(call timed,workflow tests,pytest tests/workflow)

# without a SLURM, and where none can be started, they are skipped and say so
test-slurm: $(READY)
	tests/slurm/cluster.sh start || test $$? -eq 3
	$(call timed,tests on SLURM,pytest tests/slurm); status=$$?; tests/slurm/cluster.sh stop; exit $$status

test-attack: $(READY)
	$(call timed,attacks,timeout --signal=INT --kill-after=60 1200 pytest tests/attack)

lint: $(READY)
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile workflow/Snakefile workflow/rules tests/slurm
	snakemake --lint

bench: $(READY)
	for bench in benchmarks/bench_*.py; do python $$bench || exit 1; done

# a dead link or a missing page fails; --quiet would let both pass
docs: $(DOCS)
	$(call timed,docs,build/docs-venv/bin/mkdocs build)
	@echo "open build/site/index.html"

# one figure and the claims: with all figures nothing is to be read any more
rulegraph: $(READY)
	@command -v dot >/dev/null || { echo 'there is no dot: on Debian and Ubuntu, apt-get install graphviz' >&2; exit 1; }
	set -o pipefail; snakemake --quiet all --rulegraph -- claims tsai2021_fig4 | tred | \
		sed -E 's/color *= *"[^"]*"/color="#4477aa"/' | dot -Grankdir=LR -Gnodesep=0.15 -Granksep=0.3 -Tsvg >docs/rules.svg

setup: $(READY)

# a Python that is new enough and can make virtual environments
define python_is_there
@test -n '$(PYTHON)' || { echo 'parlearn needs Python 3.11 or newer and found none: install it, or name it, as in: make demo PYTHON=/path/to/python3' >&2; exit 1; }
@$(PYTHON) -c '$(NEW_ENOUGH)' >/dev/null 2>&1 || { echo '$(PYTHON) is not Python 3.11 or newer: name one that is, as in: make demo PYTHON=/path/to/python3' >&2; exit 1; }
@$(PYTHON) -c 'import venv, ensurepip' || { echo '$(PYTHON) cannot make a virtual environment: on Debian and Ubuntu, apt-get install python3-venv' >&2; exit 1; }
endef

# venv --clear empties the folder that a link leads to, which others may be using
$(READY): requirements.lock
	@test ! -L .venv || { echo '.venv is a link to $(realpath .venv), which would be emptied: remove the link, or bring what it leads to up to date there' >&2; exit 1; }
	$(python_is_there)
	@command -v c++ >/dev/null || echo 'There is no C++ compiler: VIC will run without its compiled loop, many times slower. On Debian and Ubuntu: apt-get install g++' >&2
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	cp requirements.lock $@

$(DOCS): requirements-docs.lock
	@test ! -L build/docs-venv || { echo 'build/docs-venv is a link, which would be emptied: remove it' >&2; exit 1; }
	$(python_is_there)
	$(PYTHON) -m venv --clear build/docs-venv
	build/docs-venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-docs.lock
	cp requirements-docs.lock $@
