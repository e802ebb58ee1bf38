"""Offline: from logged cases to a promoted model. `learn` serves any rows, mixes and outcomes."""

from training.learning.learned import Learned
from training.learning.learner import learn

__all__ = ["Learned", "learn"]
