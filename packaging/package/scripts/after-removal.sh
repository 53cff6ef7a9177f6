#!/bin/sh
# deb's postrm ("remove", "purge", "upgrade", ...) and rpm's postun (0: the last one went, 1: another version stays).
set -e

case $1 in
    remove | 0) [ ! -d /run/systemd/system ] || systemctl daemon-reload ;;
    purge)
        # Positions, and what was not delivered yet: whoever installs it again starts anew. The user stays, as files elsewhere
        # may be its own; a state_dir elsewhere stays as well, as does all of this with rpm.
        rm -rf /var/lib/vawsum-agent /var/lib/vawsum-agent-deploys /etc/vawsum-agent
        rm -f /etc/systemd/system/multi-user.target.wants/vawsum-agent.service
        rm -f /etc/systemd/system/multi-user.target.wants/vawsum-agent-deploy-recover.service
        rm -f /etc/systemd/system/sockets.target.wants/vawsum-agent-owner@*.socket
        ;;
esac
