#!/usr/bin/env bash
# Creates .venv from the lock file with the package installed in place. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The stamp holds what .venv was built from; a half-built .venv has none. The settings of tools do not count.
stamp=.venv/.built-from
inputs=$({ cat requirements/dev.lock packaging/setup/venv.sh && sed '/^\[tool\.ruff/,$d' pyproject.toml; } | sha256sum)
if [ -x .venv/bin/vawsum-agent ] && [ "$(cat $stamp 2>/dev/null)" = "$inputs $PWD" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

python=
for candidate in python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "setup: Python 3.11 or newer is needed; found $(python3 --version 2>&1)" >&2
    exit 1
fi

# Debian ships python3 without ensurepip, which `python3 -m venv` needs.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
    echo "setup: installing python3-venv"
    if ! { "${as_root[@]}" apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq python3-venv >/dev/null; }; then
        echo "setup: $python has no venv module; install it (on Debian: apt-get install python3-venv)" >&2
        exit 1
    fi
fi

echo "setup: building .venv with $("$python" --version)"
rm -f $stamp
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    -r requirements/dev.lock
# No build isolation: the build backend comes from the lock file as well.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
echo "$inputs $PWD" >$stamp
