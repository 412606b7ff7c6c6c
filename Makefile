# Everything one does with this repository. It works with GNU make 3.81, which macOS has.
# Each target makes what it needs first, so the first command in a fresh clone may be any of them.

PYTHON ?=
OPTIONS :=
NEWEST :=
TORCH :=
COLAB :=
VENV := .venv$(if $(NEWEST),-newest)$(if $(TORCH),-torch-$(TORCH))$(if $(COLAB),-colab)
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
TESTS_READY := $(VENV)/.ready-for-tests
SITE := _build/html
RUNTIME := node_modules/.ready
# More than the cores: some tests wait for a browser, or for an answer that never ends.
WORKERS := 3
NBVAL := --nbval --nbval-current-env --nbval-kernel-startup-timeout 600 $(if $(NEWEST)$(TORCH)$(COLAB),--nbval-sanitize-with tests/other_releases.cfg)
GENERATED := book/_generated/.ready
LIVE := book/_generated/.live-ready

# Caches stay in the tree, and a reader's own Jupyter or matplotlib settings change no result.
export MPLCONFIGDIR := $(CURDIR)/_build/cache/matplotlib
export IPYTHONDIR := $(CURDIR)/_build/cache/ipython
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where this is set, each of some fifty processes would compile PyTorch's modules again.
unexport PYTHONDONTWRITEBYTECODE

FOLDER = $(firstword $(wildcard my-work) book)

.DEFAULT_GOAL := help
.PHONY: help env book browser pdf lighthouse test test-library format notebooks my-work update-my-work solutions index mutants lab sweep digits photographs bench publish-as clean always

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

env: $(READY)  ## make .venv with all packages of the book, where it is missing or out of date (PYTHON=… picks the interpreter)
	@test -z "$(PYTHON)" || test "$$($(PYTHON) --version 2>&1)" = "$$($(PY) --version)" || \
		echo "$(VENV) is there already, with $$($(PY) --version). To make it with $(PYTHON), remove it first: rm -r $(VENV)"

# An environment that does not run (its Python is gone, or the folder has moved) is made anew.
ifneq ($(shell { $(PY) scripts/check_env.py $(READY); } 2> /dev/null),works)
$(READY): always
endif
$(READY): requirements.txt pyproject.toml $(if $(COLAB),requirements-colab.txt)
	@PYTHON="$(PYTHON)" NEWEST="$(NEWEST)" TORCH="$(TORCH)" COLAB="$(COLAB)" sh scripts/make_env.sh $(VENV) $(READY)

# What only the tests, the PDF and the formatter need.
$(TESTS_READY): $(READY)
	@NEWEST="$(NEWEST)" TORCH="$(TORCH)" COLAB="$(COLAB)" sh scripts/make_env.sh $(VENV) $(TESTS_READY) with-tests

browser: $(TESTS_READY)
	@$(PY) scripts/browser.py

# Pages and settings that went away must not stay in the site, and Sphinx does not look for a change in a style alone.
_build/.ready: _config.yml _toc.yml $(wildcard book/_static/* book/_theme/*) $(READY)
	@rm -rf $(SITE) _build/.doctrees
	@mkdir -p _build/cache
	@touch $@

_build/cache:
	@mkdir -p $@

# What pages load: the editor, Python, the runtime of a network.
$(RUNTIME): package.json package-lock.json scripts/node.py $(READY)
	@$(PY) scripts/node.py
	@touch $@

$(GENERATED): scripts/generate.py $(wildcard resnet_lib/*.py resnet_lib/explorers/* resnet_lib/measured/* resnet_exercises/*.py resnet_exercises/*/*) $(READY) $(RUNTIME)
	@$(PY) scripts/generate.py
	@touch $@

$(LIVE): scripts/make_live.py scripts/arranging.py $(wildcard live/*.js book/*.ipynb resnet_lib/*.py resnet_exercises/*.py resnet_exercises/*/*) $(GENERATED)
	@$(PY) scripts/make_live.py
	@touch $@

# A warning fails the build, and goes to stderr. Sphinx warns only of pages that it reads: after a failure it must read all
# of them again.
book: $(READY) $(GENERATED) $(LIVE) _build/.ready  ## build the book and say where to open it
	@echo "Building the book …"
	@$(VENV)/bin/jupyter-book build . -q -W --keep-going -n > /dev/null || { rm -rf _build/.doctrees; exit 1; }
	@cp -R book/_generated/root/. $(SITE)  # Sphinx does so only where a page has changed
	@$(PY) -c "import pathlib; print('The book is built. Open', pathlib.Path('$(SITE)/index.html').resolve().as_uri())"

# One thread per worker: the results are then the same on any number of cores, and two workers do not fight for them. Progress
# bars are for readers; so is a GPU, which gives other last digits.
test: export OMP_NUM_THREADS := 1
test: export TQDM_DISABLE := 1
test: export RESNET_DEVICE := cpu
test: book browser  ## all that CI checks: the book, the library, the notebooks (run and compared), the links; NEWEST=1 with the newest releases
	@$(PY) -m pytest tests book $(NBVAL) -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 10

pdf: book browser  ## write the whole book to _build/book.pdf, for paper
	@$(PY) scripts/make_pdf.py

# No part of `make test`: the performance that it measures depends on the machine and on what else runs there.
lighthouse: book browser  ## measure speed and accessibility of the pages with Lighthouse, which npm fetches
	@$(PY) scripts/lighthouse.py

format: $(TESTS_READY)  ## bring library, scripts, tests and notebooks into the one form that the tests ask for
	@$(PY) -m ruff check -q --fix .
	@$(PY) -m ruff format -q .

# All that does not look at the site. VERSIONS.md says what it was run with.
LIBRARY := blocks costs drawing exercises folding inspecting output_size resnet timing torchvision training
test-library: export OMP_NUM_THREADS := 1
test-library: export TQDM_DISABLE := 1
test-library: export RESNET_DEVICE := cpu
test-library: $(TESTS_READY) _build/cache  ## the tests of the library and the notebooks only; TORCH=2.5.1 with another PyTorch, COLAB=1 with Colab's packages
	@$(PY) -m pytest $(LIBRARY:%=tests/test_%.py) book $(NBVAL) -n $(WORKERS) --dist loadfile --no-loadscope-reorder

notebooks: export RESNET_DEVICE := cpu
notebooks: $(READY) _build/cache  ## run all notebooks and store their outputs, and the tables of the pages; no notebook with an answer in it
	@$(PY) scripts/run_notebooks.py
	@$(PY) scripts/generate.py --pages

index: $(READY)  ## after a change of a mistake, a probe or a solution: NAME=exercise, or else all
	@$(PY) scripts/index_mistakes.py $(NAME)

mutants: $(READY)  ## small changes of the solutions that a check lets pass, or fails without a name: NAME=exercise, or else all
	@$(PY) scripts/mutants.py $(NAME)

my-work: $(READY)  ## copy the notebooks to my-work, where your answers are safe; what is there stays
	@$(PY) scripts/my_work.py

update-my-work: $(READY)  ## after an update of the book: its new text with your answers, and your old copies in my-work/old
	@$(PY) scripts/my_work.py --update

solutions: $(READY)  ## write the notebooks with all exercises solved to solutions, not run; what is there stays
	@$(PY) scripts/solutions.py

# Its settings ask no questions, and show the pages that notebooks link to as pages. It starts for root, as in a container,
# only when told to.
lab: $(READY) _build/cache  ## open the notebooks in JupyterLab: those of my-work, where there are some (FOLDER=book: the book's); OPTIONS="--no-browser --port=9999"
	@$(PY) -m jupyterlab $(FOLDER) --LabApp.app_settings_dir="$(CURDIR)/scripts/jupyterlab" $(OPTIONS) \
		$(shell test "$$(id -u)" != 0 || echo --allow-root)

sweep: $(READY)  ## train the networks of chapter 7 again: six depths, six seeds, about ten minutes
	@$(PY) scripts/degradation.py

digits: $(READY)  ## train the network that reads drawn digits in the page again, about a minute
	@$(PY) scripts/train_digits.py

photographs: $(READY)  ## train the networks of chapter 10 on 60,000 photographs again, about two hours; stopped, it goes on where it was
	@$(PY) scripts/photographs.py

bench: $(READY)  ## compare the speed with torchvision's, about ten minutes
	@$(PY) scripts/bench.py

# It runs before there is an environment, so that a fork can be published without one.
publish-as:  ## set the address of the repository and of its site everywhere: git's origin, or REPO=owner/name
	@$(or $(PYTHON),python3) scripts/publish_as.py '$(subst ','\'',$(REPO))'

clean:  ## remove what the commands above made, all but .venv, node_modules, my-work and solutions
	@rm -rf _build book/_generated .pytest_cache .hypothesis .ruff_cache resnet_exercises/.ruff_cache
	@find book resnet_exercises resnet_lib scripts tests \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

always:
