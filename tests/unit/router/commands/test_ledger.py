"""`python -m router ledger` as a leader's analyst meets it."""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.commands.ledger import ledger
from router.journal.stores.sqlite import SqliteJournal
from router.ledger.account import LedgerRefused
from router.ledger.export import COLUMNS
from router.policies.toml_file import PolicyError
from tests.builders import ROOT
from tests.unit.router.ledger.journal_builder import MINUTES, advised, came, chose, many

BASELINE = {
    "GOOD_OPPORTUNITIES": 60,
    "NEEDS_GUIDANCE": 100,
    "NEEDS_GUIDANCE_REDUCED_CAPACITY": 100,
    "PARTIAL_WORK": 100,
    "SMALL_OPPORTUNITY": 100,
    "NOT_DECIDED": 100,
    "UNKNOWN": 90,
}
POLICY = "minutes_per_week = 7000\n{more}\n[baseline_minutes]\n"
POLICY += "".join(f"{group} = {minutes}\n" for group, minutes in BASELINE.items())
LIGHT, HEAVY = "SELF_SERVICE", "BLENDED_OFFICE"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a folder with policies of two offices and a journal of one."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "policies" / "offices").mkdir(parents=True)
    for name in ("national.toml", "mixes.toml"):
        shutil.copyfile(ROOT / "policies" / name, folder / "policies" / name)
    for office, more in (
        ("office-a", ""),
        ("office-b", 'languages = ["nn"]'),
        ("office-c", "price_per_minute = 9"),
    ):
        (folder / "policies" / "offices" / f"{office}.toml").write_text(
            POLICY.format(more=more), encoding="utf-8"
        )
    heavy = [
        advised(f"h-{number}", HEAVY, weight=2.0, need_group="NEEDS_GUIDANCE", synthetic=True)
        for number in range(32)
    ]
    records = many(40, mix=LIGHT, need_group="GOOD_OPPORTUNITIES")
    records += [
        *heavy,
        *(chose(one, HEAVY) for one in heavy),
        *(came(one, OFFICE_MEETING=(2, 110)) for one in heavy),
    ]
    store = SqliteJournal(folder / "journal.db")
    store.write_batch(records)
    store.close()
    return folder


def ask(
    place: Path,
    *words: str,
    office: str = "office-a",
    first: str = "2026-03-02",
    last: str = "2026-05-31",
) -> Result:
    fixed = ["--journal", f"sqlite:///{place}/journal.db", "--policies", str(place / "policies")]
    return CliRunner().invoke(
        ledger, ["--office", office, "--from", first, "--to", last, *fixed, *words]
    )


def test_the_table_tells_estimated_and_measured_hours_apart(place: Path) -> None:
    lines = ask(place).output.splitlines()
    # Of 32 such cases two wait until there are ten.
    released, reused = 40 * (60 - MINUTES[LIGHT]) / 60, 30 * (MINUTES[HEAVY] - 100) / 60
    assert [line.split()[1:3] for line in lines[1:3]] == [["estimated", "70"], ["measured", "30"]]
    assert lines[1].split()[-3:] == [
        f"{hours:,.0f}" for hours in (released, reused, released - reused)
    ]


def test_the_page_needs_no_network_and_no_script_and_says_that_it_is_synthetic(
    place: Path, tmp_path: Path
) -> None:
    page = tmp_path / "ledger.html"
    words = ("--language", "en", "--as-of", "2026-08-31")
    assert ask(place, "--html", str(page), *words).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r'(?:src|href)="(?!data:|#)', text)
    assert "TEST." in text
    assert "The plans use the released hours again. The difference is probably −" in text
    assert "30 of 70 ended plans have reported time" in text
    assert "31 August 2026" in text


def test_the_page_is_in_the_offices_own_language_unless_another_is_asked_for(
    place: Path, tmp_path: Path
) -> None:
    for words, title in (((), "Gevinstrekneskap"), (("--language", "nb"), "Gevinstregnskap")):
        assert (
            ask(place, "--html", str(tmp_path / "a.html"), *words, office="office-b").exit_code == 0
        )
        assert title in (tmp_path / "a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"offices": {}}, "hours: tells of no office, and of none that is asked for"),
        ({"until": "2025-03-01"}, "hours: tells of weeks up to 2025-03-01, which is not from"),
    ],
)
def test_hours_of_others_or_of_another_time_are_refused(
    place: Path, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    people = {"value": 0.2, "low": 0.1, "high": 0.3}
    found = {"hours": 10, "weeks": 4.0, "until": "2026-05-03", "best_move": None}
    found["offices"] = {"office-a": {"cases": 200, "more": people, "fewer": None}}
    file = tmp_path / "hours.json"
    words = ("--html", str(tmp_path / "ledger.html"), "--hours", str(file))
    file.write_text(json.dumps(found))
    assert ask(place, *words).exit_code == 0
    assert "give --html as well" in ask(place, "--hours", str(file)).output
    file.write_text(json.dumps(found | changes))
    refused = ask(place, *words).exception
    assert isinstance(refused, LedgerRefused)
    assert why in str(refused)


def test_an_empty_period_gives_an_honest_page(place: Path, tmp_path: Path) -> None:
    page = tmp_path / "ledger.html"
    found = ask(
        place, "--html", str(page), "--language", "en", first="2020-01-01", last="2020-12-31"
    )
    assert found.exit_code == 0
    assert "No cases in the period, or fewer than ten" in page.read_text(encoding="utf-8")
    assert "<svg" not in page.read_text(encoding="utf-8")


def test_the_csv_sums_to_the_whole_tells_of_tens_and_leaves_nothing_empty(
    place: Path, tmp_path: Path
) -> None:
    assert ask(place, "--csv", str(tmp_path / "a.csv")).exit_code == 0
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    whole = rows[0]
    assert (whole["week"], whole["tier"], whole["cases"]) == ("ALL", "ALL", "70")
    for name in ("baseline", "planned", "released", "reused"):
        tiers = [int(row[name]) for row in rows if row["week"] == "ALL" and row["tier"] != "ALL"]
        assert sum(tiers) == int(whole[name])
    assert int(whole["baseline"]) == int(whole["planned"]) + int(whole["released"]) - int(
        whole["reused"]
    )
    assert all(int(row[name]) % 10 == 0 for row in rows for name in ("cases", "measured_cases"))
    balances = COLUMNS[: COLUMNS.index("benefit_cases")]
    assert all(row[name] for row in rows for name in balances)
    # Nothing is withheld here, and the row of all says so.
    assert (whole["effect_lacks"], whole["users_measured"]) == ("not_drawn", "")
    assert {row["tier"] for row in rows} == {"ALL", "FIRST", "NEXT", "OTHERS", "UNKNOWN"}


def test_the_csv_of_several_offices_ends_with_all_of_them_together(
    place: Path, tmp_path: Path
) -> None:
    alone, several = tmp_path / "alone.csv", tmp_path / "several.csv"
    assert ask(place, "--csv", str(alone)).exit_code == 0
    assert ask(place, "--csv", str(several), "--office", "office-b").exit_code == 0
    rows = list(csv.DictReader(several.read_text(encoding="utf-8").splitlines()))
    assert several.read_text(encoding="utf-8").startswith(alone.read_text(encoding="utf-8"))
    assert list(dict.fromkeys(row["office"] for row in rows)) == ["office-a", "office-b", "ALL"]

    sums = {(row["week"], row["tier"]): row for row in rows if row["office"] == "ALL"}
    for key, whole in sums.items():
        parts = [
            row for row in rows if row["office"] != "ALL" and key == (row["week"], row["tier"])
        ]
        assert len(parts) == 2
        for name in ("cases", "baseline", "planned", "released", "reused", "spent"):
            assert int(whole[name]) == sum(int(row[name]) for row in parts)
    # What showing the advice is worth is told there too, or why it cannot be.
    assert sums["ALL", "ALL"]["benefit_cases"] == "70"
    assert sums["ALL", "ALL"]["effect_lacks"] == "not_drawn"


def test_prometheus_reads_the_ledger_in_seconds(place: Path, tmp_path: Path) -> None:
    assert (
        ask(place, "--prometheus", str(tmp_path / "a.prom"), "--office", "office-b").exit_code == 0
    )
    text = (tmp_path / "a.prom").read_text(encoding="utf-8")
    sample = 'router_ledger_seconds{basis="measured",kind="spent",office="office-a"} 198000.0'
    assert sample in text
    assert (
        'router_contact_seconds{basis="measured",channel="OFFICE_MEETING",office="office-a"} 3300.0'
        in text
    )
    assert 'router_ledger_cases{basis="estimated",office="office-b"} 0.0' in text


def test_what_was_recorded_after_the_day_it_is_told_on_is_left_out(place: Path) -> None:
    # Time was reported 70 days after the first Monday, 11 May.
    for day, measured in (("2026-05-10", "no cases, or fewer than ten"), ("2026-05-11", "30")):
        line = ask(place, "--as-of", day).output.splitlines()[2]
        assert line.split(maxsplit=2)[2].startswith(measured)


def test_several_offices_get_a_page_each_linked_with_that_of_all(
    place: Path, tmp_path: Path
) -> None:
    page = tmp_path / "all.html"
    asked = ask(place, "--html", str(page), "--office", "office-b")
    assert asked.exit_code == 0, asked.exception
    text = page.read_text(encoding="utf-8")
    # At the top of the page, and again in the table of offices.
    assert re.findall(r'href="(all-[^"]+)"', text) == 2 * [
        "all-office-a.html",
        "all-office-b.html",
    ]
    for office in ("office-a", "office-b"):
        own = (tmp_path / f"all-{office}.html").read_text(encoding="utf-8")
        assert 'href="all.html"' in own


@pytest.mark.parametrize(
    ("words", "options", "error", "named"),
    [
        ((), {"office": "office-x"}, LedgerRefused, r"office-x.*no policy.*office-a, office-b"),
        ((), {"office": "office-c"}, LedgerRefused, r"office-c.*price_per_minute.*9"),
        ((), {"office": "ALL"}, LedgerRefused, r"office-c.*price_per_minute.*9"),
        ((), {"last": "2026-03-01"}, LedgerRefused, r"to: 2026-03-01 is before from, 2026-03-02"),
        (("--prometheus", "a.txt"), {}, LedgerRefused, r"a\.txt must end with \.prom"),
        (("--policies", "nowhere"), {}, PolicyError, r"nowhere"),
    ],
)
def test_what_cannot_be_told_is_refused_with_what_is_wrong(
    place: Path,
    words: tuple[str, ...],
    options: dict[str, Any],
    error: type[Exception],
    named: str,
) -> None:
    found = ask(place, *words, **options)
    assert isinstance(found.exception, error)
    assert re.search(named, str(found.exception))


def test_a_date_that_is_none_is_refused(place: Path) -> None:
    assert "does not match" in ask(place, last="2026-02-30").output


def test_without_the_extra_the_page_is_refused_with_what_to_install(place: Path) -> None:
    days = ["--from", "2026-03-02", "--to", "2026-03-09"]
    asked = ["--office", "office-a", *days, "--html", "a.html"]
    code = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from router.commands.ledger import ledger\n"
        f"ledger({asked!r})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "jinja2 missing; install the extra: pip install 'channel-router[ledger]'" in run.stderr


def test_the_ledger_without_a_page_loads_neither_jinja_nor_matplotlib() -> None:
    code = (
        "import router.commands.ledger, sys; "
        "print([n for n in ('jinja2', 'matplotlib') if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_page_says_what_the_promoted_model_knows_of_channels_together(
    place: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    models = ("--models", str(ROOT / "models"), "--language", "en")
    assert ask(place, "--html", str(page), *models).exit_code == 0
    assert "Do two channels give more together?" in page.read_text(encoding="utf-8")


def test_without_a_promoted_model_the_page_leaves_it_out(place: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ("--models", str(tmp_path / "absent"), "--language", "en")
    assert ask(place, "--html", str(page), *words).exit_code == 0
    assert "give more together" not in page.read_text(encoding="utf-8")
