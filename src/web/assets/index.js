// SPDX-License-Identifier: MIT
//
// The page of GET /: posts the script to /execute and shows the answer; shows the state and the limits of the service.
// What a script returned or printed reaches the page as textContent only, never as markup.

"use strict";

const samples = {
  hello: `def main():
    print("hello from the jail")
    squares = [n * n for n in range(10)]
    return {"sum": sum(squares), "squares": squares}
`,
  pandas: `import numpy as np
import pandas as pd

def main():
    rng = np.random.default_rng(7)
    df = pd.DataFrame({
        "city": rng.choice(["Lima", "Oslo", "Pune"], 1000),
        "trips": rng.poisson(4, 1000),
    })
    print(df.describe())
    return df.groupby("city", as_index=False)["trips"].mean().round(3)
`,
  error: `def share(total, people):
    return total / people

def main():
    print("about to divide")
    return share(100, 0)
`,
  jail: `import os
import socket

def main():
    print("I am", os.getuid(), "in", os.getcwd(), "as process", os.getpid())
    try:
        socket.socket()
    except OSError as refused:
        print("network:", refused)
    return sorted(os.listdir("/"))
`,
};

const limits = [
  ["time_seconds", "wall clock", seconds],
  ["cpu_seconds", "CPU time", seconds],
  ["memory_mb", "memory with /tmp", megabytes],
  ["tmp_mb", "/tmp", megabytes],
  ["file_mb", "one file", megabytes],
  ["processes", "processes, threads", String],
  ["open_files", "open files", String],
  ["script_bytes", "script", bytes],
  ["stdout_bytes", "stdout", bytes],
  ["result_bytes", "result", bytes],
  ["concurrency", "jobs at once", String],
  ["queue", "waiting requests", String],
];

function seconds(n) { return `${n} s`; }
function megabytes(n) { return `${n} MiB`; }
function bytes(n) {
  for (const [size, unit] of [[1 << 20, "MiB"], [1 << 10, "KiB"]])
    if (n > 0 && n % size === 0)
      return `${n / size} ${unit}`;
  return `${n} bytes`;
}

const byId = (id) => document.getElementById(id);

function show(id, text) {
  byId(id).textContent = text;
  byId(`${id}-part`).hidden = text === null;
}

// Numbers keep the digits that the service sent, where the browser can do that: 2**100 is not 1.2676506002282294e+30.
function parseExact(text) {
  const exact = typeof JSON.rawJSON === "function";
  return JSON.parse(text, (key, value, context) =>
    exact && typeof value === "number" && context ? JSON.rawJSON(context.source) : value);
}

const pretty = (value) => JSON.stringify(value, null, 2);

function showOutcome(good, text) {
  byId("outcome").className = good ? "good" : "bad";
  byId("outcome").textContent = text;
  byId("answer").hidden = false;
}

function clearAnswer() {
  for (const id of ["result", "traceback", "details", "stdout"])
    show(id, null);
}

function showAnswer(status, milliseconds, body) {
  const time = `${milliseconds.toFixed(0)} ms`;

  clearAnswer();
  if (body.error) {
    const { traceback, ...details } = body.error.details ?? {};
    showOutcome(false, `${status} ${body.error.code} · ${time}\n${body.error.message}`);
    show("traceback", traceback ?? null);
    show("details", Object.keys(details).length > 0 ? pretty(details) : null);
  } else {
    showOutcome(true, `${status} OK · ${time}${body.stdout_truncated ? " · stdout was cut" : ""}`);
    show("result", pretty(body.result));
  }
  show("stdout", body.stdout ? body.stdout : null);
}

let running = null;

async function run() {
  const started = performance.now();

  running = new AbortController();
  byId("run").textContent = "Stop";
  byId("answer").setAttribute("aria-busy", "true");
  try {
    const response = await fetch("/execute", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ script: byId("script").value }),
      signal: running.signal,
    });
    const text = await response.text();
    showAnswer(response.status, performance.now() - started, parseExact(text));
  } catch (problem) {
    clearAnswer();
    showOutcome(false, problem.name === "AbortError" ? "stopped" : `no answer that could be read: ${problem.message}`);
  } finally {
    running = null;
    byId("run").textContent = "Run";
    byId("answer").removeAttribute("aria-busy");
  }
}

// A client that leaves stops its job, so that Stop needs no route of its own.
function runOrStop() {
  if (running)
    running.abort();
  else
    run();
}

async function fetchJson(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" }, cache: "no-store" });
  return response.json();
}

async function showState() {
  try {
    const health = await fetchJson("/health");
    byId("state").className = health.ok ? "good" : "bad";
    byId("state").textContent = health.ok
      ? `${health.status} · isolation: ${health.isolation.level}`
      : `${health.status}: ${health.reason}`;
    byId("state").title = pretty(health.isolation.layers);
  } catch {
    byId("state").className = "bad";
    byId("state").textContent = "the service does not answer";
  }
}

function describe(name, value) {
  const row = document.createElement("div");
  const term = document.createElement("dt");
  const text = document.createElement("dd");

  term.textContent = name;
  text.textContent = value;
  row.append(term, text);
  return row;
}

async function showFacts() {
  const info = await fetchJson("/");
  const packages = Object.entries(info.python.packages).map(([name, version]) => `${name} ${version}`);
  const rows = limits.map(([key, name, format]) => describe(name, format(info.limits[key])));

  byId("limits").replaceChildren(...rows);
  byId("packages").textContent =
    `Python ${info.python.version}, its standard library${packages.length > 0 ? `, and ${packages.join(", ")}` : ""}.`;
  byId("facts").hidden = false;
}

byId("curl").textContent = byId("curl").textContent.replace("http://localhost:8080", location.origin);
byId("run").addEventListener("click", runOrStop);
byId("sample").addEventListener("change", (event) => {
  byId("script").value = samples[event.target.value];
});
byId("script").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (!running)
      run();
  }
});

showState();
showFacts().catch(() => {}); // the page is whole without them, and the state line says when nothing answers
