"""The workflows of `docs/deploying-from-ci.md`: what they may do, and what their commands check."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "deploying-from-ci.md").read_text()
RECIPES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "docs" / "ci").glob("*.yml"))}
OWN = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))]
SIGNS_IN = ("google-github-actions/auth@", "aws-actions/configure-aws-credentials@")

each_cloud = pytest.mark.parametrize("cloud", ["aws", "google"])
each_job = pytest.mark.parametrize("job", ["plan", "apply"])

# Stands for GitHub's command line: it "downloads" what the test has put beside it, and notes how it was called.
GH = """#!/bin/sh
echo "$@" >> gh.log
case "$1" in
release) cp published "$ARCHIVE" ;;
attestation) exit "$ATTESTED" ;;
esac
"""


def steps(recipe: Any, job: str | None = None) -> list[dict[str, Any]]:
    jobs = recipe["jobs"].values() if job is None else [recipe["jobs"][job]]
    return [step for each in jobs for step in each["steps"]]


def actions(recipe: Any) -> dict[str, str]:
    """Return the version of each action that a workflow uses."""
    return dict(step["uses"].split("@") for step in steps(recipe) if "uses" in step)


def script(cloud: str, job: str, name: str) -> str:
    return str(next(step["run"] for step in steps(RECIPES[cloud], job) if step.get("name") == name))


def test_there_is_a_recipe_for_each_cloud() -> None:
    assert set(RECIPES) == {"aws", "google"}
    assert {f"ci/{cloud}.yml" for cloud in RECIPES} <= set(re.findall(r"\]\((ci/[^)]+)\)", PAGE))


@each_cloud
def test_a_job_may_read_the_repository_and_sign_in_and_no_more(cloud: str) -> None:
    assert RECIPES[cloud]["permissions"] == {"contents": "read"}
    for job in RECIPES[cloud]["jobs"].values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}


@each_cloud
def test_actions_have_the_versions_of_our_own_workflows(cloud: str) -> None:
    ours = {name: version for workflow in OWN for name, version in actions(workflow).items()}
    used = actions(RECIPES[cloud])
    assert {name: version for name, version in used.items() if name in ours} == {
        name: ours[name] for name in used if name in ours
    }


@pytest.mark.parametrize("workflow", [*RECIPES.values(), *OWN])
def test_an_action_is_a_commit_which_nobody_can_move(workflow: Any) -> None:
    assert {name: version for name, version in actions(workflow).items() if not re.fullmatch(r"[0-9a-f]{40}", version)} == {}


@each_cloud
def test_a_pull_request_cancels_no_apply(cloud: str) -> None:
    jobs = RECIPES[cloud]["jobs"]
    assert ("concurrency" in RECIPES[cloud], "concurrency" in jobs["plan"]) == (False, False)
    assert jobs["apply"]["concurrency"] == {"group": cloud, "cancel-in-progress": False}


@each_cloud
def test_terraform_has_the_version_of_our_own_workflows(cloud: str) -> None:
    def versions(recipe: Any) -> set[str]:
        return {step["with"]["terraform_version"] for step in steps(recipe) if "setup-terraform" in step.get("uses", "")}

    assert versions(RECIPES[cloud]) == set().union(*map(versions, OWN))


@each_cloud
def test_a_plan_is_for_pull_requests_of_the_repository_itself(cloud: str) -> None:
    condition = RECIPES[cloud]["jobs"]["plan"]["if"]
    assert "github.event_name == 'pull_request' &&" in condition
    assert "github.event.pull_request.head.repo.full_name == github.repository" in condition


@each_cloud
def test_an_apply_is_for_the_environment_and_the_main_branch(cloud: str) -> None:
    triggers = RECIPES[cloud][True]  # `on` is a boolean in YAML 1.1
    job = RECIPES[cloud]["jobs"]["apply"]
    assert (triggers, job["if"]) == ({"pull_request": None, "push": {"branches": ["main"]}}, "github.event_name == 'push'")
    assert job["environment"] == "production"


@each_cloud
@each_job
def test_a_job_signs_in_as_its_own_identity_after_the_archive_is_checked(cloud: str, job: str) -> None:
    names = [step.get("name") or step["uses"] for step in steps(RECIPES[cloud], job)]
    signs_in = next(step for step in steps(RECIPES[cloud], job) if step.get("uses", "").startswith(SIGNS_IN))
    assert names.index("Fetch the archive") < names.index(signs_in["uses"])
    who, other = ("PLANNER", "DEPLOYER") if job == "plan" else ("DEPLOYER", "PLANNER")
    assert (who in str(signs_in["with"]), other in str(signs_in["with"])) == (True, False)


def test_both_clouds_run_the_same_commands_of_terraform() -> None:
    for job, name in (("plan", "Plan"), ("apply", "Apply")):
        assert script("aws", job, name) == script("google", job, name)
    assert "apply" not in script("aws", "plan", "Plan")


def fetch(cloud: str, job: str, folder: Path, *, sha256: str, attested: bool) -> subprocess.CompletedProcess[str]:
    """Run the step that fetches the archive, with a program in gh's place."""
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    (folder / "published").write_bytes(b"an archive")
    variables = {"RELEASE_REPOSITORY": "owner/helseid-fn"}
    given = {
        name: re.sub(r"\$\{\{ vars\.(\w+) \}\}", lambda found: variables.get(found[1], ""), value)
        for name, value in RECIPES[cloud]["env"].items()
    }
    environment = {
        **given,
        "ARCHIVE_SHA256": sha256,
        "ATTESTED": "0" if attested else "1",
        "PATH": f"{folder}:{os.environ['PATH']}",
    }
    command = ["bash", "-ec", script(cloud, job, "Fetch the archive")]  # as GitHub does
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


SHA256 = hashlib.sha256(b"an archive").hexdigest()


@each_cloud
@each_job
def test_an_archive_is_verified_for_its_release(cloud: str, job: str, tmp_path: Path) -> None:
    assert fetch(cloud, job, tmp_path, sha256=SHA256, attested=True).returncode == 0
    env = RECIPES[cloud]["env"]
    assert (tmp_path / "gh.log").read_text().splitlines() == [
        f"release download {env['RELEASE']} --repo owner/helseid-fn --pattern {env['ARCHIVE']}",
        (
            f"attestation verify {env['ARCHIVE']} --repo owner/helseid-fn "
            f"--signer-workflow owner/helseid-fn/.github/workflows/release.yml --source-ref refs/tags/{env['RELEASE']}"
        ),
    ]


@each_cloud
@each_job
@pytest.mark.parametrize(
    ("sha256", "attested"), [("0" * 64, True), (SHA256, False), ("", True)], ids=["other", "unsigned", "none"]
)
def test_another_archive_ends_the_job(cloud: str, job: str, tmp_path: Path, sha256: str, *, attested: bool) -> None:
    assert fetch(cloud, job, tmp_path, sha256=sha256, attested=attested).returncode != 0


@each_cloud
def test_the_page_names_the_variables_that_a_recipe_reads(cloud: str) -> None:
    read = set(re.findall(r"vars\.(\w+)", (ROOT / "docs" / "ci" / f"{cloud}.yml").read_text()))
    example = (ROOT / "infra" / "terraform" / cloud / "examples" / "federation" / "main.tf").read_text()
    assert {name for name in read if name not in PAGE} == set(re.findall(r"^    ([A-Z_]+) +=", example, re.MULTILINE))
