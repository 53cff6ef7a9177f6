"""Metrics: sample the host and its servers, put readings together, publish them; nothing sampled is lost.

host/       what the kernel tells
servers/    what Apache, PHP-FPM and MySQL tell
requests    what the access logs told the logs capability
own         what the agent tells of itself
sample/     rounds: every source asked on a thread of its own, counters turned into increases
aggregate/  readings of a period put together as distributions
publish/    from the spool to CloudWatch: fresh first, then what waits, oldest first
catalogue   every metric there is
doctor/     what will go wrong with all that
"""
