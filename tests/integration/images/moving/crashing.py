"""Runs the daemon and kills it, as a crash would, at an exact step: ``python -m …moving.crashing``.

The product knows nothing of it: the step is wrapped from outside, in this process alone.
"""

from __future__ import annotations

import sys

from tests.integration.logs.crashing import main

MODULES = {
    "KnownFiles": "vawsum_agent.state.known_files",
    "ObjectStore": "vawsum_agent.aws.objects",
    "Quarantine": "vawsum_agent.images.remove.quarantine",
    "quarantine": "vawsum_agent.images.remove.quarantine",
}
"""Where the owners of steps are; one in small letters is the module itself."""


if __name__ == "__main__":
    main(MODULES, *sys.argv[1:])
