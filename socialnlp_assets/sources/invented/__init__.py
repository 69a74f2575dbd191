"""What the stand-ins say: sentences and people about Enervia, an energy company that does not exist."""
