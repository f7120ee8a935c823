# Where results go, where the cursor is kept, and the job of one's own that makes them.

mock_provider "google" {}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project_id        = "my-project-123"
  archive           = "tests/archive.txt" # no copy of the code in each plan, which takes seconds
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
  kms_key           = "projects/my-keys-123/locations/europe-north1/keyRings/ring/cryptoKeys/key"
}

run "into_a_bucket_of_its_own" {
  variables {
    result_to            = "bucket"
    results_days         = 30
    cursor_unmoved_hours = 48
    rotation             = { selvbetjening_url = "https://api.selvbetjening.nhn.no" }
  }

  # The function knows both places; the rotating function neither.

  assert {
    condition = {
      for name, value in google_cloudfunctions2_function.function["run"].service_config[0].environment_variables : name => value
      if contains(["RESULT_TO", "CURSOR_IN"], name)
      } == {
      RESULT_TO = "gs://my-project-123-helseid-fn-results/results"
      CURSOR_IN = "gs://my-project-123-helseid-fn-results/cursor.json"
    }
    error_message = "The function does not deliver into the bucket."
  }

  assert {
    condition     = length(setintersection(["RESULT_TO", "CURSOR_IN"], keys(google_cloudfunctions2_function.function["rotate"].service_config[0].environment_variables))) == 0
    error_message = "The rotating function delivers, although it may not."
  }

  assert {
    condition     = output.result_to == "gs://my-project-123-helseid-fn-results/results" && output.cursor_in == "gs://my-project-123-helseid-fn-results/cursor.json"
    error_message = "The outputs do not say where results and cursor are."
  }

  # The bucket is private and encrypted, in the region of everything else.

  assert {
    condition = (
      google_storage_bucket.results[0].public_access_prevention == "enforced"
      && google_storage_bucket.results[0].uniform_bucket_level_access
      && google_storage_bucket.results[0].location == "europe-north1"
    )
    error_message = "The bucket of the results could be made public, or is elsewhere."
  }

  assert {
    condition     = google_storage_bucket.results[0].encryption[0].default_kms_key_name == var.kms_key
    error_message = "The results are encrypted with another key."
  }

  assert {
    condition     = !google_storage_bucket.results[0].force_destroy
    error_message = "Results are deleted together with the deployment."
  }

  # Who may look at the project may not look into results.

  assert {
    condition = (
      google_storage_bucket_iam_binding.viewers_read_no_results[0].bucket == google_storage_bucket.results[0].name
      && google_storage_bucket_iam_binding.viewers_read_no_results[0].role == "roles/storage.legacyObjectReader"
      && length(google_storage_bucket_iam_binding.viewers_read_no_results[0].members) == 0
    )
    error_message = "The project's viewers read results."
  }

  # Results are deleted by age, the cursor never is.

  assert {
    condition = [
      for rule in google_storage_bucket.results[0].lifecycle_rule : "${one(rule.action).type} ${one(rule.condition).age} ${join(" ", coalesce(one(rule.condition).matches_prefix, []))}"
    ] == ["Delete 30 results/", "AbortIncompleteMultipartUpload 7 "]
    error_message = "Results are kept for another time, or the cursor is deleted with them."
  }

  # The function may replace results and cursors, and nothing else.

  assert {
    condition = (
      google_storage_bucket_iam_member.runtime_delivers[0].role == "roles/storage.objectUser"
      && google_storage_bucket_iam_member.runtime_delivers[0].bucket == google_storage_bucket.results[0].name
      && google_storage_bucket_iam_member.runtime_delivers[0].member == google_service_account.account["run"].member
      && google_storage_bucket_iam_member.runtime_delivers[0].condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/my-project-123-helseid-fn-results/objects/results/\")"
    )
    error_message = "The function may not write results, or may write others' objects."
  }

  assert {
    condition = (
      google_storage_bucket_iam_member.runtime_moves_cursor[0].role == "roles/storage.objectUser"
      && google_storage_bucket_iam_member.runtime_moves_cursor[0].bucket == google_storage_bucket.results[0].name
      && google_storage_bucket_iam_member.runtime_moves_cursor[0].member == google_service_account.account["run"].member
      && google_storage_bucket_iam_member.runtime_moves_cursor[0].condition[0].expression == "resource.name == \"projects/_/buckets/my-project-123-helseid-fn-results/objects/cursor.json\" || (resource.name.startsWith(\"projects/_/buckets/my-project-123-helseid-fn-results/objects/cursor-\") && resource.name.endsWith(\".json\"))"
    )
    error_message = "The function may not move its cursors, or may change other objects."
  }

  assert {
    condition = (
      google_storage_bucket_iam_member.runtime_misses_cursor[0].role == "roles/storage.legacyBucketReader"
      && google_storage_bucket_iam_member.runtime_misses_cursor[0].bucket == google_storage_bucket.results[0].name
      && google_storage_bucket_iam_member.runtime_misses_cursor[0].member == google_service_account.account["run"].member
    )
    error_message = "The function cannot see that there is no cursor yet, or sees more than names."
  }

  # What does not arrive is reported, and so is a cursor that stays where it is.

  assert {
    condition     = google_monitoring_alert_policy.log["undelivered"].conditions[0].condition_matched_log[0].filter == "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"helseid-fn\") jsonPayload.code=~\"^delivery[.]\" (jsonPayload.code=~\"^delivery[.](refused|invalid_response)[.]\" OR jsonPayload.retryable=false) NOT jsonPayload.code=\"delivery.refused.overtaken\""
    error_message = "A result that was not delivered is not reported."
  }

  assert {
    condition     = google_monitoring_alert_policy.log["cursor"].conditions[0].condition_matched_log[0].filter == "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"helseid-fn\") jsonPayload.outcome=\"ok\" jsonPayload.cursor_unmoved_hours>48"
    error_message = "A cursor that does not move is not reported, or too late."
  }

  assert {
    condition = alltrue([
      for policy in [google_monitoring_alert_policy.log["undelivered"], google_monitoring_alert_policy.log["cursor"]] :
      policy.notification_channels == tolist([google_monitoring_notification_channel.email["on-call@example.no"].id])
    ])
    error_message = "Nobody is notified of results that do not arrive."
  }
}

run "into_a_topic_of_its_own" {
  variables {
    result_to = "topic"
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].service_config[0].environment_variables["RESULT_TO"] == "projects/my-project-123/topics/helseid-fn-results"
    error_message = "The function does not deliver into the topic."
  }

  assert {
    condition = (
      google_pubsub_topic.results[0].kms_key_name == var.kms_key
      && google_pubsub_topic.results[0].message_storage_policy[0].allowed_persistence_regions == toset(["europe-north1"])
    )
    error_message = "The results on the topic are encrypted with another key, or stored elsewhere."
  }

  assert {
    condition = (
      google_pubsub_subscription.results[0].topic == google_pubsub_topic.results[0].id
      && google_pubsub_subscription.results[0].message_retention_duration == "2678400s"
      && google_pubsub_subscription.results[0].expiration_policy[0].ttl == ""
    )
    error_message = "Results on the topic are lost before somebody takes them."
  }

  assert {
    condition = (
      google_pubsub_topic_iam_member.runtime_publishes[0].role == "roles/pubsub.publisher"
      && google_pubsub_topic_iam_member.runtime_publishes[0].project == "my-project-123"
      && google_pubsub_topic_iam_member.runtime_publishes[0].topic == google_pubsub_topic.results[0].name
      && google_pubsub_topic_iam_member.runtime_publishes[0].member == google_service_account.account["run"].member
    )
    error_message = "The function may not publish results, or may do more."
  }

  assert {
    condition     = contains(keys(google_project_service.required), "pubsub") && output.cursor_in == null && length(google_storage_bucket_iam_member.runtime_moves_cursor) == 0
    error_message = "Pub/Sub is not enabled, or there is a cursor on a topic."
  }
}

run "into_an_existing_bucket" {
  command = plan

  variables {
    result_to = "gs://their-bucket/from/us/"
  }

  assert {
    condition     = length(google_storage_bucket.results) == 0 && google_cloudfunctions2_function.function["run"].service_config[0].environment_variables["RESULT_TO"] == "gs://their-bucket/from/us/"
    error_message = "The existing bucket is not used."
  }

  assert {
    condition     = !contains(keys(google_cloudfunctions2_function.function["run"].service_config[0].environment_variables), "CURSOR_IN") && output.cursor_in == "gs://their-bucket/from/us/cursor.json"
    error_message = "The cursor is not beside the results."
  }

  assert {
    condition = (
      google_storage_bucket_iam_member.runtime_delivers[0].bucket == "their-bucket"
      && google_storage_bucket_iam_member.runtime_delivers[0].condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/their-bucket/objects/from/us/\")"
      && strcontains(google_storage_bucket_iam_member.runtime_moves_cursor[0].condition[0].expression, "/their-bucket/objects/from/us/cursor-")
    )
    error_message = "The function may not write below the prefix, or may write above it."
  }
}

run "into_an_existing_topic_with_a_cursor_elsewhere" {
  command = plan

  variables {
    result_to = "projects/their-project/topics/theirs"
    cursor_in = "gs://our.bucket/a.b/cursor"
  }

  assert {
    condition = (
      google_pubsub_topic_iam_member.runtime_publishes[0].project == "their-project"
      && google_pubsub_topic_iam_member.runtime_publishes[0].topic == "theirs"
      && length(google_pubsub_topic.results) + length(google_storage_bucket_iam_member.runtime_delivers) == 0
    )
    error_message = "The function may not publish to the existing topic."
  }

  assert {
    condition = (
      google_storage_bucket_iam_member.runtime_moves_cursor[0].bucket == "our.bucket"
      && google_storage_bucket_iam_member.runtime_moves_cursor[0].condition[0].expression == "resource.name == \"projects/_/buckets/our.bucket/objects/a.b/cursor\" || (resource.name.startsWith(\"projects/_/buckets/our.bucket/objects/a.b/cursor-\") && resource.name.endsWith(\"\"))"
      && google_cloudfunctions2_function.function["run"].service_config[0].environment_variables["CURSOR_IN"] == "gs://our.bucket/a.b/cursor"
    )
    error_message = "The cursor in another bucket is not the function's to move."
  }
}

run "into_the_whole_of_a_bucket" {
  command = plan

  variables {
    result_to = "gs://their-bucket"
  }

  assert {
    condition     = google_storage_bucket_iam_member.runtime_delivers[0].condition[0].expression == "resource.name.startsWith(\"projects/_/buckets/their-bucket/objects/\")" && output.cursor_in == "gs://their-bucket/cursor.json"
    error_message = "Results without a prefix have no right."
  }
}

run "into_the_log" {
  command = plan

  variables {
    result_to = "log"
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].service_config[0].environment_variables["RESULT_TO"] == "log"
      && length(google_storage_bucket_iam_member.runtime_delivers) + length(google_pubsub_topic_iam_member.runtime_publishes) == 0
      && contains(keys(google_monitoring_alert_policy.log), "undelivered")
    )
    error_message = "Results in the log need a right, or are not logged."
  }
}

run "with_a_job_of_ones_own" {
  command = plan

  variables {
    archive    = null
    source_dir = "../../../examples/register-feed"
  }

  assert {
    condition     = local.contents["main.py"] == file("../../../examples/register-feed/main.py") && local.contents["main.py"] != file("../../../main.py")
    error_message = "The job of the folder is not deployed."
  }

  assert {
    condition     = alltrue([for file in keys(local.contents) : can(regex("^(main\\.py|requirements\\.txt|helseid_fn/.*\\.py)$", file))])
    error_message = "A test of the folder is deployed, or the package is not."
  }
}

run "with_a_job_that_cannot_rotate" {
  command = plan

  variables {
    archive    = null
    source_dir = "../../../examples/register-feed"
    rotation   = { selvbetjening_url = "https://api.selvbetjening.nhn.no" }
  }

  expect_failures = [google_cloudfunctions2_function.function["rotate"]]
}
