"""The commands of `python -m training`, one file each; `training.__main__` gathers them."""
