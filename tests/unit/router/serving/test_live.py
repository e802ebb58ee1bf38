"""What is followed on disk: counted once, by what it is, and told by content, not by name."""

import shutil
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from router.serving.live import Live, Loader
from router.serving.metrics import Metrics
from router.serving.telling import TOLD_TOGETHER
from router.texts import load_texts
from tests.builders import ROOT, a_row

OFFICE = "minutes_per_week = 6000\n"
PROMOTED = (ROOT / "models" / "promoted").read_text()


class Served:
    """Folders of a server, what it serves, and its metrics."""

    def __init__(self, folder: Path) -> None:
        self.models, self.policies = folder / "models", folder / "policies"
        shutil.copytree(ROOT / "policies", self.policies)
        shutil.copytree(
            ROOT / "models" / PROMOTED.strip(),
            self.models / PROMOTED.strip(),
            ignore=shutil.ignore_patterns("*.joblib", "*.html", "*.md"),
        )
        (self.models / "promoted").write_text(PROMOTED)
        self.registry = CollectorRegistry()
        self.live = Live(
            Loader(
                models=self.models,
                policies=self.policies,
                trusted=None,
                texts=load_texts(),
                metrics=Metrics(self.registry),
            )
        )

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def reloads(self) -> dict[tuple[str, str], float]:
        """Gives the reloads that are counted, by part and result."""
        return {
            (sample.labels["part"], sample.labels["result"]): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == "router_reloads_total" and sample.value
        }

    def answer(self, cases: int) -> None:
        router = self.live.snapshot.national
        advice, _ = router.recommender.decide([a_row().tolist()] * cases, [""] * cases)
        router.counts.count(advice, router.band)


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def test_a_broken_pointer_is_counted_once_as_a_model_that_is_refused(served: Served) -> None:
    (served.models / "promoted").write_text("missing\n")
    served.live.refresh()
    assert served.reloads() == {("model", "refused"): 1}
    assert served.value("router_model_refused") == 1

    # Another file changes, and the pointer is as broken as before.
    office = served.policies / "offices" / "office-02.toml"
    office.write_text(OFFICE)
    served.live.refresh()
    assert served.reloads() == {("model", "refused"): 1, ("office_policy", "taken"): 1}

    # Broken in another way; then mended.
    (served.models / "promoted").write_text("not a name\n")
    served.live.refresh()
    (served.models / "promoted").write_text(PROMOTED)
    served.live.refresh()
    assert served.reloads()["model", "refused"] == 2
    assert ("model", "taken") not in served.reloads()
    assert served.value("router_model_refused") == 0


def test_an_office_that_stays_broken_is_counted_once(served: Served) -> None:
    broken = served.policies / "offices" / "office-02.toml"
    broken.write_text("price_per_minute = 9.0\n")
    served.live.refresh()
    (served.policies / "offices" / "office-03.toml").write_text(OFFICE)
    served.live.refresh()
    assert served.reloads() == {("office_policy", "refused"): 1, ("office_policy", "taken"): 1}
    assert served.value("router_policy_refused", office="office-02") == 1


def test_a_look_without_a_change_counts_nothing(served: Served) -> None:
    assert served.live.refresh(anew=True)
    assert served.reloads() == {}


def test_minutes_are_those_of_the_catalogue_in_force_whatever_its_version(served: Served) -> None:
    mixes = served.policies / "mixes.toml"
    text = mixes.read_text()
    before = sum(mix.adviser_minutes for mix in served.live.snapshot.catalogue.mixes)
    mixes.write_text(text.replace("minutes = 8 }", "minutes = 9 }", 1))
    served.live.refresh()
    assert sum(mix.adviser_minutes for mix in served.live.snapshot.catalogue.mixes) == before + 1

    served.answer(TOLD_TOGETHER)
    sample = {
        family.name: sum(one.value for one in family.samples if one.name.endswith("_total"))
        for family in served.registry.collect()
    }
    decider = served.live.snapshot.national.recommender.decider
    (one,) = decider.decide_each([a_row().tolist()])
    minutes = served.live.snapshot.catalogue.mixes[one.mix].adviser_minutes
    assert sample["router_recommended_adviser_seconds"] == TOLD_TOGETHER * 60 * minutes
