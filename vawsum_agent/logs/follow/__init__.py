"""Following log files through every kind of rotation: `Follower` finds the generations of a log, `Tail` reads one."""
