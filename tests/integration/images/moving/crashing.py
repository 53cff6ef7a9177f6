"""Runs the daemon and kills it, as a crash would, at an exact step: ``python -m …moving.crashing``.

The product knows nothing of it: the step is wrapped from outside, in this process alone.
"""

from __future__ import annotations

import importlib
import sys

from tests.integration.logs.crashing import dying

MODULES = {
    "KnownFiles": "vawsum_agent.state.known_files",
    "ObjectStore": "vawsum_agent.aws.objects",
    "Quarantine": "vawsum_agent.images.remove.quarantine",
    "quarantine": "vawsum_agent.images.remove.quarantine",
}
"""Where the owners of steps are; one in small letters is the module itself."""


def main(step: str, when: str, number: str, config: str) -> None:
    """Run the daemon; it dies ``before`` or ``after`` the call of the step with that number."""
    owner_name, name = step.split(".")
    module = importlib.import_module(MODULES[owner_name])
    owner = module if owner_name.islower() else getattr(module, owner_name)
    setattr(owner, name, dying(getattr(owner, name), when, int(number)))
    sys.argv = ["vawsum-agent", "run", "--config", config]
    importlib.import_module("vawsum_agent.cli.main").main()


if __name__ == "__main__":
    main(*sys.argv[1:])
