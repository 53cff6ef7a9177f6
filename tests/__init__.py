"""The tests: unit (pure, fast), integration (real servers), e2e (a booted host), bench."""
