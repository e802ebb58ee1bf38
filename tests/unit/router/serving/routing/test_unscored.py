"""A version that is older than half of the mixes: callers and files are told what it knows."""

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from router.commands.score import score
from router.v1 import recommendation_pb2
from tests.builders import ROOT, a_case, a_catalogue
from tests.policies_of_six import CATALOGUE as SIX
from tests.unit.router.serving.service_builder import FULL, a_service
from tests.unit.training.version.versions_builder import a_version

NEW = [mix for mix in a_catalogue().ids if mix not in SIX.ids]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    a_version(tmp_path / "models", "old")
    (tmp_path / "models" / "promoted").write_text("old\n")
    return tmp_path / "models"


def test_an_answer_marks_the_mixes_that_nothing_was_learned_of(
    models: Path, tmp_path: Path
) -> None:
    with a_service(tmp_path, models=models) as service:
        answer = service.ask(a_case(), view=FULL)
    assert [one.mix_id for one in answer.options if one.unscored] == NEW


def test_no_answer_compares_with_a_mix_that_nothing_was_learned_of(
    models: Path, tmp_path: Path
) -> None:
    readers = [recommendation_pb2.READER_USER, recommendation_pb2.READER_ADVISER]
    with a_service(tmp_path, models=models) as service:
        for weeks in range(0, 200, 4):
            case = a_case(weeks_registered=weeks)
            for answer in [service.ask(case, view=FULL, reader=one) for one in readers]:
                told = {one.compared_with for one in answer.reasons} | {answer.near_equal_mix}
                assert not told & set(NEW)


def test_a_scored_file_has_no_expected_outcome_of_them(models: Path, tmp_path: Path) -> None:
    pl.DataFrame({"case_ref": ["c-1"], "weeks_registered": [4], "shielded": ["NO"]}).write_csv(
        tmp_path / "cases.csv"
    )
    out = tmp_path / "scored.parquet"
    files = {"--cases": tmp_path / "cases.csv", "--out": out, "--models": models}
    arguments = [text for name, path in files.items() for text in (name, str(path))]
    done = CliRunner().invoke(score, [*arguments, "--policies", str(ROOT / "policies")])
    assert done.exit_code == 0, done.output

    scored = pl.read_parquet(out)
    for mix in a_catalogue().ids:
        told = [scored[f"{kind}_{mix}"].null_count() for kind in ("expected", "error")]
        assert told == [mix in NEW] * 2, mix
