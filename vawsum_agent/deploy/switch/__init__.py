"""Which release the web server serves: the one that ``current`` points to, changed by one rename(2)."""

from vawsum_agent.deploy.switch.link import link_of, restore_link, switch_to, switched_at

__all__ = ["link_of", "restore_link", "switch_to", "switched_at"]
