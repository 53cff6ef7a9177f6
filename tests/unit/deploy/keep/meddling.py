"""Somebody who changes a tree at the worst moment of its removal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from vawsum_agent.deploy.keep.tree import remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Deed = Callable[[int, str, int], object]


def remove_tree_while(parent: Path, name: str, event: str, deed: Deed) -> None:
    """Remove a tree in a child, in which something is done each time right before Python does a thing of a kind.

    Args:
        parent: of the tree.
        name: of the tree.
        event: the kind, as audit hooks are told (docs.python.org, "Audit events table").
        deed: what is done; is told how often it was done before, the name that the event is about, and the folder.
    """
    child = os.fork()
    if child == 0:
        _run(parent, name, event, deed)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _run(parent: Path, name: str, event: str, deed: Deed) -> None:
    done = 0
    is_at_it = False

    def watch(happens: str, arguments: tuple[str, int]) -> None:
        nonlocal done, is_at_it
        if happens == event and not is_at_it:
            is_at_it = True
            deed(done, *arguments)
            done += 1
            is_at_it = False

    try:
        sys.addaudithook(watch)
        remove_tree(parent, name)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the child must not go on as a second test run
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(0)
