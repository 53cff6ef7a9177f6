"""The daemon: what builds everything, supervises it, answers on the control socket and talks to systemd."""
