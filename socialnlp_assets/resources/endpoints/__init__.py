"""Endpoints with a managed lifecycle: leases, backends, prediction, metering."""
