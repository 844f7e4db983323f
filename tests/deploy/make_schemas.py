# SPDX-License-Identifier: MIT
"""Makes kubernetes.json, the JSON schema of the Kubernetes objects in deploy/, from a client library's type tables.

    npm pack @kubernetes/client-node && tar xzf kubernetes-client-node-*.tgz
    python3 tests/deploy/make_schemas.py package > tests/deploy/kubernetes.json

The library is generated from Kubernetes' own OpenAPI document and has a table of names and types for each object. Here
they become schemas that refuse every unknown member. Left out: descriptions, what only the cluster writes (status),
and kinds of volumes that a restricted pod may not have.
"""

import json
import re
import sys
from pathlib import Path

ROOTS = {
    "apps/v1 Deployment": "V1Deployment",
    "autoscaling/v2 HorizontalPodAutoscaler": "V2HorizontalPodAutoscaler",
    "networking.k8s.io/v1 NetworkPolicy": "V1NetworkPolicy",
    "node.k8s.io/v1 RuntimeClass": "V1RuntimeClass",
    "policy/v1 PodDisruptionBudget": "V1PodDisruptionBudget",
    "v1 Namespace": "V1Namespace",
    "v1 Service": "V1Service",
    "v1 ServiceAccount": "V1ServiceAccount",
}
VOLUMES = {"name", "configMap", "downwardAPI", "emptyDir", "projected", "secret"}
SIMPLE = {
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "any": {},
    "Date": {"type": "string"},
    "IntOrString": {"type": ["integer", "string"]},
}
MEMBER = re.compile(r'"name": "([^"]+)",\s+"baseName": "([^"]+)",\s+"type": "([^"]+)",\s+"format": "([^"]*)"')


class Models:
    """The schemas of the objects that were asked for, and of all that these hold."""

    def __init__(self, package):
        self._folder = Path(package, "dist", "gen", "models")
        self.definitions = {}

    def schema(self, kind, number_format=""):
        """The schema of a type as the tables write it."""
        array = re.fullmatch(r"Array<(.+)>", kind)
        mapping = re.fullmatch(r"\{ \[key: string\]: (.+); \}", kind)
        if array:
            return {"type": "array", "items": self.schema(array[1])}
        if mapping:
            return {"type": "object", "additionalProperties": self.schema(mapping[1])}
        if kind == "number":
            return {"type": "integer" if number_format.startswith("int") else "number"}
        if kind in SIMPLE:
            return SIMPLE[kind]
        if kind not in self.definitions:
            self.definitions[kind] = None       # it may hold itself
            self.definitions[kind] = self._object(kind)
        return {"$ref": "#/definitions/" + kind}

    def _object(self, kind):
        table = (self._folder / (kind + ".js")).read_text(encoding="utf-8").split("attributeTypeMap = [", 1)[1]
        types = (self._folder / (kind + ".d.ts")).read_text(encoding="utf-8").split("export declare class", 1)[1]
        required = set(re.findall(r"^    '([^'?]+)': ", types.split("static readonly discriminator")[0], re.M))
        members = [(name, json_name, self.schema(type_, number_format))
                   for name, json_name, type_, number_format in MEMBER.findall(table)
                   if json_name != "status" and (kind != "V1Volume" or json_name in VOLUMES)]
        schema = {"type": "object", "additionalProperties": False,
                  "properties": {json_name: member for _, json_name, member in members}}
        needed = [json_name for name, json_name, _ in members if name in required]
        return {**schema, "required": needed} if needed else schema


def main():
    models = Models(sys.argv[1])
    version = json.loads(Path(sys.argv[1], "package.json").read_text(encoding="utf-8"))
    release = re.search(r"release-[\d.]+", (Path(sys.argv[1]) / "dist/gen/models/V1Pod.js").read_text(encoding="utf-8"))
    roots = {name: models.schema(kind) for name, kind in ROOTS.items()}
    lines = ["%s: %s" % (json.dumps(name), json.dumps(schema)) for name, schema in sorted(models.definitions.items())]
    print('{\n"$comment": %s,\n"kinds": %s,\n"definitions": {\n%s\n}\n}' % (
        json.dumps("Kubernetes %s, from %s %s (%s), made by make_schemas.py" % (
            release[0] if release else "?", version["name"], version["version"], version["license"])),
        json.dumps(roots), ",\n".join(lines)))


if __name__ == "__main__":
    main()
