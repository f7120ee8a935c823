"""The federation of `docs/deploying-from-ci.md`, applied to an AWS emulator with the workflow's own Terraform commands."""

from __future__ import annotations

import json
import shlex

import yaml

from tests.deployment.aws_provider import own_copy
from tests.deployment.ministack import ACCOUNT, Aws
from tests.deployment.workspace import ROOT, Workspace, Workspaces

ISSUER = "token.actions.githubusercontent.com"
SUBJECTS = {"planner": "repo:owner/deployments:pull_request", "deployer": "repo:owner/deployments:environment:production"}


# Plans the federation for Google Cloud.
GOOGLE_TEST = """
mock_provider "google" {}

variables {
  project_id    = "my-project-123"
  repository    = "owner/deployments"
  repository_id = "123456"
  state_bucket  = "our-state"
}

run "federation" {
  command = plan

  assert {
    condition = google_iam_workload_identity_pool_provider.github.attribute_condition == join(" ", [
      "assertion.repository_id == '123456' &&",
      "(assertion.sub == 'repo:owner/deployments:pull_request' || assertion.ref == 'refs/heads/main')",
    ])
    error_message = "A branch could sign in as the deployer."
  }
}
"""


def run_job(workspace: Workspace, job: str) -> list[str]:
    """Run the Terraform commands of a job as the workflow writes them, and return what each printed."""
    recipe = yaml.safe_load((ROOT / "docs" / "ci" / "aws.yml").read_text())
    script = next(step["run"] for step in recipe["jobs"][job]["steps"] if step.get("name") in ("Plan", "Apply"))
    commands = [shlex.split(line) for line in script.splitlines()]
    assert {command[0] for command in commands} == {"terraform"}
    return [workspace.run(*command[1:], "-no-color") for command in commands]


def test_the_workflows_commands_plan_and_apply_the_federation(workspaces: Workspaces) -> None:
    workspace = own_copy(workspaces, "aws/examples/federation")
    with Aws() as aws:
        (workspace.folder / "provider_override.tf").write_text(aws.provider())
        (workspace.folder / "terraform.tfvars.json").write_text(
            json.dumps({"repository": "owner/deployments", "state_bucket": "our-state"})
        )
        assert "Plan: 6 to add, 0 to change, 0 to destroy." in run_job(workspace, "plan")[-1]
        assert aws.client("iam").list_roles()["Roles"] == []
        assert "Apply complete! Resources: 6 added" in run_job(workspace, "apply")[-1]
        assert "No changes." in run_job(workspace, "plan")[-1]
        for who, subject in SUBJECTS.items():
            role = aws.client("iam").get_role(RoleName=f"github-{who}")["Role"]
            (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
            assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
            assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"}
            assert statement["Condition"] == {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}}
        denials = aws.client("iam").get_role_policy(RoleName="github-planner", PolicyName="no-data")["PolicyDocument"][
            "Statement"
        ]
        assert {statement["Effect"] for statement in denials} == {"Deny"}
        assert {"s3:GetObject", "sqs:ReceiveMessage", "secretsmanager:GetSecretValue", "logs:GetQueryResults"} <= {
            action for statement in denials for action in statement["Action"]
        }
        assert [statement.get("NotResource", statement.get("Resource")) for statement in denials] == [
            "arn:aws:s3:::our-state/*",
            "*",
        ]


def test_on_google_cloud_only_the_main_branch_may_be_the_deployer(workspaces: Workspaces) -> None:
    workspace = workspaces.own("google/examples/federation")
    (workspace.folder / "tests").mkdir()
    (workspace.folder / "tests" / "federation.tftest.hcl").write_text(GOOGLE_TEST)
    workspace.test()
