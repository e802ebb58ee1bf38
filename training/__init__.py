"""Offline: from logged cases to a promoted model. `learn` serves any rows, mixes and outcomes."""

from training.learner import Learned, learn

__all__ = ["Learned", "learn"]
