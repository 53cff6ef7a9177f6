"""Which instance this is, for certain: what a deploy does to a host it does to the one of that name."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.daemon.identity import Host
from vawsum_agent.deploy.record import PLACE

if TYPE_CHECKING:
    from vawsum_agent.aws.metadata import InstanceMetadata
    from vawsum_agent.config.model import AgentConfig, DeployApp
    from vawsum_agent.core.identity import Identity
    from vawsum_agent.deploy.record import Record

_PAUSES_S = (0.3, 0.7)


@dataclass(frozen=True, slots=True)
class ThisHost:
    """This host.

    Attributes:
        is_certain: false where its name stands in for what instance metadata did not answer.
    """

    host: Host
    identity: Identity
    is_certain: bool

    def see_that_it_is_known(self, app: DeployApp, record: Record) -> None:
        """Touch no host that may be another one than AWS knows by this name.

        Taken for another one, it would be changed while it serves, being in no target group; or, out of service after a
        crash, be left there, since the journal would seem to have come with an image.

        Raises:
            DeployError: that is so. Nothing was done; trying again may help.
        """
        if self.is_certain or (app.drain == "none" and PLACE not in record.remembered):
            return
        message = "instance metadata does not answer, so nobody knows which instance this is, and where it belongs"
        raise DeployError(message, hint='try again; outside EC2 set agent.instance_id, or drain = "none"')


def this_host_for_certain(agent: AgentConfig, metadata: InstanceMetadata) -> ThisHost:
    """Ask, and ask again where it matters: at boot the network may be just coming up."""
    for pause_s in (*_PAUSES_S, 0.0):
        host = Host(metadata)
        identity = host.identity(agent)
        is_certain = bool(agent.instance_id) or host.proven_id is not None
        if is_certain:
            break
        time.sleep(pause_s)
    return ThisHost(host, identity, is_certain)
