"""The session: what it holds beside its clients."""

from __future__ import annotations

from vawsum_agent.aws.session import connect


def test_descriptions_are_let_go() -> None:
    """What botocore read to make a client does not stay in memory, and the next client is made all the same."""
    session = connect("ap-south-1")
    first = session.client("logs")
    kept = session._session.get_component("data_loader")._cache
    assert not kept
    assert session._session._internal_components._components.get("endpoint_resolver") is None
    second = session.client("sns")
    assert first.meta.endpoint_url == "https://logs.ap-south-1.amazonaws.com"
    assert second.meta.endpoint_url == "https://sns.ap-south-1.amazonaws.com"


def test_a_job_keeps_descriptions() -> None:
    """What botocore read for one client is there for the next, of another region, too."""
    session = connect("ap-south-1", is_lasting=False)
    session.client("sns")
    cache = session._session.get_component("data_loader")._cache
    kept = len(cache)
    assert kept
    session.in_region("eu-west-1").client("sns")
    assert len(cache) == kept
