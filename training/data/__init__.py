"""Logged cases: read from files or collected from the journal, checked, and some held out."""
