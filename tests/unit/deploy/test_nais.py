"""nais.yaml is what the platform's own definition of an application allows, to the letter."""

import copy
from typing import Any

import yaml

from tests.builders import ROOT

# Of github.com/nais/liberator, commit 4a88a48, as it is there.
CRD = yaml.load((ROOT / "third_party/nais/nais.io_applications.yaml").read_text(), yaml.CSafeLoader)
APPLICATION = yaml.safe_load((ROOT / "deploy/nais/nais.yaml").read_text())


def strict(schema: Any) -> Any:
    """Refuses what the definition does not name, where the platform would drop it in silence."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    if made.pop("x-kubernetes-int-or-string", None):
        made["type"] = ["integer", "string"]
    return made


(VERSION,) = [one for one in CRD["spec"]["versions"] if one["served"]]
SPEC = strict(VERSION["schema"]["openAPIV3Schema"]["properties"]["spec"])


def problems(spec: dict[str, Any]) -> list[str]:
    import jsonschema

    return [one.message for one in jsonschema.Draft202012Validator(SPEC).iter_errors(spec)]


def test_it_is_valid_and_a_misspelt_word_a_wrong_type_and_a_wrong_value_are_found() -> None:
    assert APPLICATION["apiVersion"] == f"{CRD['spec']['group']}/{VERSION['name']}"
    assert APPLICATION["kind"] == CRD["spec"]["names"]["kind"]
    assert not problems(APPLICATION["spec"])
    wrong = copy.deepcopy(APPLICATION["spec"])
    wrong["liveness"]["periodSecond"] = wrong["liveness"].pop("periodSeconds")
    wrong["service"]["protocol"] = "h2"
    wrong["prometheus"]["port"] = 9464
    assert len(problems(wrong)) == 3


def test_it_speaks_grpc_is_probed_on_the_admin_port_and_names_who_may_call() -> None:
    spec = APPLICATION["spec"]
    assert spec["service"] == {"port": spec["port"], "protocol": "grpc"}
    paths = {name: spec[name]["path"] for name in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/isalive", "liveness": "/isalive", "readiness": "/isready"}
    ports = {spec[name]["port"] for name in paths} | {int(spec["prometheus"]["port"])}
    assert ports == {9464}
    assert spec["replicas"]["min"] >= 2
    assert spec["accessPolicy"]["inbound"]["rules"]
