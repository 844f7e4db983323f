# SPDX-License-Identifier: MIT
"""The files in deploy/: well-formed, true to this program (variables, routes, port), and as strict as they say.

Nothing is started and nothing is fetched; the schemas are in tests/deploy. Run as a program, this prints the seccomp
profile for Kubernetes nodes: see deploy/README.md.
"""

import copy
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

TOP = Path(__file__).resolve().parents[1]
DEPLOY = TOP / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("gvisor", "seccomp")
SERVICE_MIB = 512                 # memory for the service itself beside its jobs, with a POOL_SIZE of up to 4
DRAIN_SECONDS = 10                # from SIGTERM to the end of the service, at the most
# What the program calls and does without: they make joining a control group fast, where it has groups at all
# (src/spawn/cgroup.c); in a container it has none.
DONE_WITHOUT = {"fsopen", "fsconfig", "fsmount"}
FLAT_ARCHES = {"amd64": "SCMP_ARCH_X86_64", "arm64": "SCMP_ARCH_AARCH64"}
NAMESPACE_FLAGS = {
    "CLONE_NEWTIME": 0x00000080, "CLONE_NEWNS": 0x00020000, "CLONE_NEWCGROUP": 0x02000000, "CLONE_NEWUTS": 0x04000000,
    "CLONE_NEWIPC": 0x08000000, "CLONE_NEWUSER": 0x10000000, "CLONE_NEWPID": 0x20000000, "CLONE_NEWNET": 0x40000000,
}

# ---- reading -------------------------------------------------------------------------------------------------------


class _StrictLoader(yaml.SafeLoader):
    """As every other YAML loader of Python, but a key that stands twice is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: a key stands twice: {sorted(keys)}"
        return super().construct_mapping(node, deep)


def read(path):
    """The one document of a YAML file."""
    return yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def source(*names):
    """The text of C files without comments."""
    text = "\n".join((TOP / name).read_text(encoding="utf-8") for name in names)
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)


def all_sources():
    return source(*sorted(str(path.relative_to(TOP)) for path in (TOP / "src").rglob("*.c")))


def configuration():
    """The table of src/config.c: name -> (kind, default, least, most, choices)."""
    row = re.compile(r'\{ "([A-Z_]+)", KIND_(\w+), AT\(\w+\), "([^"]*)", (\d+), (\d+), \{([^}]*)\}')
    return {name: (kind, initial, int(least), int(most), re.findall(r'"([^"]*)"', choices))
            for name, kind, initial, least, most, choices in row.findall(source("src/config.c"))}


def get_routes():
    return set(re.findall(r'\{ "GET", "([^"]+)"', source("src/web/routes.c")))


def readme():
    return (DEPLOY / "README.md").read_text(encoding="utf-8")


# ---- the manifests, as a cluster would see them --------------------------------------------------------------------


def patched(base, patch):
    """A strategic merge, as far as the overlays use it: mappings by key, lists of named things by name."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return {key: patched(base[key], patch[key]) if key in base and key in patch else base.get(key, patch.get(key))
                for key in [*base, *(key for key in patch if key not in base)]}
    if isinstance(base, list) and isinstance(patch, list) and all("name" in item for item in base + patch):
        by_name = {item["name"]: item for item in base}
        for item in patch:
            by_name[item["name"]] = patched(by_name.get(item["name"], {}), item)
        return list(by_name.values())
    return patch


def base_objects():
    """kind -> object, of the base."""
    names = read(KUBERNETES / "base/kustomization.yaml")["resources"]
    objects = [read(KUBERNETES / "base" / name) for name in names]
    return {item["kind"]: item for item in objects}


def deployment(overlay=None):
    item = base_objects()["Deployment"]
    return patched(item, read(KUBERNETES / "overlays" / overlay / "deployment.yaml")) if overlay else item


def pod_spec(where):
    """The specification of the pod that a file makes: "knative", "cloud-run", "base" or the name of an overlay."""
    if where in ("knative", "cloud-run"):
        return read(DEPLOY / (where + ".yaml"))["spec"]["template"]["spec"]
    return deployment(None if where == "base" else where)["spec"]["template"]["spec"]


PODS = ("base", *OVERLAYS, "knative", "cloud-run")
PLATFORM_SETS_PORT = ("knative", "cloud-run")


def container(where):
    (only,) = pod_spec(where)["containers"]
    return only


def compose():
    (service,) = read(DEPLOY / "compose.yaml")["services"].values()
    return service


def unit():
    """The directives of the systemd unit: section -> name -> list of values."""
    sections = {}
    current = None
    for line in (DEPLOY / "systemd/safe-exec.service").read_text(encoding="utf-8").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            current = sections.setdefault(line[1:-1], {})
        elif line and not line.startswith("#"):
            name, value = line.split("=", 1)
            current.setdefault(name, []).append(value)
    return sections


def environment(where):
    """Every variable that a file sets for the service."""
    if where == "compose":
        return dict(compose()["environment"])
    if where == "systemd":
        return dict(item.split("=", 1) for item in unit()["Service"]["Environment"])
    return {item["name"]: item["value"] for item in container(where)["env"]}


def bytes_of(text):
    """1536Mi (Kubernetes) or 1536m (Compose, where m is MiB)."""
    number, suffix = re.fullmatch(r"(\d+)(Mi|Gi|m|g)", text).groups()
    return int(number) << (20 if suffix[0] in "Mm" else 30)


# ---- schemas -------------------------------------------------------------------------------------------------------


def validator(kind):
    """For "knative", "cloud-run", "compose", or "APIVERSION KIND" of Kubernetes."""
    if kind == "compose":
        return jsonschema.Draft7Validator(read_json(TOP / "tests/deploy/compose-spec.json"))
    kubernetes = read_json(TOP / "tests/deploy/kubernetes.json")
    knative = read_json(TOP / "tests/deploy/knative.json")
    return jsonschema.Draft7Validator({**{**kubernetes["kinds"], **knative["kinds"]}[kind],
                                       "definitions": {**kubernetes["definitions"], **knative["definitions"]}})


def problems(kind, document):
    return [f"{'/'.join(map(str, error.path))}: {error.message[:200]}"
            for error in validator(kind).iter_errors(document)]


def kind_of(path):
    """Which schema a YAML file is for."""
    top = {"cloud-run.yaml": "cloud-run", "knative.yaml": "knative", "compose.yaml": "compose"}
    if path.parent == DEPLOY:
        return top[path.name]
    document = read(path)
    return f"{document['apiVersion']} {document['kind']}"


KUSTOMIZATIONS = sorted(KUBERNETES.rglob("kustomization.yaml"))
PATCHES = [KUBERNETES / "overlays" / name / "deployment.yaml" for name in OVERLAYS]
MANIFESTS = sorted(set(DEPLOY.rglob("*.yaml")) - set(KUSTOMIZATIONS) - set(PATCHES))


def name_of(path):
    return str(path.relative_to(DEPLOY)) if isinstance(path, Path) else None


@pytest.mark.parametrize("path", MANIFESTS, ids=name_of)
def test_schema(path):
    assert problems(kind_of(path), read(path)) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_schema_of_the_patched_deployment(overlay):
    assert problems("apps/v1 Deployment", deployment(overlay)) == []


def _misspelt(document):
    template = document["spec"]["template"]["spec"]
    template["containers"][0]["readOnlyRootFileSystem"] = True


def _number_as_text(document):
    document["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "8080"


def _text_as_number(document):
    document["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = 2


def _no_image(document):
    document["spec"]["template"]["spec"]["containers"] = "safe-exec"


def _unknown_annotation(document):
    annotations = document["spec"]["template"]["metadata"]["annotations"]
    annotations["run.googleapis.com/execution-enviroment"] = annotations.pop("run.googleapis.com/execution-environment")


@pytest.mark.parametrize("where, spoil", [
    *((where, spoil) for where in ("base", "knative", "cloud-run")
      for spoil in (_misspelt, _number_as_text, _text_as_number, _no_image)),
    ("cloud-run", _unknown_annotation),
])
def test_schema_finds_mistakes(where, spoil):
    document = copy.deepcopy(deployment() if where == "base" else read(DEPLOY / (where + ".yaml")))
    spoil(document)
    assert problems("apps/v1 Deployment" if where == "base" else where, document)


@pytest.mark.parametrize("member, value", [("read-only", True), ("read_only", "perhaps"), ("cap_drop", "ALL")])
def test_compose_schema_finds_mistakes(member, value):
    document = read(DEPLOY / "compose.yaml")
    document["services"]["safe-exec"][member] = value
    assert problems("compose", document)


def test_a_key_that_stands_twice_is_found(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("a: 1\nb: {c: 1, c: 2}\n")
    with pytest.raises(AssertionError, match="twice"):
        read(path)


def test_no_file_is_left_unchecked():
    known = {*MANIFESTS, *KUSTOMIZATIONS, *PATCHES, DEPLOY / "README.md", DEPLOY / "docker-seccomp.json",
             DEPLOY / "systemd/safe-exec.service", KUBERNETES / "overlays/seccomp/safe-exec.json"}
    assert {path for path in DEPLOY.rglob("*") if path.is_file()} == known


# ---- true to the program -------------------------------------------------------------------------------------------

SETTINGS = (*PODS, "compose", "systemd")


@pytest.mark.parametrize("where", SETTINGS)
def test_variables_exist_and_have_good_values(where):
    table = configuration()
    assert len(table) > 15, "the table in src/config.c was not understood"
    for name, value in environment(where).items():
        assert name in table, f"{name} is no variable of src/config.c"
        kind, _, least, most, choices = table[name]
        if kind == "CHOICE":
            assert value in choices, f"{name}={value}"
        elif kind == "NUMBER":
            assert least <= int(value) <= most, f"{name}={value}"
        elif kind == "SECONDS":
            assert least <= float(value) * 1000 <= most, f"{name}={value}"


@pytest.mark.parametrize("where", SETTINGS)
def test_a_lower_level_is_not_taken_silently(where):
    """Where the strong level is to be had it is demanded; the bare pod takes what it gets and says what that is."""
    assert environment(where)["ISOLATION"] == ("auto" if where in ("base", "knative") else "strong")


@pytest.mark.parametrize("where", PODS)
def test_port(where):
    port = int(configuration()["PORT"][1])
    assert f"EXPOSE {port}" in (TOP / "Dockerfile").read_text(encoding="utf-8")
    (only,) = container(where)["ports"]
    assert only["containerPort"] == port
    if where in PLATFORM_SETS_PORT:
        assert "PORT" not in environment(where), "the platform sets PORT and refuses to be told"
    else:
        assert environment(where)["PORT"] == str(port)


def test_scraping():
    """The annotations by which Prometheus finds the metrics name a port and a route that are there."""
    annotations = base_objects()["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    routes = re.findall(r'\{ "GET", "([^"]+)"', (TOP / "src/web/routes.c").read_text(encoding="utf-8"))
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/path"] in routes
    assert int(annotations["prometheus.io/port"]) == container("base")["ports"][0]["containerPort"]


def test_port_of_the_cluster_service_and_its_policy():
    objects = base_objects()
    (named,) = container("base")["ports"]
    assert [item["targetPort"] for item in objects["Service"]["spec"]["ports"]] == [named["name"]]
    (rule,) = objects["NetworkPolicy"]["spec"]["ingress"]
    assert [item["port"] for item in rule["ports"]] == [named["name"]]


def test_host_is_left_to_the_image():
    assert "ENV HOST=0.0.0.0" in (TOP / "Dockerfile").read_text(encoding="utf-8")
    assert [where for where in (*PODS, "compose") if "HOST" in environment(where)] == []


@pytest.mark.parametrize("where", PODS)
@pytest.mark.parametrize("probe, path", [("startupProbe", "/ready"), ("readinessProbe", "/ready"),
                                         ("livenessProbe", "/health")])
def test_probes(where, probe, path):
    found = container(where).get(probe)
    if where == "cloud-run" and probe == "readinessProbe":
        assert found is None, "still a preview there"
        return
    assert found["httpGet"]["path"] == path
    assert path in get_routes()
    assert found["timeoutSeconds"] <= found["periodSeconds"]
    if where in PLATFORM_SETS_PORT:
        assert "port" not in found["httpGet"], "the platform's own port"
    else:
        assert found["httpGet"]["port"] == container(where)["ports"][0]["name"]
    if probe == "startupProbe":
        assert 30 <= found["periodSeconds"] * found["failureThreshold"] <= 240, "Cloud Run allows 240 s"


@pytest.mark.parametrize("where", (*PODS, "compose"))
def test_healthz_is_not_asked(where):
    """Google's front end answers that path itself; nothing here may depend on it."""
    text = json.dumps(compose() if where == "compose" else container(where))
    assert "healthz" not in text


def test_health_checks_by_command():
    """Compose and the image run the program itself, by the path and with the flag that it has."""
    command, image = compose()["healthcheck"]["test"], source("Dockerfile")
    assert command[0] == "CMD" and "CMD " + json.dumps(command[1:]) in image
    assert f"COPY --from=build /out/ {os.path.dirname(command[1])}/\n" in image
    assert f'"{command[2]}"' in source("src/config.c")


@pytest.mark.parametrize("where", (*PODS, "compose"))
def test_memory_is_enough_for_all_jobs(where):
    set_ = environment(where)
    limit = compose()["mem_limit"] if where == "compose" else container(where)["resources"]["limits"]["memory"]
    jobs = int(set_["MAX_CONCURRENCY"]) * int(set_["MEM_LIMIT_MB"])
    assert bytes_of(limit) >= (jobs + SERVICE_MIB) << 20
    assert int(set_["POOL_SIZE"]) <= 4
    if where == "compose":
        processes = int(set_["MAX_CONCURRENCY"]) * int(configuration()["NPROC_LIMIT"][1]) + 4 * int(set_["POOL_SIZE"])
        assert compose()["memswap_limit"] == limit
        assert compose()["pids_limit"] >= processes + 32


@pytest.mark.parametrize("where", ("knative", "cloud-run"))
def test_requests_at_once_and_their_time(where):
    set_ = environment(where)
    assert pod_spec(where)["containerConcurrency"] == int(set_["MAX_CONCURRENCY"])
    assert pod_spec(where)["timeoutSeconds"] >= 2 * float(set_["TIME_LIMIT_SEC"]) + DRAIN_SECONDS


def test_time_to_end():
    spawner = source("src/spawn/spawner.c")
    assert int(re.search(r"DRAIN_US = (\d+)", spawner)[1]) <= DRAIN_SECONDS * 1000000
    assert float(compose()["stop_grace_period"].rstrip("s")) > DRAIN_SECONDS
    assert float(unit()["Service"]["TimeoutStopSec"][0].rstrip("s")) > DRAIN_SECONDS
    for where in ("base", *OVERLAYS):
        wait = container(where)["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod_spec(where)["terminationGracePeriodSeconds"] > wait + DRAIN_SECONDS


def test_one_version_everywhere():
    version = re.search(r'SAFE_EXEC_VERSION "([^"]+)"', source("include/version.h"))[1]
    images = {where: container(where)["image"] for where in ("knative", "cloud-run")}
    images["compose"] = compose()["image"]
    (image,) = read(KUBERNETES / "base/kustomization.yaml")["images"]
    images["base"] = f"{container('base')['image']}:{image['newTag']}"
    assert image["name"] == container("base")["image"]
    assert {where: text.rsplit(":", 1)[1] for where, text in images.items()} == dict.fromkeys(images, version)


# ---- as strict as they say: Kubernetes -----------------------------------------------------------------------------


def restricted_violations(pod):
    """The rules of the Pod Security Standard "restricted" that a pod breaks, and our own two."""
    found = []
    context = pod.get("securityContext", {})

    def need(holds, rule):
        if not holds:
            found.append(rule)

    need(not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")), "host namespaces")
    need({key for item in pod.get("volumes", []) for key in item} <=
         {"name", "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
          "secret"}, "volume types")
    need(not context.get("sysctls"), "sysctls")
    for item in [*pod["containers"], *pod.get("initContainers", [])]:
        merged = {**context, **item.get("securityContext", {})}
        need(not merged.get("privileged"), "privileged")
        need(not any("hostPort" in port for port in item.get("ports", [])), "host ports")
        need(merged.get("allowPrivilegeEscalation") is False, "privilege escalation")
        need(merged.get("runAsNonRoot") is True, "running as non-root")
        need(merged.get("runAsUser", 1) != 0, "running as user 0")
        need(merged.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"), "seccomp")
        need(merged.get("appArmorProfile", {}).get("type", "Localhost") in ("RuntimeDefault", "Localhost"), "AppArmor")
        capabilities = merged.get("capabilities", {})
        need(capabilities.get("drop") == ["ALL"], "capabilities dropped")
        need(not capabilities.get("add"), "capabilities added")
        need(merged.get("readOnlyRootFilesystem") is True, "read-only root (our own)")
    need(pod.get("automountServiceAccountToken") is False, "no account token (our own)")
    return found


RESTRICTED_PODS = tuple(where for where in PODS if where != "cloud-run")


@pytest.mark.parametrize("where", RESTRICTED_PODS)
def test_pod_is_restricted(where):
    assert restricted_violations(pod_spec(where)) == []


@pytest.mark.parametrize("spoil, rule", [
    (lambda pod: pod.update(hostNetwork=True), "host namespaces"),
    (lambda pod: pod["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "volume types"),
    (lambda pod: pod["containers"][0]["securityContext"].pop("allowPrivilegeEscalation"), "privilege escalation"),
    (lambda pod: pod["containers"][0]["securityContext"].update(runAsUser=0), "running as user 0"),
    (lambda pod: pod["containers"][0]["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
     "capabilities added"),
    (lambda pod: pod["securityContext"].pop("seccompProfile"), "seccomp"),
    (lambda pod: pod["securityContext"].update(appArmorProfile={"type": "Unconfined"}), "AppArmor"),
    (lambda pod: pod.pop("automountServiceAccountToken"), "no account token (our own)"),
])
def test_restricted_rules_find_what_breaks_them(spoil, rule):
    pod = copy.deepcopy(pod_spec("base"))
    spoil(pod)
    assert restricted_violations(pod) == [rule]


def test_the_namespace_enforces_it():
    labels = base_objects()["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("where", RESTRICTED_PODS)
def test_user_and_tmp(where):
    pod, only = pod_spec(where), container(where)
    merged = {**pod.get("securityContext", {}), **only["securityContext"]}
    assert (merged["runAsUser"], merged["runAsGroup"]) == (10001, 10001)
    (mount,) = only["volumeMounts"]
    (volume,) = pod["volumes"]
    assert mount == {"name": volume["name"], "mountPath": "/tmp"}
    assert volume["emptyDir"]["medium"] == "Memory" and bytes_of(volume["emptyDir"]["sizeLimit"]) <= 64 << 20


def test_seccomp_of_each_pod():
    kinds = {where: {**pod_spec(where).get("securityContext", {}), **container(where)["securityContext"]}
             ["seccompProfile"] for where in RESTRICTED_PODS}
    installed = {"type": "Localhost", "localhostProfile": "profiles/safe-exec.json"}
    assert kinds == {where: installed if where == "seccomp" else {"type": "RuntimeDefault"} for where in kinds}
    assert (KUBERNETES / "overlays/seccomp" / Path(installed["localhostProfile"]).name).is_file()


def test_network_policy_lets_nothing_out():
    specification = base_objects()["NetworkPolicy"]["spec"]
    assert sorted(specification["policyTypes"]) == ["Egress", "Ingress"]
    assert specification["egress"] == []
    assert all(rule["from"] and rule["ports"] for rule in specification["ingress"]), "an empty rule lets everybody in"


def test_selectors_mean_the_pods():
    objects = base_objects()
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    spread = [item["labelSelector"] for item in pod_spec("base")["topologySpreadConstraints"]]
    selectors = [objects["Deployment"]["spec"]["selector"], objects["PodDisruptionBudget"]["spec"]["selector"],
                 objects["NetworkPolicy"]["spec"]["podSelector"],
                 {"matchLabels": objects["Service"]["spec"]["selector"]}, *spread]
    assert selectors == [{"matchLabels": labels}] * len(selectors)


def test_number_of_pods_has_one_owner():
    objects = base_objects()
    autoscaler = objects["HorizontalPodAutoscaler"]["spec"]
    assert "replicas" not in objects["Deployment"]["spec"]
    assert autoscaler["scaleTargetRef"] == {key: value for key, value in (
        ("apiVersion", "apps/v1"), ("kind", "Deployment"), ("name", objects["Deployment"]["metadata"]["name"]))}
    assert autoscaler["minReplicas"] > objects["PodDisruptionBudget"]["spec"]["maxUnavailable"]
    assert "cpu" in container("base")["resources"]["requests"], "CPU use is counted in shares of the request"


def test_account_may_do_nothing():
    account = base_objects()["ServiceAccount"]
    assert account["automountServiceAccountToken"] is False
    assert pod_spec("base")["serviceAccountName"] == account["metadata"]["name"]


def test_gvisor_runtime_class():
    runtime_class = read(KUBERNETES / "overlays/gvisor/runtime-class.yaml")
    assert runtime_class["handler"] == "runsc"
    assert pod_spec("gvisor")["runtimeClassName"] == runtime_class["metadata"]["name"]
    assert "runtimeClassName" not in pod_spec("base")


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=name_of)
def test_kustomization_names_what_is_there(path):
    document = read(path)
    assert document["kind"] == "Kustomization"
    assert set(document) <= {"apiVersion", "kind", "namespace", "labels", "resources", "patches", "images"}
    named = {name for name in document["resources"] if name.endswith(".yaml")}
    named |= {patch["path"] for patch in document.get("patches", [])}
    assert named == {item.name for item in path.parent.glob("*.yaml")} - {path.name}
    assert all((path.parent / name).exists() for name in document["resources"])
    if path.parent.name == "base":
        assert document["namespace"] == base_objects()["Namespace"]["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_patch_means_the_deployment(overlay):
    patch = read(KUBERNETES / "overlays" / overlay / "deployment.yaml")
    names = {item["name"] for item in patch["spec"]["template"]["spec"]["containers"]}
    assert names == {container("base")["name"]}
    assert patch["metadata"] == {**deployment()["metadata"],
                                 "namespace": read(KUBERNETES / "base/kustomization.yaml")["namespace"]}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_makes_the_same(overlay):
    """The merge in this file against the real one."""
    folder = KUBERNETES / "overlays" / overlay
    run = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
    if "unknown command" in run.stderr:
        pytest.skip("this kubectl has no kustomize")
    assert run.returncode == 0, run.stderr
    made = {item["kind"]: item for item in yaml.load_all(run.stdout, _StrictLoader)}
    assert set(made) == set(base_objects()) | ({"RuntimeClass"} if overlay == "gvisor" else set())
    mine, (only,) = pod_spec(overlay), made["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert sorted(only.pop("env"), key=str) == sorted(container(overlay)["env"], key=str)
    tag = read(KUBERNETES / "base/kustomization.yaml")["images"][0]["newTag"]
    assert only == {**{key: value for key, value in container(overlay).items() if key != "env"},
                    "image": f"{container('base')['image']}:{tag}"}
    theirs = made["Deployment"]["spec"]["template"]["spec"]
    assert {**theirs, "containers": 0} == {**mine, "containers": 0}
    assert {item["metadata"]["namespace"] for item in made.values()
            if item["kind"] not in ("Namespace", "RuntimeClass")} == {"safe-exec"}


# ---- as strict as they say: Cloud Run, Compose, systemd ------------------------------------------------------------


def test_cloud_run():
    document = read(DEPLOY / "cloud-run.yaml")
    annotations = document["spec"]["template"]["metadata"]["annotations"]
    assert annotations["run.googleapis.com/execution-environment"] == "gen2"
    assert annotations["run.googleapis.com/startup-cpu-boost"] == "true"
    assert int(annotations["autoscaling.knative.dev/maxScale"]) <= 10
    assert pod_spec("cloud-run")["serviceAccountName"].startswith("safe-exec@"), "the default account may do a lot"
    assert bytes_of(container("cloud-run")["resources"]["limits"]["memory"]) >= 512 << 20, "gen2 takes no less"
    assert int(container("cloud-run")["resources"]["limits"]["cpu"]) >= 1, "less than one CPU forces gen1"
    text = (DEPLOY / "cloud-run.yaml").read_text(encoding="utf-8")
    assert "gcloud run services replace deploy/cloud-run.yaml --region REGION" in text


def test_knative_is_reachable_inside_only():
    labels = read(DEPLOY / "knative.yaml")["metadata"]["labels"]
    assert labels["networking.knative.dev/visibility"] == "cluster-local"


def test_compose():
    service = compose()
    assert service["read_only"] is True and "privileged" not in service and "cap_add" not in service
    assert service["cap_drop"] == ["ALL"]
    assert service["user"] == "10001:10001"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["ports"] == ["127.0.0.1:{0}:{0}".format(configuration()["PORT"][1])]
    options = dict(item.split(":", 1) for item in service["security_opt"])
    assert set(options) == {"no-new-privileges", "seccomp", "apparmor"} and options["no-new-privileges"] == "true"
    assert (DEPLOY / options["seccomp"]).is_file()
    assert (DEPLOY / service["build"]["context"] / "Dockerfile").is_file()


def test_unit():
    service = unit()["Service"]
    prefix = re.search(r"^PREFIX\s*\?=\s*(\S+)", (TOP / "Makefile").read_text(encoding="utf-8"), re.M)[1]
    assert service["ExecStart"] == [prefix + "/bin/safe-exec"]
    assert {"memory", "pids", "cpu"} <= set(service["Delegate"][0].split())
    expected = {"KillMode": "mixed", "OOMPolicy": "continue", "DynamicUser": "yes", "NoNewPrivileges": "yes",
                "CapabilityBoundingSet": "", "AmbientCapabilities": "", "ProtectSystem": "strict", "ProtectHome": "yes",
                "PrivateTmp": "yes", "PrivateDevices": "yes", "ProtectProc": "invisible", "LimitCORE": "0",
                "SystemCallArchitectures": "native", "IPAddressDeny": "any", "IPAddressAllow": "localhost"}
    assert {name: service.get(name) for name in expected} == {name: [value] for name, value in expected.items()}


def test_unit_does_not_set_what_it_says_it_leaves_out():
    text = (DEPLOY / "systemd/safe-exec.service").read_text(encoding="utf-8")
    left_out = re.findall(r"^#   (\w+)=(\S*)", text.split("# Left out, on purpose:")[1].split("\n#\n")[0], re.M)
    assert {"RestrictNamespaces", "ProtectHostname", "ProtectControlGroups"} <= dict(left_out).keys()
    service = unit()["Service"]
    assert [name for name, value in left_out if not value and name in service] == []
    denied = set(service["SystemCallFilter"][0].lstrip("~").split())
    assert service["SystemCallFilter"][0].startswith("~") and not denied & {"@mount", "@privileged", "@system-service"}


def _verify(text, folder):
    path = folder / "safe-exec.service"
    path.write_text(re.sub(r"(?m)^ExecStart=.*", "ExecStart=/bin/true", text))
    run = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True)
    return "".join(line + "\n" for line in (run.stdout + run.stderr).splitlines() if "safe-exec.service" in line)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path):
    text = (DEPLOY / "systemd/safe-exec.service").read_text(encoding="utf-8")
    assert "RestrictNamespace'" in _verify(text.replace("RestrictRealtime=", "RestrictNamespace="), tmp_path)
    assert _verify(text, tmp_path) == ""


# ---- the seccomp profiles ------------------------------------------------------------------------------------------


def profile():
    return read_json(DEPLOY / "docker-seccomp.json")


def default_profile():
    return read_json(TOP / "tests/deploy/docker-default-seccomp.json")


def additions():
    return profile()["syscalls"][len(default_profile()["syscalls"]):]


def added_names():
    return [name for entry in additions() for name in entry["names"]]


def documented():
    """The table in deploy/README.md: call -> the text of its "with" column."""
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", readme(), re.M)
    assert rows, "deploy/README.md has no table of calls"
    return {name: text.strip() for name, text in rows}


def flattened(docker_profile):
    """The profile in the runtime's format: conditions resolved for no capability, on the arches of FLAT_ARCHES."""
    arches = [arch for item in docker_profile["archMap"] if item["architecture"] in FLAT_ARCHES.values()
              for arch in (item["architecture"], *item["subArchitectures"])]
    rules = []
    for entry in docker_profile["syscalls"]:
        includes, excludes = entry.get("includes", {}), entry.get("excludes", {})
        if includes.get("caps") or set(excludes.get("arches", ())) >= set(FLAT_ARCHES):
            continue
        if includes.get("arches") and not set(includes["arches"]) & set(FLAT_ARCHES):
            continue
        rules.append({key: entry[key] for key in ("names", "action", "errnoRet", "args") if key in entry})
    return {"defaultAction": docker_profile["defaultAction"], "defaultErrnoRet": docker_profile["defaultErrnoRet"],
            "architectures": arches, "syscalls": rules}


def test_profile_is_the_default_and_more():
    ours, default = profile(), default_profile()
    assert {**ours, "syscalls": 0} == {**default, "syscalls": 0}
    assert ours["syscalls"][:len(default["syscalls"])] == default["syscalls"]
    for entry in additions():
        assert entry["action"] == "SCMP_ACT_ALLOW"
        assert entry["comment"].startswith("safe-exec: ")
        assert set(entry) <= {"names", "action", "args", "comment", "excludes"}


def test_additions_are_the_documented_ones():
    assert sorted(added_names()) == sorted(documented())
    assert len(added_names()) == len(set(added_names()))


def test_clone3_still_answers_that_it_does_not_exist():
    assert "clone3" not in added_names()
    refused = [entry for entry in profile()["syscalls"] if "clone3" in entry["names"] and "includes" not in entry]
    assert [(entry["action"], entry["errnoRet"]) for entry in refused] == [("SCMP_ACT_ERRNO", 38)]


def allowed_flags(name):
    """The namespaces that the added rule for a call lets it make."""
    (entry,) = [entry for entry in additions() if name in entry["names"]]
    ((argument),) = entry["args"]
    assert (argument["index"], argument["op"], argument["valueTwo"]) == (0, "SCMP_CMP_MASKED_EQ", 0)
    return {flag for flag, bit in NAMESPACE_FLAGS.items() if not argument["value"] & bit}


def test_flags_are_the_documented_ones():
    everything = set(NAMESPACE_FLAGS)
    named = {call: set(re.findall(r"`(CLONE_\w+)`", text)) for call, text in documented().items()}
    assert documented()["clone"].startswith("any flags but") and documented()["unshare"].startswith("no flags but")
    assert allowed_flags("clone") == everything - named["clone"]
    assert allowed_flags("unshare") == named["unshare"]
    assert [call for call, flags in named.items() if flags and call not in ("clone", "unshare")] == []


def _guarded_calls():
    """What the default profile gives to privileged containers only, or to nobody, and a launcher might want."""
    guarded = {name for entry in default_profile()["syscalls"] for name in entry["names"]
               if entry.get("includes", {}).get("caps")}
    return guarded | {"pivot_root"}


def test_profile_allows_what_the_program_calls_and_no_more():
    text = re.sub(r'"[^"\n]*"', "", all_sources())
    called = {name for name in _guarded_calls() if re.search(rf"\b(?:SYS_)?{name}\s*[(,]", text)}
    assert called >= {"mount", "unshare", "pivot_root", "chroot", *DONE_WITHOUT}, "the sources were not understood"
    called -= DONE_WITHOUT
    assert called - set(added_names()) == set(), "src/ makes calls that deploy/docker-seccomp.json does not allow"
    assert set(added_names()) - called == set(), "deploy/docker-seccomp.json allows calls that src/ does not make"


def test_profile_allows_the_namespaces_that_the_program_makes():
    used = set(re.findall(r"\bCLONE_NEW\w+", " ".join(re.findall(r"\bunshare\(([^)]*)\)", all_sources()))))
    assert used and used <= allowed_flags("unshare")


def test_what_is_said_to_be_refused_is_refused():
    names = re.findall(r"`(\w+)`", readme().split("Still refused:")[1].split("\n\n")[0])
    assert len(names) > 10
    open_to_all = {name for entry in flattened(profile())["syscalls"] for name in entry["names"]
                   if entry["action"] == "SCMP_ACT_ALLOW"}
    assert set(names) & open_to_all == set()


def test_profile_for_nodes_is_the_same_profile():
    flat = read_json(KUBERNETES / "overlays/seccomp/safe-exec.json")
    assert flat == flattened(profile()), "run: /usr/bin/python3 tests/test_deploy.py > that file (deploy/README.md)"


def test_profile_for_nodes_has_no_conditions():
    """A runtime that reads the format of the OCI does not know them, and would allow what they guard."""
    flat = read_json(KUBERNETES / "overlays/seccomp/safe-exec.json")
    assert set(flat) == {"defaultAction", "defaultErrnoRet", "architectures", "syscalls"}
    assert {key for rule in flat["syscalls"] for key in rule} == {"names", "action", "errnoRet", "args"}
    names = {name for rule in flat["syscalls"] for name in rule["names"] if rule["action"] == "SCMP_ACT_ALLOW"}
    assert not names & (_guarded_calls() - set(added_names()) - {"get_mempolicy", "mbind", "set_mempolicy"} -
                        {"kcmp", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace"})


# ---- the documents -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", ("deploy/README.md", "tests/deploy/README.md"))
def test_documents_name_files_that_are_there(document):
    path = TOP / document
    text = path.read_text(encoding="utf-8")
    links = {path.parent / link for link in re.findall(r"\]\((?!http)([^)#]+)\)", text)}
    named = {TOP / name for name in re.findall(r"(?:deploy|tests|policy|src)/[\w./-]*\w", text)}
    assert links | named
    assert [str(item) for item in sorted(links | named) if not item.exists()] == []


def test_readme_speaks_of_every_file():
    top = [path for path in DEPLOY.glob("*") if path.is_file() and path.name != "README.md"]
    files = [*top, DEPLOY / "systemd/safe-exec.service", KUBERNETES / "base",
             *(KUBERNETES / "overlays" / name for name in OVERLAYS)]
    assert [name_of(path) for path in files if f"({name_of(path)})" not in readme()] == []


def test_every_data_file_of_the_tests_has_its_licence_named():
    text = (TOP / "tests/deploy/README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w.-]+)` \|.*\| ([^|]+) \|$", text, re.M))
    assert set(rows) == {path.name for path in (TOP / "tests/deploy").glob("*.json")}
    assert all(re.match(r"Apache-2\.0|MIT", licence) for licence in rows.values())


if __name__ == "__main__":
    print(json.dumps(flattened(profile()), indent="\t"))
