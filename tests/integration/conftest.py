"""A sandbox and an agent for each test, and the figures that a run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from tests.integration.logs.running import CALM, RunningAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_FIGURES = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what the tests counted."""
    figures = config.stash.get(_FIGURES, [])
    if figures:
        terminalreporter.section("figures of the integration tests")
        for line in figures:
            terminalreporter.line(line)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Add a line to the figures that the run ends with."""
    figures = request.config.stash.setdefault(_FIGURES, [])
    return lambda text: figures.append(f"{request.node.name}: {text}")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local AWS of its own, without moto, that shows events soon."""
    with Sandbox.start(seed=7) as sandbox:
        sandbox.settings(**CALM)
        yield sandbox


@pytest.fixture
def agent(tmp_path: Path, sandbox: Sandbox) -> Iterator[RunningAgent]:
    """The daemon, configured by the test and not started; gone when the test ends."""
    agent = RunningAgent(tmp_path / "agent", sandbox)
    try:
        yield agent
    finally:
        agent.kill()
