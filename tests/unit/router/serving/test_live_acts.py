"""What changes on disk is written down as an administrative act: taken or refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from router.files.acts import Acts
from router.serving.live import Live, Loader
from router.serving.metrics import Metrics
from router.texts import load_texts
from tests.builders import ROOT


def test_policies_that_are_taken_or_refused_are_on_record(tmp_path: Path) -> None:
    policies, acts = tmp_path / "policies", tmp_path / "acts.jsonl"
    shutil.copytree(ROOT / "policies", policies)
    loader = Loader(
        models=ROOT / "models",
        policies=policies,
        trusted=None,
        texts=load_texts(),
        metrics=Metrics(CollectorRegistry()),
        acts=Acts(acts, by="server"),
    )
    live = Live(loader)
    office = policies / "offices" / "office-01.toml"
    before = live.snapshot.policies.of("office-01").version
    office.write_text(office.read_text() + "\n# Looked at.\n")
    live.refresh()
    after = live.snapshot.policies.of("office-01").version
    office.write_text("minutes_per_week = -1\n")
    live.refresh()

    lines: list[dict[str, Any]] = [json.loads(line) for line in acts.read_text().splitlines()]
    taken, refused = lines
    assert (taken["act"], taken["office"]) == ("policy changed", "office-01")
    assert (taken["before"], taken["after"], taken["by"]) == (before, after, "server")
    assert (refused["act"], refused["office"]) == ("policy refused", "office-01")
    assert refused["before"] == refused["after"] == after
    assert "minutes_per_week" in refused["why"]
