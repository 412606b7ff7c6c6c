#!/bin/sh
# Makes or updates the virtual environment: make_env.sh FOLDER FILE_WRITTEN_WHEN_READY [with-tests]. The Makefile calls it.
# PYTHON in the environment names the interpreter to take. With NEWEST the newest releases take the place of the pinned ones, with
# TORCH another release of PyTorch and the torchvision that belongs to it, with COLAB what requirements-colab.txt lists, on its Python
# and of what the site needs docutils alone, which the tests' settings load.
set -eu
venv=$1
ready=$2
with_tests=${3:-}

# True if the interpreter runs (a pyenv shim may be there and not run), has a right version and can make environments.
suits() {
    "$@" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

pythons="python3 python3.13 python3.12 python3.11"
if [ -n "${COLAB:-}" ]; then
    pythons=$(sed -n 's/^# Python /python/p' requirements-colab.txt)
fi

if [ -z "$with_tests" ] && [ "$("$venv/bin/python" scripts/check_env.py "$ready" 2>/dev/null)" != works ]; then
    for python in ${PYTHON:-$pythons}; do
        if suits "$python"; then
            found=$python
            break
        fi
    done
    if [ -z "${found:-}" ]; then
        {
            echo "No suitable Python: looked for ${PYTHON:-$pythons}."
            echo "This project needs Python 3.11, 3.12 or 3.13 with its venv module:"
            echo "  Debian, Ubuntu: sudo apt install python3-venv     macOS: brew install python@3.13"
            echo "or name one: make PYTHON=/path/to/python3 env"
        } >&2
        exit 1
    fi
    echo "Making $venv with $("$found" --version). This downloads PyTorch and takes some minutes …"
    "$found" -m venv --clear "$venv"
fi

rm -f "$ready"
changes=
if [ -n "$with_tests" ]; then
    echo "Installing what the tests need …"
else
    changes='/^# The tests/,$d;'  # the last part of requirements.txt
fi
if [ -n "${NEWEST:-}" ]; then
    # jupyter-book 2 is another program, on another base.
    changes="$changes s/^jupyter-book==[^ ]*/jupyter-book<2/; s/^\([a-z0-9-]*\)==[^ ]*/\1/"
elif [ -n "${COLAB:-}" ]; then
    changes="$changes /^# The site/,/^\$/d; s/^\([a-z0-9-]*\)==[^ ]*/\1/"
elif [ -n "${TORCH:-}" ]; then
    changes="$changes s/^torch==[^ ]*/torch==$TORCH/; s/^torchvision==[^ ]*/torchvision/"
fi
requirements=$venv/requirements.txt
sed -e "$changes" requirements.txt > "$requirements"
# Not compiled: Python does that by itself for the modules that it imports, and most of PyTorch's never are.
"$venv/bin/python" -m pip install -q --progress-bar on --no-compile ${NEWEST:+--upgrade} -r "$requirements" ${COLAB:+-r requirements-colab.txt docutils} || {
    {
        echo "The packages were not installed; pip says why, above. Where it found no version at all, it reached no package index:"
        echo "is there a network connection? Then run the same command again."
    } >&2
    exit 1
}
"$venv/bin/python" -m pip install -q --no-deps -e .
"$venv/bin/python" -c 'import sys; print(sys.prefix)' > "$ready"
