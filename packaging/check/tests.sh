#!/usr/bin/env bash
# Runs all tests in four lanes side by side: most of them wait far more than they compute. Fails when any lane does.
# What is given goes to all of them, as arguments for pytest.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p build
pictures=(tests/integration/images tests/integration/sandbox_s3)
databases=(tests/integration/backup)
releases=(tests/e2e tests/integration/deploy tests/integration/test_sandbox_balancing.py tests/integration/test_sandbox_run_command.py)

lane() { # name, then what it runs; its output goes to a file
  local name=$1
  shift
  .venv/bin/pytest "$@" >"build/tests-$name.log" 2>&1 &
  lanes[$!]=$name
}

declare -A lanes=()
trap 'kill "${!lanes[@]}" 2>/dev/null || true' EXIT
lane unit "$@" tests/unit "${pictures[@]}"
lane databases "$@" "${databases[@]}"
lane releases "$@" "${releases[@]}"
failed=()
.venv/bin/pytest "$@" tests/integration "${pictures[@]/#/--ignore=}" "${databases[@]/#/--ignore=}" "${releases[@]/#/--ignore=}" || failed+=(others)
for process in "${!lanes[@]}"; do
  wait "$process" || failed+=("${lanes[$process]}")
done
cat build/tests-unit.log build/tests-databases.log build/tests-releases.log
if ((${#failed[@]})); then
  echo "tests: failed: ${failed[*]} (the summary of the others stands above the output of the other lanes)"
  exit 1
fi
