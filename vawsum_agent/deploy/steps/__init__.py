"""What each step of a deploy does: the parts of this capability, put together for one record.

Every step may be carried out again, whatever moment of it a crash cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.deploy.machine import Step
from vawsum_agent.deploy.steps.hooking import Hooking
from vawsum_agent.deploy.steps.placing import Placing
from vawsum_agent.deploy.steps.releasing import Releasing
from vawsum_agent.deploy.steps.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.deploy.steps.here import Here


def steps_of(here: Here) -> dict[Step, Callable[[], str]]:
    """Give the deed of every step; each gives back what there is to say of it, and raises AgentError when it failed."""
    releasing, placing, serving, hooking = Releasing(here), Placing(here), Serving(here), Hooking(here)
    return {
        Step.FETCH: releasing.fetch,
        Step.PREPARE: releasing.prepare,
        Step.HOOK_FETCHED: lambda: hooking.run("fetched"),
        Step.RECORD: placing.record,
        Step.DRAIN: placing.drain,
        Step.HOOK_DRAINED: lambda: hooking.run("drained"),
        Step.SWITCH: serving.switch,
        Step.HOOK_SWITCHED: lambda: hooking.run("switched"),
        Step.RELOAD: serving.reload,
        Step.PROVE: serving.prove,
        Step.HOOK_HEALTHY: lambda: hooking.run("healthy"),
        Step.RETURN: placing.back_with_the_release,
        Step.GUARD: placing.guard,
        Step.KEEP: releasing.keep,
        Step.DRAIN_AGAIN: placing.drain_again,
        Step.SWITCH_BACK: serving.switch_back,
        Step.RELOAD_BACK: serving.reload,
        Step.PROVE_BACK: serving.prove_back,
        Step.RETURN_BACK: placing.restore,
        Step.HOOK_FAILED: lambda: hooking.run("failed"),
        Step.CLEAR: releasing.clear,
    }
