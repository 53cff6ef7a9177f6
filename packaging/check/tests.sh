#!/usr/bin/env bash
# Runs all tests in parts, four of them at a time: most wait far more than they compute. Fails when any part does.
# What is given goes to all of them, as arguments for pytest.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Or each of thousands of commands compiles the agent anew.
unset PYTHONDONTWRITEBYTECODE
logs=build/tests
rm -rf "$logs"
mkdir -p "$logs"
export logs

part() { # its files and folders, and then pytest's arguments
  local paths=$1 name code=0
  shift
  name=${paths%% *}
  name=$(tr -cs 'a-z0-9\n' '-' <<<"${name#tests/}")
  # shellcheck disable=SC2086 - several paths may be one part
  .venv/bin/pytest "$@" $paths >"$logs/$name.log" 2>&1 || code=$?
  echo "$name: $(tail -n 1 "$logs/$name.log")"
  # 5: what was asked for selects none of this part.
  ((code == 0 || code == 5)) || {
    mv "$logs/$name.log" "$logs/$name.failed.log"
    return 1
  }
}
export -f part

# The longest come first, so that all lanes end together. What is not named here is a part, too: each folder, and the single files.
parts=(tests/integration/backup tests/unit tests/integration/{deploy,images,logs} tests/e2e tests/integration/metrics)
parts+=("$(echo tests/integration/test_[!s]*.py)" "$(echo tests/integration/test_s*.py)")
for folder in tests/integration/[a-z]*/; do
  [[ " ${parts[*]} " == *" ${folder%/} "* ]] || parts+=("${folder%/}")
done
failed=0
printf '%s\n' "${parts[@]}" | xargs -d '\n' -P 4 -I '{}' bash -c 'part "$@"' part '{}' "$@" || failed=1
cat "$logs"/*.log
if ((failed)); then
  echo "tests: failed: $(cd "$logs" && echo *.failed.log)"
  exit 1
fi
