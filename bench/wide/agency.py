"""A larger agency: the project with more mixes and more fields, made as CONTRIBUTING has it.

A field more is a field of the annotated contract with its texts; a mix more is a table of
`policies/mixes.toml`, on the menu of the national policy, with its name. Each field more is a copy
of one of today's with the role MODEL, and so as long as those are: 29 fields of today's have 4,356
slots. Fields of safeguards stay today's: each would need a rule of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from router.policies.catalogue_file import load_catalogue

ROOT = Path(__file__).parents[2]
_LANGUAGES = ("nb", "nn", "en")
# Besides their own code, today's rule and offices' policies name these.
_NAMED = (
    "SELF_SERVICE",
    "DIALOGUE_AND_PHONE",
    "REGULAR_PERSONAL",
    "BLENDED_OFFICE",
    "INTENSIVE_PERSONAL",
)
_TALKS = ("PHONE", "VIDEO", "OFFICE_MEETING", "GROUP_MEETING")
_MESSAGES = """\
    { channel = "SELF_SERVICE", first_week = 1, every_n_days = 28, minutes = 0 },
    { channel = "DIALOGUE_MESSAGE", first_week = 1, every_n_days = 28, minutes = 7 },
"""
# Three contacts of so many minutes each, besides 21 minutes of messages.
_CONTACTS, _BESIDE = 3, 21
_FIELD = re.compile(
    r"(?:  //[^\n]*\n)+"
    r"  (?P<kind>(?:optional )?\w+) (?P<name>\w+) = \d+ \[\(feature\) = \{\n"
    r"(?P<note>.*?)\n  \}\];\n",
    re.DOTALL,
)
_ROLES = re.compile(r"    roles: \[.*?\]\n", re.DOTALL)


def make_policies(folder: Path, mixes: int) -> None:
    """Writes policies with so many mixes, today's first: fewer leave out, more are added.

    Args:
        folder: to be made.
        mixes: 5 to 63.
    """
    shutil.copytree(ROOT / "policies", folder)
    path = folder / "mixes.toml"
    today = load_catalogue(path)
    head, *tables = path.read_text(encoding="utf-8").split("[[mix]]\n")
    by_minutes = {
        mix.adviser_minutes: table for mix, table in zip(today.mixes, tables, strict=True)
    }
    # The lightest of those that nothing names go first.
    spare = [mix.adviser_minutes for mix in today.mixes if mix.id not in _NAMED]
    for minutes in spare[: max(0, len(tables) - mixes)]:
        del by_minutes[minutes]

    # From light to heavy, between the lightest and the one that serves everybody.
    heaviest = (max(by_minutes) - _BESIDE) // _CONTACTS
    more = [_BESIDE + _CONTACTS * each for each in range(4, heaviest, max(1, heaviest // 64))]
    free = [minutes for minutes in more if minutes not in by_minutes]
    lacking = mixes - len(by_minutes)
    for number in range(lacking):
        by_minutes[free[number * len(free) // lacking]] = _mix(
            number, free[number * len(free) // lacking]
        )
    path.write_text(
        head + "".join(f"[[mix]]\n{by_minutes[minutes]}" for minutes in sorted(by_minutes)),
        encoding="utf-8",
    )

    ids = load_catalogue(path).ids
    national = folder / "national.toml"
    menu = "".join(f'    "{mix}",\n' for mix in ids)
    text = re.sub(
        r"^menu = \[.*?\]$",
        f"menu = [\n{menu}]",
        national.read_text(encoding="utf-8"),
        count=1,
        flags=re.DOTALL | re.MULTILINE,
    )
    national.write_text(text, encoding="utf-8")


def _mix(number: int, minutes: int) -> str:
    talk = _TALKS[number % len(_TALKS)]
    each = (minutes - _BESIDE) // _CONTACTS
    return (
        f'id = "OF_THEIR_OWN_{number:02d}"\ndigital_demand = true\nelements = [\n{_MESSAGES}'
        f'    {{ channel = "{talk}", first_week = 2, every_n_days = 28, minutes = {each} }},\n]\n\n'
    )


def make_agency(folder: Path, mixes: int, fields: int) -> None:
    """Writes a project with so many mixes and fields, to be run in.

    Args:
        folder: to be made.
        mixes: 5 to 63.
        fields: features of a case; today's at least.
    """
    for name in ("router", "bench", "proto"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    make_policies(folder / "policies", mixes)
    copies = _more_fields(folder / "proto/router/v1/case.proto", fields)
    for language in _LANGUAGES:
        _more_texts(folder / f"router/texts/{language}.toml", copies, folder / "policies")
    if copies:
        protos = [str(path.relative_to(folder)) for path in (folder / "proto").rglob("*.proto")]
        protoc = [sys.executable, "-m", "grpc_tools.protoc"]
        subprocess.run(
            [*protoc, "-I", "proto", "-I", ROOT / "third_party", "--python_out=.", *sorted(protos)],
            cwd=folder,
            check=True,
        )


def _more_fields(path: Path, fields: int) -> dict[str, str]:
    """Adds fields to the contract; gives the field that each is a copy of, by name."""
    text = path.read_text(encoding="utf-8")
    found = [one for one in _FIELD.finditer(text) if "max_length" not in one["note"]]
    today = [one for one in found if "ROLE_MODEL" in one["note"]]
    if fields < len(found):
        raise ValueError(f"fields: {fields}; there are {len(found)} already")
    first = 1 + max(int(number) for number in re.findall(r" = (\d+) \[\(feature\)", text))

    copies, blocks = {}, []
    for number in range(fields - len(found)):
        one = today[number % len(today)]
        name = f"{one['name']}_of_{number // len(today) + 2}"
        note = _ROLES.sub("    roles: [ROLE_MODEL]\n", one["note"] + "\n")
        blocks.append(
            f"  // A copy.\n  {one['kind']} {name} = {first + number} "
            f"[(feature) = {{\n{note}  }}];\n"
        )
        copies[name] = one["name"]
    end = max(one.end() for one in found)
    path.write_text(text[:end] + "".join(blocks) + text[end:], encoding="utf-8")
    return copies


def _more_texts(path: Path, copies: dict[str, str], policies: Path) -> None:
    """Adds the label, values and sentences of each copy, and a name of each mix."""
    text = path.read_text(encoding="utf-8")
    entries = tomllib.loads(text)
    labels = "".join(f"{name} = {_quoted(entries['feature'][of])}\n" for name, of in copies.items())
    names = "".join(
        f'{mix} = "{mix}"\n'
        for mix in load_catalogue(policies / "mixes.toml").ids
        if mix not in entries["mix"]
    )
    text = text.replace("[feature]\n", f"[feature]\n{labels}", 1)
    text = text.replace("[mix]\n", f"[mix]\n{names}", 1)
    tables = []
    for name, of in copies.items():
        for keys in (("value",), ("user", "fact"), ("adviser", "fact")):
            section: Any = entries
            for key in keys:
                section = section[key]
            if of in section:
                rows = "".join(f"{_key(k)} = {_quoted(v)}\n" for k, v in section[of].items())
                tables.append(f"\n[{'.'.join([*keys, name])}]\n{rows}")
    path.write_text(text + "".join(tables), encoding="utf-8")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
