"""Proof that this host serves a release, and serves it well, by asking as the load balancer and its visitors would.

`ask` makes one request, `witness` judges what a PHP worker says it serves, `hearing` hears several of them, `health`
asks the application's own check, and `prove` puts that together.
"""

from vawsum_agent.deploy.prove.hearing import Proven
from vawsum_agent.deploy.prove.prove import prove, served_release

__all__ = ["Proven", "prove", "served_release"]
