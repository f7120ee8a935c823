# The accounts, one for each task, so that none has a right that it does not need. With var.existing, an account of yours does the
# task; it is granted the same rights.

locals {
  account_tasks = merge(
    {
      # Compute Engine's default account may not build in projects created since mid-2024, and has far too many rights in older ones.
      build     = { ending = "build", does = "Builds ${var.name}" }
      run       = { ending = "run", does = "Runs ${var.name}: reads its key, and writes its results if they go anywhere" }
      scheduler = { ending = "call", does = "Calls ${var.name} on schedule" }
    },
    var.pubsub == null ? {} : { push = { ending = "push", does = "Calls ${var.name}-events for Pub/Sub" } },
    var.rotation == null ? {} : {
      rotator            = { ending = "rotate", does = "Replaces the key of ${var.name}" }
      rotation_scheduler = { ending = "turn", does = "Calls ${var.name}-rotate on schedule" }
    },
  )
  emails = { for task, _ in local.account_tasks : task => try(google_service_account.account[task].email, var.existing["${task}_account"]) }
  accounts = { for task, email in local.emails : task => {
    email  = email
    member = try(google_service_account.account[task].member, "serviceAccount:${email}")
    id     = try(google_service_account.account[task].id, "projects/${regex("@([a-z0-9-]+)", email)[0]}/serviceAccounts/${email}")
  } }
}

resource "google_service_account" "account" {
  for_each = { for task, account in local.account_tasks : task => account if !contains(keys(var.existing), "${task}_account") }

  project      = var.project_id
  account_id   = "${var.name}-${each.value.ending}"
  display_name = each.value.does

  depends_on = [time_sleep.apis_enabled]
}

moved {
  from = google_service_account.build
  to   = google_service_account.account["build"]
}

moved {
  from = google_service_account.runtime
  to   = google_service_account.account["run"]
}

moved {
  from = google_service_account.scheduler
  to   = google_service_account.account["scheduler"]
}

moved {
  from = google_service_account.push[0]
  to   = google_service_account.account["push"]
}

moved {
  from = google_service_account.rotator[0]
  to   = google_service_account.account["rotator"]
}

moved {
  from = google_service_account.rotation_scheduler[0]
  to   = google_service_account.account["rotation_scheduler"]
}
