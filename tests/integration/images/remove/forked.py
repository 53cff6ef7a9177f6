"""A child process that removes files, and dies when it is told to or at an exact step."""

from __future__ import annotations

import multiprocessing
import os
from typing import TYPE_CHECKING

from tests.integration.logs.crashing import dying
from vawsum_agent.images.remove import DirectRemover, quarantine
from vawsum_agent.images.remove.quarantine import Quarantine

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import ForkProcess

    from tests.unit.images.remove.taking import Uploads
    from vawsum_agent.images.remove import Removal

LIMIT_S = 120.0


def forked(action: Callable[..., object], *arguments: object) -> ForkProcess:
    """Run a function in a child; what it changes of the code is changed in there alone."""
    process = multiprocessing.get_context("fork").Process(target=action, args=arguments)
    process.start()
    return process


def joined(process: ForkProcess) -> int:
    """Wait for its end; its exit code, negative for a signal."""
    process.join(LIMIT_S)
    assert process.exitcode is not None, "it goes on and on"
    return process.exitcode


def touch_some_in_the_quarantine(uploads: Uploads) -> None:
    """Let every third file change while it is in the quarantine, so that it is put back."""
    take_in = Quarantine.take_in
    count = 0

    def touching(self: Quarantine, parent: int, name: bytes, path: bytes) -> None:
        nonlocal count
        take_in(self, parent, name, path)
        count += 1
        if count % 3 == 0:
            for place in uploads.quarantine.rglob("f*"):
                if place.name.endswith(os.fsdecode(name)):
                    os.utime(place)

    Quarantine.take_in = touching  # type: ignore[method-assign]  # in this process alone


def die_at(step: str, when: str, number: int) -> None:
    """Make this process die ``before`` or ``after`` a call of a step: a method of Quarantine, or ``rename_new``."""
    owner = Quarantine if hasattr(Quarantine, step) else quarantine
    setattr(owner, step, dying(getattr(owner, step), when, number))


def remove_until_death(uploads: Uploads, removals: list[Removal], step: str, when: str, number: int) -> None:
    """Remove everything, and die on the way."""
    touch_some_in_the_quarantine(uploads)
    die_at(step, when, number)
    DirectRemover().remove(uploads.folder, removals)


def recover_until_death(uploads: Uploads, step: str, when: str, number: int) -> None:
    """Recover, and die on the way."""
    die_at(step, when, number)
    DirectRemover().recover(uploads.folder)
