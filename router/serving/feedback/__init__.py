"""The service Feedback: choices, outcomes, own views, reviews and their answers."""
