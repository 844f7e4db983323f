# SPDX-License-Identifier: MIT
"""The examples of openapi.json are what the service answers, word for word."""

import copy
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.client import Client, converse
from harness.server import ROOT, wait_until

with open(os.path.join(ROOT, "src", "web", "assets", "openapi.json"), encoding="utf-8") as _file:
    EXAMPLES = {name: example["value"] for name, example in json.load(_file)["components"]["examples"].items()}

SCRIPTS = {
    "ResultHello": EXAMPLES["RequestHello"]["script"],
    "ResultPandas": EXAMPLES["RequestPandas"]["script"],
    "EXCEPTION": EXAMPLES["RequestException"]["script"],
    "BAD_ENCODING": "def main():\n    return '\0'\n",
    "SCRIPT_TOO_LARGE": "#" * 250_000,
    "SYNTAX_ERROR": "def main()\n    return 1\n",
    "NO_MAIN": "answer = 42\n",
    "INVALID_MAIN": "def main(data):\n    return data\n",
    "IMPORT_ERROR": "import torch\n\ndef main():\n    return torch.__version__\n",
    "NON_JSON_RETURN": "def main():\n    return {'tags': {1, 2}}\n",
    "RESULT_TOO_LARGE": "def main():\n    return 'x' * 5_000_000\n",
    "TIMEOUT": "import time\n\ndef main():\n    print('step 1', flush=True)\n    time.sleep(60)\n",
    "MEMORY_LIMIT": "def main():\n    return len(bytearray(10**10))\n",
    "CRASHED": "import os\n\ndef main():\n    os.abort()\n",
    "EMPTY_OUTPUT": "import os\n\ndef main():\n    os._exit(0)\n",
    "BAD_RUNNER_OUTPUT": "import os\n\ndef main():\n    os.write(3, b'noise')\n",
}
FRAMING = (b"POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"
           b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
OTHERS = {  # name -> (server, client) -> the answer
    "BAD_CONTENT_TYPE": lambda server, client: client.post(b"{}", {"Content-Type": "text/plain"}),
    "BAD_BODY": lambda server, client: client.post(b'{"script": def main(): return 1}'),
    "BAD_BODY_framing": lambda server, client: converse(server, FRAMING).answers[0],
    "BAD_SCRIPT": lambda server, client: client.post(b"{}"),
    "BAD_INPUT": lambda server, client: client.post(b'{"script": "def main(): return 1", "timeout": 5}'),
    "NOT_FOUND": lambda server, client: client.get("/nothing"),
    "METHOD_NOT_ALLOWED": lambda server, client: client.request("POST", "/health"),
    "Routes": lambda server, client: client.get("/routes"),
}
# What depends on the machine: its Python, its packages, and how the former writes a traceback.
MACHINES_OWN = {"traceback", "installed", "stderr"}


def usual(value):
    """Without what is the machine's own."""
    value = copy.deepcopy(value)
    details = value.get("error", {}).get("details", {})
    for name in MACHINES_OWN & set(details):
        details[name] = ""
    return value


@pytest.mark.parametrize("name", [*SCRIPTS, *OTHERS])
def test_example(name, fleet):
    server = fleet.server({"TIME_LIMIT_SEC": "1"} if name == "TIMEOUT" else {})
    client = Client(server)
    answer = client.execute(SCRIPTS[name]) if name in SCRIPTS else OTHERS[name](server, client)
    wanted = EXAMPLES[name]
    if name == "TIMEOUT":               # the example has the default limit
        wanted = json.loads(json.dumps(wanted).replace("10 s", "1 s").replace('"seconds": 10', '"seconds": 1'))
    assert usual(answer.json()) == usual(wanted)


def test_example_of_a_full_queue(fleet):
    server = fleet.server({"MAX_CONCURRENCY": "1", "MAX_QUEUE": "0", "TIME_LIMIT_SEC": "3"})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(Client(server).execute, SCRIPTS["TIMEOUT"])
        wait_until(lambda: Client(server).health()["jobs"]["running"] == 1, 5, "the slot is taken")
        assert Client(server).execute(SCRIPTS["NO_MAIN"]).json() == EXAMPLES["OVERLOADED"]
        assert first.result().code == "TIMEOUT"


def test_example_of_the_description(client):
    """But for versions and limits, which are of one machine."""
    said, example = client.get("/").json(), EXAMPLES["ServiceInfo"]
    assert set(said) == set(example) and set(said["limits"]) == set(example["limits"])
    assert all(said[name] == example[name] for name in ("service", "description", "endpoints", "docs", "openapi"))


def test_examples_of_health_have_its_layers(client):
    layers = set(client.health()["isolation"]["layers"])
    for name in ("HealthStrong", "HealthStandard", "HealthUnhealthy"):
        assert set(EXAMPLES[name]["isolation"]["layers"]) == layers, name
