"""References that tell nothing of a person and are never taken for an identity number: UUIDs."""

from __future__ import annotations

import uuid


def new_case_ref() -> str:
    """Gives a reference for a case; keep it beside the case, in the case system alone."""
    return str(uuid.uuid4())


def new_request_id() -> str:
    """Gives an id for a call, so that the call can be sent again and still count once."""
    return str(uuid.uuid4())
