"""Drawings that people read, as inline SVG: for the ledger's page and the report of a version."""
