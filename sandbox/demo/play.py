"""Plays scenes one after the other and leaves nothing running, however they end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NoReturn

from sandbox.admin_client import SandboxError
from sandbox.demo import backup_scene, deploy_scene, images_scene, logs_scene, metrics_scene
from sandbox.demo.agent import AgentError
from sandbox.demo.narrator import Narrator
from sandbox.servers.process import ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SCENES: dict[str, Callable[[Narrator], bool]] = {
    "logs": logs_scene.run,
    "metrics": metrics_scene.run,
    "images": images_scene.run,
    "backup": backup_scene.run,
    "deploys": deploy_scene.run,
}
INTERRUPTED = 130


def play(names: Sequence[str]) -> int:
    """Play scenes by name, all when none is named. Returns the exit code: 0 only if all came out as promised."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    narrator = Narrator()
    try:
        with narrator:
            failed = [name for name in names or SCENES if not SCENES[name](narrator)]
    except KeyboardInterrupt:
        narrator.bad("interrupted; everything was stopped")
        return INTERRUPTED
    except (AgentError, SandboxError, ServerError) as error:
        narrator.bad(str(error))
        return 1
    for name in failed:
        narrator.bad(f"scene {name} did not come out as promised")
    return 1 if failed else 0


def _interrupt(_number: int, _frame: object) -> NoReturn:
    """Stop everything in order; a second interrupt must not break that off."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
