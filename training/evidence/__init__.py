"""Published findings as a version of their own, and as what a fit knows before it sees a log."""
