"""The log of administrative acts: whole lines, for its owner alone, whatever was there before."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from router.files.acts import ActNotKept, Acts


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_act_says_when_what_by_whom_from_what_to_what(tmp_path: Path) -> None:
    path = tmp_path / "acts.jsonl"
    Acts(path, by="kari").keep("promote", "v1", "v2", override="øving")
    (line,) = lines(path)
    assert str(line.pop("time")).endswith("+00:00")
    wanted = {"act": "promote", "by": "kari", "before": "v1", "after": "v2", "override": "øving"}
    assert line == wanted
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_was_torn_leaves_the_next_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "acts.jsonl"
    path.write_text('{"time": "20')
    Acts(path).keep("rollback", "v2", "v1")
    torn, whole = path.read_text().splitlines()
    assert torn == '{"time": "20'
    assert json.loads(whole)["act"] == "rollback"


def test_many_who_write_at_once_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "acts.jsonl"
    with ThreadPoolExecutor(8) as writers:
        for number in range(40):
            writers.submit(Acts(path).keep, "act", number, "x" * 5_000)
    assert sorted(int(str(line["before"])) for line in lines(path)) == list(range(40))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "acts.jsonl"
    victim.write_text("mine")
    path.symlink_to(victim)
    with pytest.raises(ActNotKept, match=r"audit log: .*acts\.jsonl"):
        Acts(path).keep("promote", "v1", "v2")
    assert victim.read_text() == "mine"


def test_what_has_happened_already_goes_on_where_it_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Acts(tmp_path / "gone" / "acts.jsonl").note("policy changed", "v1", "v2")
    (record,) = caplog.records
    assert "audit log" in record.getMessage()
    Acts(None).keep("promote", "v1", "v2")
