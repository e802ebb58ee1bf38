"""A plan as an office makes it: the command, and the service of a real server."""

import json
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from router.v1 import caseload_pb2, caseload_pb2_grpc
from tests.builders import ROOT, a_case, a_catalogue
from tests.e2e.conftest import Server, router_command
from tests.in_process import router
from training.simulation.simulate import simulate, write_simulation

OFFICE = "office-01"


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "cases.parquet"
    write_simulation(simulate(12_000, 5, a_catalogue()), path)
    return path


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        router_command(*words), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_plan_is_told_in_words_and_figures_and_its_price_is_what_the_service_decides_with(
    tmp_path: Path, cases: Path, policies: Path
) -> None:
    out, figures = tmp_path / "plan.parquet", tmp_path / "plan.json"
    words = ["plan", "--cases", str(cases), "--office", OFFICE, "--hours", "700", "--out", str(out)]
    made = run(*words, "--json", str(figures), "--write-price", "--policies", str(policies))
    assert made.returncode == 0, made.stderr
    plan = json.loads(figures.read_text())
    planned = pl.read_parquet(out)
    assert f"{plan['cases']:,} open cases at {OFFICE}, 12 weeks ahead" in made.stdout
    assert f"{plan['left_out']:,} cases of other offices are left out" in made.stdout
    assert "More hours over the 12 weeks would buy:" in made.stdout
    assert planned.height == plan["cases"]
    assert planned["adviser_minutes"].sum() == plan["adviser_minutes"] <= 700 * 60
    # Score the same cases, case by case, with the price that was written.
    scored = tmp_path / "scored.parquet"
    again = run(
        "score",
        "--cases",
        str(cases),
        "--office",
        OFFICE,
        "--policies",
        str(policies),
        "--out",
        str(scored),
    )
    assert again.returncode == 0, again.stderr
    alone = planned.join(pl.read_parquet(scored), on="case_ref", suffix="_alone")
    assert (
        abs(alone["adviser_minutes_alone"].sum() - plan["adviser_minutes"])
        < 0.05 * plan["adviser_minutes"]
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--hours", "1"), "are missing"),
        (("--hours", "1", "--minutes", "60"), "not both"),
        (("--hours", "-1"), "--hours"),
        (("--office", "office-77"), "office: 'office-77' has no policy"),
        (("--cases", "/nonexistent.parquet"), "/nonexistent.parquet"),
    ],
)
def test_what_cannot_be_planned_ends_in_one_clear_line_and_leaves_no_file(
    tmp_path: Path, cases: Path, more: tuple[str, ...], said: str
) -> None:
    out = tmp_path / "plan.parquet"
    made = router("plan", "--cases", cases, "--office", OFFICE, "--out", out, *more)
    assert made.code in (1, 2)
    assert said in made.err.splitlines()[-1]
    assert "Traceback" not in made.err
    assert not out.exists()


def test_a_running_server_plans_a_caseload(server: Server) -> None:
    request = caseload_pb2.PlanCaseloadRequest
    parts = [request(header=caseload_pb2.PlanHeader(office_ref=OFFICE, hours=40))]
    them = [a_case(case_ref=f"c-{n}", weeks_registered=n) for n in range(20)]
    parts.append(request(cases=caseload_pb2.CaseChunk(cases=them)))
    answers = list(
        caseload_pb2_grpc.CaseloadPlannerStub(server.channel).PlanCaseload(iter(parts), timeout=20)
    )
    planned = [case for answer in answers[1:] for case in answer.cases.cases]
    assert [case.case_ref for case in planned] == [f"c-{n}" for n in range(20)]
    assert sum(case.adviser_minutes for case in planned) == answers[0].plan.adviser_minutes <= 2400
