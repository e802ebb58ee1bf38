"""Offline: from logged cases to a promoted model. `learn` serves any rows, mixes and outcomes."""

from training.learned import Learned
from training.learner import learn

__all__ = ["Learned", "learn"]
