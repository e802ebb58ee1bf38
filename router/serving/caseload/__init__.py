"""The service CaseloadPlanner: an office's open cases in, one plan out."""
