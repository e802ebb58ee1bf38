"""Asks a channel router for advice, and tells it what came of it.

The messages are in `channel_router_client.v1`.
"""

from channel_router_client.client import ChannelRouterClient, Plan
from channel_router_client.errors import (
    ChannelRouterError,
    DeadlineExceeded,
    FieldViolation,
    InvalidRequest,
    NotFound,
    Overloaded,
    Precluded,
    Stands,
    Unavailable,
    Unimplemented,
)
from channel_router_client.references import new_case_ref, new_request_id

__all__ = [
    "ChannelRouterClient",
    "ChannelRouterError",
    "DeadlineExceeded",
    "FieldViolation",
    "InvalidRequest",
    "NotFound",
    "Overloaded",
    "Plan",
    "Precluded",
    "Stands",
    "Unavailable",
    "Unimplemented",
    "new_case_ref",
    "new_request_id",
]
