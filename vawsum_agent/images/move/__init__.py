"""Moving what was found: one lane a folder, which scans, uploads side by side, has removed, and waits."""
