#!/usr/bin/env bash
# Writes requirements/*.lock anew from pyproject.toml: exact versions and hashes, for every Python >= 3.11.
# No index address gets into the files, so they hold behind any mirror.
set -euo pipefail
cd "$(dirname "$0")/../.."

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    python3 -m venv build/lock-venv
    build/lock-venv/bin/pip install --quiet uv
    uv=build/lock-venv/bin/uv
fi

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --upgrade pyproject.toml "$@"
}
compile --output-file requirements/runtime.lock
# The same versions at run time and in the tests.
compile --extra dev --constraint requirements/runtime.lock --output-file requirements/dev.lock
