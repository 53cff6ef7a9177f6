#!/bin/sh
# deb's prerm ("remove", "upgrade", ...) and rpm's preun (0: the last one goes, 1: another version stays).
set -e

# The daemon drains while it is stopped, at most agent.drain_timeout; the rest waits in its state folder.
case $1 in
    remove) [ ! -d /run/systemd/system ] || systemctl stop vawsum-agent.service ;;
    # deb remembers by the link in /etc that the unit was enabled, until the purge; rpm knows no purge.
    0) [ ! -d /run/systemd/system ] || systemctl --no-reload disable --now vawsum-agent.service ;;
esac

# What settle.sh compiled belongs to no package. At rpm's 1 the newer version is in place already: its settle.sh sweeps.
case $1 in
    remove | upgrade | 0) find /opt/vawsum-agent -depth -type d -name __pycache__ -exec rm -rf {} + ;;
esac
