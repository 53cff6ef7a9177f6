#!/bin/sh
# deb's postinst and rpm's posttrans, for a first installation as for an upgrade: all files of this version are in place, and
# none of the one before is left. Every step may be run again: a crash in here leaves what `dpkg --configure -a` or
# a reinstallation finishes.
set -e

environment=/opt/vawsum-agent
configuration=/etc/vawsum-agent

systemd-sysusers vawsum-agent.conf
# Only when there is none: whoever changed the mode of theirs meant it.
[ -d $configuration ] || install -d -m 0750 -o root -g vawsum-agent $configuration
[ -d $configuration/conf.d ] || install -d -m 0750 -o root -g vawsum-agent $configuration/conf.d

# Compiled here, by the interpreter that runs it: the package stays the same bytes whatever machine built it. rpm has left the
# compiled modules of the version before, and with them the folders that are gone.
find $environment -depth -type d -name __pycache__ -exec rm -rf {} +
find $environment -depth -type d -empty -delete
$environment/bin/python -m compileall -q $environment/lib ||
    echo "vawsum-agent: not all modules could be byte-compiled; it works, and starts slower" >&2

# Enabled, but not started: at the next boot it finishes what a deploy left over, and does nothing without a configuration. Who
# doesn't want that masks it. Only links are made, so this works while an image is built, too.
systemctl --no-reload --quiet enable vawsum-agent-deploy-recover.service ||
    echo "vawsum-agent: vawsum-agent-deploy-recover.service is not enabled: after a reboot, vawsum-agent deploy recover" >&2

# No systemd runs while an image is built.
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # The owners' helpers: the next request starts the new version. They may be ended at any moment.
    systemctl --quiet stop 'vawsum-agent-owner@*.service' || :
    # Never `restart`, never `enable` the daemon: what nobody has configured is not started.
    systemctl try-restart vawsum-agent.service ||
        echo "vawsum-agent: it did not start again; journalctl -u vawsum-agent says why" >&2
fi
[ -e $configuration/agent.toml ] ||
    echo "vawsum-agent: installed and not started. Write $configuration/agent.toml (examples:" \
        "/usr/share/vawsum-agent/etc/vawsum-agent), then: systemctl enable --now vawsum-agent"
