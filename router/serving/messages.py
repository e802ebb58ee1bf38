"""Parts of messages that several services write: a mix, and why a case got no answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from google.rpc import status_pb2

from router.cases.problems import FieldProblem
from router.decision.catalogue import Catalogue, Channel, Mix, MixElement
from router.serving.status import InvalidRequest, rpc_status, status_of
from router.texts import Planned, Texts
from router.v1 import recommendation_pb2


def mix_message(
    catalogue: Catalogue, number: int, texts: Texts, unusable: frozenset[Channel] = frozenset()
) -> recommendation_pb2.Mix:
    """Writes a mix of the catalogue, its elements in the order in which they start.

    Args:
        catalogue: of the mixes.
        number: of the mix.
        texts: for its name.
        unusable: channels in whose place others of the catalogue stand.
    """
    mix = catalogue.mixes[number]
    elements = [_element(one, mix.weeks, unusable) for one in _in_order(mix)]
    return recommendation_pb2.Mix(
        id=mix.id,
        elements=elements,
        adviser_minutes=mix.adviser_minutes,
        digital_share=mix.digital_share,
        digital_demand=mix.digital_demand,
        name=texts.mix(mix.id),
    )


def _in_order(mix: Mix) -> list[MixElement]:
    return sorted(mix.elements, key=lambda element: element.first_week)


def _element(
    element: MixElement, weeks: int, unusable: frozenset[Channel]
) -> recommendation_pb2.MixElement:
    channel = element.channel_without(unusable) or element.channel
    message = recommendation_pb2.MixElement(
        channel=_channel(channel),
        first_week=element.first_week,
        every_n_days=element.every_n_days,
        minutes=element.minutes,
        contacts=element.contacts(weeks),
    )
    if channel is not element.channel:
        message.in_place_of = _channel(element.channel)
    return message


def _channel(channel: Channel) -> recommendation_pb2.Channel.ValueType:
    return recommendation_pb2.Channel.Value(f"CHANNEL_{channel.value}")


def contacts_of(mix: Mix, unusable: frozenset[Channel] = frozenset()) -> list[Planned]:
    """Gives a mix's contacts, each channel once, in the order in which they start.

    Work of one's own in the activity plan is a channel apart from an adviser's look at it.
    """
    found: dict[tuple[Channel, bool], Planned] = {}
    for element in _in_order(mix):
        channel = element.channel_without(unusable) or element.channel
        number = element.contacts(mix.weeks)
        one = Planned(channel.value, number, element.minutes, element.first_week)
        before = found.setdefault((channel, one.is_own), one)
        if before is not one:
            found[channel, one.is_own] = before._replace(number=before.number + number)
    return [*found.values()]


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
