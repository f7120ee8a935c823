# Where it is deployed

variable "project_id" {
  description = "The project to deploy to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project ID: 6 to 30 lowercase letters, digits and dashes, such as my-project-123 (not the project's name or number)."
  }
}

variable "region" {
  description = "The region of everything except the schedule."
  type        = string
  default     = "europe-north1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, such as europe-north1."
  }

  validation {
    condition     = var.allow_outside_eea || contains(local.eea_regions, var.region) || !can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be in the EEA: ${join(", ", local.eea_regions)}. Set allow_outside_eea if it may be elsewhere."
  }
}

variable "allow_outside_eea" {
  description = "Whether the regions may be outside the EEA."
  type        = bool
  default     = false
}

variable "name" {
  description = "The prefix of every resource's name."
  type        = string
  default     = "helseid-fn"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,20}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 22 lowercase letters, digits and dashes, start with a letter and not end with a dash: account names contain it, and are short."
  }
}

variable "labels" {
  description = "Labels for every resource that supports them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels must be labels that Google accepts: keys and values of at most 63 lowercase letters, digits, - and _, and a key starts with a letter."
  }
}

variable "existing" {
  description = "Parts that exist already, which are used instead of new ones; by part."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.existing), keys(local.existing_parts))) == 0
    error_message = "existing must have no members but ${join(", ", keys(local.existing_parts))}."
  }

  validation {
    condition     = alltrue([for part, name in var.existing : can(regex(local.existing_parts[part], name)) || !can(local.existing_parts[part])])
    error_message = "existing must be resource names such as projects/P/secrets/S, the e-mail addresses of service accounts, and for source_bucket a bucket's name."
  }
}

variable "enable_apis" {
  description = "Whether the project's APIs are enabled; false if you do that elsewhere."
  type        = bool
  default     = true
}

variable "project_iam" {
  description = "Whether roles are granted on the project, and reads of its secrets are logged; false if you do that elsewhere."
  type        = bool
  default     = true
}

# What it signs in as, and what it calls

variable "helseid_issuer" {
  description = "HelseID's issuer, exactly as in its metadata."
  type        = string

  validation {
    condition     = can(regex("^https://${local.host}${local.port}(/[!-~]*)?$", var.helseid_issuer)) && !can(regex("[?#@\\\\]|/$|^https://.*//|(?i)/([.]|%2e){1,2}(/|$)", var.helseid_issuer)) && !can(regex("(?i)/([.]well-known|connect)(/|$)", var.helseid_issuer))
    error_message = "helseid_issuer must be HelseID's issuer: https, no trailing slash, no query, nothing of its metadata or endpoints, such as https://helseid-sts.test.nhn.no."
  }
}

variable "helseid_client_id" {
  description = "The client ID from Selvbetjening."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._~:/@-]{1,200}$", var.helseid_client_id))
    error_message = "helseid_client_id must be a client ID: 1 to 200 letters, digits and - . _ ~ : / @."
  }
}

variable "helseid_scope" {
  description = "The scopes to request, separated by spaces."
  type        = string

  validation {
    condition     = can(regex("^[!#-\\[\\]-~]+( +[!#-\\[\\]-~]+)*$", var.helseid_scope)) && !strcontains(var.helseid_scope, ",")
    error_message = "helseid_scope must be one or more scopes, separated by spaces."
  }
}

variable "parent_organization" {
  description = "Organization number of the parent that the client acts for."
  type        = string
  default     = null

  validation {
    condition     = var.parent_organization == null || can(regex("^[0-9]{9}$", var.parent_organization))
    error_message = "parent_organization must be nine digits."
  }
}

variable "child_organization" {
  description = "Organization number of the child."
  type        = string
  default     = null

  validation {
    condition     = var.child_organization == null || can(regex("^[0-9]{9}$", var.child_organization))
    error_message = "child_organization must be nine digits."
  }
}

variable "sfm_journal_id" {
  description = "SFM journal id."
  type        = string
  default     = null

  validation {
    condition     = var.sfm_journal_id == null || can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.sfm_journal_id))
    error_message = "sfm_journal_id must be a UUID."
  }
}

variable "api_url" {
  description = "The URL that an empty invocation calls."
  type        = string

  validation {
    condition     = can(regex("^https://${local.host}${local.port}([/?][!-~]*)?$", var.api_url)) && !can(regex("[#@\\\\]|^https://[^?]*//|^https://[^?]*(?i)/([.]|%2e){1,2}([/?]|$)", var.api_url))
    error_message = "api_url must be an https URL without a user, a fragment, or empty, . or .. path segments."
  }
}

variable "api_methods" {
  description = "The methods that an invocation may use."
  type        = set(string)
  default     = ["GET"]

  validation {
    condition     = length(var.api_methods) > 0 && length(setsubtract(var.api_methods, ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])) == 0
    error_message = "api_methods must be one or more of GET, HEAD, POST, PUT, PATCH and DELETE."
  }
}

variable "organizations" {
  description = "The organizations that an invocation may name besides the configured one."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.organizations : can(regex("^([0-9]{9}(:[0-9]{9})?|:[0-9]{9}|[*])$", each))])
    error_message = "organizations must be parent, parent:child or :child, each of nine digits, or *, for example 999977774 or 313745392:999977776."
  }
}

variable "token_endpoint_host" {
  description = "Another host on which the token endpoint may be."
  type        = string
  default     = null

  validation {
    condition     = var.token_endpoint_host == null || can(regex("^(${local.host}|\\[[0-9A-Fa-f:.]+\\])${local.port}$", var.token_endpoint_host))
    error_message = "token_endpoint_host must be a host, perhaps with a port, such as helseid-token.example.no."
  }
}

variable "api_caller_headers" {
  description = "The headers that an invocation may set."
  type        = set(string)
  default     = null

  validation {
    condition = var.api_caller_headers == null ? true : length(var.api_caller_headers) > 0 && alltrue([
      for each in var.api_caller_headers : can(regex("^[A-Za-z0-9-]+[*]?$", each)) && !anytrue([
        for own in local.own_headers : endswith(each, "*") ? startswith(own, lower(trimsuffix(each, "*"))) : own == lower(each)
      ])
    ])
    error_message = "api_caller_headers must be names of headers, or prefixes such as nhn-*, at least one, and none that the function sets itself."
  }
}

variable "api_headers" {
  description = "The headers of every call to the API; not for secrets."
  type        = map(string)
  default     = {}

  validation {
    condition = (
      alltrue([for name, value in var.api_headers : can(regex("^[a-z0-9-]+$", lower(name))) && can(regex("^([!-~]([\\t -~]*[!-~])?)?$", value))]) &&
      length(setintersection([for name in keys(var.api_headers) : lower(name)], local.unsettable_headers)) == 0 &&
      length(distinct([for name in keys(var.api_headers) : lower(name)])) == length(var.api_headers)
    )
    error_message = "api_headers must be headers, each named once, with values of visible ASCII; none that the function sets itself, nor content-type or traceparent."
  }
}

variable "api_correlation_header" {
  description = "The header that carries a new UUID for every call to the API."
  type        = string
  default     = null

  validation {
    condition = var.api_correlation_header == null ? true : (
      can(regex("^[a-z0-9-]+$", lower(var.api_correlation_header))) &&
      !contains(concat(local.unsettable_headers, [for name in keys(var.api_headers) : lower(name)]), lower(var.api_correlation_header))
    )
    error_message = "api_correlation_header must be the name of a header, such as nhn-event-id; none that the function sets itself or api_headers has, nor content-type or traceparent."
  }
}

variable "api_max_megabytes" {
  description = "The largest body from the API, and to it, in MiB."
  type        = number
  default     = null

  validation {
    condition     = var.api_max_megabytes == null ? true : var.api_max_megabytes >= 1 && var.api_max_megabytes <= 64 && floor(var.api_max_megabytes) == var.api_max_megabytes
    error_message = "api_max_megabytes must be a whole number from 1 to 64."
  }
}

variable "deadline_seconds" {
  description = "How long an invocation may take; the platform's and the callers' deadlines are derived from it."
  type        = number
  default     = 25

  validation {
    condition     = var.deadline_seconds >= 1 && var.deadline_seconds <= (var.pubsub == null ? 1780 : 580)
    error_message = "deadline_seconds must be between 1 and 1780 (580 with pubsub): callers wait 20 s longer, Cloud Scheduler at most 30 minutes and Pub/Sub at most 10."
  }
}

variable "log_level" {
  description = "The log level; at least INFO, because a successful call is logged at that level."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO"], var.log_level)
    error_message = "log_level must be DEBUG or INFO: with less, no success is logged, and the silence alert would stay open."
  }
}

# Its job, and where results go

variable "source_dir" {
  description = "A folder with a `main.py` of your own (docs/jobs.md), whose job is deployed instead of the default one; null for the default job."
  type        = string
  default     = null

  validation {
    condition     = var.source_dir == null ? true : fileexists("${var.source_dir}/main.py")
    error_message = "source_dir must be a folder with a main.py."
  }
}

variable "archive" {
  description = "The archive that `make google-zip` built: a path, or gs://BUCKET/OBJECT; null builds from the checkout around this module."
  type        = string
  default     = null

  validation {
    condition     = var.archive == null ? true : can(regex("^gs://${local.bucket}/${local.object}$", var.archive)) || fileexists(var.archive)
    error_message = "archive must be a file that exists, by its path from the folder where terraform runs, or gs://BUCKET/OBJECT."
  }

  validation {
    condition     = var.archive != null || fileexists("${path.module}/../../../main.py")
    error_message = "archive must be set, because there is no checkout around this module to build from."
  }

  validation {
    condition     = var.archive == null || var.source_dir == null
    error_message = "archive contains a job already, so source_dir must be null: build it with make google-zip SOURCE=."
  }
}

variable "python_version" {
  description = "The version of Python: the one that `archive` was built for."
  type        = string
  default     = "3.13"

  validation {
    condition     = contains(["3.11", "3.12", "3.13", "3.14"], var.python_version)
    error_message = "python_version must be 3.11, 3.12, 3.13 or 3.14."
  }
}

variable "extra_environment" {
  description = "Additional environment variables for the job; none that this module or Google sets, and never a key."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.extra_environment) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !can(regex("${local.own_names}|${local.host_names}", name))])
    error_message = "extra_environment must contain only uppercase names that neither this module nor Google sets."
  }

  validation {
    condition     = !anytrue([for value in values(var.extra_environment) : can(regex("-----BEGIN|\\{|^eyJ", value))])
    error_message = "extra_environment contains something that looks like a key or a token. Replace it, because it is now exposed, and put the new key into the secret."
  }
}

variable "result_to" {
  description = "Where results go: bucket or topic makes one; gs://BUCKET/PREFIX or projects/P/topics/T is an existing one; log is the log. Null returns them to the caller."
  type        = string
  default     = null

  validation {
    condition = var.result_to == null ? true : (
      contains(["bucket", "topic", "log"], var.result_to) || can(regex("^projects/[a-z0-9:.-]+/topics/[A-Za-z][A-Za-z0-9._~+%-]{2,254}$", var.result_to)) ||
      (can(regex("^gs://${local.bucket}(/+|/${local.object}/*)?$", var.result_to)) && !can(regex("/[.]{1,2}(/|$)", var.result_to)))
    )
    error_message = "result_to must be bucket, topic, log, gs://BUCKET/PREFIX or projects/P/topics/T."
  }
}

variable "results_days" {
  description = "How many days the bucket or the subscription that this module makes keeps results."
  type        = number
  default     = 90

  validation {
    condition     = var.results_days >= 1 && var.results_days <= 3650 && floor(var.results_days) == var.results_days
    error_message = "results_days must be a whole number from 1 to 3650."
  }
}

variable "cursor_in" {
  description = "Where a job's cursor is kept, gs://BUCKET/OBJECT; null is cursor.json in the bucket that results go to."
  type        = string
  default     = null

  validation {
    condition     = var.cursor_in == null ? true : can(regex("^gs://${local.bucket}/${local.object}$", var.cursor_in)) && !can(regex("/[.]{1,2}(/|$)", var.cursor_in))
    error_message = "cursor_in must be an object in a bucket, such as gs://my-bucket/greetings/cursor.json."
  }
}

# When it is called, and by whom

variable "schedules" {
  description = "When it is called: for each schedule, by name, its `schedule` (a cron expression with five fields), the `invocation` that it sends, a JSON object (docs/http-contract.md; `{}` is the default call), and whether it is `enabled`."
  type        = any # of one type, invocations would have to be alike
  default     = { hourly = { schedule = "0 * * * *" } }

  validation {
    condition = try(length(keys(var.schedules)) == 0 || alltrue([
      for name, each in var.schedules :
      can(regex("^[a-z][a-z0-9-]{0,39}$", name)) && name != "rotate" && length(setsubtract(keys(each), ["schedule", "invocation", "enabled"])) == 0 && can(tobool(try(each.enabled, true)))
    ]), false)
    error_message = "schedules must be a map of objects with schedule, and perhaps invocation and enabled. A name has up to 40 lowercase letters, digits and dashes, starts with a letter, and is not rotate."
  }

  validation {
    condition = try(alltrue([
      for each in values(var.schedules) : !can(keys(each)) || can(regex("^${local.cron_field}( ${local.cron_field}){4}$", each.schedule))
    ]), true)
    error_message = "schedules must have a cron expression each, with five fields (minute, hour, day of the month, month, day of the week), such as 0 6 * * MON-FRI."
  }

  validation {
    condition = try(alltrue(flatten([
      for each in values(var.schedules) : [
        for place, field in try(split(" ", each.schedule), []) : [
          for number in regexall("(?:^|[,-])([0-9]+)", field) : tonumber(number[0]) <= [59, 23, 31, 12, 7][place]
        ]
      ]
    ])), true)
    error_message = "schedules must have minutes up to 59, hours up to 23, days of the month up to 31, months up to 12, and days of the week up to 7 (0 and 7 are Sunday)."
  }

  validation {
    condition = try(alltrue([
      for each in values(var.schedules) : try(length(setsubtract(keys(each.invocation), ["organization", "scope", "request", "input", "deliver"])) == 0, !can(each.invocation))
    ]), true)
    error_message = "schedules must have invocations that are objects, with no members but organization, scope, request, input and deliver."
  }
}

variable "time_zone" {
  description = "The time zone of the schedules."
  type        = string
  default     = "Europe/Oslo"
}

variable "schedule_region" {
  description = "The region of the Cloud Scheduler jobs; null is region if Cloud Scheduler is there, else europe-west1."
  type        = string
  default     = null

  validation {
    condition     = var.schedule_region == null ? true : can(regex("^[a-z]+-[a-z]+[0-9]+$", var.schedule_region)) && (var.allow_outside_eea || contains(local.eea_regions, var.schedule_region))
    error_message = "schedule_region must be a region in the EEA, such as europe-west1, unless allow_outside_eea is set."
  }
}

variable "additional_invokers" {
  description = "Who else may call the function, by name."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.additional_invokers : can(regex("^(user|group|serviceAccount):[^ @:]+@[^ @:]+$", member))])
    error_message = "additional_invokers must be user:..., group:... or serviceAccount:... with an e-mail address; allUsers and the like are refused."
  }
}

variable "ingress" {
  description = "Where it can be called from; IAM must permit the caller as well."
  type        = string
  default     = "ALLOW_INTERNAL_ONLY"

  validation {
    condition     = contains(["ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB", "ALLOW_ALL"], var.ingress)
    error_message = "ingress must be ALLOW_INTERNAL_ONLY, ALLOW_INTERNAL_AND_GCLB or ALLOW_ALL."
  }
}

variable "pubsub" {
  description = "Lets Pub/Sub messages call it too; null for none."
  type = object({
    publishers            = optional(set(string), [])
    max_delivery_attempts = optional(number, 5)
  })
  default = null

  validation {
    condition     = var.pubsub == null ? true : alltrue([for member in var.pubsub.publishers : can(regex("^(user|group|serviceAccount):[^ @:]+@[^ @:]+$", member))])
    error_message = "pubsub.publishers must be user:..., group:... or serviceAccount:... with an e-mail address."
  }

  validation {
    condition     = var.pubsub == null ? true : var.pubsub.max_delivery_attempts >= 5 && var.pubsub.max_delivery_attempts <= 100
    error_message = "pubsub.max_delivery_attempts must be between 5 and 100, as Pub/Sub requires."
  }
}

# How it runs

variable "key_delivery" {
  description = "How the function gets the key: api or file."
  type        = string
  default     = "api"

  validation {
    condition     = contains(["api", "file"], var.key_delivery)
    error_message = "key_delivery must be api or file."
  }
}

variable "min_instances" {
  description = "How many instances are kept warm."
  type        = number
  default     = 0

  validation {
    condition     = var.min_instances >= 0 && var.min_instances <= var.max_instances
    error_message = "min_instances must be between 0 and max_instances."
  }
}

variable "max_instances" {
  description = "The maximum number of instances; each caches its own tokens."
  type        = number
  default     = 1

  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 100
    error_message = "max_instances must be between 1 and 100."
  }
}

variable "concurrency" {
  description = "How many calls an instance serves concurrently."
  type        = number
  default     = 4

  validation {
    condition     = var.concurrency == 1 || (var.concurrency >= 1 && var.concurrency <= 80 && try(tonumber(var.cpu) >= 1, false))
    error_message = "concurrency must be between 1 and 80, and 1 if cpu is below 1, as Google requires."
  }
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "512Mi"

  validation {
    condition     = can(regex("^([1-9][0-9]{2,4}M|[1-9][0-9]?G)i?$", var.memory))
    error_message = "memory must be an amount such as 512Mi or 1Gi."
  }
}

variable "cpu" {
  description = "CPUs of an instance."
  type        = string
  default     = "1"

  validation {
    condition     = contains(["0.167", "0.333", "0.583", "1", "2", "4", "6", "8"], var.cpu)
    error_message = "cpu must be 0.167, 0.333, 0.583, 1, 2, 4, 6 or 8."
  }
}

variable "vpc" {
  description = "The network to call through: a Serverless VPC Access connector, or a network and a subnetwork (Direct VPC egress); null for none."
  type = object({
    connector  = optional(string)
    network    = optional(string)
    subnetwork = optional(string)
    tags       = optional(set(string), [])
    egress     = optional(string, "PRIVATE_RANGES_ONLY")
    nat        = optional(bool, false)
  })
  default = null

  validation {
    condition = var.vpc == null ? true : (
      var.vpc.connector == null
      ? var.vpc.network != null && var.vpc.subnetwork != null
      : var.vpc.network == null && var.vpc.subnetwork == null && length(var.vpc.tags) == 0
    )
    error_message = "vpc must have either connector, or network and subnetwork with perhaps tags."
  }

  validation {
    condition     = try(var.vpc.connector, null) == null ? true : can(regex("^projects/[^/]+/locations/[^/]+/connectors/[^/]+$", var.vpc.connector))
    error_message = "vpc.connector must be projects/PROJECT/locations/REGION/connectors/NAME."
  }

  validation {
    condition = try(var.vpc.network == null || var.vpc.subnetwork == null, true) ? true : (
      can(regex("^projects/[^/]+/global/networks/[^/]+$", var.vpc.network)) &&
      can(regex("^projects/[^/]+/regions/${var.region}/subnetworks/[^/]+$", var.vpc.subnetwork))
    )
    error_message = "vpc.network must be projects/PROJECT/global/networks/NAME, and vpc.subnetwork projects/PROJECT/regions/${var.region}/subnetworks/NAME: in the function's region."
  }

  validation {
    condition     = var.vpc == null ? true : contains(["PRIVATE_RANGES_ONLY", "ALL_TRAFFIC"], var.vpc.egress)
    error_message = "vpc.egress must be PRIVATE_RANGES_ONLY or ALL_TRAFFIC."
  }

  validation {
    condition     = try(var.vpc.nat, false) ? var.vpc.connector == null && var.vpc.egress == "ALL_TRAFFIC" : true
    error_message = "vpc.nat must be false with a connector, and unless egress is ALL_TRAFFIC: other calls do not come from the static address."
  }
}

variable "dns_forwarding" {
  description = "Zones whose names the name servers at these addresses know, for all of vpc.network."
  type        = map(list(string))
  default     = {}

  validation {
    condition = alltrue([for zone, addresses in var.dns_forwarding :
      can(regex("^${local.host}[.]?$", zone)) && length(addresses) > 0 && alltrue([for address in addresses : can(cidrhost("${address}/32", 0))])
    ])
    error_message = "dns_forwarding must be IPv4 addresses of name servers by zone, such as { \"nhn.no\" = [\"10.0.0.53\"] }."
  }

  validation {
    condition     = length(var.dns_forwarding) == 0 || try(var.vpc.connector == null, false)
    error_message = "dns_forwarding needs vpc.network, whose zones they become."
  }
}

variable "log_retention_days" {
  description = "How many days the functions' lines are kept, in a log bucket in region; null leaves them to the project's own."
  type        = number
  default     = null

  validation {
    condition     = var.log_retention_days == null ? true : var.log_retention_days >= 1 && var.log_retention_days <= 3650 && floor(var.log_retention_days) == var.log_retention_days
    error_message = "log_retention_days must be a whole number from 1 to 3650."
  }

  validation {
    condition     = var.log_retention_days == null || !contains(keys(var.existing), "log_bucket")
    error_message = "log_retention_days is a property of the bucket, so it must be null with existing.log_bucket."
  }
}

variable "kms_key" {
  description = "A customer-managed Cloud KMS key for the secret, the source, the images, the function and the topics; null for Google's own."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key must be projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY."
  }
}

variable "deletion_protection" {
  description = "Whether the secrets are protected from deletion."
  type        = bool
  default     = true
}

# Who is notified

variable "alert_emails" {
  description = "E-mail addresses that alerts are sent to."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", address))])
    error_message = "alert_emails must be e-mail addresses."
  }
}

variable "notification_channels" {
  description = "Existing channels that alerts are sent to."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "notification_channels must be projects/PROJECT/notificationChannels/NUMBER."
  }
}

variable "longest_gap_hours" {
  description = "For how many hours a schedule may be without a success; then the silence alert fires. Null reckons it from each expression, and 0 creates no such alert."
  type        = number
  default     = null

  validation {
    condition     = var.longest_gap_hours == null ? true : var.longest_gap_hours >= 0 && var.longest_gap_hours <= 9000 && floor(var.longest_gap_hours) == var.longest_gap_hours
    error_message = "longest_gap_hours must be a whole number from 0 to 9000."
  }
}

variable "runbook_url" {
  description = "Where your people read docs/operating.md, whose sections the alerts link to; null names the file."
  type        = string
  default     = null

  validation {
    condition     = var.runbook_url == null ? true : can(regex("^https://[^ #]+$", var.runbook_url))
    error_message = "runbook_url must be an https URL without a fragment, such as https://git.example.no/helseid-fn/docs/operating.md."
  }
}

variable "key_expiry_alert_days" {
  description = "How many days before the key expires the alert fires."
  type        = number
  default     = 21

  validation {
    condition     = var.key_expiry_alert_days >= 1 && var.key_expiry_alert_days <= 365
    error_message = "key_expiry_alert_days must be between 1 and 365."
  }
}

variable "cursor_unmoved_hours" {
  description = "For how many hours the cursor may stay where it is while calls succeed; after that the alert fires. Null for no such alert."
  type        = number
  default     = null

  validation {
    condition     = var.cursor_unmoved_hours == null ? true : var.cursor_unmoved_hours > 0 && var.cursor_unmoved_hours <= 8760
    error_message = "cursor_unmoved_hours must be above 0 and at most 8760."
  }

  validation {
    condition     = var.cursor_unmoved_hours == null ? true : var.cursor_in != null || try(var.result_to == "bucket" || startswith(var.result_to, "gs://"), false)
    error_message = "cursor_unmoved_hours needs a cursor: set result_to to a bucket, or cursor_in."
  }
}

variable "watch_secret_access" {
  description = "Whether you are alerted when anybody but the functions reads or writes the secrets."
  type        = bool
  default     = true
}

# Key rotation

variable "rotation" {
  description = "A second function that replaces the key before it expires; null for none."
  type = object({
    selvbetjening_url  = string
    schedule           = optional(string, "30 5 * * *")
    alg                = optional(string, "PS256")
    due_fraction       = optional(number, 0.67)
    grace_hours        = optional(number, 24)
    destroy_after_days = optional(number, 30)
  })
  default = null

  validation {
    condition     = var.rotation == null ? true : can(regex("^https://${local.host}${local.port}(/[!-~]*)?$", var.rotation.selvbetjening_url)) && !can(regex("(?i)/v1(/|$)", var.rotation.selvbetjening_url))
    error_message = "rotation.selvbetjening_url must be an https URL without /v1 and what follows it, such as https://api.selvbetjening.nhn.no."
  }

  validation {
    condition     = var.rotation == null ? true : can(regex("^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$", var.rotation.schedule))
    error_message = "rotation.schedule must be a cron expression with five fields, such as 30 5 * * *."
  }

  validation {
    condition     = var.rotation == null ? true : contains(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"], var.rotation.alg)
    error_message = "rotation.alg must be RS, PS or ES followed by 256, 384 or 512."
  }

  validation {
    condition     = var.rotation == null ? true : var.rotation.due_fraction > 0 && var.rotation.due_fraction < 1
    error_message = "rotation.due_fraction must be between 0 and 1."
  }

  validation {
    condition     = var.rotation == null ? true : alltrue([for time in [var.rotation.grace_hours, var.rotation.destroy_after_days] : time > 0 && time <= 3650])
    error_message = "rotation.grace_hours and rotation.destroy_after_days must be above 0 and at most 3650."
  }
}

locals {
  eea_regions = [
    "europe-central2", "europe-north1", "europe-north2", "europe-southwest1", "europe-west1", "europe-west3", "europe-west4",
    "europe-west8", "europe-west9", "europe-west10", "europe-west12",
  ]

  service_account = "^[a-z0-9-]+@[a-z0-9-]+([.][a-z0-9-]+)?[.]iam[.]gserviceaccount[.]com$"
  # No more than Google's own characters: commands to paste, filters and conditions contain these names.
  in_project = "projects/[a-z0-9.:-]+"
  existing_parts = {
    secret                     = "^${local.in_project}/secrets/[A-Za-z0-9_-]{1,255}$"
    source_bucket              = "^${local.bucket}$"
    repository                 = "^${local.in_project}/locations/[a-z0-9-]+/repositories/[a-z0-9-]+$"
    worker_pool                = "^${local.in_project}/locations/[a-z0-9-]+/workerPools/[a-z0-9-]+$"
    log_bucket                 = "^${local.in_project}/locations/[a-z0-9-]+/buckets/[A-Za-z0-9_.-]{1,100}$"
    build_account              = local.service_account
    run_account                = local.service_account
    scheduler_account          = local.service_account
    push_account               = local.service_account
    rotator_account            = local.service_account
    rotation_scheduler_account = local.service_account
  }

  # The function's own rules for the host and the port of an address.
  host_label = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
  host       = "${local.host_label}(\\.${local.host_label})*"
  port       = "(:0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"

  # The function's own rules for the names of buckets and objects.
  bucket = "[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"
  object = "[A-Za-z0-9!_.*'()=@+,-]+(/[A-Za-z0-9!_.*'()=@+,-]+)*"

  # The function's settings, of which LOG_FORMAT would hide its lines from the alerts, and what Google sets.
  own_names  = "^(API|HELSEID|ROTATION)_|^(CURSOR_IN|DEADLINE_SECONDS|LOG_FORMAT|LOG_LEVEL|RESULT_TO|SELVBETJENING_URL|TOKEN_ENDPOINT_HOST)$"
  host_names = "^(FUNCTION|GOOGLE|K|X_GOOGLE)_|^(LOG_EXECUTION_ID|PORT)$"

  # The headers of the function itself, as it lists them.
  own_headers = [
    "authorization", "dpop", "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect",
    "keep-alive", "proxy-authorization", "proxy-connection", "accept-encoding",
  ]

  # A field of a cron expression: a list of *, numbers, names and ranges of them, each perhaps with a step.
  cron_value = "([0-9]{1,2}|(?i:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|SUN|MON|TUE|WED|THU|FRI|SAT))"
  cron_item  = "([*]|${local.cron_value}(-${local.cron_value})?)(/[1-9][0-9]?)?"
  cron_field = "${local.cron_item}(,${local.cron_item})*"

  # What no setting may make the same for every call.
  unsettable_headers = concat(local.own_headers, ["content-type", "traceparent"])
}
