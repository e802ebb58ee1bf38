"""The commands of `python -m router`, one file each; `router.__main__` gathers them.

A new command is a file here, and a name in that list.
"""
