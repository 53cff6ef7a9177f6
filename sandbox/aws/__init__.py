"""The service side: what the agent sends to, as strict as the real one, faults on demand, moto for all else."""
