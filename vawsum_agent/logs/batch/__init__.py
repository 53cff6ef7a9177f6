"""From bytes to requests: cut whole entries, stamp them with times, compose what PutLogEvents takes. Pure, no I/O."""
