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
	@packaging/check/tests.sh

soak: setup
	@VAWSUM_SOAK=1 packaging/check/tests.sh -m "soak or not soak" --timeout=7200

bench: setup
	@$(python) -m tests.bench

# For another host than this one: FOR_PYTHON=3.12 FOR_ARCH=aarch64. A second package of one version: RELEASE=2.
package: setup
	@$(python) packaging/package/build.py $(if $(FOR_PYTHON),--python $(FOR_PYTHON)) $(if $(FOR_ARCH),--arch $(FOR_ARCH)) \
		$(if $(RELEASE),--release $(RELEASE))
