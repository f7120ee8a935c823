"""The Google Cloud module as others take it in: from configurations of their own, with parts of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.test_google import MOCKS
from tests.deployment.workspace import MODULES, ROOT, Refused, TerraformUnavailable, Workspaces

MODULE = ROOT / MODULES / "google"
INPUTS = """
  project_id        = "my-project-123"
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
"""
USED = "module.helseid_fn"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module's folder without the checkout around it."""
    folder = tmp_path_factory.mktemp("alone") / "google"
    shutil.copytree(MODULE, folder, ignore=shutil.ignore_patterns(".terraform*", "build"))
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Nobody opens it before Cloud Build does."""
    file = tmp_path / "google-3.13.zip"
    file.write_bytes(b"an archive")
    return file


def use(source: Path | str, more: str = "") -> str:
    return f'module "helseid_fn" {{\n  source = "{source}"\n{INPUTS}{more}\n}}\n'


def plan(workspaces: Workspaces, configuration: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the planned resources of a configuration by address, and its outputs."""
    root = workspaces.empty("root")
    checkout = os.path.relpath(
        MODULE, root.folder
    )  # Terraform copies a module with an absolute path, without what is around it
    (root.folder / "main.tf").write_text(configuration.replace("CHECKOUT", checkout))
    try:
        root.run("init", "-no-color", "-input=false", "-backend=false")
    except Refused as refusal:
        if "could not connect to" in str(refusal):
            raise TerraformUnavailable("Terraform cannot download its providers; see TF_CLI_CONFIG_FILE.") from refusal
        raise
    planned = root.plan(MOCKS)
    outputs = {name: each.get("after") for name, each in planned.get("output_changes", {}).items()}
    return {each["address"]: each["change"]["after"] for each in planned["resource_changes"]}, outputs


def function_in(resources: dict[str, dict[str, Any]], module: str = USED) -> dict[str, Any]:
    return resources[f'{module}.google_cloudfunctions2_function.function["run"]']


def test_it_is_taken_from_a_tag_of_a_repository(workspaces: Workspaces, tmp_path: Path) -> None:
    clone = tmp_path / "clone.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", ROOT, clone], check=True)
    subprocess.run(["git", "-C", clone, "tag", "--force", "v0.0.0", "HEAD"], check=True, capture_output=True)
    source = f"git::file://{clone}//infra/terraform/google?ref=v0.0.0"
    _, outputs = plan(workspaces, use(source) + 'output "files" {\n  value = module.helseid_fn.source_files\n}\n')
    assert {"main.py", "requirements.txt", "helseid_fn/__init__.py"} <= set(outputs["files"])


def test_with_an_archive_its_own_folder_is_enough(workspaces: Workspaces, alone: Path, archive: Path) -> None:
    resources, _ = plan(workspaces, use(alone, f'  archive = "{archive}"'))
    assert resources[f"{USED}.google_storage_bucket_object.source[0]"]["source"] == str(archive)


def test_two_uses_of_it_share_no_file_and_no_name(workspaces: Workspaces) -> None:
    each = '  for_each = toset(["greetings", "register"])\n  name     = each.key'
    resources, _ = plan(workspaces, use("CHECKOUT", each))
    uses = [f'{USED}["{name}"]' for name in ("greetings", "register")]
    packed = [resources[f"{use}.google_storage_bucket_object.source[0]"]["source"] for use in uses]
    assert len(set(packed)) == 2
    named = [
        {
            (address.removeprefix(use), named["name"])
            for address, named in resources.items()
            if address.startswith(use) and named.get("name")
        }
        for use in uses
    ]
    assert len(named[0]) == len(named[1]) > 5
    assert not named[0] & named[1] - {(address, name) for address, name in named[0] if name.startswith("source-")}


def test_it_may_depend_on_what_is_not_made_yet(workspaces: Workspaces, alone: Path, archive: Path) -> None:
    """Its data sources are then read during the apply."""
    more = f'  archive    = "{archive}"\n  pubsub     = {{}}\n  depends_on = [terraform_data.first]'
    resources, _ = plan(workspaces, use(alone, more) + 'resource "terraform_data" "first" {}\n')
    assert function_in(resources)["location"] == "europe-north1"


def test_a_secret_and_an_account_are_made_beside_it(workspaces: Workspaces, alone: Path, archive: Path) -> None:
    """Their names are known only after the apply."""
    own = """
resource "google_secret_manager_secret" "ours" {
  project   = "my-project-123"
  secret_id = "ours"
  replication {
    auto {}
  }
}

resource "google_service_account" "ours" {
  project    = "my-project-123"
  account_id = "ours"
}
"""
    parts = "secret = google_secret_manager_secret.ours.id, run_account = google_service_account.ours.email"
    resources, _ = plan(workspaces, use(alone, f'  archive  = "{archive}"\n  existing = {{ {parts} }}') + own)
    assert [address for address in resources if ".google_secret_manager_secret." in address] == []
    accounts = {address.split('"')[1] for address in resources if ".google_service_account." in address}
    assert accounts == {"build", "scheduler"}


def test_a_network_is_made_beside_it(workspaces: Workspaces, alone: Path, archive: Path) -> None:
    own = """
resource "google_compute_network" "hub" {
  project                 = "my-project-123"
  name                    = "hub"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "functions" {
  project       = "my-project-123"
  region        = "europe-north1"
  name          = "functions"
  network       = google_compute_network.hub.id
  ip_cidr_range = "10.1.0.0/26"
}
"""
    network = "network = google_compute_network.hub.id, subnetwork = google_compute_subnetwork.functions.id"
    more = f'  archive        = "{archive}"\n  vpc            = {{ {network}, egress = "ALL_TRAFFIC", nat = true }}\n'
    resources, _ = plan(workspaces, use(alone, more + '  dns_forwarding = { "nhn.no" = ["10.0.0.53"] }') + own)
    assert f"{USED}.google_compute_router_nat.egress[0]" in resources
    assert f'{USED}.google_dns_managed_zone.forwarded["nhn.no"]' in resources
    assert function_in(resources)["service_config"][0]["direct_vpc_egress"] == "VPC_EGRESS_ALL_TRAFFIC"


def test_a_key_is_made_beside_it(workspaces: Workspaces, alone: Path, archive: Path) -> None:
    own = """
resource "google_kms_crypto_key" "ours" {
  key_ring = "projects/my-keys-123/locations/europe-north1/keyRings/ring"
  name     = "ours"
}
"""
    more = f'  archive   = "{archive}"\n  kms_key   = google_kms_crypto_key.ours.id\n  result_to = "topic"'
    resources, _ = plan(workspaces, use(alone, more) + own)
    assert function_in(resources).get("kms_key_name") is None  # known after the apply
    assert f"{USED}.google_pubsub_topic.results[0]" in resources


def test_everything_is_in_another_region(workspaces: Workspaces, alone: Path, archive: Path) -> None:
    more = f'  archive = "{archive}"\n  region  = "europe-west4"\n  result_to = "bucket"\n  log_retention_days = 30'
    resources, _ = plan(workspaces, use(alone, more))
    places = {
        str(value)
        for resource in resources.values()
        for name in ("location", "region")
        if (value := resource.get(name)) is not None
    }
    assert places == {"europe-west4", "global"}  # a saved query has no region
    secret = resources[f"{USED}.google_secret_manager_secret.key[0]"]
    assert secret["replication"][0]["user_managed"][0]["replicas"][0]["location"] == "europe-west4"


def test_without_archive_and_checkout_it_says_so(workspaces: Workspaces, alone: Path) -> None:
    with pytest.raises(Refused, match="archive must be set"):
        plan(workspaces, use(alone))
