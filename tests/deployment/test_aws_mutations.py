"""Plausible mistakes in the AWS module; each is caught for the right reason."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.deployment.aws_provider import own_copy
from tests.deployment.mutation import Mutation, batch, check_caught_in, check_caught_together
from tests.deployment.workspace import LOWEST, Workspaces

ALERTS, CALLS, EXISTING, FUNCTION, INPUTS, LIVE, NETWORK, OPTIONS, RESULTS, ROTATION, SCHEDULE, SILENCE = (
    f"{name}.tftest.hcl"
    for name in (
        *("alerts", "calls", "existing", "function", "inputs", "live", "network"),
        *("options", "results", "rotation", "schedule", "silence"),
    )
)
POLICIES = "tests/policies"

MUTATIONS = (
    # What the provider's schema catches.
    Mutation("a typo", "function.tf", "memory_size  ", "memory_sizes ", "Unsupported argument"),
    Mutation(
        "a missing argument",
        "schedule.tf",
        "    role_arn = local.schedule_role_arn\n",
        "",
        '"role_arn" is required',
    ),
    Mutation(
        "a missing block",
        "schedule.tf",
        '  flexible_time_window {\n    mode = "OFF"\n  }\n',
        "",
        "Insufficient flexible_time_window blocks",
    ),
    Mutation(
        "a reference to nothing", "alerts.tf", "local.failed_runs_name }", "local.failed_run_name }", "undeclared local value"
    ),
    # The key.
    Mutation(
        "the key in the state",
        "secret.tf",
        "locals {",
        'resource "aws_secretsmanager_secret_version" "key" {\n'
        '  secret_id     = local.secret_arn\n  secret_string = "{}"\n}\n\nlocals {',
        "the key would be in the state",
        FUNCTION,
    ),
    Mutation(
        "the key's address is its name",
        "function.tf",
        "local.secret_arn # the address",
        "local.secret_name # the address",
        "the address of its key",
        FUNCTION,
    ),
    # The function.
    Mutation(
        "a new archive is not deployed",
        "function.tf",
        "source_code_hash               = local.archive_hash",
        "source_code_hash = null",
        "A change of the archive",
        FUNCTION,
    ),
    Mutation("a log kept forever", "function.tf", "= var.log_retention_days", "= 0", "kept forever", FUNCTION),
    Mutation("a log that is not JSON", "function.tf", '"JSON"', '"Text"', "must write JSON|application_log_level", FUNCTION),
    # Who may call it.
    Mutation("an unsigned function URL", "live.tf", '"AWS_IAM"', '"NONE"', "signed requests", CALLS),
    Mutation(
        "a function URL for everybody",
        "live.tf",
        "principal              = each.value",
        'principal = "*"',
        "named principals may call the function URL",
        CALLS,
    ),
    Mutation(
        "a function URL without configuration",
        "live.tf",
        "count = var.function_url == null ? 0 : 1",
        "count = 1",
        "no function URL",
        FUNCTION,
    ),
    Mutation("a quote that ends the argument", "outputs.tf", "\"'\\\\''\"", '"\'"', "must not end the shell's argument", CALLS),
    Mutation(
        "a command that starts a run twice",
        "outputs.tf",
        "--cli-read-timeout ${local.timeout_seconds + 30} ",
        "",
        "must wait as long as",
        CALLS,
    ),
    # What is live.
    Mutation(
        "a change that is not published",
        "function.tf",
        "publish                        = true",
        "publish = false",
        "Each change must be published",
        LIVE,
    ),
    Mutation(
        "nothing rolls back",
        "live.tf",
        "var.rollback_version == null ? local.newest_version",
        "true ? local.newest_version",
        "The chosen version must be live",
        LIVE,
    ),
    Mutation(
        "the canary is always the newest",
        "live.tf",
        "try(var.canary.version, null) == null ? local.newest_version",
        "true ? local.newest_version",
        "named version must have its weight",
        LIVE,
    ),
    Mutation(
        "a version beside itself",
        "live.tf",
        " if version != local.live_version",
        "",
        "weight beside itself",
        LIVE,
    ),
    Mutation(
        "failed runs of nobody",
        "live.tf",
        "qualifier                    = aws_lambda_alias.live.name",
        'qualifier = "$LATEST"',
        "those of the alias",
        LIVE,
    ),
    Mutation(
        "a function URL of what is not live",
        "live.tf",
        "qualifier          = aws_lambda_alias.live.name",
        "qualifier = null",
        "function URL and its callers must start the alias",
        LIVE,
    ),
    Mutation(
        "a command that runs what is not live",
        "outputs.tf",
        "}:${aws_lambda_alias.live.name} ",
        "} ",
        "outputs must name the alias",
        LIVE,
    ),
    Mutation(
        "a schedule of what is not live",
        "schedule.tf",
        "arn      = local.live_arn",
        "arn      = aws_lambda_function.function.arn",
        "must start the alias",
        SCHEDULE,
    ),
    Mutation(
        "a rotating function without its object in S3",
        "rotation.tf",
        "s3_key           = try(local.archive_object[1], null)",
        "s3_key = null",
        "must have the archive in S3",
        LIVE,
    ),
    Mutation(
        "a snapshot without being asked",
        "function.tf",
        "for_each = var.snap_start ?",
        "for_each = true ?",
        "must be optional",
        FUNCTION,
    ),
    Mutation("an unsigned archive", "rotation.tf", "= var.code_signing_config_arn", "= null", "signed archives only", OPTIONS),
    Mutation(
        "a region anywhere",
        "function.tf",
        "var.allow_outside_eea || contains(",
        "true || contains(",
        "outside_the_eea_is_refused.*Missing expected failure",
        OPTIONS,
    ),
    Mutation(
        "London in the EEA",
        "main.tf",
        '"eu-west-1", ',
        '"eu-west-1", "eu-west-2", ',
        "outside_the_eea_is_refused.*Missing expected failure",
        OPTIONS,
    ),
    Mutation(
        "a topic without its key",
        "alerts.tf",
        "kms_master_key_id = var.alerts_kms_key_arn",
        "kms_master_key_id = null",
        "topic must be encrypted",
        OPTIONS,
    ),
    # The network.
    Mutation(
        "a security group beside the existing one",
        "network.tf",
        ": var.vpc.security_group_ids == null\n",
        ": true\n",
        "Nothing may be made in the network",
        NETWORK,
    ),
    Mutation(
        "a function in another security group",
        "network.tf",
        "toset(aws_security_group.functions[*].id)",
        'toset(["sg-other"])',
        "the security group that was made",
        NETWORK,
    ),
    Mutation(
        "every port",
        "network.tf",
        "from_port         = tonumber(each.value)",
        "from_port = 0",
        "ports that the settings name",
        NETWORK,
    ),
    Mutation(
        "a proxy out of reach",
        "network.tf",
        'lookup(var.extra_environment, "HTTPS_PROXY", null)',
        "null",
        "ports that the settings name",
        NETWORK,
    ),
    Mutation(
        "endpoints for everybody",
        "network.tf",
        "referenced_security_group_id = aws_security_group.functions[0].id",
        'cidr_ipv4 = "0.0.0.0/0"',
        "functions alone must reach",
        NETWORK,
    ),
    Mutation(
        "an endpoint beside its service",
        "network.tf",
        "private_dns_enabled = true",
        "private_dns_enabled = false",
        "take its service's place",
        NETWORK,
    ),
    Mutation(
        "S3 without a route",
        "network.tf",
        "route_table_ids   = var.vpc.route_table_ids",
        "route_table_ids = []",
        "through a gateway in the route tables",
        NETWORK,
    ),
    Mutation("DNS the wrong way", "network.tf", '"OUTBOUND"', '"INBOUND"', "way out for DNS", NETWORK),
    Mutation(
        "every name is forwarded",
        "network.tf",
        "domain_name          = each.key",
        'domain_name = "."',
        "asked of its own servers",
        NETWORK,
    ),
    Mutation(
        "rules that nobody has",
        "network.tf",
        "resolver_rule_id = aws_route53_resolver_rule.forwarding[each.key].id",
        'resolver_rule_id = "rslvr-rr-1"',
        "must have each rule",
        NETWORK,
    ),
    Mutation("DNS over TCP alone", "network.tf", '["tcp", "udp"]', '["tcp"]', "must reach those servers", NETWORK),
    Mutation(
        "an address that is not told",
        "outputs.tf",
        "data.aws_nat_gateway.egress :",
        "{} :",
        "addresses of the NAT gateways",
        NETWORK,
    ),
    # What exists already.
    Mutation(
        "a policy on somebody else's secret",
        "secret.tf",
        'resource "aws_secretsmanager_secret_policy" "key" {\n  count = var.existing.secret == null ? 1 : 0',
        'resource "aws_secretsmanager_secret_policy" "key" {\n  count = 1',
        "Nothing may be made beside what exists",
        EXISTING,
    ),
    Mutation(
        "an existing role that is not used",
        "existing.tf",
        ": var.existing.schedule_role.arn",
        ": local.rotator_role_arn",
        "must have the existing roles",
        EXISTING,
    ),
    Mutation(
        "a secret whose name is not its own",
        "existing.tf",
        'one(regex(":secret:(.*)-[A-Za-z0-9]{6}$", var.existing.secret.arn))',
        "var.name",
        "seen by its name too",
        EXISTING,
    ),
    Mutation(
        "another log than the existing one",
        "existing.tf",
        "[*].name) : var.existing.log_group.name",
        '[*].name) : "/another/log"',
        "must log into the existing log group",
        EXISTING,
    ),
    Mutation(
        "an existing topic that is not told",
        "existing.tf",
        ": var.existing.alerts_topic.arn",
        ": local.failed_runs_arn",
        "existing topic must be told",
        EXISTING,
    ),
    Mutation(
        "an existing queue that is not watched",
        "existing.tf",
        'split(":", var.existing.failed_runs.arn)[5]',
        "var.name",
        "and be counted there",
        EXISTING,
    ),
    Mutation(
        "owners are not told what to allow",
        "outputs.tf",
        "if try(var.existing[name], null) != null",
        "if false",
        "must be told what those must allow",
        EXISTING,
    ),
    # The schedule.
    Mutation(
        "the schedule as the function",
        "schedule.tf",
        "role_arn = local.schedule_role_arn",
        "role_arn = local.function_role_arn",
        "with the schedule's own role",
        SCHEDULE,
    ),
    Mutation(
        "the deadline inverted",
        "function.tf",
        "ceil(var.deadline_seconds) + 5",
        "ceil(var.deadline_seconds) - 5",
        "must end before Lambda ends it",
        SCHEDULE,
    ),
    Mutation(
        "retries that are cut short",
        "live.tf",
        "maximum_event_age_in_seconds = var.event_age_seconds",
        "maximum_event_age_in_seconds = 60",
        "before its three attempts are over",
        SCHEDULE,
    ),
    Mutation(
        "runs that are lost",
        "schedule.tf",
        "dead_letter_config {\n      arn = local.failed_runs_arn",
        "dead_letter_config {\n      arn = local.alerts_topic_arn",
        "schedule gives up on must go to the queue",
        SCHEDULE,
    ),
    Mutation(
        "an unencrypted queue", "schedule.tf", "== null ? true : null", "== null ? false : null", "must be encrypted", SCHEDULE
    ),
    Mutation(
        "a queue under AWS's own key",
        "schedule.tf",
        "kms_master_key_id         = var.kms_key_arn",
        "kms_master_key_id = null",
        "encrypted with the given key",
        OPTIONS,
    ),
    # Who is notified.
    Mutation("silence raises no alarm", "alerts.tf", '"breaching"', '"missing"', "count as silence", ALERTS),
    Mutation("an old success hides a silence", "alerts.tf", '"FILL(said, 0)"', '"said"', "count as silence", ALERTS),
    Mutation("failures count as success", "alerts.tf", '\\"ok\\"', '\\"failed\\"', "outcomes that the function logs", ALERTS),
    Mutation("a run that Lambda ended is no failure", "alerts.tf", '"Errors"', '"Invocations"', "must both count", ALERTS),
    Mutation(
        "a key far from expiry raises the alarm",
        "alerts.tf",
        'comparison_operator = "LessThanThreshold"\n  threshold           = var.key_expiry_alert_days',
        'comparison_operator = "GreaterThanThreshold"\n  threshold           = var.key_expiry_alert_days',
        "21 days must raise",
        ALERTS,
    ),
    Mutation(
        "a daily schedule measured over one hour",
        "alerts.tf",
        "min(local.gap_seconds * var.silence_schedules,",
        "min(3600,",
        "72 hours",
        SILENCE,
    ),
    Mutation(
        "reads of the secret are not seen",
        "watch.tf",
        '"ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"',
        '"ENABLED"',
        "Reads of the secret must be seen",
        ALERTS,
    ),
    Mutation("a policy that is changed unseen", "watch.tf", '"PutResourcePolicy", ', "", "Every way to use the secret", ALERTS),
    Mutation(
        "the schedule's role is not seen",
        "watch.tf",
        "= local.key_readers",
        "= concat(local.key_readers, [local.schedule_role_arn])",
        "Everybody but the function must be seen",
        ALERTS,
    ),
    Mutation(
        "nobody is notified of access",
        "watch.tf",
        "arn  = local.alerts_topic_arn",
        "arn  = local.failed_runs_arn",
        "The same people must be notified",
        ALERTS,
    ),
    # The rotation.
    Mutation(
        "any secret may start the rotation",
        "rotation.tf",
        "source_arn     = local.secret_arn",
        "source_arn = null",
        "for this secret",
        ROTATION,
    ),
    Mutation(
        "an immediate rotation", "rotation.tf", "immediately  = false", "immediately  = true", "not immediately", ROTATION
    ),
    Mutation(
        "the rotation as the function",
        "rotation.tf",
        "role             = local.rotator_role_arn",
        "role = local.function_role_arn",
        "its own role and log",
        ROTATION,
    ),
    # Results and the cursor.
    Mutation(
        "a call without its headers",
        "function.tf",
        "jsonencode(var.api_headers)",
        "null",
        "and every call's headers",
        OPTIONS,
    ),
    Mutation(
        "results could be made public",
        "results_storage.tf",
        "block_public_policy     = true",
        "block_public_policy = false",
        "must not be made public",
        RESULTS,
    ),
    Mutation(
        "results with access control lists",
        "results_storage.tf",
        '"BucketOwnerEnforced"',
        '"ObjectWriter"',
        "must have no effect on results",
        RESULTS,
    ),
    Mutation(
        "results under AWS's own key",
        "results_storage.tf",
        "      kms_master_key_id = var.kms_key_arn",
        "      kms_master_key_id = null",
        "results must be encrypted with the given key",
        RESULTS,
    ),
    Mutation(
        "results that go with the deployment",
        "results_storage.tf",
        "force_destroy = false",
        "force_destroy = true",
        "deleted together with the deployment",
        RESULTS,
    ),
    Mutation(
        "a bucket with another policy",
        "results_storage.tf",
        "policy = data.aws_iam_policy_document.results_bucket[0].json",
        'policy = "{}\\n"',
        "bucket must have its policy",
        RESULTS,
    ),
    Mutation(
        "the cursor grows old",
        "results_storage.tf",
        'prefix = "results/"',
        'prefix = ""',
        "and the cursor for ever",
        RESULTS,
    ),
    Mutation(
        "unfinished uploads are kept",
        "results_storage.tf",
        "days_after_initiation = 7",
        "days_after_initiation = 3650",
        "not uploaded completely",
        RESULTS,
    ),
    Mutation(
        "the cursor among the results",
        "results.tf",
        'one(aws_s3_bucket.results[*].bucket)}/cursor.json"',
        'one(aws_s3_bucket.results[*].bucket)}/results/cursor.json"',
        "keep its cursor beside the results",
        RESULTS,
    ),
    Mutation(
        "the rotating function delivers",
        "rotation.tf",
        "merge(local.environment, {",
        "merge(local.environment, local.results_environment, {",
        "rotating function may not deliver",
        RESULTS,
    ),
    Mutation(
        "a queue that forgets",
        "results_storage.tf",
        "min(var.results_days, 14) * 86400",
        "600",
        "queue must keep results",
        RESULTS,
    ),
    Mutation(
        "results on a queue under AWS's own key",
        "results_storage.tf",
        "kms_master_key_id         = var.kms_key_arn",
        "kms_master_key_id = null",
        "results on the queue must be encrypted with the given key",
        RESULTS,
    ),
    Mutation(
        "an unencrypted queue of results",
        "results_storage.tf",
        "== null ? true : null",
        "== null ? false : null",
        "encrypted with SQS's key",
        RESULTS,
    ),
    Mutation(
        "results in the bucket without encryption",
        "results_storage.tf",
        '"AES256"',
        '"aws:kms"',
        "encrypted with S3's key",
        RESULTS,
    ),
    Mutation(
        "a queue with another policy",
        "results_storage.tf",
        "policy    = data.aws_iam_policy_document.results_queue[0].json",
        'policy = "{}\\n"',
        "queue must have its policy",
        RESULTS,
    ),
    Mutation(
        "undelivered results are not reported",
        "results_alarms.tf",
        "delivery.*",
        "deliveries.*",
        "One result that was not delivered",
        RESULTS,
    ),
    Mutation(
        "a cursor of failed runs",
        "results_alarms.tf",
        '$.outcome = \\"ok\\" && ',
        "",
        "hours of successful runs",
        RESULTS,
    ),
    Mutation(
        "a cursor that may rest for a year",
        "results_alarms.tf",
        "= var.cursor_unmoved_hours\n",
        "= 8760\n",
        "more than 48 hours",
        RESULTS,
    ),
    Mutation(
        "nobody is told of the cursor",
        "results_alarms.tf",
        '"ignore"\n  alarm_actions       = [local.alerts_topic_arn]',
        '"ignore"\n  alarm_actions = []',
        "alarms for results must notify",
        RESULTS,
    ),
    Mutation(
        "another job's archive",
        "main.tf",
        ": var.source_dir}/build",
        ': "${path.module}/../../.."}/build',
        "archive in the folder",
        RESULTS,
    ),
    Mutation(
        "a command that builds another job",
        "main.tf",
        " SOURCE=${abspath(var.source_dir)}",
        "",
        "build the archive of the folder",
        RESULTS,
    ),
    Mutation(
        "a job that Lambda cannot start",
        "function.tf",
        'can(regex("\\\\blambda_handler\\\\b", local.job))',
        "can(local.job)",
        "without_the_entry_point|Missing expected failure",
        RESULTS,
    ),
    Mutation(
        "a job that cannot rotate",
        "rotation.tf",
        'can(regex("\\\\brotate_lambda\\\\b", local.job))',
        "can(local.job)",
        "that_cannot_rotate.*Missing expected failure",
        RESULTS,
    ),
    # The policies, which the real provider computes.
    Mutation(
        "the function reads every secret",
        "function.tf",
        '"secretsmanager:GetSecretValue"]\n    resources = [local.secret_arn]',
        '"secretsmanager:GetSecretValue"]\n    resources = ["*"]',
        "own code may read one secret",
        POLICIES,
    ),
    Mutation(
        "the function writes its key",
        "function.tf",
        'actions   = ["secretsmanager:GetSecretValue"]',
        'actions   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]',
        "may not change its key",
        POLICIES,
    ),
    Mutation(
        "a KMS key for any secret",
        "function.tf",
        'variable = "kms:EncryptionContext:SecretARN"\n        values   = [local.secret_arn]',
        'variable = "kms:CallerAccount"\n        values   = [local.account]',
        "for the one secret",
        POLICIES,
    ),
    Mutation(
        "a role for any schedule",
        "schedule.tf",
        "values   = [aws_scheduler_schedule_group.runs.arn]",
        'values = ["*"]',
        "schedules of this group",
        POLICIES,
    ),
    Mutation(
        "the whole account reads the key",
        "secret.tf",
        "values   = local.key_readers",
        'values = ["arn:aws:iam::123456789012:*"]',
        "Nobody but the function",
        POLICIES,
    ),
    Mutation(
        "another function with the role reads the key",
        "function.tf",
        "values   = local.function_sources\n",
        'values = ["*"]\n',
        "own code may read one secret",
        POLICIES,
    ),
    Mutation(
        "another function with the role replaces the key",
        "rotation.tf",
        "values   = [local.rotator_arn]",
        "values = [local.function_arn]",
        "own code may read, add and promote",
        POLICIES,
    ),
    Mutation(
        "any rule publishes to the topic",
        "alerts.tf",
        "values   = [statement.value]",
        'values = ["*"]',
        "rule for the secret, may publish",
        POLICIES,
    ),
    Mutation(
        "the function adds keys",
        "secret.tf",
        "concat(local.key_rotators, local.administrators)",
        "concat(local.key_readers, local.administrators)",
        "may add a key",
        POLICIES,
    ),
    Mutation(
        "everybody changes the policy",
        "secret.tf",
        '"secretsmanager:PutResourcePolicy", ',
        "",
        "may change the secret or its policy",
        POLICIES,
    ),
    Mutation(
        "the rotating function changes the policy",
        "secret.tf",
        "values   = local.administrators\n",
        "values = concat(local.key_rotators, local.administrators)\n",
        "may not change the secret itself",
        POLICIES,
    ),
    Mutation(
        "a session instead of its role",
        "main.tf",
        "local.caller_role == null ? [local.caller]",
        "true ? [local.caller]",
        "may add a key",
        POLICIES,
    ),
    Mutation(
        "root is locked out", "secret.tf", "distinct(concat([local.root], ", "distinct(concat([], ", "may add a key", POLICIES
    ),
    Mutation(
        "the applying identity is locked out",
        "secret.tf",
        "condition = contains(local.administrators, local.caller) ||",
        "condition = true ||",
        "administrators_without_the_applying_identity|Missing expected failure",
        INPUTS,
    ),
    Mutation(
        "the function writes the whole bucket",
        "results.tf",
        "${local.results_parts[0]}/${local.results_folder}*",
        "${local.results_parts[0]}/*",
        "may store results and move its cursors",
        POLICIES,
    ),
    Mutation(
        "another function with the role stores results",
        "results.tf",
        '["s3:PutObject"]\n      resources = [statement.value]\n\n      condition {\n        test     = "ArnLike"',
        '["s3:PutObject"]\n      resources = [statement.value]\n\n      condition {\n        test = "ArnNotLike"',
        "may store results and move its cursors",
        POLICIES,
    ),
    Mutation(
        "the function deletes cursors",
        "results.tf",
        '["s3:GetObject", "s3:PutObject"]',
        '["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]',
        "may store results and move its cursors",
        POLICIES,
    ),
    Mutation(
        "the function changes every object",
        "results.tf",
        '"${local.cursor_parts[1]}-*${local.cursor_parts[2]}"',
        '"*"',
        "may store results and move its cursors",
        POLICIES,
    ),
    Mutation(
        "the function lists the bucket",
        "results.tf",
        'variable = "s3:prefix"\n        values   = local.cursor_names',
        'variable = "s3:prefix"\n        values   = ["*"]',
        "list nothing else",
        POLICIES,
    ),
    Mutation(
        "results under the key of anything",
        "results.tf",
        'values   = flatten([for bucket in local.used_buckets : [bucket, "${bucket}/*"]])',
        'values   = ["*"]',
        "use the key for this bucket alone",
        POLICIES,
    ),
    Mutation(
        "the function empties the queue",
        "results.tf",
        '["sqs:SendMessage"]',
        '["sqs:SendMessage", "sqs:PurgeQueue"]',
        "send results to its queue, and nothing else",
        POLICIES,
    ),
    Mutation(
        "a bucket without TLS",
        "results_storage.tf",
        'actions   = ["s3:*"]',
        'actions   = ["s3:GetObject"]',
        "bucket without TLS",
        POLICIES,
    ),
    Mutation(
        "a queue without TLS",
        "results_storage.tf",
        'actions   = ["sqs:*"]',
        'actions   = ["sqs:ReceiveMessage"]',
        "queue without TLS",
        POLICIES,
    ),
)


BY_SCHEMA_AND_TESTS = batch(each for each in MUTATIONS if each.by != POLICIES)
BY_POLICIES = [each for each in MUTATIONS if each.by == POLICIES]


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Two at a time: terraform is the slow part, and each batch has its own copy."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def checks(workspaces: Workspaces, pool: ThreadPoolExecutor) -> dict[str, Future[None]]:
    workspaces.shared("aws")
    return {str(each): pool.submit(check_caught_together, workspaces, "aws", each) for each in BY_SCHEMA_AND_TESTS}


@pytest.fixture(scope="module")
def policy_checks(workspaces: Workspaces, pool: ThreadPoolExecutor) -> dict[Mutation, Future[None]]:
    own_copy(workspaces)

    def check(mutation: Mutation) -> None:
        workspace = workspaces.own("aws", LOWEST)
        check_caught_in(workspace, mutation, lambda: workspace.test(folder=POLICIES))

    return {each: pool.submit(check, each) for each in BY_POLICIES}


def test_each_policy_grants_only_what_is_needed(workspaces: Workspaces) -> None:
    own_copy(workspaces).test(folder=POLICIES)


@pytest.mark.parametrize("together", BY_SCHEMA_AND_TESTS, ids=lambda together: "+".join(map(str, together))[:60])
def test_each_fault_is_caught(checks: dict[str, Future[None]], together: list[Mutation]) -> None:
    checks[str(together)].result()


@pytest.mark.parametrize("mutation", BY_POLICIES, ids=str)
def test_a_policy_that_was_widened_is_caught(policy_checks: dict[Mutation, Future[None]], mutation: Mutation) -> None:
    policy_checks[mutation].result()
