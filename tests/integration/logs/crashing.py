"""Runs the daemon and kills it, as a crash would, at an exact step: ``python -m tests.integration.logs.crashing``.

The product knows nothing of it: the step's function is wrapped from outside, in this process alone.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MODULES = {
    "DeadLetters": "vawsum_agent.logs.deadletter",
    "LogBatches": "vawsum_agent.state.log_batches",
    "LogFiles": "vawsum_agent.state.log_files",
    "LogsClient": "vawsum_agent.aws.logs",
    "MetricSpool": "vawsum_agent.state.metric_spool",
    "MetricsClient": "vawsum_agent.aws.cloudwatch",
    "Store": "vawsum_agent.state.store",
    "store": "vawsum_agent.state.store",
}
"""Where the owners of steps are; one in small letters is the module itself."""


def main(modules: Mapping[str, str], step: str, when: str, number: str, config: str) -> None:
    """Run the daemon; it dies ``before``, ``after`` or ``inside`` the call of the step with that number."""
    owner_name, name = step.split(".")
    module = importlib.import_module(modules[owner_name])
    owner = module if owner_name.islower() else getattr(module, owner_name)
    setattr(owner, name, dying(getattr(owner, name), when, int(number)))
    sys.argv = ["vawsum-agent", "run", "--config", config]
    importlib.import_module("vawsum_agent.cli.main").main()


def dying(function: Callable[..., Any], when: str, number: int) -> Callable[..., Any]:
    """Wrap a function; calls that raise don't count ``after``."""
    lock = threading.Lock()
    calls = 0

    def count() -> None:
        nonlocal calls
        with lock:
            calls += 1
            if calls == number:
                die()

    def last(result: object) -> object:
        count()
        return result

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any function's
        if when == "before":
            count()
        elif when == "inside":
            # Of a transaction, the last argument: after its statements and before the commit.
            *args, transaction = args  # type: ignore[assignment]
            return function(*args, lambda database: last(transaction(database)), **kwargs)
        result = function(*args, **kwargs)
        if when == "after":
            count()
        return result

    return wrapper


def die() -> NoReturn:
    """End at once, without a chance to clean up."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


if __name__ == "__main__":
    main(MODULES, *sys.argv[1:])
