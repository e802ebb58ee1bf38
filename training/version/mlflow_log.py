"""Logs a version to MLflow, where many keep their runs: parameters, figures, and every file of it.

Asked for before a fit (`check_server`), a server that cannot take the run costs no learning.

Needs the optional packages of `mlflow-skinny`. A URI is that of a tracking server (http, https), or
a local folder: newer MLflow keeps runs in folders only when it is asked to, which a URI of a folder
is. A database (sqlite and others) needs the whole of MLflow, which is not among our packages.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from router.loopback import is_loopback
from router.mendable import Mendable
from router.versions.registry import FIGURES, MANIFEST, check_files, read_info
from training.evaluation.figures import Figures
from training.version.files import read_figures

EXPERIMENT = "channel-router"
# Some MLflow servers refuse longer parameters.
_VALUE_AT_MOST = 500
# MLflow reports its use to its makers unless told not to; a public agency's runs are nobody else's
# business.
_SETTINGS = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_FILE_STORE": "true"}
# As shipped, MLflow tries a dead server seven times, for minutes. Seconds are enough to be told no.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class NotLogged(Mendable, ValueError):
    """MLflow did not take the run; the version itself is unchanged."""


def log_run(uri: str, folder: Path) -> str:
    """Logs a version as one finished run of the experiment "channel-router".

    Args:
        uri: of the tracking server, or of a local folder.
        folder: of the version; its name is the run's.

    Returns:
        The run's id.

    Raises:
        NotLogged: if MLflow is not installed, does not know the URI, or cannot be reached.
        ModelRefused: if the version is not as its manifest says.
        ValueError: if its figures cannot be read.
    """
    # All of it is checked and read first: a run that ends half way cannot be taken back.
    check_files(folder)
    info = read_info(folder)
    parameters = _parameters(json.loads((folder / MANIFEST).read_bytes()))
    # A version of an early release may have none.
    figures = _figures(read_figures(folder)) if (folder / FIGURES).exists() else {}

    check_server(uri)
    with _client(uri, _SETTINGS) as client:
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT)
        tags = {"synthetic": str(info.synthetic).lower()}
        run: str = client.create_run(experiment, run_name=info.version, tags=tags).info.run_id
        for name, parameter in parameters.items():
            client.log_param(run, name, parameter)
        for name, number in figures.items():
            client.log_metric(run, name, number)
        client.log_artifacts(run, str(folder))
        client.set_terminated(run)
    return run


def check_server(uri: str) -> None:
    """Asks whether runs can be logged there, within seconds.

    Raises:
        NotLogged: if MLflow is not installed, does not know the URI, or cannot be reached.
    """
    with _client(uri, _SETTINGS | _IMPATIENT) as client:
        client.get_experiment_by_name(EXPERIMENT)


@contextmanager
def _client(uri: str, settings: dict[str, str]) -> Iterator[Any]:
    """Gives a client of MLflow, and turns what goes wrong with it into one refusal.

    Raises:
        NotLogged: if MLflow is not installed, does not know the URI, or cannot be reached.
    """
    _check_address(uri)
    shown, credentials = _apart(uri)
    with _settings(settings | credentials | _without_proxy(shown)):
        try:
            from mlflow import MlflowClient  # noqa: PLC0415 - optional, and slow to import
            from mlflow.exceptions import MlflowException  # noqa: PLC0415
        except ImportError as problem:
            raise NotLogged("mlflow: is not installed; install mlflow-skinny") from problem
        try:
            yield MlflowClient(tracking_uri=shown)
        except (MlflowException, ImportError, OSError) as problem:
            raise NotLogged(f"mlflow: {shown}: {problem}") from problem


def _check_address(uri: str) -> None:
    """Refuses what no server can be reached by, without repeating it: it may hold a secret.

    Raises:
        NotLogged: saying what is wrong.
    """
    try:
        parts = urlsplit(_apart(uri)[0])
        parts.port  # noqa: B018 - it is read as it is asked for
    except ValueError:
        raise NotLogged(
            "mlflow: the address cannot be read; give one as http://host:5000"
        ) from None
    if parts.scheme.startswith("http") and (parts.query or parts.fragment):
        raise NotLogged(
            "mlflow: the address may have no part behind a ? or #; give a token in the "
            "environment, as MLFLOW_TRACKING_TOKEN"
        )


def _without_proxy(uri: str) -> dict[str, str]:
    """Gives the settings by which no proxy is asked for a server on this machine."""
    host = urlsplit(uri).hostname or ""
    if not is_loopback(host):
        return {}
    # In small letters it wins where both are set.
    before = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return {"no_proxy": f"{before},{host}" if before else host}


def _parameters(manifest: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Picks everything in a manifest that fits a parameter, nested names joined by dots."""
    found: dict[str, str] = {}
    for name, value in manifest.items():
        if isinstance(value, dict):
            found |= _parameters(value, f"{prefix}{name}.")
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        if len(text) <= _VALUE_AT_MOST:
            found[f"{prefix}{name}"] = text
    return found


def _figures(figures: Figures) -> dict[str, float]:
    """Picks the figures that runs are compared by."""
    found = {
        "calibration.error": figures.calibration.error,
        "calibration.slope": figures.calibration.slope.value,
        "fidelity.contrasts_r2": figures.fidelity.contrasts_r2,
        "fidelity.best_differs": figures.fidelity.best_differs,
        "heterogeneity.p_value": figures.heterogeneity.p_value,
        "error_scale": figures.error_scale,
        "clipped": figures.clipped,
        "peak_memory_mib": figures.peak_memory_mib,
    }
    for policy in figures.policies:
        # MLflow's names know no colon on every system.
        name = f"policies/{policy.name.replace(':', '/')}"
        found[f"{name}/minutes"] = policy.minutes
        found[f"{name}/effective_cases"] = policy.effective_cases
        found |= {f"{name}/{kind}": estimate.value for kind, estimate in policy.estimates.items()}
    for one in figures.differences:
        name = f"gains/{one.better}_over_{one.than}".replace(":", "/")
        found |= {
            f"{name}/value": one.outcome.value,
            f"{name}/low": one.outcome.low,
            f"{name}/minutes": one.minutes,
        }
    found |= {f"abstention/{status}": share for status, share in figures.abstention.items()}
    return found | {f"seconds/{step}": seconds for step, seconds in figures.seconds.items()}


@contextmanager
def _settings(settings: Mapping[str, str]) -> Iterator[None]:
    """MLflow's settings, which it reads from the environment, for as long as it is used."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _apart(uri: str) -> tuple[str, dict[str, str]]:
    """Takes user and password out of a URI, and gives them as MLflow's settings.

    MLflow prints where a run is to be seen, and repeats the URI in errors: what it was not told
    there it cannot tell.
    """
    scheme, separator, rest = uri.partition("://")
    before, found, place = rest.partition("/")
    given, at, host = before.rpartition("@")
    if not separator or not at:
        return uri, {}
    user, _, password = given.partition(":")
    return f"{scheme}://{host}{found}{place}", {
        "MLFLOW_TRACKING_USERNAME": unquote(user),
        "MLFLOW_TRACKING_PASSWORD": unquote(password),
    }
