"""One module a way to train a classifier; `container.py` says what they are given, and what they give."""
