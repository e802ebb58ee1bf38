"""Parts of messages that several services write: a mix, and why a case got no answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from google.rpc import status_pb2

from router.cases.problems import FieldProblem
from router.decision.catalogue import Catalogue
from router.serving.status import InvalidRequest, rpc_status, status_of
from router.texts import Texts
from router.v1 import recommendation_pb2


def mix_message(catalogue: Catalogue, number: int, texts: Texts) -> recommendation_pb2.Mix:
    """Writes a mix of the catalogue, its elements in the order in which they start."""
    mix = catalogue.mixes[number]
    in_order = sorted(mix.elements, key=lambda element: element.first_week)
    elements = [
        recommendation_pb2.MixElement(
            channel=recommendation_pb2.Channel.Value(f"CHANNEL_{element.channel.value}"),
            first_week=element.first_week,
            every_n_days=element.every_n_days,
            minutes=element.minutes,
            contacts=element.contacts(mix.weeks),
        )
        for element in in_order
    ]
    return recommendation_pb2.Mix(
        id=mix.id,
        elements=elements,
        adviser_minutes=mix.adviser_minutes,
        digital_share=mix.digital_share,
        digital_demand=mix.digital_demand,
        name=texts.mix(mix.id),
    )


def case_error(error: Exception) -> status_pb2.Status:
    """Writes why one case of several got no answer, as if it had been asked alone."""
    return rpc_status(*status_of(error))


def named_from(
    prefix: str, problems: Sequence[FieldProblem], texts: Texts | None = None
) -> InvalidRequest:
    """Gives the refusal of a case, its fields named from the request's root."""
    return InvalidRequest([replace(one, field=path(prefix, one)) for one in problems], texts)


def path(prefix: str, problem: FieldProblem) -> str:
    """Gives the path of a problem's field from the request's root."""
    return ".".join(part for part in (prefix, problem.field) if part)
