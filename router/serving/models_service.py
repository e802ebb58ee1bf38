"""The RPCs of Models: what the service decides with, public but for the offices of a canary.

A new RPC joins here as a method by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from router.cases.features import FEATURES, annotation
from router.decision.catalogue import Channel
from router.decision.decide import Decider
from router.decision.safeguards import numbers_in
from router.decision.suitability import NEEDS, Suitability
from router.serving.callers.caller import the_caller
from router.serving.live import Live, Snapshot
from router.serving.messages import mix_message
from router.serving.paging import next_token, number_of, page_of, page_size, position_of
from router.serving.requests import language_of, told_in
from router.texts import Reader, Texts
from router.v1 import case_pb2, models_pb2, recommendation_pb2
from router.v1.models_pb2_grpc import ModelsServicer
from router.versions.listing import Listed, Listing
from router.versions.registry import ModelInfo

_T = TypeVar("_T")
REFUSAL_AT_MOST = 1_000
"""Characters of what is told of a version that cannot be served."""
_Localised = (
    models_pb2.ListFeaturesRequest | models_pb2.ListMixesRequest | models_pb2.ListSafeguardsRequest
)


class _Place(NamedTuple):
    """Where a version stands in the list: by when it was trained, seconds since 1970."""

    trained: int
    version: str

    @classmethod
    def parse(cls, text: str) -> _Place:
        """Reads what `str` wrote.

        Raises:
            InvalidRequest: if it is nothing of the kind.
        """
        trained, _, version = text.partition(" ")
        return cls(number_of(trained), version)

    def __str__(self) -> str:
        return f"{self.trained} {self.version}"


class ModelsService(ModelsServicer):
    """Tells what the service decides with."""

    def __init__(self, live: Live, texts: Mapping[str, Texts], listing: Listing) -> None:
        self._live = live
        self._texts = texts
        self._listing = listing

    @property
    def _decider(self) -> Decider:
        return self._live.snapshot.national.recommender.decider

    def _in_language(self, language: int) -> Texts:
        return self._texts[language_of(language, self._live.snapshot.national.language)]

    def _page(
        self, items: Sequence[_T], method: str, request: _Localised, *versions: str
    ) -> tuple[Sequence[_T], str]:
        # Another version of what is listed is another list.
        filters = {"language": str(request.language), "versions": " ".join(versions)}
        with told_in(self._in_language(request.language)):
            return page_of(items, method, filters, request.page_size, request.page_token)

    async def GetPromotedModel(
        self, request: models_pb2.GetPromotedModelRequest, context: object
    ) -> models_pb2.GetPromotedModelResponse:
        """Tells which model is served."""
        return models_pb2.GetPromotedModelResponse(model=self._served())

    async def ListModels(
        self, request: models_pb2.ListModelsRequest, context: object
    ) -> models_pb2.ListModelsResponse:
        """Lists versions, newest first; one that cannot be served says why."""
        size = page_size(request.page_size)
        after = position_of("ListModels", {}, request.page_token)
        last = None if after is None else _Place.parse(after)
        # On a thread: files are read, and all other calls would wait for them.
        models, rest = await asyncio.to_thread(self._listed, size, last)
        further = "" if rest is None else next_token("ListModels", {}, str(rest))
        return models_pb2.ListModelsResponse(models=models, next_page_token=further)

    def _listed(
        self, size: int, after: _Place | None
    ) -> tuple[list[models_pb2.Model], _Place | None]:
        """Lists a page, and gives the place of its last version if there are more; it blocks."""
        snapshot = self._live.snapshot
        # Those that answer were verified when they were loaded,
        # even if their folders have changed since.
        answering = {one.info.version: one.info for one in snapshot.versions.answering}
        found = {**self._listing.infos(), **answering}
        every = sorted(
            (_Place(_seconds(info), version) for version, info in found.items()), reverse=True
        )
        # A version may come or go between two pages: the place says where to go on, not a number.
        left = [place for place in every if after is None or place < after]
        page = left[:size]
        models = []
        for _, version in page:
            if version in answering:
                models.append(self._answering(snapshot, answering[version]))
            else:
                models.append(_message(self._listing.judged(version, snapshot.catalogue)))
        return models, page[-1] if len(left) > size else None

    def _served(self) -> models_pb2.Model:
        snapshot = self._live.snapshot
        return self._answering(snapshot, snapshot.model.info)

    def _answering(self, snapshot: Snapshot, info: ModelInfo) -> models_pb2.Model:
        message = _message(Listed(info.version, info))
        message.promoted = info is snapshot.model.info
        if not message.promoted:
            caller = the_caller()
            message.canary_offices.extend(filter(caller.may_see, snapshot.versions.canary_offices))
        return message

    async def ListFeatures(
        self, request: models_pb2.ListFeaturesRequest, context: object
    ) -> models_pb2.ListFeaturesResponse:
        """Lists the fields of a case."""
        texts = self._in_language(request.language)
        coded = {feature.name: feature for feature in FEATURES.features}
        found = [
            models_pb2.FeatureInfo(
                name=field.name,
                annotation=annotation(field),
                values=coded[field.name].values if field.name in coded else (),
                label=texts.feature(field.name) if field.name in coded else field.name,
            )
            for field in case_pb2.Case.DESCRIPTOR.fields
        ]
        page, further = self._page(found, "ListFeatures", request)
        return models_pb2.ListFeaturesResponse(features=page, next_page_token=further)

    async def ListMixes(
        self, request: models_pb2.ListMixesRequest, context: object
    ) -> models_pb2.ListMixesResponse:
        """Lists the catalogue of mixes."""
        texts, catalogue = self._in_language(request.language), self._decider.catalogue
        mixes = [mix_message(catalogue, number, texts) for number in range(len(catalogue.mixes))]
        page, further = self._page(mixes, "ListMixes", request, catalogue.version)
        return models_pb2.ListMixesResponse(
            mixes=page, catalogue_version=catalogue.version, next_page_token=further
        )

    async def ListSafeguards(
        self, request: models_pb2.ListSafeguardsRequest, context: object
    ) -> models_pb2.ListSafeguardsResponse:
        """Lists the published catalogue of safeguards."""
        texts, catalogue = self._in_language(request.language), self._decider.catalogue
        safeguards = self._decider.safeguards
        found = [
            models_pb2.Safeguard(
                name=rule.name,
                legal_basis=texts.legal(rule.legal_basis),
                feature=rule.feature,
                applies_when=FEATURES[rule.feature].in_words(rule.slots),
                requirement=rule.effect.requirement.value,
                permits=[catalogue.ids[number] for number in numbers_in(permitted)],
                text=texts.rule(Reader.USER, rule.name, rule.effect.requirement.value),
            )
            for rule, permitted in zip(safeguards.rules, safeguards.permitted_alone, strict=True)
        ]
        version = self._decider.policy.version
        page, further = self._page(found, "ListSafeguards", request, version, catalogue.version)
        return models_pb2.ListSafeguardsResponse(
            safeguards=page,
            policy_version=version,
            next_page_token=further,
            suitability=() if request.page_token else _suitability(texts),
        )


def _suitability(texts: Texts) -> list[models_pb2.ChannelSuitability]:
    return [
        models_pb2.ChannelSuitability(
            need=need.name,
            feature=need.feature,
            applies_when=" or ".join(need.values),
            channel=recommendation_pb2.Channel.Value(f"CHANNEL_{channel.value}"),
            suitability=models_pb2.Suitability.Value(f"SUITABILITY_{need.of(channel).value}"),
            reason=texts.suitability(need.name, channel.value),
            legal_basis=(
                "" if need.of(channel) is Suitability.SERVES else texts.legal(need.legal_basis)
            ),
        )
        for need in NEEDS
        for channel in Channel
    ]


def _seconds(info: ModelInfo | None) -> int:
    return 0 if info is None else int(info.trained_at.timestamp())


def _message(listed: Listed) -> models_pb2.Model:
    message = models_pb2.Model(version=listed.version, refusal=listed.refusal[:REFUSAL_AT_MOST])
    info = listed.info
    if info is None:
        return message
    message.sha256 = info.sha256
    message.training_cases = info.cases
    message.synthetic = info.synthetic
    message.trained_at.FromDatetime(info.trained_at)
    if info.expires_at is not None:
        message.expires_at.FromDatetime(info.expires_at)
        message.expired = info.is_expired(datetime.now(UTC))
    return message
