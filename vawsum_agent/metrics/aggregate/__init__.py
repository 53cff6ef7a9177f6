"""Puts readings together: a period's values as distributions, as many data in a chunk as a request takes."""
