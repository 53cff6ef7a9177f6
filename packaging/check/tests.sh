#!/usr/bin/env bash
# Runs all tests as two halves side by side: most of them wait far more than they compute. Fails when either half does.
# What is given goes to both, as arguments for pytest.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p build
log=build/tests-first-half.log
first=(tests/unit tests/integration/backup tests/integration/images tests/integration/sandbox_s3)

.venv/bin/pytest "$@" "${first[@]}" >"$log" 2>&1 &
half=$!
trap 'kill "$half" 2>/dev/null || true' EXIT
second_failed=0
.venv/bin/pytest "$@" tests/integration tests/e2e "${first[@]/#/--ignore=}" || second_failed=1
first_failed=0
wait "$half" || first_failed=1
cat "$log"
if ((first_failed || second_failed)); then
  echo "tests: a half failed (first: $first_failed, second: $second_failed); the second's summary stands above the first's output"
  exit 1
fi
