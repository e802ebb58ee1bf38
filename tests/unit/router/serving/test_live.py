"""What lies on disk is followed: each part alone, by its content, and nothing there can do harm."""

import json
import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from router.decision.decide import Decider
from router.decision.decision import Status
from router.policies.offices import OFFICES_AT_MOST
from router.policies.toml_file import BYTES_AT_MOST
from router.serving.following import QUICK_SECONDS, Follower
from router.serving.live import Live, Loader
from router.serving.metrics import Metrics
from router.texts import load_texts
from router.versions.golden import golden_bytes
from router.versions.registry import ModelRefused
from tests.builders import ROOT, a_catalogue, a_policy, random_tables
from tests.unit.router.versions.models_builder import (
    SHIPPED,
    another_version,
    point,
    shipped_models,
)
from tests.unit.training.version.versions_builder import write_manifest

LEAST = "minutes_per_week = 9000\n"
TEXTS = load_texts()


class Disk:
    """Folders of models and policies, and what is served of them."""

    def __init__(self, folder: Path) -> None:
        self.models = shipped_models(folder)
        self.policies = folder / "policies"
        shutil.copytree(ROOT / "policies", self.policies)
        shutil.rmtree(self.policies / "offices")
        self.offices = self.policies / "offices"
        self.offices.mkdir()
        self.metrics = Metrics(CollectorRegistry())
        self.kept: Path | None = None

    def live(self, **options: object) -> Live:
        loader = Loader(
            models=self.models,
            policies=self.policies,
            trusted=None,
            texts=TEXTS,
            metrics=self.metrics,
            last_good=self.kept,
            **options,  # type: ignore[arg-type]
        )
        return Live(loader)

    def office(self, name: str, text: str = LEAST) -> Path:
        path = self.offices / f"{name}.toml"
        path.write_text(text)
        return path

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def reloads(self, part: str, result: str) -> float:
        return self.value("router_reloads_total", part=part, result=result)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


def holes(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(300 << 30)


def a_broken_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def deep(path: Path) -> None:
    path.write_text("a=" + "[" * 3_000)


def long_keys(path: Path) -> None:
    path.write_text("a." * 20_000 + "a=1")


def another_encoding(path: Path) -> None:
    path.write_bytes("minutes_per_week = 1\n".encode("utf-16"))


def endless_numbers(path: Path) -> None:
    path.write_text("minutes_per_week = inf\n")


def huge_numbers(path: Path) -> None:
    path.write_text(f"price_per_minute = 0x{'f' * 20_000}\n")


HARMFUL: tuple[Callable[[Path], None], ...] = (
    *(a_pipe, a_link_to_a_device, a_folder, holes, a_broken_link),
    *(deep, long_keys, another_encoding, endless_numbers, huge_numbers),
)


def test_one_harmful_office_file_leaves_the_others_changes_taken(disk: Disk) -> None:
    path = disk.office("a")
    live = disk.live()
    before = live.snapshot.policies.of("a").version
    problems: list[str] = []
    for told, harm in enumerate(HARMFUL, 1):
        remove(path)
        harm(path)
        disk.office("b", f"minutes_per_week = {9_000 + told}\n")
        assert live.refresh(), harm
        policies = live.snapshot.policies
        assert policies.of("a").version == before
        assert policies.of("b").minutes_per_week == 9_000 + told
        assert len(policies.refused["a"]) < 1_000
        assert disk.value("router_policy_refused", office="a") == 1
        # Each problem is told once, however often others change.
        problems += told_anew(problems, policies.refused["a"])
        assert disk.reloads("office_policy", "refused") == len(problems)


def test_the_policy_in_force_is_told_by_office(disk: Disk) -> None:
    disk.office("a")
    live = disk.live()
    first = live.snapshot.policies.of("a").version
    assert disk.value("router_policy_info", office="a", version=first) == 1
    disk.office("a", "minutes_per_week = 9001\n")
    live.refresh()
    second = live.snapshot.policies.of("a").version
    assert disk.value("router_policy_info", office="a", version=first) == 0
    assert disk.value("router_policy_info", office="a", version=second) == 1


@pytest.mark.parametrize("name", ["national.toml", "mixes.toml"])
def test_a_harmful_national_file_leaves_offices_changes_taken(disk: Disk, name: str) -> None:
    live = disk.live()
    before = live.snapshot
    for minutes, harm in enumerate(HARMFUL, 1):
        remove(disk.policies / name)
        harm(disk.policies / name)
        disk.office("b", f"minutes_per_week = {9_000 + minutes}\n")
        assert live.refresh(), harm
        assert live.snapshot.policies.national.version == before.policies.national.version
        assert live.snapshot.catalogue == before.catalogue
        assert live.snapshot.policies.of("b").minutes_per_week == 9_000 + minutes
        assert disk.value("router_part_refused", part="policy") == 1
        assert disk.value("router_policy_refused", office="") == 1


@pytest.mark.parametrize("name", ["promoted", "canary", f"{SHIPPED}/manifest.json"])
def test_harmful_files_of_models_leave_the_good_one_served(disk: Disk, name: str) -> None:
    live = disk.live()
    part = "canary" if name == "canary" else "model"
    problems: list[str] = []
    for told, harm in enumerate(HARMFUL[:5], 1):
        remove(disk.models / name)
        harm(disk.models / name)
        live.refresh()
        assert live.snapshot.model.info.version == SHIPPED
        assert disk.value("router_part_refused", part=part) == 1
        # Nothing of it was taken, and what is bad is counted once.
        disk.office("b", f"minutes_per_week = {9_000 + told}\n")
        live.refresh()
        problems += told_anew(problems, live.snapshot.refused[part, ""])
        assert disk.reloads(part, "refused") == len(problems)
        assert disk.reloads("model", "taken") == 0
        assert disk.reloads("office_policy", "taken") == told


def told_anew(told: list[str], problem: str) -> list[str]:
    return [problem] if told[-1:] != [problem] else []


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def test_bounds_without_an_end_are_refused_by_key(disk: Disk) -> None:
    live = disk.live()
    national = disk.policies / "national.toml"
    text = national.read_text()
    assert "contact_gap_days = [14, 90]" in text
    for endless in ("[14, inf]", f"[14, 1{'0' * 400}]", "[-inf, 90]"):
        national.write_text(
            text.replace("contact_gap_days = [14, 90]", f"contact_gap_days = {endless}")
        )
        live.refresh()
        problem = live.snapshot.refused["policy", ""]
        assert "offices.bounds.contact_gap_days" in problem
        assert "has no end" in problem


def test_the_mark_of_some_editors_is_passed_over(disk: Disk) -> None:
    path = disk.office("a")
    live = disk.live()
    path.write_bytes(b"\xef\xbb\xbf" + b"minutes_per_week = 8000\n")
    assert live.refresh()
    assert live.snapshot.policies.of("a").minutes_per_week == 8000


def test_content_decides_not_times_and_sizes(disk: Disk) -> None:
    path = disk.office("a")
    live = disk.live()
    found = path.stat()
    disk.office("a", LEAST.replace("9000", "8000"))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert path.stat().st_size == found.st_size
    assert live.refresh()
    assert live.snapshot.policies.of("a").minutes_per_week == 8000


def test_the_policy_served_is_the_one_its_version_is_of(disk: Disk) -> None:
    path = disk.office("a")
    live = disk.live()
    seen = live._loader.look()
    # Replaced between reading and parsing: what was read is what is digested and parsed.
    path.write_text("minutes_per_week = 8000\n")
    served = live._loader.load(seen, live.snapshot)
    assert served.policies.of("a").minutes_per_week == 9000
    assert served.policies.of("a").version == live.snapshot.policies.of("a").version
    assert live.refresh()
    assert live.snapshot.policies.of("a").minutes_per_week == 8000


def test_a_moved_folder_of_offices_is_said_and_their_policies_stand(disk: Disk) -> None:
    disk.office("a")
    live = disk.live()
    disk.offices.rename(disk.policies / "elsewhere")
    live.refresh()
    assert live.snapshot.policies.of("a").minutes_per_week == 9000
    assert "offices: is missing" in live.snapshot.refused["offices", ""]
    assert disk.value("router_part_refused", part="offices") == 1
    assert disk.reloads("offices", "refused") == 1
    # An empty folder says that there are none.
    disk.offices.mkdir()
    assert live.refresh()
    assert live.snapshot.is_unknown("a")
    assert disk.value("router_part_refused", part="offices") == 0


def test_after_a_restart_too_a_moved_folder_is_said(disk: Disk) -> None:
    disk.kept = disk.policies.parent / "kept"
    disk.office("a")
    disk.live()
    disk.offices.rename(disk.policies / "elsewhere")
    live = disk.live()
    assert live.snapshot.policies.of("a").minutes_per_week == 9000
    assert disk.value("router_part_refused", part="offices") == 1


def test_too_many_offices_are_refused_whole(disk: Disk) -> None:
    disk.office("a")
    live = disk.live()
    for number in range(OFFICES_AT_MOST):
        (disk.offices / f"b{number}.toml").touch()
    live.refresh()
    assert list(live.snapshot.policies.offices) == ["a"]
    assert "at most 2,000" in live.snapshot.refused["offices", ""]


def test_a_policy_larger_than_the_limit_is_refused_with_it(disk: Disk) -> None:
    live = disk.live()
    disk.office("a", LEAST + "#" * BYTES_AT_MOST)
    live.refresh()
    assert str(BYTES_AT_MOST) in live.snapshot.refused["office_policy", "a"]


def test_minutes_changed_under_the_same_version_of_the_catalogue_count(disk: Disk) -> None:
    live = disk.live()
    before = live.snapshot
    mixes = disk.policies / "mixes.toml"
    text = mixes.read_text()
    assert "minutes = 35" in text
    mixes.write_text(text.replace("minutes = 35", "minutes = 36"))
    assert live.refresh()
    now = live.snapshot
    assert now.catalogue.version == before.catalogue.version
    assert now.national.counts is not before.national.counts
    minutes = [mix.adviser_minutes for mix in now.catalogue.mixes]
    assert now.national.counts._minutes[:-1] == [60 * one for one in minutes]


def test_a_new_mix_is_served_unscored_without_a_restart(disk: Disk) -> None:
    live = disk.live()
    mixes = disk.policies / "mixes.toml"
    text = mixes.read_text()
    heaviest = text[text.rindex("[[mix]]") :]
    heavier = heaviest.replace("INTENSIVE_PERSONAL", "WEEKLY").replace("= 14", "= 7")
    mixes.write_text(f"{text}\n{heavier}")
    assert live.refresh()
    assert live.snapshot.catalogue.ids[-1] == "WEEKLY"
    decider = live.snapshot.national.recommender.decider
    assert decider.tables.unscored == (len(live.snapshot.catalogue.ids) - 1,)


def test_a_version_that_was_incomplete_is_taken_once_it_is_whole(disk: Disk) -> None:
    live = disk.live()
    folder = another_version(disk.models, "second")
    whole = (folder / "tables.npz").read_bytes()
    (folder / "tables.npz").write_bytes(whole[:1000])
    point(disk.models, "second")
    live.refresh()
    assert live.snapshot.model.info.version == SHIPPED
    (folder / "tables.npz").write_bytes(whole)
    assert live.refresh()
    assert live.snapshot.model.info.version == "second"


def test_a_rollback_is_taken_in_one_quick_look(disk: Disk) -> None:
    another_version(disk.models, "second")
    point(disk.models, "second")
    live = disk.live()
    follower = Follower([live.refresh_pointers], [], seconds=3_600)
    point(disk.models, SHIPPED)
    follower.turn(whole=False)
    assert live.snapshot.model.info.version == SHIPPED
    # Four within a second: a look that has just begun, or a slow one, is no excuse.
    assert 4 * QUICK_SECONDS <= 1


def test_a_look_that_does_not_end_holds_up_neither_calls_nor_the_end(disk: Disk) -> None:
    live = disk.live()
    begun, never = threading.Event(), threading.Event()

    def hanging() -> None:
        begun.set()
        never.wait()

    follower = Follower([], [hanging], seconds=0.05)
    follower.begin()
    assert begun.wait(10)
    assert live.snapshot.model.info.version == SHIPPED
    follower.end()
    assert all(thread.daemon for thread in follower._threads)
    never.set()


def test_a_canary_answers_its_offices_and_nobody_else(disk: Disk) -> None:
    disk.office("a")
    another_version(disk.models, "second")
    live = disk.live()
    (disk.models / "canary").write_text("second\na\nwithout-policy\n")
    assert live.refresh_pointers()
    served = live.snapshot

    def answers(office: str) -> str:
        return served.recommender(office).model.info.version

    assert [answers(one) for one in ("a", "without-policy", "b", "")] == [
        *("second", "second"),
        *(SHIPPED, SHIPPED),
    ]
    # An office is unknown for want of a policy, whatever version answers it.
    assert served.is_unknown("without-policy")
    assert not served.is_unknown("a")
    assert disk.value("router_canary_offices", version="second") == 2
    # The safeguards are those of everybody else.
    rules = [served.recommender(one).decider.safeguards.rules for one in ("a", "")]
    assert rules[0] == rules[1]

    (disk.models / "canary").unlink()
    assert live.refresh_pointers()
    assert live.snapshot.recommender("a").model.info.version == SHIPPED


def test_a_canary_that_cannot_be_served_leaves_the_promoted_one_answering(disk: Disk) -> None:
    disk.office("a")
    (disk.models / "canary").write_text("second\na\n")
    live = disk.live()
    assert live.snapshot.recommender("a").model.info.version == SHIPPED
    assert disk.value("router_part_refused", part="canary") == 1
    another_version(disk.models, "second")
    assert live.refresh()
    assert live.snapshot.recommender("a").model.info.version == "second"
    assert disk.value("router_part_refused", part="canary") == 0


def test_folders_that_are_gone_change_nothing_and_are_said(disk: Disk) -> None:
    disk.office("a")
    another_version(disk.models, "second")
    (disk.models / "canary").write_text("second\na\n")
    live = disk.live()
    for folder in (disk.models, disk.policies):
        folder.rename(folder.with_name(f"{folder.name}-elsewhere"))
    live.refresh()
    assert live.snapshot.recommender("a").model.info.version == "second"
    assert live.snapshot.policies.of("a").minutes_per_week == 9000
    assert {part for part, _ in live.snapshot.refused} == {"policy", "offices", "model", "canary"}


@pytest.mark.parametrize(
    "text", ["", "../second\na\n", "second\n", "second\n15507600333\n", "second\n" + "a\n" * 70_000]
)
def test_a_canary_file_that_says_something_else_is_refused(disk: Disk, text: str) -> None:
    another_version(disk.models, "second")
    live = disk.live()
    (disk.models / "canary").write_text(text)
    live.refresh()
    assert live.snapshot.versions.canary is None
    assert "15507600333" not in live.snapshot.refused["canary", ""]


def golden_version(disk: Disk, name: str, **wrong: object) -> Path:
    """Writes a version with golden cases, some of which may be wrong."""
    folder = another_version(disk.models, name)
    hold_to(folder, a_golden() | wrong)
    return folder


def hold_to(folder: Path, content: dict[str, Any]) -> None:
    (folder / "golden.json").write_text(json.dumps(content))
    write_manifest(folder, json.loads((folder / "manifest.json").read_text()))


def a_golden() -> dict[str, Any]:
    """Gives the golden cases of `another_version` under the shipped policies."""
    decider = Decider(tables=random_tables(1), catalogue=a_catalogue(), policy=a_policy())
    content: dict[str, Any] = json.loads(golden_bytes(decider))
    return content


def test_a_version_that_answers_its_golden_cases_is_swapped_in(disk: Disk) -> None:
    golden_version(disk, "second")
    live = disk.live()
    point(disk.models, "second")
    assert live.refresh_pointers()
    assert live.snapshot.model.info.version == "second"
    assert disk.value("router_golden_cases", version="second") == 100


def with_other(key: str) -> dict[str, object]:
    content = a_golden()
    if key == "decided":
        content[key][7][0] = (content[key][7][0] + 1) % 12
    else:
        content[key][7][3] += 1e-6
    return {key: content[key]}


@pytest.mark.parametrize("key", ["expected", "decided"])
def test_a_version_that_answers_golden_cases_otherwise_is_refused(disk: Disk, key: str) -> None:
    golden_version(disk, "second", **with_other(key))
    live = disk.live()
    point(disk.models, "second")
    live.refresh_pointers()
    assert live.snapshot.model.info.version == SHIPPED
    problem = live.snapshot.refused["model", ""]
    assert "1 of 100 golden cases" in problem
    assert "number 7" in problem
    assert disk.reloads("model", "refused") == 1
    assert disk.value("router_part_refused", part="model") == 1
    # Nor does a server start with it.
    with pytest.raises(ModelRefused, match="golden"):
        disk.live()


@pytest.mark.parametrize("contradicts", [True, False])
def test_that_facts_contradict_each_other_need_not_have_been_known_when_a_version_was_made(
    disk: Disk, contradicts: bool
) -> None:
    decider = Decider(tables=random_tables(1), catalogue=a_catalogue(), policy=a_policy())
    golden = a_golden()
    # As if it had been recommended plainly, which of another case nothing explains.
    found = decider.contradictions.any(np.array(golden["rows"], np.uint16)).tolist()
    decided = golden["decided"][found.index(contradicts)]
    decided[1] = {Status.RECOMMENDED: 2, Status.NEEDS_ASSESSMENT: 1}[Status(decided[1])]

    golden_version(disk, "second", decided=golden["decided"])
    live = disk.live()
    point(disk.models, "second")
    live.refresh_pointers()
    assert live.snapshot.model.info.version == ("second" if contradicts else SHIPPED)


def test_golden_decisions_are_of_the_policy_that_they_were_made_under(disk: Disk) -> None:
    golden_version(disk, "second", **with_other("decided"))
    national = disk.policies / "national.toml"
    national.write_text(
        national.read_text().replace("price_per_minute = 0.0004", "price_per_minute = 0.0005")
    )
    live = disk.live()
    point(disk.models, "second")
    assert live.refresh_pointers()
    assert live.snapshot.model.info.version == "second"


def test_golden_cases_that_cannot_be_read_refuse_the_version(disk: Disk) -> None:
    live = disk.live()
    wrongs: list[dict[str, object]] = [
        {"rows": [[1]]},
        {"rows": []},
        {"format": 2},
        {"decided": []},
        {"mixes": ["OTHER"] * 12},
        {"expected": "many"},
        {"further": 1},
    ]
    folder, golden = golden_version(disk, "second"), a_golden()
    point(disk.models, "second")
    for wrong in wrongs:
        hold_to(folder, golden | wrong)
        live.refresh()
        assert live.snapshot.model.info.version == SHIPPED
        assert "golden.json" in live.snapshot.refused["model", ""]


def test_golden_cases_that_nobody_vouches_for_refuse_the_version(disk: Disk) -> None:
    folder = another_version(disk.models, "second")
    (folder / "golden.json").write_text("{}")
    live = disk.live()
    point(disk.models, "second")
    live.refresh()
    assert "not in manifest.json" in live.snapshot.refused["model", ""]


def test_an_expired_model_serves_on_and_says_so(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    another_version(disk.models, "second", expires_at=past)
    live = disk.live()
    assert disk.value("router_model_expired", version=SHIPPED) == 0
    assert disk.value("router_model_expires_timestamp_seconds", version=SHIPPED) == float("inf")
    point(disk.models, "second")
    with caplog.at_level("WARNING"):
        assert live.refresh()
        live.refresh()
    assert live.snapshot.model.info.version == "second"
    assert disk.value("router_model_expired", version="second") == 1
    assert [one.message for one in caplog.records] == [
        "the model has expired, and serves on",
    ]


def test_a_setting_lets_models_expire_and_a_version_may_say_so_earlier(disk: Disk) -> None:
    another_version(disk.models, "second", expires_at="2026-12-24T00:00:00+00:00")
    point(disk.models, "second")
    infos = [
        disk.live(expires_days=days).snapshot.model.info.expires_at for days in (None, 1, 3_000)
    ]
    assert infos == [
        datetime(2026, 12, 24, tzinfo=UTC),
        datetime(2026, 11, 25, 2, 52, 27, tzinfo=UTC),
        datetime(2026, 12, 24, tzinfo=UTC),
    ]
