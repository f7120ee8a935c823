# Commands to paste

output "add_key" {
  description = "Adds the private key as a version of the secret, from the file client.jwk.json."
  value       = "gcloud secrets versions add ${google_secret_manager_secret.key.secret_id} --project=${var.project_id} --data-file=client.jwk.json"
}

output "run_now" {
  description = "Runs the scheduled call now."
  value       = "gcloud scheduler jobs run ${google_cloud_scheduler_job.call.name} --project=${var.project_id} --location=${var.schedule_region}"
}

output "read_log" {
  description = "Shows the last ten log lines of the functions."
  value       = "gcloud logging read '${local.all_logs} jsonPayload.message:*' --project=${var.project_id} --limit=10 --freshness=7d --format='table(timestamp, severity, jsonPayload.code, jsonPayload.message)'"
}

output "call_by_hand" {
  description = "Calls the function as yourself, if you are among additional_invokers and ingress is ALLOW_ALL."
  value = (
    var.ingress == "ALLOW_ALL"
    ? "curl -s -X POST -H \"Authorization: Bearer $(gcloud auth print-identity-token)\" -H 'Content-Type: application/json' -d '${replace(jsonencode(var.invocation), "'", "'\\''")}' ${local.uri}"
    : "# ingress is ${var.ingress}: only internal callers are admitted; use run_now"
  )
}

output "rotate_now" {
  description = "Starts a rotation now, which replaces the key if it is due; null without rotation."
  value       = one([for job in google_cloud_scheduler_job.rotate : "gcloud scheduler jobs run ${job.name} --project=${var.project_id} --location=${var.schedule_region}"])
}

output "publish" {
  description = "Publishes a message that makes the default call; null without pubsub."
  value       = var.pubsub == null ? null : "gcloud pubsub topics publish ${google_pubsub_topic.events["events"].name} --project=${var.project_id} --message='{}'"
}

# What is deployed

locals {
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
  description = "The accounts: build, run, scheduler, and rotator if there is one."
  value = merge(
    {
      build     = google_service_account.build.email
      run       = google_service_account.runtime.email
      scheduler = google_service_account.scheduler.email
    },
    { for account in google_service_account.rotator : "rotator" => account.email },
  )
}

output "secret_id" {
  description = "The secret that contains the private key."
  value       = google_secret_manager_secret.key.id
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
  description = "The files in the source archive."
  value       = local.source_files
}

output "source_object" {
  description = "The deployed source archive; its name contains the hash of its content."
  value       = "gs://${google_storage_bucket.source.name}/${google_storage_bucket_object.source.name}"
}
