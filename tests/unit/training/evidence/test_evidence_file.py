"""Findings as people write them, and what is said of a mistake."""

from pathlib import Path

import pytest

from router.cases.features import FEATURES
from router.policies.toml_file import PolicyError
from training.evidence.evidence_file import load_evidence

FILE = Path("policies/evidence.toml")
HEAD = """version = "1"
mix_error = 0.01
[reached]
share = 0.4
error = 0.1
source = "assumed"
"""
FINDING = """[[finding]]
name = "a talk"
talks = 1
effect = 0.02
error = 0.01
carries_over = 0.5
source = "a trial"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "evidence.toml"
    path.write_text(text)
    return path


def test_the_shipped_findings_are_read_and_each_names_its_source() -> None:
    evidence = load_evidence(FILE)
    assert len(evidence.findings) > 5
    assert all(finding.source for finding in evidence.findings)


def test_what_does_not_carry_over_makes_an_effect_smaller_and_its_error_larger(
    tmp_path: Path,
) -> None:
    (finding,) = load_evidence(written(tmp_path, HEAD + FINDING)).findings
    assert finding.expected == pytest.approx(0.01)
    assert finding.uncertainty == pytest.approx((0.01**2 + 0.01**2) ** 0.5)


def test_counts_are_given_by_their_ends_and_never_mean_unknown(tmp_path: Path) -> None:
    some = FINDING + 'field = "weeks_registered"\nat_most = 7\n'
    (finding,) = load_evidence(written(tmp_path, HEAD + some)).findings
    feature = FEATURES["weeks_registered"]
    assert finding.slots == tuple(feature.slot(week) for week in range(8))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FINDING.replace("0.02", "2.0"), r"finding\[0\]\.effect: 2.0 is outside -0.5 to 0.5"),
        (FINDING.replace("error = 0.01", "error = 0"), r"finding\[0\]\.error: 0 is outside 0.0005"),
        (FINDING.replace('source = "a trial"\n', ""), r"finding\[0\]\.source: is missing"),
        (FINDING + 'has = ["FAX"]\n', r"finding\[0\]\.has: .*must be a list of SELF_SERVICE"),
        (FINDING + 'field = "shoe_size"\n', r"finding\[0\]\.field: 'shoe_size' is not one of"),
        # It may never be a model's input, and so no finding's either.
        (FINDING + 'field = "no_shows_180d"\nat_least = 2\n', r"finding\[0\]\.field: 'no_shows"),
        (FINDING + 'field = "age_band"\nvalues = []\n', r"finding\[0\]\.values: is empty"),
        (FINDING + 'field = "weeks_registered"\n', r"finding\[0\]\.at_least: is missing, and so"),
        (
            FINDING + 'field = "weeks_registered"\nat_least = 9\nat_most = 8\n',
            r"finding\[0\]\.at_least: 9 is above at_most, 8",
        ),
        (FINDING + "effekt = 1\n", r"finding\[0\]\.effekt: is not a known key"),
        (FINDING + FINDING, r"finding\[1\]\.name: 'a talk' is the name of another too"),
    ],
)
def test_a_mistake_is_refused_by_finding_value_and_bound(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(PolicyError, match=said):
        load_evidence(written(tmp_path, HEAD + text))
