"""What each method of the contract has to do with offices, which its service holds callers to.

A method that has no rule here cannot be called where callers are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Offices(Enum):
    """How a method is held to a caller's offices."""

    OF_EACH_CASE = "each case's office must be the caller's; a case of another is refused alone"
    OF_THE_CALL = "the office that the call names must be the caller's"
    OF_THE_DECISION = "what is another office's looks as if it did not exist"
    OF_THE_LIST = "the list holds what is of the caller's offices, and nothing else"
    OWN_CANARY = "of the offices of a canary it tells the caller's"
    NONE = "it tells of no office"


RULES: Mapping[str, Offices] = {
    "router.v1.ChannelRouter/Recommend": Offices.OF_EACH_CASE,
    "router.v1.ChannelRouter/RecommendBatch": Offices.OF_EACH_CASE,
    "router.v1.ChannelRouter/RecommendStream": Offices.OF_EACH_CASE,
    "router.v1.ChannelRouter/GetRecommendation": Offices.OF_THE_DECISION,
    "router.v1.ChannelRouter/ListRecommendations": Offices.OF_THE_LIST,
    "router.v1.Feedback/RecordChoice": Offices.OF_THE_DECISION,
    "router.v1.Feedback/RecordOutcome": Offices.OF_THE_DECISION,
    "router.v1.Feedback/RecordOwnView": Offices.OF_THE_DECISION,
    "router.v1.Feedback/RequestReview": Offices.OF_THE_DECISION,
    "router.v1.Feedback/AnswerReview": Offices.OF_THE_DECISION,
    "router.v1.Feedback/GetReview": Offices.OF_THE_DECISION,
    "router.v1.Feedback/ListReviews": Offices.OF_THE_LIST,
    "router.v1.CaseloadPlanner/PlanCaseload": Offices.OF_THE_CALL,
    "router.v1.Models/GetPromotedModel": Offices.NONE,
    "router.v1.Models/ListModels": Offices.OWN_CANARY,
    "router.v1.Models/ListFeatures": Offices.NONE,
    "router.v1.Models/ListMixes": Offices.NONE,
    "router.v1.Models/ListSafeguards": Offices.NONE,
    "grpc.health.v1.Health/Check": Offices.NONE,
    "grpc.health.v1.Health/List": Offices.NONE,
    "grpc.health.v1.Health/Watch": Offices.NONE,
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": Offices.NONE,
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Offices.NONE,
}
"""By SERVICE/METHOD."""
WITHOUT_CREDENTIALS = tuple(one for one in RULES if one.startswith("grpc."))
"""What anyone may be let call: probes have no credentials, and reflection tells what is public."""
