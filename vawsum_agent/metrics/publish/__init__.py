"""From the spool to CloudWatch: dimensions of the host, requests within the limits, fresh data before what waits."""
