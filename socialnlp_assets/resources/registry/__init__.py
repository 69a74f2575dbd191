"""The registry: which versions of a model there are, what is known of them, and which one is in service."""
