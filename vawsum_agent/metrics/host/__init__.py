"""What the kernel tells about the host, under the CloudWatch agent's names: `all.host_sources` builds every source.

processor      time of all processors by state
system         load, uptime, open files
memory         memory and swap
disk           space and inodes, a source a mount; `mounts` reads what is mounted where
diskio         reads and writes of physical disks
network        bytes, packets, errors and drops of interfaces
sockets        TCP by state, UDP; `sock_diag` and `socket_states` are two ways to the same counts
processes      by state, and what groups of them use; its parts: `process_files`, `process_stat`, `groups`, `procstat`
agent_process  what the agent itself uses
source         what all of these have in common
"""

from vawsum_agent.metrics.host.all import METRICS, host_sources

__all__ = ["METRICS", "host_sources"]
