"""Parts of messages that several services write: a mix, and why a case got no answer."""

from __future__ import annotations

from router.cases.problems import FieldProblem
from router.decision.catalogue import Catalogue
from router.texts import Texts
from router.v1 import channel_router_pb2, recommendation_pb2

# As google.rpc.Code numbers it: the batch itself is OK.
_INVALID_ARGUMENT = 3


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


def case_error(problems: list[FieldProblem], prefix: str) -> channel_router_pb2.CaseError:
    """Writes why one case of several got no answer; fields are named from the request's root."""
    return channel_router_pb2.CaseError(
        code=_INVALID_ARGUMENT,
        problems=[
            channel_router_pb2.FieldProblem(
                field=path(prefix, problem), description=problem.description
            )
            for problem in problems
        ],
    )


def path(prefix: str, problem: FieldProblem) -> str:
    """Gives the path of a problem's field from the request's root."""
    return ".".join(part for part in (prefix, problem.field) if part)
