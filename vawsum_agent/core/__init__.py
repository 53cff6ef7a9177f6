"""What every layer may use: errors, clock, durable files, units, the Component protocol. Imports nothing of ours."""
