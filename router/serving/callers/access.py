"""Lets a call in or not: who calls, whether it may call this method, and how much it may ask."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from router.files.acts import Acts
from router.policies.callers import CallerPolicy, CallersPolicy, TokenRules, load_callers
from router.policies.toml_file import PolicyError
from router.serving.callers.bucket import Bucket
from router.serving.callers.caller import EVERYONE, Caller
from router.serving.callers.certificates import identities_of
from router.serving.callers.rules import RULES, WITHOUT_CREDENTIALS
from router.serving.metrics import Metrics
from router.serving.status import NotPermitted, TooMuch, Unauthenticated

if TYPE_CHECKING:
    from router.serving.callers.tokens import Tokens

_log = logging.getLogger(__name__)
_BEARER = "bearer"
_OWN = "router.v1."
_Stamp = tuple[int, int, int, int] | None


class TokenRefused(Exception):
    """A token is not accepted; `reason` is for metrics and logs alone.

    What is wrong with a token is told to nobody who sends one: it would help to make a better one.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _InForce:
    policy: CallersPolicy
    callers: Mapping[str, Caller]


class Presented(Protocol):
    """What a call shows of who makes it: a gRPC context has it, and that of any other door."""

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Gives the headers of the call."""

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """Gives what is known of the connection, in gRPC's words."""


class Access:
    """Holds calls to the callers' file; without one everyone may call everything."""

    def __init__(
        self, path: Path, *, must_exist: bool, tokens: Tokens | None, metrics: Metrics, acts: Acts
    ) -> None:
        """Reads the file.

        Args:
            path: of the callers' file.
            must_exist: whether it is an error if it is not there.
            tokens: verifies them; None if none are taken.
            metrics: counted by.
            acts: told of changes.

        Raises:
            PolicyError: if the file cannot be used.
        """
        self._path = path
        self._tokens = tokens
        self._metrics = metrics
        self._acts = acts
        self._in_force: _InForce | None = None
        self._stamp = _stamp(path)
        if must_exist or self._stamp is not None:  # a link that leads nowhere is a file, too
            self._take(load_callers(path, RULES, WITHOUT_CREDENTIALS))

    @property
    def version(self) -> str:
        """Version of the file in force, "" without one."""
        return self._in_force.policy.version if self._in_force else ""

    def refresh(self) -> None:
        """Takes the file if it has changed; what cannot be used leaves the last good one in force.

        A file that is gone does too: nothing opens by a mistake.
        """
        now = _stamp(self._path)
        if now == self._stamp:
            return
        before = self.version
        try:
            policy = load_callers(self._path, RULES, WITHOUT_CREDENTIALS)
        except PolicyError as problem:
            self._metrics.reloads.labels("callers", "refused").inc()
            self._metrics.callers.file_refused.set(1)
            _log.error(
                "refused; what was good before stands",
                extra={"part": "callers", "problem": str(problem), "policy_version": before},
            )
            self._acts.note("policy refused", before, before, part="callers", why=str(problem))
        else:
            self._metrics.callers.file_refused.set(0)
            if self._in_force is None or policy != self._in_force.policy:
                self._take(policy)
                self._metrics.reloads.labels("callers", "taken").inc()
                self._acts.note("policy changed", before, policy.version, part="callers")
                _log.info("reloaded", extra={"part": "callers", "policy_version": policy.version})
        # Last: if anything fails that nobody foresaw, the next look tries again.
        self._stamp = now

    def admit(self, method: str, shown: Presented) -> Caller:
        """Tells who calls, and takes a case out of its bucket.

        Args:
            method: as SERVICE/METHOD.
            shown: by the call.

        Raises:
            Unauthenticated: if it does not say who calls, or not in a way that is accepted.
            NotPermitted: if the caller may not call the method.
            TooMuch: if it has asked for too much already.
            CallersUnknown: if it cannot be told now.
        """
        # Taken once: a thread puts another in its place.
        now = self._in_force
        if now is None:
            return EVERYONE
        policy = now.policy
        if method in policy.anyone:
            return Caller(name="", offices=frozenset())

        known = self._known(policy, shown)
        # The same words for who is not in the file: it is nobody's business who is.
        if known is None or method not in known.methods:
            self._refused(known.name if known else "", "METHOD" if known else "CALLER")
            raise NotPermitted("METHOD_NOT_PERMITTED", "the caller may not call this method")
        caller = now.callers[known.name]
        if caller.bucket is not None and method.startswith(_OWN):
            seconds = caller.bucket.take()
            if seconds > 0:
                self._refused(caller.name, "RATE")
                raise TooMuch(seconds)
        return caller

    def _known(self, policy: CallersPolicy, shown: Presented) -> CallerPolicy | None:
        """Finds the caller in the file, by its token if it sends one, else by its certificate.

        Raises:
            Unauthenticated: if there is neither, or it is not accepted.
            CallersUnknown: if it cannot be told now.
        """
        sent = [
            value for name, value in shown.invocation_metadata() or () if name == "authorization"
        ]
        if sent and self._tokens is not None:
            # It alone decides: one that is bad is not made good by the connection that it came by.
            return policy.by_token.get(self._of_token(policy.tokens, sent, self._tokens))

        identities = identities_of(shown.auth_context())
        if not identities:
            self._refused("", "CREDENTIALS_MISSING")
            raise Unauthenticated(
                "CREDENTIALS_MISSING", "a client certificate or a bearer token is needed"
            )
        found = [policy.by_certificate[one] for one in identities if one in policy.by_certificate]
        # Of a certificate for several callers nobody can tell which of them calls.
        return found[0] if found and all(one is found[0] for one in found) else None

    def _of_token(self, rules: TokenRules, sent: list[str | bytes], tokens: Tokens) -> str:
        try:
            scheme, _, token = str(sent[0]).partition(" ")
            if len(sent) > 1 or scheme.lower() != _BEARER:
                raise TokenRefused("TOKEN_UNREADABLE")
            claims = tokens.claims(token.strip())
            return _checked(rules, claims)
        except TokenRefused as refused:
            self._refused("", refused.reason)
            raise Unauthenticated(
                "CREDENTIALS_REFUSED", "the bearer token is not accepted"
            ) from None

    def _refused(self, caller: str, reason: str) -> None:
        self._metrics.callers.refused.labels(caller, reason).inc()

    def _take(self, policy: CallersPolicy) -> None:
        before = self._in_force.callers if self._in_force else {}
        callers = {
            one.name: Caller(
                name=one.name,
                offices=one.offices,
                bucket=_bucket(one, before.get(one.name)),
                count_refused=self._refused,
            )
            for one in policy.callers
        }
        self._in_force = _InForce(policy=policy, callers=callers)


def _bucket(one: CallerPolicy, before: Caller | None) -> Bucket | None:
    if one.rate is None:
        return None
    kept = before.bucket if before else None
    # A reload gives nobody a new bucket to empty.
    return kept if kept is not None and kept.rate == one.rate else Bucket(one.rate)


def _checked(rules: TokenRules, claims: Mapping[str, Any]) -> str:
    """Gives the identity of a token's caller, once its claims are as they must be.

    Raises:
        TokenRefused: if they are not.
    """
    roles = claims.get("roles", [])
    if any(claims.get(name) != value for name, value in rules.claims.items()):
        raise TokenRefused("TOKEN_CLAIMS")
    if not isinstance(roles, list) or any(role not in roles for role in rules.roles):
        raise TokenRefused("TOKEN_ROLES")
    caller = claims.get(rules.caller)
    if not isinstance(caller, str) or not caller:
        raise TokenRefused("TOKEN_CLAIMS")
    return caller


def _stamp(path: Path) -> _Stamp:
    """Tells one state of a file from another: its change time moves whatever is done to it.

    Only where nothing has the name is there no file: what cannot be looked at (a link that leads
    nowhere or in a circle, a folder that may not be entered) may be one that somebody wrote.
    """
    try:
        found = path.stat()
    except OSError:
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            return 0, 0, 0, problem.errno or 0
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
