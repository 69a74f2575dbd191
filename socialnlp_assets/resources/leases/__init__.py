"""Leases: who has something shared, for how long, agreed on by compare-and-swap. Knows nothing of what is leased."""
