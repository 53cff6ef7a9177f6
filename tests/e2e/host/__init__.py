"""A Debian that is booted with systemd in systemd-nspawn, for tests that need a whole host."""
