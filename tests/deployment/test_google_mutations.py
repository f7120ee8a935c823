"""Plausible mistakes in the Google Cloud module; each is caught for the right reason."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.deployment.mutation import Mutation, batch, check_caught_together
from tests.deployment.workspace import Workspaces

DEFAULTS, CHOICES, PUBSUB, RESULTS, ROTATION, SILENCE = (
    f"{name}.tftest.hcl" for name in ("defaults", "choices", "pubsub", "results", "rotation", "silence")
)

MUTATIONS = (
    # What the schema catches.
    Mutation("a misspelt argument", "secret.tf", "secret_id           =", "secret_name         =", "secret_name"),
    Mutation("a missing argument", "schedule.tf", "    uri         =", "    # uri       =", '"uri" is required'),
    Mutation("a block written as an argument", "schedule.tf", "  retry_config {", "  retry_config = {", "retry_config"),
    Mutation("an unknown ingress", "function.tf", "= each.value.ingress", '= "ALLOW_EVERYBODY"', "ALLOW_EVERYBODY"),
    Mutation(
        "an undeclared variable", "build.tf", "location                    = var.region", "location = var.regoin", "regoin"
    ),
    Mutation("an unknown severity", "alerts.tf", 'severity              = "CRITICAL"', 'severity = "LOUD"', "LOUD"),
    # Who may do what.
    Mutation(
        "the function may do more with the secret",
        "secret.tf",
        '"roles/secretmanager.secretAccessor"',
        '"roles/secretmanager.admin"',
        "not the only reader of the only secret",
        DEFAULTS,
    ),
    Mutation(
        "somebody else reads the key",
        "secret.tf",
        "google_service_account.runtime.member",
        "google_service_account.scheduler.member",
        "not the only reader of the only secret",
        DEFAULTS,
    ),
    Mutation(
        "everybody may call",
        "schedule.tf",
        '  role     = "roles/run.invoker"\n  member   = google_service_account.scheduler.member',
        '  role     = "roles/run.invoker"\n  member   = "allUsers"',
        "scheduler's account may not call",
        DEFAULTS,
    ),
    Mutation(
        "the scheduler may do more than call",
        "schedule.tf",
        '  role     = "roles/run.invoker"\n  member   = google_service_account.scheduler.member',
        '  role     = "roles/run.admin"\n  member   = google_service_account.scheduler.member',
        "or may do more",
        DEFAULTS,
    ),
    Mutation(
        "a default account runs it",
        "function.tf",
        "service_account_email            = each.value.account",
        "service_account_email            = null",
        "does not run as its own account",
        DEFAULTS,
    ),
    Mutation(
        "a default account builds it",
        "function.tf",
        "service_account   = google_service_account.build.id",
        "service_account   = null",
        "build does not run as its own account",
        DEFAULTS,
    ),
    Mutation(
        "the build reads every bucket",
        "build.tf",
        '"resource.name.startsWith(\\"projects/_/buckets/gcf-v2-sources-\\")"',
        '"true"',
        "exactly the roles that it needs",
        DEFAULTS,
    ),
    Mutation(
        "the internet reaches it",
        "variables.tf",
        'default     = "ALLOW_INTERNAL_ONLY"',
        'default     = "ALLOW_ALL"',
        "reached from the internet by default",
        DEFAULTS,
    ),
    # What calls it.
    Mutation(
        "the audience is gone",
        "schedule.tf",
        'audience              = google_cloudfunctions2_function.function["run"].service_config[0].uri',
        "audience              = null",
        "token is not for the function's URL",
        DEFAULTS,
    ),
    Mutation(
        "the audience is another address",
        "schedule.tf",
        'audience              = google_cloudfunctions2_function.function["run"].service_config[0].uri',
        'audience              = google_cloudfunctions2_function.function["run"].url',
        "token is not for the function's URL",
        DEFAULTS,
    ),
    Mutation(
        "the platform ends first",
        "function.tf",
        "ceil(function.deadline_seconds) + 10",
        "ceil(function.deadline_seconds) - 10",
        "Deadlines do not nest",
        DEFAULTS,
    ),
    Mutation(
        "the scheduler ends first",
        "function.tf",
        "key => timeout + 10",
        "key => timeout",
        "Deadlines do not nest",
        DEFAULTS,
    ),
    Mutation(
        "retries without an end", "schedule.tf", "retry_count          = 2", "retry_count = 50", "without a bound", DEFAULTS
    ),
    # Its source and its settings.
    Mutation(
        "a change of code that is not deployed",
        "build.tf",
        "source-${local.source_hash}.zip",
        "source.zip",
        "hash of its",
        DEFAULTS,
    ),
    Mutation(
        "more than the product",
        "build.tf",
        'concat(["requirements.txt"],',
        'concat(["requirements.txt", "infra/terraform/google/build.tf"],',
        "is not the product's",
        DEFAULTS,
    ),
    Mutation(
        "a setting under another name", "function.tf", "HELSEID_SCOPE  ", "HELSEID_SCOPES ", "settings are not those", DEFAULTS
    ),
    Mutation(
        "a file that is another version",
        "function.tf",
        'version = "latest"',
        'version = "1"',
        "not the latest version of the key",
        CHOICES,
    ),
    # Who is notified.
    Mutation(
        "silence is never detected",
        "alerts.tf",
        "or vector(0)) < 1",
        ") < 1",
        "does not use the metric that counts successes",
        DEFAULTS,
    ),
    Mutation(
        "failures count as success", "alerts.tf", 'succeeded = "ok"', 'succeeded = "failed"', "other than successes", DEFAULTS
    ),
    Mutation(
        "an alert to nobody",
        "alerts.tf",
        'expires soon"\n  combiner              = "OR"\n  severity              = "WARNING"\n'
        "  user_labels           = var.labels\n  notification_channels = local.channels",
        'expires soon"\n  combiner              = "OR"\n  severity              = "WARNING"\n'
        "  user_labels           = var.labels\n  notification_channels = []",
        "does not go to every channel",
        ROTATION,
    ),
    Mutation(
        "a daily job is reported silent each night", "alerts.tf", "    24\n  )", "    1\n  )", "too early or too late", CHOICES
    ),
    Mutation(
        "reads of the key are not logged",
        "watch.tf",
        '"DATA_READ"',
        '"DATA_WRITE"',
        "Reads of the key are not logged",
        DEFAULTS,
    ),
    Mutation(
        "reads of the key are not reported",
        "watch.tf",
        '"AccessSecretVersion", ',
        "",
        "reads or writes the key, and nobody is told",
        DEFAULTS,
    ),
    Mutation(
        "the scheduler's account uses the key unseen",
        "watch.tf",
        "google_service_account.rotator[*].email",
        "google_service_account.rotator[*].email, [google_service_account.scheduler.email]",
        "everybody but the two functions",
        ROTATION,
    ),
    # Results and the cursor.
    Mutation(
        "results could be made public",
        "results.tf",
        'public_access_prevention    = "enforced"',
        'public_access_prevention    = "inherited"',
        "bucket of the results could be made public",
        RESULTS,
    ),
    Mutation(
        "results under Google's own key", "results.tf", "for_each = var.kms_key[*]", "for_each = []", "Invalid index", RESULTS
    ),
    Mutation(
        "results that go with the deployment",
        "results.tf",
        "force_destroy               = false",
        "force_destroy               = true",
        "deleted together with the deployment",
        RESULTS,
    ),
    Mutation(
        "the cursor grows old",
        "results.tf",
        'matches_prefix = ["results/"]',
        "matches_prefix = []",
        "is deleted with them",
        RESULTS,
    ),
    Mutation(
        "the cursor among the results",
        "results.tf",
        'one(google_storage_bucket.results[*].name)}/cursor.json" :',
        'one(google_storage_bucket.results[*].name)}/results/cursor.json" :',
        "not deliver into the bucket",
        RESULTS,
    ),
    Mutation(
        "the function writes the whole bucket",
        "results.tf",
        'expression = "resource.name.startsWith(\\"${local.results_bucket.objects}\\")"',
        'expression = "true"',
        "may write others' objects",
        RESULTS,
    ),
    Mutation(
        "the function changes every object",
        "results.tf",
        'endsWith(\\"${local.cursor_parts[2]}\\"))"',
        'endsWith(\\"\\"))"',
        "may change other objects",
        RESULTS,
    ),
    Mutation(
        "the function reads every object",
        "results.tf",
        '"roles/storage.legacyBucketReader"',
        '"roles/storage.objectViewer"',
        "sees more than names",
        RESULTS,
    ),
    Mutation(
        "a topic that keeps nothing",
        "results.tf",
        "${min(var.results_days, 31) * 86400}s",
        "600s",
        "lost before somebody takes them",
        RESULTS,
    ),
    Mutation(
        "results leave the region",
        "results.tf",
        "allowed_persistence_regions = [var.region]",
        'allowed_persistence_regions = ["us-central1"]',
        "or stored elsewhere",
        RESULTS,
    ),
    Mutation(
        "the function manages the topic",
        "results.tf",
        '"roles/pubsub.publisher"',
        '"roles/pubsub.editor"',
        "publish results, or may do more",
        RESULTS,
    ),
    Mutation("a topic without its API", "main.tf", " && !local.makes_topic", "", "Pub/Sub is not enabled", RESULTS),
    Mutation(
        "undelivered results are not reported",
        "alerts.tf",
        "^delivery[.]",
        "^deliveries[.]",
        "not delivered is not reported",
        RESULTS,
    ),
    Mutation(
        "a cursor of failed runs",
        "alerts.tf",
        'jsonPayload.outcome=\\"ok\\" jsonPayload.cursor_unmoved_hours',
        "jsonPayload.cursor_unmoved_hours",
        "does not move is not reported",
        RESULTS,
    ),
    Mutation(
        "the rotating function delivers",
        "rotation.tf",
        "settings = merge(local.settings, {",
        "settings = merge(local.job_settings, {",
        "rotating function delivers",
        RESULTS,
    ),
    Mutation(
        "another job is deployed",
        "build.tf",
        "var.source_dir == null ? local.source_root : var.source_dir",
        "local.source_root",
        "job of the folder is not deployed",
        RESULTS,
    ),
    Mutation(
        "the folder's tests are deployed",
        "build.tf",
        "^(test_.*|conftest)[.]py$",
        "^conftest[.]py$",
        "test of the folder is deployed",
        RESULTS,
    ),
    Mutation(
        "a function without an entry point",
        "function.tf",
        'can(regex("\\\\b${each.value.entry_point}\\\\b", local.contents["main.py"]))',
        "can(each.value.entry_point)",
        "with_a_job_that_cannot_rotate|Missing expected failure",
        RESULTS,
    ),
    # Messages and rotation.
    Mutation(
        "messages arrive in another form",
        "pubsub.tf",
        'FUNCTION_SIGNATURE_TYPE = "cloudevent"',
        'FUNCTION_SIGNATURE_TYPE = "http"',
        "not arrive at run_event",
        PUBSUB,
    ),
    Mutation(
        "Pub/Sub may act as its account",
        "pubsub.tf",
        '"roles/iam.serviceAccountOpenIdTokenCreator"',
        '"roles/iam.serviceAccountTokenCreator"',
        "or may make others",
        PUBSUB,
    ),
    Mutation(
        "the dead letters go nowhere",
        "pubsub.tf",
        'topic                      = google_pubsub_topic.events["dead-letter"].id',
        'topic                      = google_pubsub_topic.events["events"].id',
        "is lost, or redelivered forever",
        PUBSUB,
    ),
    Mutation(
        "messages are dead-lettered unnoticed",
        "alerts.tf",
        'subscription_id=\\"${google_pubsub_subscription.dead_letter[0].name}',
        'subscription_id=\\"${google_pubsub_subscription.events[0].name}',
        "dead-lettered and nobody is notified",
        PUBSUB,
    ),
    Mutation(
        "the rotator may do anything",
        "rotation.tf",
        '"secretVersionManager"]',
        '"admin"]',
        "not exactly those to read",
        ROTATION,
    ),
    Mutation("two rotations at once", "rotation.tf", "max_instances    = 1", "max_instances    = 2", "can overlap", ROTATION),
    Mutation(
        "the function rotates as itself",
        "rotation.tf",
        "account          = one(google_service_account.rotator[*].email)",
        "account          = google_service_account.runtime.email",
        "do not run as two accounts",
        ROTATION,
    ),
)


@pytest.fixture(scope="module")
def checks(workspaces: Workspaces) -> Iterator[dict[str, Future[None]]]:
    """All batches, two at a time: terraform is the slow part, and each batch has its own copy."""
    workspaces.shared("google")
    with ThreadPoolExecutor(2) as pool:
        yield {str(each): pool.submit(check_caught_together, workspaces, "google", each) for each in batch(MUTATIONS)}


@pytest.mark.parametrize("together", batch(MUTATIONS), ids=lambda together: "+".join(map(str, together))[:60])
def test_each_fault_is_caught(checks: dict[str, Future[None]], together: list[Mutation]) -> None:
    checks[str(together)].result()
