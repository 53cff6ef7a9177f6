"""A local AWS and a local web host, for the demo and the tests. Never shipped.

aws/      the service side: a strict, faulty front before moto's server, and instance metadata
host/     the host side: Apache, PHP-FPM, logrotate, traffic with counted ids
demo/     the scenes of `make demo`
client    `Sandbox`: starts the service in a process of its own and talks to it
records   what its books hold
proof     what was written against what arrived
"""

from sandbox.admin_client import SandboxError
from sandbox.client import Sandbox
from sandbox.proof import Proof, prove
from sandbox.records import Event, MetricDatum, Notification, PendingUpload, StoredObject

__all__ = [
    "Event",
    "MetricDatum",
    "Notification",
    "PendingUpload",
    "Proof",
    "Sandbox",
    "SandboxError",
    "StoredObject",
    "prove",
]
