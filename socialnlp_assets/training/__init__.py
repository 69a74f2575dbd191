"""Rebuilds the embedded models: `python -m socialnlp_assets.training NAME --data DIR`.

What belongs here: reading labelled data, fitting, measuring, and writing a model folder. What a model sees of a
text lives in `nlp`, what it does at run time in `serving`. Nothing here runs in an endpoint or in an asset.
"""
