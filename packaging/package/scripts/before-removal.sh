#!/bin/sh
# deb's prerm ("remove", "upgrade", ...) and rpm's preun (0: the last one goes, 1: another version stays).
set -e

# The daemon drains while it is stopped, at most agent.drain_timeout; the rest waits in its state folder. The owners' helpers go
# after it, as it may ask them until its end; their sockets with them, or the next one to connect would start them again.
# A deploy that runs takes back what it began, which may take minutes: once the package is gone, nobody could.
case $1 in
    remove)
        if [ -d /run/systemd/system ]; then
            systemctl stop 'vawsum-agent-deploy-2*.service'
            systemctl stop vawsum-agent.service
            systemctl stop 'vawsum-agent-owner@*.socket' 'vawsum-agent-owner@*.service'
        fi
        ;;
    # deb remembers by the links in /etc what was enabled, until the purge; rpm knows no purge.
    0)
        if [ -d /run/systemd/system ]; then
            systemctl stop 'vawsum-agent-deploy-2*.service'
            systemctl --no-reload disable --now vawsum-agent.service
            systemctl stop 'vawsum-agent-owner@*.socket' 'vawsum-agent-owner@*.service'
        fi
        rm -f /etc/systemd/system/sockets.target.wants/vawsum-agent-owner@*.socket
        rm -f /etc/systemd/system/multi-user.target.wants/vawsum-agent-deploy-recover.service
        ;;
esac

# What settle.sh compiled belongs to no package. At rpm's 1 the newer version is in place already: its settle.sh sweeps.
case $1 in
    remove | upgrade | 0) find /opt/vawsum-agent -depth -type d -name __pycache__ -exec rm -rf {} + ;;
esac
