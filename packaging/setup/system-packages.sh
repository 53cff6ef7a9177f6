#!/usr/bin/env bash
# Installs the system packages that tests and benchmarks use, or says which are missing when it may not.
# The agent itself needs none of them. Their services are neither started nor left enabled by this script.
set -euo pipefail

# One wish a line: the first name that the machine's package lists know is taken.
wishes='apache2
php8.2-fpm php-fpm
php8.2-cli php-cli
mariadb-server
logrotate
nginx-light nginx
rclone
rsyslog
rpm
openssl
debootstrap
systemd-container'

installed() { [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if ! command -v dpkg-query >/dev/null; then
    echo "setup: no Debian here; tests that need Apache, PHP-FPM, MariaDB, logrotate or nginx will be skipped" >&2
    exit 0
fi

missing=()
while read -r -a names; do
    for name in "${names[@]}"; do installed "$name" && continue 2; done
    missing+=("${names[*]}")
done <<<"$wishes"
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then
        as_root=(sudo)
    else
        printf 'setup: missing system package: %s\n' "${missing[@]}" >&2
        echo "setup: not root and no sudo, so the tests that need them will be skipped; everything else works" >&2
        exit 0
    fi
fi

echo "setup: installing system packages for the tests: ${missing[*]%% *}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
chosen=()
for wish in "${missing[@]}"; do
    for name in $wish; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            chosen+=("$name")
            continue 2
        fi
    done
    echo "setup: no package named any of: $wish" >&2
done

# policy-rc.d is Debian's switch against services that start while packages are being configured.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${chosen[@]}" >/dev/null

# Nor at the next boot: the tests start their own instances, on their own ports.
for name in "${chosen[@]}"; do
    unit=${name%-light}
    case $unit in mariadb-server) unit=mariadb ;; php-fpm) unit='php*-fpm' ;; esac
    "${as_root[@]}" systemctl disable --quiet "$unit.service" 2>/dev/null || true
done
