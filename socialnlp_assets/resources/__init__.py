"""What assets ask for: the lake, the endpoints, sources and secrets. `build` makes them of the settings."""
