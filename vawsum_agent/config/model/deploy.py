"""``[deploy]`` as frozen values."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vawsum_agent.config.model.values import AbsolutePath, HttpUrl, NonEmpty, Seconds
from vawsum_agent.config.rules import APP_NAME, FOLDER, HOST_HEADER, OPTIONAL_HTTP_URL, S3_FOLDER, USER, between

DrainWay = Literal["auto", "standby", "deregister", "none"]


class DeployGuard(msgspec.Struct, frozen=True, kw_only=True):
    """``[deploy.app.guard]``: watches this host's own traffic after it is back in service."""

    window: Annotated[Seconds, between(1, 3600, "1s to 1h"), Meta(description="for how long")] = Seconds(120.0)
    min_requests: Annotated[
        int, between(1, 10**9, "at least 1"), Meta(description="fewer requests than this say nothing")
    ] = 50
    max_5xx_ratio: Annotated[
        float, between(0, 1, "0 to 1"), Meta(description="of its requests answered 5xx; more takes the release back")
    ] = 0.02
    max_latency_factor: Annotated[
        float,
        between(1, 1000, "1 to 1000"),
        Meta(description="the slowest tenth may take this many times as long as before the drain"),
    ] = 3.0
    required: Annotated[
        bool, Meta(description="`true`: refuse to deploy when the daemon, which counts, is not running")
    ] = False


class DeployApp(msgspec.Struct, frozen=True, kw_only=True):
    """``[[deploy.app]]``: an application of this host, and how its releases come and go."""

    name: Annotated[NonEmpty, APP_NAME, Meta(description="a name of its own, for commands and documents")]
    path: Annotated[AbsolutePath, FOLDER, Meta(description="where `releases/ shared/ current` are")]
    artifacts: Annotated[NonEmpty, S3_FOLDER, Meta(description="where releases are published")]
    secrets: Annotated[
        str, S3_FOLDER, Meta(description="whose objects become files of every release; empty: there are none")
    ] = ""
    secrets_group: Annotated[
        NonEmpty, USER, Meta(description="the group that may read what secrets become, beside root")
    ] = "www-data"
    web_user: Annotated[
        NonEmpty, USER, Meta(description="owns writable paths, and runs hooks that name nobody, where root deploys")
    ] = "www-data"
    health_url: Annotated[HttpUrl, Meta(description="answers 2xx when the application is well; on this host")]
    health_host: Annotated[str, HOST_HEADER, Meta(description="the Host header of health and proof requests")] = ""
    proof_url: Annotated[
        str, OPTIONAL_HTTP_URL, Meta(description="answers the release really served; see etc/apache2/")
    ] = ""
    health_timeout: Annotated[
        Seconds, between(1, 3600, "1s to 1h"), Meta(description="for the application to become well after a switch")
    ] = Seconds(60.0)
    reload: Annotated[
        list[NonEmpty], Meta(description="commands, without a shell, in this order, after the switch")
    ] = msgspec.field(default_factory=lambda: ["systemctl reload php8.2-fpm", "systemctl reload apache2"])
    keep_releases: Annotated[
        int, between(2, 1000, "2 to 1000"), Meta(description="releases that served healthy; older ones are removed")
    ] = 5
    drain: Annotated[DrainWay, Meta(description="`auto`: standby in an Auto Scaling group, else deregister")] = "auto"
    drain_timeout: Annotated[
        Seconds,
        between(1, 6 * 3600, "1s to 6h"),
        Meta(description="beyond the deregistration delay, for the load balancer to let go, and to take back"),
    ] = Seconds(300.0)
    min_healthy_peers: Annotated[
        int, between(0, 10**6, "0 or more"), Meta(description="per target group, counted before this host is drained")
    ] = 1
    guard: Annotated[DeployGuard | None, Meta(description="left out: nobody watches")] = None


class DeployConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[deploy]``: releases that are proven, watched, and taken back."""

    app: Annotated[list[DeployApp], Meta(description="at least one")] = msgspec.field(default_factory=list)
