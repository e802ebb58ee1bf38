"""Models: what the service decides with, all public."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc

from router.cases.features import FEATURES, annotation
from router.decision.decide import Decider
from router.serving.messages import mix_message
from router.serving.panel import Panel
from router.serving.requests import language_of, parse
from router.texts import Texts
from router.v1 import case_pb2, models_pb2
from router.versions.registry import (
    ModelInfo,
    ModelRefused,
    ModelVersion,
    load_model,
    read_info,
    versions,
)

SERVICE = "router.v1.Models"


class ModelsService:
    """Tells what the service decides with."""

    def __init__(self, panel: Panel, texts: dict[str, Texts], models: Path) -> None:
        self._panel = panel
        self._texts = texts
        self._models = models

    @property
    def _model(self) -> ModelVersion:
        return self._panel.current.model

    @property
    def _decider(self) -> Decider:
        return self._panel.current.national.recommender.decider

    def _in_language(self, language: int) -> Texts:
        return self._texts[language_of(language, self._panel.current.national.language)]

    def handlers(self) -> grpc.GenericRpcHandler:
        """The service's methods, bytes in and bytes out."""
        methods = {
            "GetPromotedModel": self.get_promoted_model,
            "ListModels": self.list_models,
            "ListFeatures": self.list_features,
            "ListMixes": self.list_mixes,
            "ListSafeguards": self.list_safeguards,
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {name: grpc.unary_unary_rpc_method_handler(method) for name, method in methods.items()},
        )

    async def get_promoted_model(self, data: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG002
        """The model that is served."""
        parse(models_pb2.GetPromotedModelRequest, data)
        return models_pb2.GetPromotedModelResponse(model=self._served()).SerializeToString()

    async def list_models(self, data: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG002
        """All versions, newest first; one that cannot be served says why."""
        parse(models_pb2.ListModelsRequest, data)
        found = []
        for version in versions(self._models):
            if version == self._model.info.version:
                found.append(self._served())
                continue
            try:
                info = load_model(self._models / version, FEATURES, self._decider.catalogue).info
                found.append(_message(info))
            except ModelRefused as refusal:
                found.append(self._refused(version, str(refusal)))
        found.sort(key=lambda model: model.trained_at.ToNanoseconds(), reverse=True)
        return models_pb2.ListModelsResponse(models=found).SerializeToString()

    def _served(self) -> models_pb2.Model:
        message = _message(self._model.info)
        message.promoted = True
        return message

    def _refused(self, version: str, refusal: str) -> models_pb2.Model:
        try:
            message = _message(read_info(self._models / version))
        except ModelRefused:
            message = models_pb2.Model(version=version)
        message.refusal = refusal
        return message

    async def list_features(self, data: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG002
        """The fields of a case."""
        request = parse(models_pb2.ListFeaturesRequest, data)
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
        return models_pb2.ListFeaturesResponse(features=found).SerializeToString()

    async def list_mixes(self, data: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG002
        """The catalogue of mixes."""
        request = parse(models_pb2.ListMixesRequest, data)
        texts, catalogue = self._in_language(request.language), self._decider.catalogue
        mixes = [mix_message(catalogue, number, texts) for number in range(len(catalogue.mixes))]
        answer = models_pb2.ListMixesResponse(mixes=mixes, catalogue_version=catalogue.version)
        return answer.SerializeToString()

    async def list_safeguards(self, data: bytes, context: Any) -> bytes:  # noqa: ANN401, ARG002
        """The published catalogue of safeguards."""
        request = parse(models_pb2.ListSafeguardsRequest, data)
        texts, catalogue = self._in_language(request.language), self._decider.catalogue
        found = [
            models_pb2.Safeguard(
                name=rule.name,
                legal_basis=rule.legal_basis,
                feature=rule.feature,
                applies_when=_in_words(FEATURES[rule.feature].name, sorted(rule.slots)),
                requirement=rule.requirement.value,
                permits=[mix.id for mix in catalogue.mixes if rule.requirement.permits(mix)],
                text=texts.safeguard(rule.name),
            )
            for rule in self._decider.safeguards.rules
        ]
        version = self._decider.policy.version
        return models_pb2.ListSafeguardsResponse(
            safeguards=found, policy_version=version
        ).SerializeToString()


def _in_words(name: str, slots: list[int]) -> str:
    feature = FEATURES[name]
    words = ["unknown"] if slots[0] == 0 else []
    known = [slot for slot in slots if slot]
    if feature.values:
        words += [str(feature.value(slot)) for slot in known]
    elif known:
        words.append(f"{feature.value(known[0])} to {feature.value(known[-1])} {feature.unit}")
    return " or ".join(words)


def _message(info: ModelInfo) -> models_pb2.Model:
    message = models_pb2.Model(
        version=info.version,
        sha256=info.sha256,
        training_cases=info.cases,
        synthetic=info.synthetic,
    )
    message.trained_at.FromDatetime(info.trained_at)
    return message
