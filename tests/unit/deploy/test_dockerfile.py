"""What an image must be: pinned, without root, without a shell to start, from hashed files only."""

import json
import re

from tests.builders import ROOT

TEXT = (ROOT / "Dockerfile").read_text()
LINES = re.sub(r"\\\n\s*", " ", TEXT).splitlines()
STAGES: dict[str, list[str]] = {}
for line in LINES:
    if line.startswith("FROM"):
        stage = STAGES.setdefault(line.rpartition(" AS ")[2], [])
    if line and not line.startswith(("#", "ARG BASE", "ARG DIGEST")):
        stage.append(line)
SHIPPED = ("reports", "server")


def test_every_stage_begins_from_the_one_image_that_a_digest_names() -> None:
    images = {line.rpartition(" AS ")[0] for line in LINES if line.startswith("FROM")}
    assert images == {"FROM ${BASE}@${DIGEST}"}
    # None is made up here: without one, nothing is built.
    assert "ARG DIGEST" in LINES


def test_what_is_shipped_runs_without_root_and_starts_without_a_shell() -> None:
    for name in SHIPPED:
        assert "USER 65532:65532" in STAGES[name]
        for word in ("ENTRYPOINT", "CMD"):
            (started,) = [line for line in STAGES[name] if line.startswith(f"{word} ")]
            assert json.loads(started.partition(" ")[2])
    assert list(STAGES)[-1] == "server"


def test_nothing_is_installed_but_by_hash_or_from_the_wheel_and_no_installer_is_shipped() -> None:
    installs = [line for line in LINES if "pip" in line and " install " in line]
    assert installs
    for line in installs:
        assert "--require-hashes -r requirements" in line or "--no-index /wheels/" in line
    for line in LINES:
        if " -m venv" in line and "/app" in line:
            assert "--without-pip /app" in line
    assert not [line for name in SHIPPED for line in STAGES[name] if "pip" in line.split("#")[0]]


def test_the_server_is_installed_without_what_only_reports_and_learning_need() -> None:
    def libraries(lock: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text(), re.MULTILINE))

    served = libraries("requirements.lock")
    assert {"grpcio", "psycopg", "cryptography", "connectrpc"} <= served
    assert not served & {"pyarrow", "matplotlib", "jinja2", "scikit-learn", "pandas", "polars"}
    assert {"pyarrow", "matplotlib", "scikit-learn"} <= libraries("requirements-reports.lock")
    assert "setuptools" in libraries("requirements-build.lock")
