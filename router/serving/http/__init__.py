"""JSON over HTTP: a second door to the same services, for browsers and for systems without gRPC.

What comes in is run by the edge, as it is behind gRPC: the same limits, errors and counts.
"""

from __future__ import annotations

from router.serving.settings import SettingsError

try:
    import connectrpc  # noqa: F401
    import starlette  # noqa: F401
    import uvicorn  # noqa: F401
except ImportError as error:
    raise SettingsError(
        "http", f"JSON over HTTP needs more libraries; install channel-router[http] ({error})"
    ) from error
