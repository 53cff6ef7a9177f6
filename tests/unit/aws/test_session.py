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
