"""scikit-learn's own checks of an estimator, on `PolicyLearner`: `python -m bench.conventions`.

They fit a hundred times and take minutes; tests run those that fit little.
"""

from __future__ import annotations

import argparse
from typing import Any, Self

import numpy as np
from sklearn.utils.estimator_checks import check_estimator

from training import PolicyLearner

QUICK: dict[str, Any] = {"teachers": ("r_spline",), "calibrate": False, "pairs": 0, "folds": 3}
"""One teacher: what is checked is the manner, not the learning."""
_FEW = "the check has fewer than ten cases of each of two mixes"
NOT_APPLICABLE = {
    "check_fit2d_1feature": _FEW,
    "check_n_features_in_after_fitting": _FEW,
}
"""Checks that a learner of mixes cannot pass, and why."""


class WithTwoArguments(PolicyLearner):
    """The same with `fit(X, y)`: scikit-learn's checks know of no mixes.

    Every other row was given the other mix, and `y` is the outcome.
    """

    def fit(self, X: Any, y: Any) -> Self:  # type: ignore[override] # noqa: N803
        """Learns from outcomes alone."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        return super().fit(X, np.arange(len(X) if hasattr(X, "__len__") else 1) % 2, y)


def main() -> None:
    """Runs every check, and prints which passed."""
    found = check_estimator(
        WithTwoArguments(**QUICK), expected_failed_checks=NOT_APPLICABLE, on_fail=None
    )
    for one in found:
        why = NOT_APPLICABLE.get(one["check_name"], one["exception"] or "")
        print(f"{one['status']:<8} {one['check_name']}  {why}")
    passed = sum(one["status"] == "passed" for one in found)
    failed = [one["check_name"] for one in found if one["status"] == "failed"]
    print(f"{passed} of {len(found)} passed; failed: {', '.join(failed) or 'none'}")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.conventions", description=__doc__).parse_args()
    main()
