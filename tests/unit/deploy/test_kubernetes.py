"""What a cluster is told: valid, safe by its own settings, and about this server."""

import copy
import subprocess
import tomllib
from functools import cache
from typing import Any

import pytest
import yaml

from router.commands.serve import serve
from tests.builders import ROOT
from tests.e2e.conftest import tool

OVERLAYS = ("demo", "production")
VERSION = "1.37"
# Read by others than the server.
OTHERS = {"PGSERVICEFILE"}


@cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    folder = ROOT / "deploy" / "kubernetes" / "overlays" / overlay
    made = subprocess.run(
        [tool("kubectl"), "kustomize", folder],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    assert not made.stderr
    return list(yaml.safe_load_all(made.stdout))


def of_kind(overlay: str, kind: str) -> dict[str, Any]:
    (found,) = [one for one in rendered(overlay) if one["kind"] == kind]
    return found


def pod(overlay: str) -> dict[str, Any]:
    spec: dict[str, Any] = of_kind(overlay, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(overlay: str) -> dict[str, Any]:
    (one,) = pod(overlay)["containers"]
    found: dict[str, Any] = one
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_that_is_rendered_is_valid_to_the_letter(overlay: str) -> None:
    import kubernetes_validate

    kinds = set()
    for one in rendered(overlay):
        kubernetes_validate.validate(one, VERSION, strict=True)
        kinds.add(one["kind"])
    assert kinds >= {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    # A word that is nearly right is found.
    wrong = copy.deepcopy(of_kind(overlay, "Deployment"))
    probe = wrong["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]
    probe["periodSecond"] = probe.pop("periodSeconds")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_no_root_no_token_no_rights_and_writes_to_its_volume_alone(overlay: str) -> None:
    assert pod(overlay)["automountServiceAccountToken"] is False
    assert of_kind(overlay, "ServiceAccount")["automountServiceAccountToken"] is False
    assert pod(overlay)["enableServiceLinks"] is False
    whole = pod(overlay)["securityContext"]
    assert (whole["runAsNonRoot"], whole["runAsUser"], whole["runAsGroup"]) == (True, 65532, 65532)
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(overlay)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    written = [m["name"] for m in container(overlay)["volumeMounts"] if not m.get("readOnly")]
    assert written == ["data"]
    (enforced,) = of_kind(overlay, "Namespace")["metadata"]["labels"].values()
    assert enforced == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_meet_the_admin_port_and_a_pod_ends_within_its_grace(overlay: str) -> None:
    ports = {port["name"]: port["containerPort"] for port in container(overlay)["ports"]}
    assert ports == {"grpc": 50051, "admin": 9464}
    for probe, path in (("startup", "alive"), ("liveness", "alive"), ("readiness", "ready")):
        met = container(overlay)[f"{probe}Probe"]["httpGet"]
        assert met == {"path": f"/is{path}", "port": "admin"}
    names = {one["name"]: one["value"] for one in container(overlay)["env"]}
    lame = float(names["ROUTER_LAME_DUCK_SECONDS"])
    # 9 s is the most that calls in flight may be given, 5 s the journal's last records.
    assert lame >= 5
    assert lame + 9 + 5 < pod(overlay)["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_a_setting_of_the_server(overlay: str) -> None:
    known: set[str] = set()
    for option in serve.params:
        names = option.envvar or ()
        known |= {names} if isinstance(names, str) else set(names)
    given = {one["name"] for one in container(overlay)["env"]}
    assert given - OTHERS <= known
    assert container(overlay)["args"] == ["serve"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_service_budget_and_policy_select_the_pods_and_the_policy_leaves_names_resolvable(
    overlay: str,
) -> None:
    deployment = of_kind(overlay, "Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    service = of_kind(overlay, "Service")["spec"]
    assert (service["selector"], service["clusterIP"]) == (labels, "None")
    assert of_kind(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    policy = of_kind(overlay, "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    # None of our own labels got into whom it names.
    (names,) = policy["egress"][0]["to"]
    assert names["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == [
        "grpc",
        "admin",
    ]


def test_production_keeps_three_pods_a_database_and_no_secret_in_what_is_rendered() -> None:
    scaler = of_kind("production", "HorizontalPodAutoscaler")["spec"]
    assert scaler["minReplicas"] == 3
    # Else applying it again would take away what the autoscaler added.
    assert "replicas" not in of_kind("production", "Deployment")["spec"]
    names = {one["name"]: one["value"] for one in container("production")["env"]}
    assert names["ROUTER_JOURNAL"] == "postgresql:///?service=journal"
    assert not [one for one in rendered("production") if one["kind"] == "Secret"]
    assert not [one for one in container("production")["env"] if "valueFrom" in one]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert container("production")["image"].endswith(f"/channel-router:{version}")
    egress = of_kind("production", "NetworkPolicy")["spec"]["egress"]
    assert [port["port"] for port in egress[-1]["ports"]] == [5432]
