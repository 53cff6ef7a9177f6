"""Releases that stay on this host and those that go: `surplus` decides, `remove` removes."""
