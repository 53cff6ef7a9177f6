"""The command line: one file a command. Talks to the daemon through its control socket, or runs a job."""
