"""How good a classifier is, and whether it may go into service: figures, behaviour, the gate, the page.

Pure: texts, truths and scores in, figures out. Knows no Dagster, no lake and no endpoint.
"""
