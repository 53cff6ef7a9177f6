# The commands people and CI use; what each does is told in CONTRIBUTING.md.
.PHONY: setup demo test soak check bench package

python := .venv/bin/python

setup:
	@packaging/setup/system-packages.sh
	@packaging/setup/venv.sh

demo: setup
	@$(python) -m sandbox demo $(if $(SCENE),--scene $(SCENE))

check: setup
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(python) packaging/check/dead_links.py

# pytest comes last, so that its closing line is the last one.
test: setup check
	.venv/bin/pytest

soak: setup
	VAWSUM_SOAK=1 .venv/bin/pytest -m "soak or not soak" --timeout=7200

bench: setup
	@$(python) -m tests.bench

# Deb and rpm packages are not built yet: the wheel is, which is what the booted host's test installs.
package: setup
	$(python) -m hatchling build --target wheel
