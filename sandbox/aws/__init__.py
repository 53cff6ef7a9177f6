"""The service side: CloudWatch Logs as strict as the real one, faults on demand, moto for all other services."""
