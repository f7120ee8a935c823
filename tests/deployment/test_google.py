"""What the Google Cloud module deploys: its plan as a reviewer reads it, and its functions started from the archive alone."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from demo.processes import Process, accepts, bare_environment, call, free_port, start_standin
from helseid_fn.settings import parse_settings
from tests.deployment.configuration import read_resources
from tests.deployment.inventory import take_inventory
from tests.deployment.workspace import MODULES, ROOT, Workspaces

MODULE = ROOT / MODULES / "google"
MOCKS = """
mock_provider "archive" {}
mock_provider "time" {}
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}
"""
Plan = dict[str, Any]
each_example = pytest.mark.parametrize("example", ["minimal", "complete"])


@pytest.fixture(scope="session")
def plans(workspaces: Workspaces) -> Callable[[str], Plan]:
    """Return a function that plans an example, once."""
    made: dict[str, Plan] = {}

    def plan(example: str) -> Plan:
        if example not in made:
            made[example] = workspaces.own(f"google/examples/{example}").plan(MOCKS)
        return made[example]

    return plan


def functions_in(plan: Plan) -> dict[str, dict[str, Any]]:
    found = [each for each in plan["resource_changes"] if each["type"] == "google_cloudfunctions2_function"]
    return {each["index"]: each["change"]["after"] for each in found}


def settings_of(function: dict[str, Any]) -> dict[str, str]:
    settings: dict[str, str] = function["service_config"][0]["environment_variables"]
    return settings


@each_example
def test_the_plan_equals_the_reviewed_one(plans: Callable[[str], Plan], example: str) -> None:
    """After an intended change, write `planned` to the file, and review the difference before you commit it."""
    planned = "\n".join(take_inventory(plans(example), MODULE)) + "\n"
    planned = re.sub(r"source-[0-9a-f]{64}\.zip", "source-HASH.zip", planned)
    assert planned == (Path(__file__).parent / f"google_{example}.txt").read_text()


@each_example
def test_nothing_is_public_and_nothing_runs_as_a_default_account(plans: Callable[[str], Plan], example: str) -> None:
    said = json.dumps(plans(example)["resource_changes"])
    assert not re.findall(
        r"allUsers|allAuthenticatedUsers|compute@developer|appspot\.gserviceaccount|roles/(owner|editor)", said
    )


def test_every_grant_is_for_one_member_and_replaces_no_other() -> None:
    """A `_policy` or `_binding` would remove what others have granted: here, what Cloud Storage grants in a new bucket."""
    replacing = [address for address in read_resources(MODULE) if re.search(r"_iam_(policy|binding)\.", address)]
    assert replacing == ["google_storage_bucket_iam_binding.viewers_read_no_results"]


def test_nothing_is_made_before_the_apis_are_enabled() -> None:
    """A resource without references is created first, and a new project refuses it."""
    resources = {address: json.dumps(body) for address, body in read_resources(MODULE).items()}
    later = r"\b(google_|time_sleep)\w*\.|\blocal\.channels"
    made_first = [address for address, body in resources.items() if address[:5] != "time_" and not re.search(later, body)]
    assert made_first == ["google_project_service.required"]


def test_whatever_takes_labels_has_them(workspaces: Workspaces) -> None:
    schemas = json.loads(workspaces.shared("google").run("providers", "schema", "-json"))["provider_schemas"]
    types = schemas["registry.terraform.io/hashicorp/google"]["resource_schemas"]
    for address, body in read_resources(MODULE).items():
        arguments = types.get(address.split(".")[0], {"block": {"attributes": {}}})["block"]["attributes"]
        for name in ("user_labels", "labels"):
            if name in arguments:
                assert "var.labels" in str(body.get(name)), f"{name} of {address}"
                break


def test_everything_waits_until_the_apis_and_rights_are_in_effect() -> None:
    bodies = {address: json.dumps(body) for address, body in read_resources(MODULE).items()}
    assert [address for address, body in bodies.items() if "google_project_service." in body] == ["time_sleep.apis_enabled"]
    assert "time_sleep.rights_granted" in bodies["google_cloudfunctions2_function.function"]
    needed = [address for address in bodies if re.search(r"_iam_member\.(build|runtime)_", address)]
    assert needed
    assert [address for address in needed if address not in bodies["time_sleep.rights_granted"]] == []


def find_key_material(folder: Path) -> list[str]:
    """Return what would put a private key into a plan or a state."""
    text = "".join(file.read_text() for file in sorted(folder.rglob("*.tf")))
    return re.findall(r"secret_data\w*|google_secret_manager_secret_version\w*|tls_private_key|service_account_key", text)


def test_the_key_cannot_enter_the_plan_or_the_state(workspaces: Workspaces) -> None:
    assert find_key_material(MODULE) == []
    workspace = workspaces.bare("google")
    fault = 'resource "google_secret_manager_secret_version" "key" {\n  secret_data = file("client.jwk.json")\n}\n'
    (workspace.folder / "fault.tf").write_text(fault)
    assert find_key_material(workspace.folder) == ["google_secret_manager_secret_version", "secret_data"]


@each_example
def test_the_functions_take_the_settings_that_they_are_given(plans: Callable[[str], Plan], example: str) -> None:
    for name, function in functions_in(plans(example)).items():
        settings = parse_settings(settings_of(function))
        assert settings.deadline_seconds < function["service_config"][0]["timeout_seconds"], name


def test_the_rotating_function_has_its_settings_and_rights(plans: Callable[[str], Plan]) -> None:
    settings = parse_settings(settings_of(functions_in(plans("complete"))["rotate"]))
    assert settings.rotation.selvbetjening_url == "https://api.selvbetjening.nhn.no"
    assert settings.rotation.pending_secret == "projects/my-project-123/secrets/greetings-pending"
    assert settings.key_address == "projects/my-project-123/secrets/greetings-key/versions/latest"


def test_the_archive_contains_exactly_the_function(plans: Callable[[str], Plan]) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    product = [
        name
        for name in listed
        if re.fullmatch(r"main\.py|requirements\.txt|helseid_fn/(?!cli/|__main__|testing\.py).*\.py", name)
    ]
    assert sorted(source_files(plans("minimal"))) == sorted(product)


def test_only_a_change_of_code_makes_another_archive(workspaces: Workspaces) -> None:
    workspace = workspaces.bare("google")
    hashing = re.search(
        r"^locals \{\n.*?(?=\n  # In a bucket of yours)", (workspace.folder / "source.tf").read_text(), re.MULTILINE | re.DOTALL
    )
    assert hashing is not None
    for file in workspace.folder.glob("*.tf"):
        file.unlink()
    variable = 'variable "{}" {{\n  default = {}\n}}\n'
    nothing = variable.format("archive", "null")
    (workspace.folder / "source.tf").write_text(nothing + variable.format("source_dir", "null") + hashing[0] + "}\n")
    at_first = workspace.evaluate("local.source_hash")
    assert re.fullmatch('"[0-9a-f]{64}"', at_first)
    (workspace.tree / "main.py").touch()
    (workspace.tree / "helseid_fn" / "notes.txt").write_text("not the product")
    assert workspace.evaluate("local.source_hash") == at_first
    (workspace.tree / "helseid_fn" / "job.py").write_text("# changed\n")
    assert workspace.evaluate("local.source_hash") != at_first
    job = workspace.folder / "job"
    job.mkdir()
    for name in ("main.py", "extra.py", "test_main.py", "conftest.py"):
        (job / name).write_text(f"# {name}\n")
    (workspace.folder / "source.tf").write_text(nothing + variable.format("source_dir", '"job"') + hashing[0] + "}\n")
    assert (workspace.evaluate('local.contents["main.py"]'), workspace.evaluate("length(local.job_files)")) == ("EOT", "2")
    without_requirements = workspace.evaluate("local.source_hash")
    (job / "requirements.txt").write_text("mine==1 --hash=sha256:0\n")
    assert workspace.evaluate("local.source_hash") != without_requirements
    ours = 'file("../../../requirements.txt")'
    assert workspace.evaluate(f'local.contents["requirements.txt"] == "${{{ours}}}\\nmine==1 --hash=sha256:0\\n"') == "true"


def source_files(plan: Plan) -> list[str]:
    files: list[str] = plan["output_changes"]["helseid_fn"]["after"]["source_files"]
    return files


@pytest.fixture(scope="module")
def unpacked(plans: Callable[[str], Plan], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's files alone in a folder; the archive is built here, because a mocked provider does not build one."""
    folder = tmp_path_factory.mktemp("unpacked")
    archive = tmp_path_factory.mktemp("archive") / "source.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in source_files(plans("complete")):
            file.write(ROOT / name, name)
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def standin() -> Iterator[tuple[Process, dict[str, str]]]:
    process, environment = start_standin()
    yield process, environment
    process.stop()


@contextmanager
def started(function: dict[str, Any], parties: dict[str, str], folder: Path) -> Iterator[tuple[Process, str]]:
    """Start a planned function as its host would, with its entry point and its settings, but with these parties."""
    port = free_port()
    settings = {
        **settings_of(function),
        "HELSEID_SFM_JOURNAL_ID": "",
        "TOKEN_ENDPOINT_HOST": "",
        "RESULT_TO": "",
        "CURSOR_IN": "",
        **parties,
    }
    host = {"FUNCTION_TARGET": function["build_config"][0]["entry_point"], "HOST": "127.0.0.1", "PORT": str(port)}
    command = [str(Path(sys.executable).with_name("functions-framework"))]
    process = Process("the function", command, {**bare_environment(), **settings, **host}, folder)
    try:
        process.wait_for(lambda: accepts(port))
        yield process, f"http://127.0.0.1:{port}/"
    finally:
        process.stop()


def test_the_archive_alone_serves_the_scheduled_call(
    plans: Callable[[str], Plan], standin: tuple[Process, dict[str, str]], unpacked: Path
) -> None:
    with started(functions_in(plans("minimal"))["run"], standin[1], unpacked) as (process, url):
        status, report = call(url, {})
        process.wait_for(lambda: any(line.get("outcome") == "ok" for line in process.lines))
    assert (status, report["status"]) == (200, "ok")
    assert "Hello" in report["api"]["body"]["greeting"]
    assert process.other_output == []


def test_the_archive_alone_serves_a_pubsub_push(
    plans: Callable[[str], Plan], standin: tuple[Process, dict[str, str]], unpacked: Path
) -> None:
    """The subscription pushes Pub/Sub's own envelope, not a CloudEvent."""
    data = base64.b64encode(b'{"organization": {"parent": "999977774"}}').decode()
    message = {"data": data, "messageId": "4711", "publishTime": "2026-11-22T03:00:00Z", "attributes": {}}
    with started(functions_in(plans("complete"))["events"], standin[1], unpacked) as (process, url):
        status = post(url, {"message": message, "subscription": "projects/my-project-123/subscriptions/greetings-events"})
        process.wait_for(lambda: any("outcome" in line for line in process.lines))
    line = next(line for line in process.lines if "outcome" in line)
    assert (status, line["outcome"], line["message_id"]) == (200, "ok", "4711")
    assert line["organization"]["parent"] == "999977774"


def test_the_archive_alone_rotates_the_key(
    plans: Callable[[str], Plan], standin: tuple[Process, dict[str, str]], unpacked: Path
) -> None:
    with started(functions_in(plans("complete"))["rotate"], standin[1], unpacked) as (process, url):
        status, _ = call(url)
        process.wait_for(lambda: any("rotation" in line for line in process.lines))
    line = next(line for line in process.lines if "rotation" in line)
    assert (status, line["outcome"], line["rotation"]) == (200, "ok", "rotated")
    assert line["key_expires_in_days"] > 0


def post(url: str, body: object) -> int:
    """Post JSON as Pub/Sub does; an acknowledgement is a word, not JSON."""
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        status: int = response.status
        return status
