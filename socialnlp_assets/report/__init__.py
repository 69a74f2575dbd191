"""The report of a day and of a week: one HTML file that needs nothing else, for each workflow and language.

`figures.py` asks the mart, `charts.py` draws with Vega-Lite, `page.py` makes the file, `asset.py` remakes what has
changed.
"""
