"""The report of a model version: one self-contained, printable HTML file."""

from training.report.page import write_report

__all__ = ["write_report"]
