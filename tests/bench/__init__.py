"""How fast, how small, how soon: measured on the real daemon. `python -m tests.bench`; see docs/benchmarks.md."""
