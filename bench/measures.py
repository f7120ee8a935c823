"""The measures; each yields rows of the table. Figures that are compared are measured in turns, in one run."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

from bench.batches import FUNCTIONS, ROOT, Program
from bench.on_lambda import NO_BYTECODE, LambdaHost
from bench.parties import OTHER_PARENT, Parties
from bench.rows import Row, compare
from bench.start import Served

DEPLOYED = ROOT / "build" / "bench" / "deployed"
"""A virtual environment with what the function installs on Google Cloud, and nothing else."""
PEERS = ROOT / "build" / "bench" / "peers"

Figure = TypeVar("Figure")

MILLISECONDS = ("ms", 1000.0)


def measure_starts(parties: Parties, rounds: int) -> Iterator[Row]:
    """Measure cold starts on Google Cloud's host, and the memory after the first call."""
    with_file, with_manager = parties.with_key_file(), parties.with_secret_manager()
    functions = {
        "empty": Served(DEPLOYED, FUNCTIONS / "empty", with_file),
        "ours": Served(DEPLOYED, ROOT, with_file),
        "ours, RSA-2048": Served(DEPLOYED, ROOT, parties.with_key_file(2048)),
        "ours, Secret Manager": Served(DEPLOYED, ROOT, with_manager),
        "usual": Served(PEERS, FUNCTIONS / "usual", with_manager),
    }
    starts = in_turns({name: function.start_cold for name, function in functions.items()}, rounds)
    seconds = {name: [each.seconds for each in series] for name, series in starts.items()}
    megabytes = {name: [each.megabytes for each in series] for name, series in starts.items()}
    cold = "Cold start to the first 200 on functions-framework"
    ours, empty, shorter_key = seconds["ours"], seconds["empty"], seconds["ours, RSA-2048"]
    in_file = f"{cold}, key in a file"
    yield compare(in_file, "an empty function", ours, empty, 1.4, MILLISECONDS, row_id="cold-google-file")
    longer = "Cold start with an RSA-4096 key"
    yield compare(longer, "an RSA-2048 key", ours, shorter_key, 1.1, MILLISECONDS, row_id="cold-rsa-4096")
    usual = "Google's client, pydantic-settings, requests-oauth2client"
    manager = seconds["ours, Secret Manager"]
    in_manager = f"{cold}, key in Secret Manager"
    yield compare(in_manager, usual, manager, seconds["usual"], 0.6, MILLISECONDS, row_id="cold-google-manager")
    memory = "Memory (PSS) after the first call, key in a file"
    yield compare(memory, "an empty function", megabytes["ours"], megabytes["empty"], 1.4, ("MB", 1.0), row_id="memory")


def measure_lambda(parties: Parties, rounds: int) -> Iterator[Row]:
    """Measure cold starts under AWS's runtime interface client, and what the archive's bytecode saves."""
    host = LambdaHost(ROOT / "build" / "bench" / "lambda", PEERS)
    ours, in_manager = host.ours(parties.with_extension()), parties.with_secrets_manager()
    usual, compiled = host.usual(in_manager), host.usual(in_manager, compiled=True)
    starts = {"ours": ours.start_cold, "usual": usual.start_cold, "compiled": compiled.start_cold}
    seconds = in_turns(starts, rounds)
    beside = "boto3, pydantic-settings, requests-oauth2client"
    cold = "Cold start to the first response on Lambda, with AWS's extension"
    yield compare(cold, beside, seconds["ours"], seconds["usual"], 0.12, MILLISECONDS, row_id="cold-lambda-compiled")
    row_id, beside = "cold-lambda-beside-compiled", f"{beside}, with their bytecode"
    yield compare(cold, beside, seconds["ours"], seconds["compiled"], 0.12, MILLISECONDS, row_id=row_id)
    tasks = {"with": ours.folder, "without": shutil.copytree(ours.folder, host.folder / "uncompiled", ignore=NO_BYTECODE)}
    import_main = partial(_import_main, ours.command[:3], ours.environment)
    seconds = in_turns({name: partial(import_main, task) for name, task in tasks.items()}, rounds * 3)
    imported = "CPU time of `import main` on Lambda, with the archive's bytecode"
    beside, with_bytecode, without = "the same without", seconds["with"], seconds["without"]
    yield compare(imported, beside, with_bytecode, without, 0.65, MILLISECONDS, row_id="lambda-import")


def _import_main(python: list[str], environment: Mapping[str, str], folder: Path) -> float:
    """Return the seconds of processor time that a new process needs for it, from the process's start."""
    command = [*python, "-c", "import time, main; print(time.process_time())"]
    return float(subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True).stdout)


def measure_warm_calls(parties: Parties, rounds: int) -> Iterator[Row]:
    """Measure the CPU time of one call with a cached token, and of one proof."""
    python, environment = DEPLOYED / "bin" / "python", parties.with_plain_api()
    with ExitStack() as stack:
        ours, bare, proofs = (
            stack.enter_context(Program(name, python, environment)) for name in ("job_calls", "bare_calls", "proofs")
        )
        batch = {"calls": 100}
        seconds = in_turns({"ours": lambda: ours.do(batch)[0] / 100, "bare": lambda: bare.do(batch)[0] / 100}, rounds * 3)
        signed, proved = zip(*in_turns({"proofs": lambda: proofs.do(200)}, rounds * 3)["proofs"], strict=True)
    microseconds = ("µs", 1e6)
    beside = "one bare `requests` call on a kept connection"
    alone = "CPU time of one warm call, by the client alone"
    yield compare(alone, beside, seconds["ours"], seconds["bare"], 1.0, microseconds, row_id="warm-call")
    per_proof = ("µs", 1e6 / 200)
    yield compare("CPU time of one DPoP proof", "one bare ES256 signature", proved, signed, 2.0, per_proof, row_id="proof")


def measure_command_line(parties: Parties, rounds: int, python: Path = DEPLOYED / "bin" / "python") -> Iterator[Row]:
    """Measure how long the command line takes to start, and to make one call."""
    environment = {**parties.with_key_file(2048), "PYTHONPATH": str(ROOT)}
    commands = {
        "help": ("-m", "helseid_fn", "--help"),
        "click": ("-c", "import click"),
        "call": ("-m", "helseid_fn", "call"),
        "client": (str(ROOT / "bench" / "programs" / "client_call.py"),),
    }

    def run(*arguments: str) -> float:
        begun_at = time.perf_counter()
        subprocess.run([python, *arguments], env=environment, check=True, capture_output=True)
        return time.perf_counter() - begun_at

    seconds = in_turns({name: partial(run, *arguments) for name, arguments in commands.items()}, rounds)
    click = '`python -c "import click"`'
    yield compare("`helseid-fn --help`", click, seconds["help"], seconds["click"], 1.5, MILLISECONDS, row_id="command-help")
    beside = "a program that does the same with `Client`"
    call = "`helseid-fn call`, with a token and the call"
    yield compare(call, beside, seconds["call"], seconds["client"], 1.3, MILLISECONDS, row_id="command-call")


def count_requests(parties: Parties, _rounds: int = 1, python: Path = DEPLOYED / "bin" / "python") -> Iterator[Row]:
    """Count the requests of a number of calls, at the servers that receive them."""
    environment = parties.with_key_file()
    for threads in (32, 256):
        with Program("job_calls", python, environment) as cold:
            tokens = _count(parties, cold, {"calls": threads, "threads": threads}, "token")
        yield Row(f"token-requests-{threads}", f"Token requests when {threads} threads start cold", "", tokens, 2)
    with Program("job_calls", python, environment) as cold:
        kinds = ("metadata", "token", "api")
        first = _count(parties, cold, {"calls": 100}, *kinds)
        second = _count(parties, cold, {"calls": 100, "parent": OTHER_PARENT}, *kinds)
    yield Row("http-requests", "HTTP requests for the first 100 calls", "", first, 103)
    another = "HTTP requests for 100 calls for another organization, nonce known"
    yield Row("http-requests-other-organization", another, "", second, 102)


def measure_throughput(parties: Parties, rounds: int) -> Iterator[Row]:
    """Measure how many calls per second one warm instance handles for 16 and for 64 callers."""
    environment = parties.with_plain_api()
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(Served(DEPLOYED, folder, environment).running())[1]
            for name, folder in {"ours": ROOT, "bare": FUNCTIONS / "bare_call"}.items()
        }
        program = stack.enter_context(Program("callers", DEPLOYED / "bin" / "python", environment))

        def call(port: int, callers: int) -> float:
            return 448 / program.do({"port": port, "callers": callers, "calls": 448})[0]

        for callers in (16, 64):
            rates = in_turns({name: partial(call, port, callers) for name, port in ports.items()}, rounds * 3)
            beside = "a function that makes one bare `requests` call"
            measure = f"Throughput with {callers} callers"
            row_id, unit = f"throughput-{callers}", ("calls/s", 1.0)
            yield compare(measure, beside, rates["ours"], rates["bare"], 0.9, unit, "at least", row_id=row_id)


def in_turns(works: dict[str, Callable[[], Figure]], rounds: int) -> dict[str, list[Figure]]:
    """Do each work once in every round, after a warm-up round, and return the figures of each."""
    figures: dict[str, list[Figure]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            figure = work()
            if number:
                figures[name].append(figure)
    return figures


def _count(parties: Parties, program: Program, batch: Mapping[str, object], *kinds: str) -> int:
    before = parties.count(*kinds)
    program.do(batch)
    return parties.count(*kinds) - before


ALL = (measure_starts, measure_lambda, measure_warm_calls, measure_command_line, count_requests, measure_throughput)
"""In the order of the table."""
