#!/usr/bin/env bash
# Prints the path of nfpm, which writes both packages; builds it into build/tools when it is not there yet (half a minute).
# Pinned: another release may write other bytes. Go checks what it fetches against its checksum database.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=v2.45.2
nfpm=$PWD/build/tools/nfpm-$version

if [ ! -x "$nfpm" ]; then
    if ! command -v go >/dev/null; then
        echo "package: Go 1.25 or newer is needed to build nfpm, and there is no go on PATH; it is not part of make setup" >&2
        exit 1
    fi
    building=$(mktemp -d)
    trap 'rm -rf "$building"' EXIT
    echo "package: building nfpm $version" >&2
    if ! GOBIN=$building go install "github.com/goreleaser/nfpm/v2/cmd/nfpm@$version" >"$building/log" 2>&1; then
        echo "package: $(go version | cut -d' ' -f3) could not build nfpm $version: $(tail -1 "$building/log")" >&2
        exit 1
    fi
    mkdir -p "$(dirname "$nfpm")"
    mv "$building/nfpm" "$nfpm"
fi
echo "$nfpm"
