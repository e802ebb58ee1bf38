"""Logging a version to MLflow, against a local folder of runs."""

import base64
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from router.versions.registry import ModelRefused
from tests.unit.training.version.versions_builder import a_version
from training.version.mlflow_log import EXPERIMENT, NotLogged, check_server, log_run


def test_parameters_figures_and_every_file_are_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_version(tmp_path / "models")
    uri = (tmp_path / "runs").as_uri()
    before = dict(os.environ)
    run = log_run(uri, folder)
    assert dict(os.environ) == before
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    found = client.get_run(run)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    assert found.info.experiment_id == experiment.experiment_id
    assert (found.info.run_name, found.info.status) == ("v1", "FINISHED")
    assert found.data.tags["synthetic"] == "true"
    assert found.data.params["training.cases"] == "59827"
    assert found.data.params["sha256.tables.npz"]
    assert found.data.metrics["policies/candidate/dr"] > found.data.metrics["policies/logged/dr"]
    assert "policies/uniform/SELF_SERVICE/dr" in found.data.metrics
    logged = {artifact.path for artifact in client.list_artifacts(run)}
    assert (
        logged
        == {path.name for path in folder.iterdir()}
        >= {"report.html", "tables.npz", "figures.json"}
    )
    assert log_run(uri, folder) != run


def test_a_changed_version_is_not_logged(tmp_path: Path) -> None:
    folder = a_version(tmp_path / "models")
    (folder / "report.html").write_text("changed")
    with pytest.raises(ModelRefused, match=r"report\.html has SHA-256"):
        log_run((tmp_path / "runs").as_uri(), folder)
    assert not (tmp_path / "runs").exists()


def test_a_place_that_mlflow_does_not_know_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(NotLogged, match="mlflow: nowhere://store: ") as refused:
        log_run("nowhere://kari:secret@store", a_version(tmp_path / "models"))
    assert "secret" not in str(refused.value)


def test_no_proxy_is_asked_for_a_server_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead:
        port = dead.getsockname()[1]
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "example.org")
    with pytest.raises(NotLogged) as refused:
        check_server(f"http://LocalHost:{port}")
    assert "Proxy" not in str(refused.value)
    assert os.environ["no_proxy"] == "example.org"


def test_a_dead_server_is_told_of_before_anything_is_learned(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead:
        port = dead.getsockname()[1]
    with pytest.raises(NotLogged, match=f"mlflow: http://127.0.0.1:{port}: "):
        check_server(f"http://kari:secret@127.0.0.1:{port}")


def test_a_database_that_the_light_mlflow_cannot_open_is_told_of_too(tmp_path: Path) -> None:
    with pytest.raises(NotLogged, match="mlflow: sqlite:///"):
        check_server(f"sqlite:///{tmp_path / 'runs.db'}")


def test_a_local_folder_can_take_runs(tmp_path: Path) -> None:
    check_server((tmp_path / "runs").as_uri())


def test_user_and_password_of_a_server_are_sent_to_it_and_shown_nowhere(
    capfd: pytest.CaptureFixture[str],
) -> None:
    sent = []

    class Tracking(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append(self.headers["Authorization"])
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "none"}')

        def log_message(self, *words: object) -> None:
            """Tells nothing."""

    with HTTPServer(("127.0.0.1", 0), Tracking) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        check_server(f"http://kari:s%40cret@127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
    assert sent == ["Basic " + base64.b64encode(b"kari:s@cret").decode()]
    told = capfd.readouterr()
    assert "cret" not in told.out + told.err
    assert "MLFLOW_TRACKING_PASSWORD" not in os.environ


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("http://[::1", "cannot be read"),
        ("http://127.0.0.1:s3cret", "cannot be read"),
        ("http://kari:s3cret@[::1", "cannot be read"),
        ("http://127.0.0.1:1/?token=s3cret", r"behind a \? or #"),
        ("https://127.0.0.1:1/#s3cret", r"behind a \? or #"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_and_not_repeated(uri: str, told: str) -> None:
    with pytest.raises(NotLogged, match=told) as refused:
        check_server(uri)
    assert "s3cret" not in str(refused.value)
