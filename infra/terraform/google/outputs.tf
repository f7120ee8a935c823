# Commands to paste

output "add_key" {
  description = "Adds the private key as a version of the secret, from the file client.jwk.json."
  value       = "gcloud secrets versions add ${local.key_secret.name} --project=${local.key_secret.project} --data-file=client.jwk.json"
}

output "make_key" {
  description = "Makes a private key straight into the secret, and prints its public half, which you register in Selvbetjening."
  value       = "make --silent -C ${path.module}/../../.. .venv/demo-ready && ${path.module}/../../../.venv/bin/python -m helseid_fn key new projects/${local.key_secret.project}/secrets/${local.key_secret.name}"
}

output "greet" {
  description = "Runs the first schedule now, waits until it has ended, and shows its log line; null without schedules."
  value = local.first_job == null ? null : join(" ", [
    "(since=$(date -u +%Y-%m-%dT%H:%M:%SZ); ${local.run_first} &&",
    "for attempt in $(seq 24); do sleep 5;",
    "line=$(gcloud logging read '${local.job_logs} jsonPayload.outcome:* jsonPayload.scheduler_job:* timestamp>=\"'\"$since\"'\"' ${local.log_place} --limit=1 --format='value(severity, jsonPayload.code, jsonPayload.message)');",
    "[ -z \"$line\" ] || { echo \"$line\"; exit; }; done; echo 'No log line after two minutes: see read_log.'; exit 1)",
  ])
}

output "run_now" {
  description = "Runs the first schedule now, in the order of names; null without schedules."
  value       = local.run_first
}

output "read_log" {
  description = "Shows the last ten log lines of the functions."
  value       = "gcloud logging read '${local.all_logs} jsonPayload.message:*' ${local.log_place} --limit=10 --freshness=7d --format='table(timestamp, severity, jsonPayload.code, jsonPayload.message)'"
}

output "call_by_hand" {
  description = "Calls the function as yourself, if you are among additional_invokers and ingress is ALLOW_ALL."
  value = (
    var.ingress == "ALLOW_ALL"
    ? "gcloud auth print-identity-token | sed 's/^/Authorization: Bearer /' | curl -s -X POST -H @- -H 'Content-Type: application/json' -d '${replace(try(values(local.schedules)[0].invocation, "{}"), "'", "'\\''")}' ${local.uri}"
    : "# ingress is ${var.ingress}: only internal callers are admitted; use run_now"
  )
}

output "rotate_now" {
  description = "Starts a rotation now, which replaces the key if it is due; null without rotation."
  value       = one([for job in google_cloud_scheduler_job.rotate : "gcloud scheduler jobs run ${job.name} --project=${var.project_id} --location=${local.schedule_region}"])
}

output "publish" {
  description = "Publishes a message that makes the default call; null without pubsub."
  value       = var.pubsub == null ? null : "gcloud pubsub topics publish ${google_pubsub_topic.events["events"].name} --project=${var.project_id} --message='{}'"
}

# What is deployed

locals {
  first_job = try(values(google_cloud_scheduler_job.call)[0].name, null)
  run_first = local.first_job == null ? null : "gcloud scheduler jobs run ${local.first_job} --project=${var.project_id} --location=${local.schedule_region}"

  uri = google_cloudfunctions2_function.function["run"].service_config[0].uri
}

output "uri" {
  description = "The function's address, which is also the audience of tokens for it."
  value       = local.uri
}

output "function_ids" {
  description = "The functions: run, and events and rotate if deployed."
  value       = { for key, function in google_cloudfunctions2_function.function : key => function.id }
}

output "service_accounts" {
  description = "The accounts: build, run, scheduler, with pubsub push, and with rotation rotator and rotation_scheduler."
  value       = local.emails
}

output "secret_id" {
  description = "The secret that contains the private key."
  value       = local.makes_secret ? google_secret_manager_secret.key[0].id : var.existing["secret"]
}

output "result_to" {
  description = "Where results go: the function's RESULT_TO; null without result_to."
  value       = local.result_to
}

output "cursor_in" {
  description = "Where a job's cursor is kept; null if nowhere."
  value       = local.cursor_in
}

output "source_files" {
  description = "The files in the source archive; null with archive."
  value       = local.from_checkout ? keys(local.contents) : null
}

output "source_object" {
  description = "The deployed source archive; unless it was in a bucket already, its name contains the hash of its content."
  value       = "gs://${local.source_bucket}/${local.source_object}"
}

output "egress_addresses" {
  description = "The static addresses that calls come from, for the lists of those who are called; empty without vpc.nat."
  value       = google_compute_address.egress[*].address
}

output "log_bucket" {
  description = "The log bucket of the functions' lines; null if it is the project's own."
  value       = local.log_bucket
}
