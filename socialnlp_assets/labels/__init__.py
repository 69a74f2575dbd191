"""Labelled texts: files of several tools into rows, rows into one data set, and what must hold of it.

Knows no Dagster and no lake. `formats` reads files, `dataset` makes a data set of their rows, `checks` says what is
wrong with one, `suggest` picks what is worth labelling next.
"""
