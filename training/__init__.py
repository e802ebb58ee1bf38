"""Offline: from logged cases to a promoted model.

`learn`, and `PolicyLearner` in scikit-learn's manner, serve any rows, mixes and outcomes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.learning.learned import Learned
    from training.learning.learner import learn
    from training.learning.policy_learner import PolicyLearner

__all__ = ["Learned", "PolicyLearner", "learn"]
_MODULES = {
    "learn": "training.learning.learner",
    "Learned": "training.learning.learned",
    "PolicyLearner": "training.learning.policy_learner",
}


def __getattr__(name: str) -> object:
    # When they are asked for: scikit-learn takes a second, and most commands need none of it.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
