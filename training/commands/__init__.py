"""The commands of `python -m training`, one file each; `training.__main__` gathers them.

A new command is a file here, and a name in that list.
"""
