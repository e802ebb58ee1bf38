"""Reads who may call what, and for which offices: the callers' file, `callers.toml`.

What is not named there is denied.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import msgspec

from router.cases.features import OFFICE_REF, REFERENCES
from router.policies.toml_file import TomlTable, read_toml

CALLERS = "callers.toml"
"""The file's name, where it lies beside the other policies."""
CALLERS_AT_MOST = 500
ALL_OFFICES = "*"
NO_OFFICE = ""
"""Stands in a list of offices for cases that name none."""
CALLER_CLAIMS = ("azp", "client_id", "sub")
"""Claims that may name a caller: those that an issuer gives and nobody else can choose."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CERTIFICATE = re.compile(r"spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)*|(dns|cn):\S(.{0,253}\S)?")
_CERTIFICATE_KINDS = "spiffe://DOMAIN/PATH, dns:NAME or cn:NAME"
_TOKEN_AT_MOST = 200
_RATE = (0.1, 1_000_000.0)
_BURST = (1, 10_000_000)
# As long as those of other policies.
_DIGITS = 12
_Problem = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How much a caller may ask for: a bucket of `burst` cases that fills by so many a second."""

    cases_per_second: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerPolicy:
    """What one caller may do.

    Attributes:
        name: by which the journal, metrics and logs know it.
        certificates: identities of its client certificates, `spiffe://...`, `dns:...` or `cn:...`.
        tokens: identities of its tokens: what the claim that names callers says.
        methods: that it may call, as SERVICE/METHOD.
        offices: for which it may call, "" for none; None for all.
        rate: how much it may ask for; None for as much as it likes.
    """

    name: str
    certificates: tuple[str, ...]
    tokens: tuple[str, ...]
    methods: frozenset[str]
    offices: frozenset[str] | None
    rate: Rate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What a token must say beside issuer, audience and times.

    Attributes:
        caller: the claim that names the caller.
        claims: what other claims must be.
        roles: that the claim `roles` must hold, every one.
    """

    caller: str
    claims: Mapping[str, str]
    roles: tuple[str, ...]


# As Microsoft's Entra ID marks the token of a program that acts for itself.
_OF_PROGRAMS = TokenRules(caller="azp", claims={"idtyp": "app"}, roles=())


@dataclass(frozen=True, slots=True, kw_only=True)
class CallersPolicy:
    """Who may call.

    Attributes:
        version: of the file, and the start of a digest of all that it says.
        callers: everyone who is known.
        anyone: methods that need no credentials, as SERVICE/METHOD.
        tokens: what tokens must say.
        by_certificate: callers by the identity of their certificate.
        by_token: callers by the identity of their token.
    """

    version: str
    callers: tuple[CallerPolicy, ...]
    anyone: frozenset[str]
    tokens: TokenRules
    by_certificate: Mapping[str, CallerPolicy] = field(init=False, repr=False, compare=False)
    by_token: Mapping[str, CallerPolicy] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Looks the callers up once."""
        certificates = {one: caller for caller in self.callers for one in caller.certificates}
        tokens = {one: caller for caller in self.callers for one in caller.tokens}
        object.__setattr__(self, "by_certificate", certificates)
        object.__setattr__(self, "by_token", tokens)


def load_callers(
    path: Path, methods: Collection[str], without_credentials: Collection[str]
) -> CallersPolicy:
    """Reads and checks the callers' file.

    Args:
        path: of the file.
        methods: all that there are, as SERVICE/METHOD.
        without_credentials: those of them that anyone may be let call.

    Raises:
        PolicyError: if a value cannot be used, naming file, key, value and bound.
    """
    table = read_toml(path)
    version = table.text("version")
    if not _NAME.fullmatch(version):
        raise table.error("version", f"{version!r} is not 1 to 64 of A-Z, a-z, 0-9, '._-'")
    anyone = table.names("anyone", _one_of(without_credentials))
    tokens = _token_rules(table)
    roles = _roles(table.table("roles"), methods)
    parts = table.tables("callers", 1, CALLERS_AT_MOST)
    callers = tuple(_caller(one, roles) for one in parts)
    table.finish()

    for key, each in (
        ("name", [[one.name] for one in callers]),
        ("certificates", [one.certificates for one in callers]),
        ("tokens", [one.tokens for one in callers]),
    ):
        _check_apart(table, key, each)
    digest = _digest(anyone, tokens, callers)
    return CallersPolicy(
        version=f"{version}+{digest}", callers=callers, anyone=frozenset(anyone), tokens=tokens
    )


def _token_rules(table: TomlTable) -> TokenRules:
    if not table.has("tokens"):
        return _OF_PROGRAMS
    part = table.table("tokens")
    caller = part.one_of("caller", CALLER_CLAIMS)
    claims = part.table_or_empty("claims")
    found = {name: claims.text(name) for name in claims.keys()}  # noqa: SIM118 - no dict
    roles = part.names("roles", _short)
    part.finish()
    return TokenRules(caller=caller, claims=found, roles=roles)


def _roles(table: TomlTable, methods: Collection[str]) -> Mapping[str, frozenset[str]]:
    found = {}
    for name in table.keys():  # noqa: SIM118 - no dict
        if not _NAME.fullmatch(name):
            raise table.error(name, "a role's name is 1 to 64 of A-Z, a-z, 0-9, '._-'")
        found[name] = frozenset(table.names(name, _one_of(methods)))
        if not found[name]:
            raise table.error(name, "names no method")
    return found


def _caller(table: TomlTable, roles: Mapping[str, frozenset[str]]) -> CallerPolicy:
    name = table.text("name")
    if not _NAME.fullmatch(name):
        raise table.error("name", f"{name!r} is not 1 to 64 of A-Z, a-z, 0-9, '._-'")
    certificates = table.names("certificates", _certificate_problem)
    tokens = table.names("tokens", _short)
    if not certificates and not tokens:
        raise table.error("certificates", "names none, nor does tokens: nobody could be known so")
    its_roles = table.names("roles", _one_of(roles))
    if not its_roles:
        raise table.error("roles", f"names none of {', '.join(roles)}")
    caller = CallerPolicy(
        name=name,
        certificates=certificates,
        tokens=tokens,
        methods=frozenset(chain.from_iterable(roles[role] for role in its_roles)),
        offices=_offices(table),
        rate=_rate(table),
    )
    table.finish()
    return caller


def _offices(table: TomlTable) -> frozenset[str] | None:
    # It must be said, though a method may have to do with no office: else "all" would be meant by
    # some who leave it out, and "none" by others.
    if not table.has("offices"):
        raise table.error("offices", f"is missing; a list of offices, or [{ALL_OFFICES!r}] for all")
    offices = table.names("offices", _office_problem)
    if ALL_OFFICES not in offices:
        return frozenset(offices)
    if len(offices) > 1:
        raise table.error("offices", f"{ALL_OFFICES!r} stands for all, and stands alone")
    return None


def _rate(table: TomlTable) -> Rate | None:
    if not table.has("cases_per_second"):
        return None
    rate = table.number("cases_per_second", *_RATE)
    burst = table.integer("burst", *_BURST) if table.has("burst") else max(1, round(rate))
    return Rate(cases_per_second=rate, burst=burst)


def _one_of(known: Collection[str]) -> _Problem:
    return lambda text: "" if text in known else f"{text!r} is not one of {', '.join(known)}"


def _certificate_problem(text: str) -> str:
    if not _CERTIFICATE.fullmatch(text):
        return f"{text!r} is not {_CERTIFICATE_KINDS}"
    # Names of hosts are the same in capitals; a certificate's are compared in small letters.
    return (
        f"{text!r} must be in small letters"
        if text.startswith("dns:") and text != text.lower()
        else ""
    )


def _short(text: str) -> str:
    return "" if text.isprintable() and 0 < len(text) <= _TOKEN_AT_MOST else "is not a plain text"


def _office_problem(text: str) -> str:
    if text in {ALL_OFFICES, NO_OFFICE}:
        return ""
    return REFERENCES[OFFICE_REF].problem(text)


def _check_apart(table: TomlTable, key: str, each: Iterable[Iterable[str]]) -> None:
    """Checks that nobody could be taken for another caller.

    Raises:
        PolicyError: if two callers have the same identity.
    """
    seen: dict[str, int] = {}
    for number, identities in enumerate(each):
        for one in identities:
            first = seen.setdefault(one, number)
            if first != number:
                where = f"callers[{number}].{key}"
                raise table.error(where, f"{one!r} is that of callers[{first}] already")


def _digest(anyone: Iterable[str], tokens: TokenRules, callers: Iterable[CallerPolicy]) -> str:
    # Of what is in force, not of the bytes: a comment more is no other policy.
    said = msgspec.json.encode([sorted(anyone), tokens, callers], order="deterministic")
    return hashlib.sha256(said).hexdigest()[:_DIGITS]
