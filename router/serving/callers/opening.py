"""From settings to what holds calls to them: who may call, and TLS; extras are asked for here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.files.acts import Acts
from router.serving.callers.access import Access
from router.serving.metrics import Metrics
from router.serving.settings import Settings, TokenIssuer

if TYPE_CHECKING:
    from router.serving.callers.tokens import Tokens
    from router.serving.tls import Tls


def access_of(settings: Settings, metrics: Metrics, acts: Acts) -> Access:
    """Opens the callers' file, and begins to follow the keys of tokens if they are taken.

    Raises:
        SettingsError: if what is needed for it is not installed, or names no keys.
        PolicyError: if the file cannot be used.
    """
    return Access(
        settings.callers_file,
        must_exist=settings.callers is not None,
        tokens=_tokens(settings.tokens, metrics) if settings.tokens else None,
        metrics=metrics,
        acts=acts,
    )


def tls_of(settings: Settings, metrics: Metrics) -> Tls | None:
    """Reads the files of TLS; None where it is not asked for.

    Raises:
        SettingsError: if they cannot be used, or what is needed for it is not installed.
    """
    if settings.tls is None:
        return None
    from router.serving.tls import Tls  # noqa: PLC0415 - an extra

    return Tls(settings.tls, metrics)


def _tokens(source: TokenIssuer, metrics: Metrics) -> Tokens:
    from router.serving.callers.keys import Keys, check_source  # noqa: PLC0415 - an extra
    from router.serving.callers.tokens import Tokens  # noqa: PLC0415 - an extra

    check_source(source.jwks)
    keys = Keys(source.jwks)
    metrics.callers.watch_token_keys(lambda: keys.count, lambda: keys.age)
    return Tokens(source.issuer, source.audience, keys)
