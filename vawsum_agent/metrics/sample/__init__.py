"""Rounds: every source is asked on a thread of its own, and what its counters show becomes increases."""
