"""Lists of what the service decides with: in pages that together are the whole, each once."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry

from router.decision.catalogue import Channel
from router.decision.suitability import NEEDS
from router.serving.callers.caller import Caller, set_caller
from router.serving.live import Live, Loader
from router.serving.metrics import Metrics
from router.serving.models_service import ModelsService
from router.serving.paging import next_token
from router.texts import load_texts
from router.v1 import feature_pb2
from router.v1 import models_pb2 as pb
from router.v1 import recommendation_pb2 as pb_language
from router.versions.listing import Listing
from router.versions.trust import read_trusted_keys
from tests.builders import ROOT
from tests.unit.router.serving.service_builder import Service, a_service, status_in, violations
from tests.unit.router.versions.models_builder import SHIPPED, another_version, shipped_models
from training.version.signing import generate_key, sign

LISTS: dict[str, tuple[Callable[..., Any], str]] = {
    "ListModels": (pb.ListModelsRequest, "models"),
    "ListFeatures": (pb.ListFeaturesRequest, "features"),
    "ListMixes": (pb.ListMixesRequest, "mixes"),
    "ListSafeguards": (pb.ListSafeguardsRequest, "safeguards"),
}
VERSIONS = 5


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("models")
    models = folder / "models"
    shutil.copytree(ROOT / "models", models)
    version = (models / "promoted").read_text().strip()
    for number in range(VERSIONS - 2):
        copy = models / f"copy-{number}"
        shutil.copytree(models / version, copy)
        manifest = json.loads((copy / "manifest.json").read_text())
        (copy / "manifest.json").write_text(json.dumps(manifest | {"version": copy.name}))
    (models / "broken").mkdir()
    (models / "broken" / "manifest.json").write_text("{}")
    with a_service(folder, models=models) as found:
        yield found


def listed(service: Service, method: str, **options: Any) -> Any:
    kind, _ = LISTS[method]
    return getattr(service.models, method)(kind(**options), timeout=10)


def refused(service: Service, method: str, **options: Any) -> dict[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        listed(service, method, **options)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    return violations(status_in(error.value))


@pytest.mark.parametrize("method", LISTS)
@pytest.mark.parametrize("size", [1, 2, 7])
def test_pages_of_any_size_together_are_the_whole_list(
    service: Service, method: str, size: int
) -> None:
    name = LISTS[method][1]
    whole, token, found = listed(service, method, page_size=10_000), "", []
    assert not whole.next_page_token
    while True:
        page = listed(service, method, page_size=size, page_token=token)
        assert 0 < len(getattr(page, name)) <= size
        found += getattr(page, name)
        token = page.next_page_token
        if not token:
            break
    assert found == list(getattr(whole, name))


@pytest.mark.parametrize("method", LISTS)
def test_a_size_below_0_is_refused(service: Service, method: str) -> None:
    assert "-1 is below 0" in refused(service, method, page_size=-1)["page_size"]


@pytest.mark.parametrize("method", LISTS)
@pytest.mark.parametrize("other", LISTS)
def test_a_token_of_another_list_or_language_is_refused(
    service: Service, method: str, other: str
) -> None:
    token = listed(service, other, page_size=1).next_page_token
    options: dict[str, Any] = {}
    if method == other:
        if method == "ListModels":
            return
        options = {"language": 3}
    assert "page_token" in refused(service, method, page_token=token, **options)


@pytest.mark.parametrize("method", LISTS)
@pytest.mark.parametrize("position", ["-1", "x", "9" * 40, "1.5", "² x", "٣"])
def test_a_token_that_somebody_made_is_refused(
    service: Service, method: str, position: str
) -> None:
    mixes = listed(service, "ListMixes")
    national = service.live.snapshot.policies.national.version
    versions = {
        "ListMixes": mixes.catalogue_version,
        "ListSafeguards": f"{national} {mixes.catalogue_version}",
    }
    filters = {"language": "0", "versions": versions.get(method, "")}
    token = next_token(method, {} if method == "ListModels" else filters, position)
    assert "page_token" in refused(service, method, page_token=token)


def test_of_a_version_that_cannot_be_read_it_is_not_told_that_it_is_real(service: Service) -> None:
    models = {one.version: one for one in listed(service, "ListModels").models}
    assert len(models) == VERSIONS
    assert models["broken"].refusal
    assert not models["broken"].HasField("synthetic")
    assert not models["broken"].HasField("training_cases")
    assert all(one.HasField("synthetic") for name, one in models.items() if name != "broken")


def test_a_feature_says_whether_its_highest_number_means_more(service: Service) -> None:
    notes = {one.name: one.annotation for one in listed(service, "ListFeatures").features}
    assert notes["weeks_registered"].top_coded
    assert not notes["plan_user_created_percent"].top_coded


def test_a_long_refusal_is_cut(tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(ROOT / "models", models)
    (models / "b").mkdir()
    (models / "b" / "manifest.json").write_text('{"version": "' + "x" * 100_000 + '"}')
    with a_service(tmp_path, models=models) as service:
        (broken,) = (one for one in listed(service, "ListModels").models if one.refusal)
    assert len(broken.refusal) <= 1_000


def test_what_each_channel_is_to_each_need_is_published_with_its_reason(service: Service) -> None:
    found = listed(service, "ListSafeguards", language=pb_language.LANGUAGE_NB).suitability
    cells = {(one.need, one.channel): one for one in found}
    assert len(cells) == len(found) == len(NEEDS) * len(Channel)
    for need in NEEDS:
        for channel in Channel:
            cell = cells[need.name, pb_language.Channel.Value(f"CHANNEL_{channel.value}")]
            told = pb.Suitability.Name(cell.suitability).removeprefix("SUITABILITY_")
            assert told == need.of(channel).value
            assert cell.reason.endswith(".")
            assert bool(cell.legal_basis) == (told != "SERVES")


def test_a_feature_says_which_way_it_is_worse(service: Service) -> None:
    notes = {one.name: one.annotation for one in listed(service, "ListFeatures").features}
    assert notes["days_since_personal_contact"].worse == feature_pb2.WORSE_HIGHER
    assert notes["days_since_personal_contact"].unknown_is_worst
    assert notes["benefit_weeks_left"].worse == feature_pb2.WORSE_LOWER
    assert list(notes["plan_has_goal"].mildest_first) == ["YES", "NO"]
    assert not notes["goal_by_user"].mildest_first


HARMFUL_MANIFESTS: dict[str, dict[str, Any]] = {
    "too-many-cases": {"training": {"cases": 10**19}},
    "no-number": {"training": {"cases": True}},
    "year-one": {"trained_at": "0001-01-01T00:00:00+00:00"},
    "year-9999": {"trained_at": "9999-12-31T23:59:59-12:00"},
    "no-digest": {"sha256": {"tables.npz": "x" * 100_000}},
    "no-object": {"training": []},
}


def test_one_bad_folder_hurts_nobody(tmp_path: Path) -> None:
    models = shipped_models(tmp_path)
    good = json.loads((models / SHIPPED / "manifest.json").read_text())
    for name, changes in HARMFUL_MANIFESTS.items():
        (models / name).mkdir()
        text = json.dumps(good | {"version": name} | changes)
        (models / name / "manifest.json").write_text(text)
    for name in ("pipe", "device", "holes", "deep"):
        (models / name).mkdir()
    os.mkfifo(models / "pipe" / "manifest.json")
    (models / "device" / "manifest.json").symlink_to("/dev/zero")
    with (models / "holes" / "manifest.json").open("wb") as file:
        file.truncate(300 << 30)
    (models / "deep" / "manifest.json").write_text("[" * 100_000)
    (models / "loop").symlink_to(models)
    with a_service(tmp_path, models=models) as service:
        found = {one.version: one for one in listed(service, "ListModels").models}
        assert found.keys() >= {SHIPPED, *HARMFUL_MANIFESTS, "pipe", "device", "holes", "deep"}
        assert [name for name, one in found.items() if not one.refusal] == [SHIPPED]
        for name in HARMFUL_MANIFESTS:
            assert not found[name].HasField("training_cases"), name


def test_a_version_is_judged_as_for_serving_once_and_again_when_it_changes(tmp_path: Path) -> None:
    models, key = shipped_models(tmp_path), tmp_path / "key"
    public = generate_key(key)
    sign(models / SHIPPED, key)
    folder = another_version(models, "second")
    with a_service(tmp_path, models=models, trusted=read_trusted_keys([public])) as service:

        def second() -> pb.Model:
            every: list[pb.Model] = list(listed(service, "ListModels").models)
            found = {one.version: one for one in every}
            assert found[SHIPPED].promoted
            return found["second"]

        told = second()
        assert "is not signed" in told.refusal
        # Of what nobody vouches for nothing is repeated.
        assert not told.HasField("training_cases")
        assert second() == told
        sign(folder, key)
        assert not second().refusal
        assert second().training_cases == 59827


def test_canary_and_expiry_are_told(tmp_path: Path) -> None:
    models = shipped_models(tmp_path)
    another_version(models, "second")
    another_version(models, "third", expires_at="2100-01-01T00:00:00+00:00")
    (models / "canary").write_text("second\na\nb\n")
    with a_service(tmp_path, models=models, expires_days=1) as service:
        found = {one.version: one for one in listed(service, "ListModels").models}
    assert list(found["second"].canary_offices) == ["a", "b"]
    assert not found["second"].promoted
    assert not found[SHIPPED].canary_offices
    third = found["third"]
    expires = third.trained_at.ToDatetime(UTC) + timedelta(days=1)
    assert third.expires_at.ToDatetime(UTC) == expires
    assert third.expired == (datetime.now(UTC) > expires)


@pytest.mark.parametrize(
    ("offices", "told"), [({"a", "x"}, ["a"]), ({"x"}, []), (None, ["a", "b"])]
)
def test_a_caller_is_told_of_its_own_offices_of_a_canary(
    tmp_path: Path, offices: set[str] | None, told: list[str]
) -> None:
    models, texts = shipped_models(tmp_path), load_texts()
    another_version(models, "second")
    (models / "canary").write_text("second\na\nb\n")
    live = Live(
        Loader(
            models=models,
            policies=ROOT / "policies",
            trusted=None,
            texts=texts,
            metrics=Metrics(CollectorRegistry()),
        )
    )
    service = ModelsService(live, texts, Listing(models, None, None))

    async def listed_for() -> list[str]:
        set_caller(Caller(name="one", offices=None if offices is None else frozenset(offices)))
        answer = await service.ListModels(pb.ListModelsRequest(), None)
        return [office for one in answer.models for office in one.canary_offices]

    assert asyncio.run(listed_for()) == told
