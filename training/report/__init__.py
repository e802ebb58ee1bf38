"""The report of a model version: one self-contained, printable HTML file.

A new chart is a function of the `*_drawings.py` whose first line names its section; `page.py` hands
it to that section's template in `templates/`.
"""
