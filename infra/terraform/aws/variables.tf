# How the function is deployed. Its settings are in settings.tf.

variable "name" {
  description = "Name of the function, and the prefix of every other name. Role names are not regional: give each deployment in an account its own."
  type        = string
  default     = "helseid-fn"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,38}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 40 lowercase letters, digits and dashes, start with a letter and not end with a dash."
  }
}

variable "architecture" {
  description = "`arm64`, which costs a fifth less on AWS, or `x86_64`; the archive must be built for it."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "python_version" {
  description = "`3.11`, `3.12`, `3.13` or `3.14`; the archive must be built for it."
  type        = string
  default     = "3.13"

  validation {
    condition     = contains(["3.11", "3.12", "3.13", "3.14"], var.python_version)
    error_message = "python_version must be 3.11, 3.12, 3.13 or 3.14."
  }
}

variable "source_dir" {
  description = "A folder with a `main.py` of your own (docs/jobs.md), whose job is deployed instead of the default one: `make lambda-zip SOURCE=` packs it. Null is the default job."
  type        = string
  default     = null

  validation {
    condition     = var.source_dir == null ? true : fileexists("${var.source_dir}/main.py")
    error_message = "source_dir must be a folder with a main.py."
  }
}

variable "archive" {
  description = "The archive to deploy: a path, or `s3://BUCKET/KEY` of an object in the same region, whose name changes with its content. Null is the path at which `make lambda-zip` builds it from this checkout, for `source_dir`, `architecture` and `python_version`."
  type        = string
  default     = null

  validation {
    condition     = var.archive == null ? true : can(regex("^s3://${local.bucket}/.+$", var.archive)) || !can(regex("^[a-z0-9]+:|^$", var.archive))
    error_message = "archive must be a path, or s3://BUCKET/KEY."
  }
}

variable "rollback_version" {
  description = "The version that runs instead of the newest, such as the one before (the output `live_version`); null is the newest."
  type        = number
  default     = null

  validation {
    condition     = var.rollback_version == null ? true : var.rollback_version >= 1 && floor(var.rollback_version) == var.rollback_version
    error_message = "rollback_version must be the number of a version, from 1."
  }
}

variable "canary" {
  description = "Sends the fraction `weight` of the invocations to another version: `version`, or the newest, if `rollback_version` says which has the rest. Null sends all to one."
  type        = object({ weight = number, version = optional(number) })
  default     = null

  validation {
    condition     = var.canary == null ? true : var.canary.weight > 0 && var.canary.weight < 1
    error_message = "canary.weight must be a fraction between 0 and 1, for example 0.1."
  }

  validation {
    condition     = var.canary == null ? true : var.canary.version != var.rollback_version
    error_message = "canary.version must be another version than rollback_version's; without both there is only the newest."
  }

  validation {
    condition     = try(var.canary.version, null) == null ? true : var.canary.version >= 1 && floor(var.canary.version) == var.canary.version
    error_message = "canary.version must be the number of a version, from 1."
  }
}

variable "code_signing_config_arn" {
  description = "A code signing configuration; Lambda then takes only an archive that one of its profiles has signed, as AWS Signer writes it into a bucket (`archive`)."
  type        = string
  default     = null

  validation {
    condition     = var.code_signing_config_arn == null || can(regex("^arn:aws(-[a-z]+)*:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:csc-[0-9a-z]{17}$", var.code_signing_config_arn))
    error_message = "code_signing_config_arn must be the ARN of a code signing configuration, arn:aws:lambda:REGION:ACCOUNT:code-signing-config:csc-ID."
  }
}

variable "snap_start" {
  description = "Whether new instances start from a snapshot of the initialized function (SnapStart), which is faster and costs a fee for each version and start; from Python 3.12 on, and not with `secrets_extension_layer_arn`."
  type        = bool
  default     = false

  validation {
    condition     = !var.snap_start || var.python_version != "3.11"
    error_message = "snap_start needs python_version 3.12 or later."
  }

  validation {
    condition     = !var.snap_start || var.secrets_extension_layer_arn == null
    error_message = "snap_start and secrets_extension_layer_arn exclude each other: the extension asks for the session token, which a function with SnapStart does not have in its environment."
  }
}

variable "allow_outside_eea" {
  description = "Whether the region may be outside the EU and the EEA."
  type        = bool
  default     = false
}

variable "memory_mb" {
  description = "Memory of the function; Lambda allocates CPU time in proportion to it."
  type        = number
  default     = 512

  validation {
    condition     = var.memory_mb >= 256 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb must be a whole number between 256 and 10240."
  }
}

variable "reserved_concurrency" {
  description = "How many invocations may run at once, reserved for this function; null uses the account's pool."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null ? true : var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency must be a whole number from 1; 0 would stop the function (set schedules = {} for that)."
  }
}

variable "schedules" {
  description = "When the function runs: for each schedule, by name, its `schedule` (`rate(...)` or `cron(...)` of EventBridge Scheduler), the `invocation` that it sends, a JSON object (docs/http-contract.md; `{}` is the default call), and whether it is `enabled`."
  type        = any # of one type, invocations would have to be alike
  default     = { hourly = { schedule = "rate(1 hour)" } }

  validation {
    condition = try(length(keys(var.schedules)) == 0 || alltrue([
      for name, each in var.schedules :
      can(regex("^[a-z][a-z0-9-]{0,39}$", name)) && name != "watch" && length(setsubtract(keys(each), ["schedule", "invocation", "enabled"])) == 0 && can(tobool(try(each.enabled, true)))
    ]), false)
    error_message = "schedules must be a map of objects with schedule, and perhaps invocation and enabled. A name has up to 40 lowercase letters, digits and dashes, starts with a letter, and is not watch."
  }

  validation {
    condition = try(alltrue([
      for each in values(var.schedules) : !can(keys(each)) || can(regex("^(rate\\([1-9][0-9]{0,5} (minute|hour|day)s?\\)|cron\\([^() ?]+ [^() ?]+ ([?] [^() ?]+ [^() ?]+|[^() ?]+ [^() ?]+ [?]) [^() ?]+\\))$", each.schedule))
    ]), true)
    error_message = "schedules must have a schedule each, rate(N minutes|hours|days) or cron(six fields, of which the day of the month or the day of the week is ?), for example rate(1 hour), cron(0 6 * * ? *) or cron(0 7-16 ? * MON-FRI *)."
  }

  validation {
    condition = try(alltrue([
      for each in values(var.schedules) : try(length(setsubtract(keys(each.invocation), ["organization", "scope", "request", "input", "deliver"])) == 0, !can(each.invocation))
    ]), true)
    error_message = "schedules must have invocations that are objects, with no members but organization, scope, request, input and deliver."
  }
}

variable "longest_gap_hours" {
  description = "For how many hours a schedule may be without a success; then the silence alarm is raised. Null reckons it from each expression: for example 2 for every hour, 74 for weekdays, 192 for once a week, 768 for a day of the month. 0 creates no such alarm."
  type        = number
  default     = null

  validation {
    condition     = var.longest_gap_hours == null ? alltrue([for gap in values(local.gap_hours) : gap != null]) : var.longest_gap_hours == 0 || (var.longest_gap_hours >= 0.05 && var.longest_gap_hours <= 9000)
    error_message = "longest_gap_hours must be 0, or from 0.05 to 9000. It must be given for a cron of some months or years only, since nobody can say how long a normal gap is."
  }
}

variable "jitter_minutes" {
  description = "Within how many minutes after its time a schedule starts a run, at random, so that not everybody calls at the same moment; 0 starts it on time."
  type        = number
  default     = 0

  validation {
    condition     = var.jitter_minutes >= 0 && var.jitter_minutes <= 1440 && floor(var.jitter_minutes) == var.jitter_minutes
    error_message = "jitter_minutes must be a whole number from 0 to 1440."
  }
}

variable "time_zone" {
  description = "The time zone of a `cron` schedule."
  type        = string
  default     = "Europe/Oslo"

  validation {
    condition     = can(regex("^[A-Za-z_]+(/[A-Za-z0-9_+-]+){0,2}$", var.time_zone))
    error_message = "time_zone must be an IANA time zone name, for example Europe/Oslo."
  }
}

variable "event_age_seconds" {
  description = "How old a run may be and still be started; after that, the schedule and Lambda both give up on it."
  type        = number
  default     = 3600

  validation {
    # Lambda waits one minute before the second attempt and two before the third.
    condition     = var.event_age_seconds >= 3 * (ceil(var.deadline_seconds) + 5) + 180 && var.event_age_seconds <= 21600
    error_message = "event_age_seconds must leave time for three attempts, 3 x (deadline_seconds + 5) + 180, and be at most 21600, which is Lambda's limit."
  }
}

variable "secrets_extension_layer_arn" {
  description = "The version of AWS's Parameters and Secrets extension to add as a layer, for the region and architecture in use; a cold start then does not load boto3. Not with `snap_start`."
  type        = string
  default     = null

  validation {
    condition     = var.secrets_extension_layer_arn == null || can(regex("^arn:aws(-[a-z]+)*:lambda:[a-z0-9-]+:[0-9]{12}:layer:AWS-Parameters-and-Secrets-Lambda-Extension(-Arm64)?:[0-9]+$", var.secrets_extension_layer_arn))
    error_message = "secrets_extension_layer_arn must be the ARN of a version of AWS-Parameters-and-Secrets-Lambda-Extension or its -Arm64 form."
  }

  validation {
    condition     = var.secrets_extension_layer_arn == null || endswith(split(":", coalesce(var.secrets_extension_layer_arn, ":::::::"))[6], "-Arm64") == (var.architecture == "arm64")
    error_message = "secrets_extension_layer_arn must be for the function's architecture: the layer whose name ends in -Arm64 for arm64, the other layer for x86_64."
  }
}

variable "vpc" {
  description = "The network to connect through: `subnet_ids`, and `security_group_ids`, or else one is made. `endpoints` makes endpoints of AWS's services (`secretsmanager`, `sqs`, `kms`, `logs`, and `s3` in `route_table_ids`), `dns_forwarding` sends the names of other networks to their own servers, both in the network `vpc_id`; the addresses of `nat_gateways` (any name and an id) are an output. Null is Lambda's own network."
  type = object({
    subnet_ids         = set(string)
    security_group_ids = optional(set(string))
    vpc_id             = optional(string)
    endpoints          = optional(set(string), [])
    route_table_ids    = optional(set(string), [])
    dns_forwarding     = optional(map(set(string)), {})
    nat_gateways       = optional(map(string), {})
  })
  default = null

  validation {
    condition     = var.vpc == null ? true : length(var.vpc.subnet_ids) > 0 && alltrue([for id in var.vpc.subnet_ids : startswith(id, "subnet-")])
    error_message = "vpc.subnet_ids must contain at least one subnet-..."
  }

  validation {
    condition     = try(var.vpc.security_group_ids, null) == null ? true : length(var.vpc.security_group_ids) > 0 && alltrue([for id in var.vpc.security_group_ids : startswith(id, "sg-")])
    error_message = "vpc.security_group_ids must contain at least one sg-..., or be null, so that one is made."
  }

  validation {
    condition = try(var.vpc.vpc_id, null) != null ? startswith(var.vpc.vpc_id, "vpc-") : var.vpc == null ? true : (
      var.vpc.security_group_ids != null && length(var.vpc.endpoints) == 0 && length(var.vpc.dns_forwarding) == 0
    )
    error_message = "vpc.vpc_id must be a vpc-..., in which a security group, endpoints and rules for DNS are made."
  }

  validation {
    condition     = var.vpc == null ? true : length(setsubtract(var.vpc.endpoints, ["secretsmanager", "sqs", "kms", "logs", "s3"])) == 0
    error_message = "vpc.endpoints must be of secretsmanager, sqs, kms, logs and s3."
  }

  validation {
    condition     = var.vpc == null ? true : contains(var.vpc.endpoints, "s3") == (length(var.vpc.route_table_ids) > 0)
    error_message = "vpc.route_table_ids must contain the subnets' route tables if vpc.endpoints contains s3, and be empty otherwise."
  }

  validation {
    condition = var.vpc == null ? true : alltrue([
      for zone, addresses in var.vpc.dns_forwarding :
      can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+[a-z]+[.]?$", zone)) && length(addresses) > 0 && alltrue([for address in addresses : can(regex("^[0-9.]+$", address)) && can(cidrhost("${address}/32", 0))])
    ])
    error_message = "vpc.dns_forwarding must map zones to the IPv4 addresses of their servers, for example { \"nhn.no\" = [\"10.0.0.53\"] }."
  }

  validation {
    condition     = var.vpc == null ? true : length(var.vpc.dns_forwarding) == 0 || length(var.vpc.subnet_ids) >= 2
    error_message = "vpc.dns_forwarding needs two subnets, in different zones."
  }

  validation {
    condition     = var.vpc == null ? true : alltrue([for id in values(var.vpc.nat_gateways) : startswith(id, "nat-")])
    error_message = "vpc.nat_gateways must map names to nat-..."
  }
}

variable "kms_key_arn" {
  description = "A customer-managed key for the secret, the functions' environment, the logs, the results and the queue of failed runs, instead of AWS's own; its policy must let CloudWatch Logs use it (see `examples/complete`)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of one key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias."
  }
}

variable "alerts_kms_key_arn" {
  description = "A customer-managed key for the topic of the alarms, such as `kms_key_arn`'s. Its policy must let `cloudwatch.amazonaws.com` and `events.amazonaws.com` use it (see `examples/complete`), or alarms are lost in silence."
  type        = string
  default     = null

  validation {
    condition     = var.alerts_kms_key_arn == null || can(regex("^arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9A-Za-z-]+$", var.alerts_kms_key_arn))
    error_message = "alerts_kms_key_arn must be the ARN of one key, arn:aws:kms:REGION:ACCOUNT:key/ID, not of an alias."
  }
}

variable "permissions_boundary_arn" {
  description = "A permissions boundary for the roles, if the account requires one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws(-[a-z]+)*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}

variable "secret_administrators" {
  description = "ARNs of the IAM roles and users (`*` and `?` are wildcards) who may add keys to the secret, change it and delete it, besides the rotating function and the account's root user; nobody else may, whatever their own policies allow. Null is the identity that applies this."
  type        = set(string)
  default     = null

  validation {
    condition = var.secret_administrators == null ? true : length(var.secret_administrators) > 0 && alltrue([
      for arn in var.secret_administrators : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[*?/]*[\\w+=,.@-][\\w+=,.@*?/-]*$", arn))
    ])
    error_message = "secret_administrators must be the ARNs of IAM roles or users, at least one, such as arn:aws:iam::123456789012:role/deploy; of a role and not of its session, and not of every role."
  }
}

variable "secret_recovery_days" {
  description = "How many days a deleted secret can be restored, 7 to 30; its name is taken during that time. 0 deletes it at once."
  type        = number
  default     = 30

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "secret_recovery_days must be 0, or from 7 to 30."
  }
}

variable "xray" {
  description = "Whether X-Ray traces the invocations."
  type        = bool
  default     = false
}

variable "function_url" {
  description = "A function URL for the IAM roles and users in `principals`, who sign their requests; null creates none."
  type        = object({ principals = set(string) })
  default     = null

  validation {
    condition = var.function_url == null ? true : length(var.function_url.principals) > 0 && alltrue([
      for arn in var.function_url.principals : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\\w+=,.@/-]+$", arn))
    ])
    error_message = "function_url.principals must be the ARNs of named IAM roles or users, never *, an account root or a service."
  }
}

variable "results_days" {
  description = "How many days the bucket that this module makes keeps results, or the queue, which can keep them for 14 at most."
  type        = number
  default     = 90

  validation {
    condition     = var.results_days >= 1 && var.results_days <= 3650 && floor(var.results_days) == var.results_days
    error_message = "results_days must be a whole number from 1 to 3650."
  }
}

variable "log_retention_days" {
  description = "How many days CloudWatch keeps the log."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a period that CloudWatch supports: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "alert_emails" {
  description = "Who is notified when an alarm changes state; AWS first sends each address a link to confirm."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alert_emails must be e-mail addresses."
  }
}

variable "failures_to_alert" {
  description = "How many failures within five minutes raise the alarm, of those that no retry mends and no caller caused."
  type        = number
  default     = 1

  validation {
    condition     = var.failures_to_alert >= 1 && floor(var.failures_to_alert) == var.failures_to_alert
    error_message = "failures_to_alert must be a whole number of at least 1."
  }
}

variable "key_expiry_alert_days" {
  description = "How many days before the key expires the alarm is raised."
  type        = number
  default     = 21

  validation {
    condition     = var.key_expiry_alert_days > 0
    error_message = "key_expiry_alert_days must be a number of days above 0, for example 21."
  }
}

variable "runbook_url" {
  description = "Where your people read docs/operating.md, whose sections the alarms link to; null names the file."
  type        = string
  default     = null

  validation {
    condition     = var.runbook_url == null ? true : can(regex("^https://[^ #]+$", var.runbook_url))
    error_message = "runbook_url must be an https URL without a fragment, such as https://git.example.no/helseid-fn/docs/operating.md."
  }
}

variable "cursor_unmoved_hours" {
  description = "For how many hours the cursor may stay where it is while runs succeed; after that the alarm is raised. Null creates no such alarm."
  type        = number
  default     = null

  validation {
    condition     = var.cursor_unmoved_hours == null ? true : var.cursor_unmoved_hours > 0 && var.cursor_unmoved_hours <= 8760
    error_message = "cursor_unmoved_hours must be above 0 and at most 8760."
  }

  validation {
    condition     = var.cursor_unmoved_hours == null ? true : var.cursor_in != null || try(var.result_to == "bucket" || startswith(var.result_to, "s3://"), false)
    error_message = "cursor_unmoved_hours needs a cursor: set result_to to a bucket, or cursor_in."
  }
}

variable "watch_secret_access" {
  description = "Whether you are notified when anybody but the functions reads or writes the secret; the account needs a CloudTrail trail for management events, or nothing is seen."
  type        = bool
  default     = true
}

variable "rotation" {
  description = "Lets a second function replace the key automatically; null means by hand. `schedule` is how often Secrets Manager checks whether the key is due, `due_fraction` the fraction of its life after which it is due, `alg` the algorithm of the new key, and `selvbetjening_url` where it is registered. Set it once the first key has been added."
  type = object({
    selvbetjening_url = string
    schedule          = optional(string, "rate(7 days)")
    alg               = optional(string, "PS256")
    due_fraction      = optional(number, 0.67)
  })
  default = null

  validation {
    condition     = var.rotation == null ? true : can(regex("^(rate\\([1-9][0-9]{0,2} (hour|day)s?\\)|cron\\([^() ?]+ [^() ?]+ ([?] [^() ?]+ [^() ?]+|[^() ?]+ [^() ?]+ [?]) [^() ?]+\\))$", var.rotation.schedule)) && !can(regex("^rate\\([1-3] hours?\\)$", var.rotation.schedule))
    error_message = "rotation.schedule must be rate(N hours|days) or cron(six fields), at most every four hours, which is Secrets Manager's limit, for example rate(7 days)."
  }

  validation {
    condition     = var.rotation == null ? true : can(regex(local.web_address, var.rotation.selvbetjening_url)) && !can(regex(local.never_in_address, var.rotation.selvbetjening_url)) && !can(regex("(?i)/v1(/|$)", var.rotation.selvbetjening_url))
    error_message = "rotation.selvbetjening_url must be Selvbetjening's URL: https (http only for this machine), without /v1 and what follows it, for example https://api.selvbetjening.test.nhn.no."
  }

  validation {
    condition     = var.rotation == null ? true : contains(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"], var.rotation.alg)
    error_message = "rotation.alg must be RS, PS or ES followed by 256, 384 or 512."
  }

  validation {
    condition     = var.rotation == null ? true : var.rotation.due_fraction > 0 && var.rotation.due_fraction < 1
    error_message = "rotation.due_fraction must be a fraction between 0 and 1, for example 0.67."
  }
}

variable "existing" {
  description = "Parts that exist already and are used instead of new ones: a secret, roles for the function, the schedules and the rotating function, a log group, a topic for alerts, a queue for failed runs."
  type = object({
    secret        = optional(object({ arn = string }))
    function_role = optional(object({ arn = string }))
    schedule_role = optional(object({ arn = string }))
    rotator_role  = optional(object({ arn = string }))
    log_group     = optional(object({ name = string }))
    alerts_topic  = optional(object({ arn = string }))
    failed_runs   = optional(object({ arn = string }))
  })
  default = {}

  validation {
    condition     = var.existing.secret == null ? true : can(regex("^arn:aws(-[a-z]+)*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", var.existing.secret.arn))
    error_message = "existing.secret.arn must be a secret's whole ARN, with the six characters at its end."
  }

  validation {
    condition     = alltrue([for role in [var.existing.function_role, var.existing.schedule_role, var.existing.rotator_role] : role == null ? true : can(regex("^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[\\w+=,.@/-]+$", role.arn))])
    error_message = "existing.function_role.arn, schedule_role.arn and rotator_role.arn must be the ARNs of roles."
  }

  validation {
    condition     = var.existing.log_group == null ? true : can(regex("^[A-Za-z0-9_/.#-]{1,512}$", var.existing.log_group.name))
    error_message = "existing.log_group.name must be the name of a log group, not its ARN."
  }

  validation {
    condition     = var.existing.alerts_topic == null ? true : can(regex("^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", var.existing.alerts_topic.arn))
    error_message = "existing.alerts_topic.arn must be the ARN of a topic of SNS, and not of a FIFO topic, to which alarms cannot publish."
  }

  validation {
    condition     = var.existing.failed_runs == null ? true : can(regex("^arn:aws(-[a-z]+)*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}$", var.existing.failed_runs.arn))
    error_message = "existing.failed_runs.arn must be the ARN of a queue of SQS, and not of a FIFO queue, which the schedules cannot use."
  }
}

variable "tags" {
  description = "Tags for every resource that supports them."
  type        = map(string)
  default     = {}
}
