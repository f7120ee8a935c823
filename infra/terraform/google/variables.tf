# Where it is deployed

variable "project_id" {
  description = "The project to deploy to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is not a project's id: 6 to 30 small letters, digits and dashes, such as my-project-123 (its id, not its name or number)."
  }
}

variable "region" {
  description = "The region of everything but the schedule."
  type        = string
  default     = "europe-north1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is not a region, such as europe-north1."
  }
}

variable "name" {
  description = "What everything is named after."
  type        = string
  default     = "helseid-fn"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,20}[a-z0-9]$", var.name))
    error_message = "name is not 2 to 22 small letters, digits and dashes that begin with a letter and do not end with a dash: accounts are named after it, and their names are short."
  }
}

variable "labels" {
  description = "Labels for all that can have them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "labels has one that Google does not take: keys and values are small letters, digits, - and _, 63 at most, and a key begins with a letter."
  }
}

# Whom it signs in as, and what it calls

variable "helseid_issuer" {
  description = "HelseID's issuer, to the letter."
  type        = string

  validation {
    condition     = can(regex("^https://[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(:[1-9][0-9]{0,4})?(/[!-~]*)?$", var.helseid_issuer)) && !can(regex("[?#@\\\\]|/$|^https://.*//|(?i)/([.]|%2e){1,2}(/|$)", var.helseid_issuer))
    error_message = "helseid_issuer is not an issuer: https, no slash at the end, no query, such as https://helseid-sts.test.nhn.no."
  }
}

variable "helseid_client_id" {
  description = "The client's id in Selvbetjening."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._~:/@-]{1,200}$", var.helseid_client_id))
    error_message = "helseid_client_id is not a client id: 1 to 200 letters, digits and - . _ ~ : / @."
  }
}

variable "helseid_scope" {
  description = "The scopes to ask for, separated by spaces."
  type        = string

  validation {
    condition     = can(regex("^[!#-\\[\\]-~]+( +[!#-\\[\\]-~]+)*$", var.helseid_scope))
    error_message = "helseid_scope is not a list of scopes, separated by spaces."
  }
}

variable "parent_organization" {
  description = "Organization number of the parent that the client acts for."
  type        = string
  default     = null

  validation {
    condition     = var.parent_organization == null || can(regex("^[0-9]{9}$", var.parent_organization))
    error_message = "parent_organization is not nine digits."
  }
}

variable "child_organization" {
  description = "Organization number of the child."
  type        = string
  default     = null

  validation {
    condition     = var.child_organization == null || can(regex("^[0-9]{9}$", var.child_organization))
    error_message = "child_organization is not nine digits."
  }
}

variable "sfm_journal_id" {
  description = "SFM journal id."
  type        = string
  default     = null

  validation {
    condition     = var.sfm_journal_id == null || can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.sfm_journal_id))
    error_message = "sfm_journal_id is not a UUID."
  }
}

variable "api_url" {
  description = "What a bare invocation calls."
  type        = string

  validation {
    condition     = can(regex("^https://[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(:[1-9][0-9]{0,4})?([/?][!-~]*)?$", var.api_url)) && !can(regex("[#@\\\\]|^https://[^?]*//|^https://[^?]*(?i)/([.]|%2e){1,2}([/?]|$)", var.api_url))
    error_message = "api_url is not an https address without a user, a fragment, or a path that has empty, . or .. segments."
  }
}

variable "api_methods" {
  description = "The methods that an invocation may ask for."
  type        = set(string)
  default     = ["GET"]

  validation {
    condition     = length(var.api_methods) > 0 && length(setsubtract(var.api_methods, ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])) == 0
    error_message = "api_methods is not a list of GET, HEAD, POST, PUT, PATCH and DELETE."
  }
}

variable "deadline_seconds" {
  description = "What an invocation may take; the platform's and the callers' deadlines follow from it."
  type        = number
  default     = 25

  validation {
    condition     = var.deadline_seconds >= 1 && var.deadline_seconds <= (var.pubsub == null ? 1780 : 580)
    error_message = "deadline_seconds is not between 1 and 1780 (580 with pubsub): callers wait 20 s longer, and Cloud Scheduler waits 30 minutes at most, Pub/Sub 10."
  }
}

variable "log_level" {
  description = "What is logged; never less than INFO, since a call that succeeds is told of at that level."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO"], var.log_level)
    error_message = "log_level is not DEBUG or INFO: with less, no success is logged, and the alert on silence would never rest."
  }
}

# When it is called, and by whom

variable "schedule" {
  description = "When it is called, in cron's five fields."
  type        = string
  default     = "0 * * * *"

  validation {
    condition     = can(regex("^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$", var.schedule))
    error_message = "schedule is not five fields of cron (minute, hour, day of the month, month, day of the week), such as 0 6 * * *."
  }
}

variable "time_zone" {
  description = "The time zone of the schedules."
  type        = string
  default     = "Europe/Oslo"
}

variable "schedule_enabled" {
  description = "Whether the schedule runs; it and the alert on silence rest otherwise."
  type        = bool
  default     = true
}

variable "schedule_region" {
  description = "The region of the Cloud Scheduler jobs, which is not to be had in all."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.schedule_region))
    error_message = "schedule_region is not a region, such as europe-west1."
  }
}

variable "invocation" {
  description = "The JSON object that the schedule sends, after the project's HTTP contract; none is the default call."
  type        = any
  default     = {}

  validation {
    condition     = can(keys(var.invocation)) && length(setsubtract(try(keys(var.invocation), []), ["organization", "scope", "request"])) == 0
    error_message = "invocation is not an object with organization, scope and request, or some of them."
  }
}

variable "additional_invokers" {
  description = "Who else may call the function, by name."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.additional_invokers : can(regex("^(user|group|serviceAccount):[^ @:]+@[^ @:]+$", member))])
    error_message = "additional_invokers has one that is not user:..., group:... or serviceAccount:... with an address; allUsers and the like are refused."
  }
}

variable "ingress" {
  description = "From where it can be called at all; whoever calls must be let by IAM besides."
  type        = string
  default     = "ALLOW_INTERNAL_ONLY"

  validation {
    condition     = contains(["ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB", "ALLOW_ALL"], var.ingress)
    error_message = "ingress is not ALLOW_INTERNAL_ONLY, ALLOW_INTERNAL_AND_GCLB or ALLOW_ALL."
  }
}

variable "pubsub" {
  description = "Messages that call it, too; null for none."
  type = object({
    publishers            = optional(set(string), [])
    max_delivery_attempts = optional(number, 5)
  })
  default = null

  validation {
    condition     = var.pubsub == null ? true : alltrue([for member in var.pubsub.publishers : can(regex("^(user|group|serviceAccount):[^ @:]+@[^ @:]+$", member))])
    error_message = "pubsub.publishers has one that is not user:..., group:... or serviceAccount:... with an address."
  }

  validation {
    condition     = var.pubsub == null ? true : var.pubsub.max_delivery_attempts >= 5 && var.pubsub.max_delivery_attempts <= 100
    error_message = "pubsub.max_delivery_attempts is not between 5 and 100, which Pub/Sub demands."
  }
}

# How it runs

variable "key_delivery" {
  description = "How the key reaches the function: api or file."
  type        = string
  default     = "api"

  validation {
    condition     = contains(["api", "file"], var.key_delivery)
    error_message = "key_delivery is not api or file."
  }
}

variable "min_instances" {
  description = "How many instances wait, warm."
  type        = number
  default     = 0

  validation {
    condition     = var.min_instances >= 0 && var.min_instances <= var.max_instances
    error_message = "min_instances is not between 0 and max_instances."
  }
}

variable "max_instances" {
  description = "How many instances there may be; each holds tokens of its own."
  type        = number
  default     = 1

  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 100
    error_message = "max_instances is not between 1 and 100."
  }
}

variable "concurrency" {
  description = "How many calls an instance serves at once."
  type        = number
  default     = 4

  validation {
    condition     = var.concurrency == 1 || (var.concurrency >= 1 && var.concurrency <= 80 && try(tonumber(var.cpu) >= 1, false))
    error_message = "concurrency is not between 1 and 80, or is above 1 with a cpu below 1, which Google refuses."
  }
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "512Mi"

  validation {
    condition     = can(regex("^([1-9][0-9]{2,4}M|[1-9][0-9]?G)i?$", var.memory))
    error_message = "memory is not an amount such as 512Mi or 1Gi."
  }
}

variable "cpu" {
  description = "Processors of an instance."
  type        = string
  default     = "1"

  validation {
    condition     = contains(["0.167", "0.333", "0.583", "1", "2", "4", "6", "8"], var.cpu)
    error_message = "cpu is not 0.167, 0.333, 0.583, 1, 2, 4, 6 or 8."
  }
}

variable "vpc" {
  description = "A Serverless VPC Access connector to call through; null for none."
  type = object({
    connector = string
    egress    = optional(string, "PRIVATE_RANGES_ONLY")
  })
  default = null

  validation {
    condition     = var.vpc == null ? true : can(regex("^projects/[^/]+/locations/[^/]+/connectors/[^/]+$", var.vpc.connector))
    error_message = "vpc.connector is not projects/PROJECT/locations/REGION/connectors/NAME."
  }

  validation {
    condition     = var.vpc == null ? true : contains(["PRIVATE_RANGES_ONLY", "ALL_TRAFFIC"], var.vpc.egress)
    error_message = "vpc.egress is not PRIVATE_RANGES_ONLY or ALL_TRAFFIC."
  }
}

variable "kms_key" {
  description = "A Cloud KMS key of one's own for the secret, the source, the images, the function and the topics; null for Google's."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key is not projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY."
  }
}

variable "deletion_protection" {
  description = "Whether the secret is kept from being deleted."
  type        = bool
  default     = true
}

# Who is told

variable "alert_emails" {
  description = "Addresses that alerts are sent to."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", address))])
    error_message = "alert_emails has one that is not an address."
  }
}

variable "notification_channels" {
  description = "Existing channels that alerts are sent to."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "notification_channels has one that is not projects/PROJECT/notificationChannels/NUMBER."
  }
}

variable "silence_schedules" {
  description = "After how many schedules without a success it counts as silent."
  type        = number
  default     = 3

  validation {
    condition     = var.silence_schedules >= 1 && var.silence_schedules <= 20 && floor(var.silence_schedules) == var.silence_schedules
    error_message = "silence_schedules is not a whole number between 1 and 20."
  }
}

variable "key_expiry_alert_days" {
  description = "How many days before the key expires it is told."
  type        = number
  default     = 21

  validation {
    condition     = var.key_expiry_alert_days >= 1 && var.key_expiry_alert_days <= 365
    error_message = "key_expiry_alert_days is not between 1 and 365."
  }
}

# The key's replacement

variable "rotation" {
  description = "A second function that replaces the key in good time; null for none."
  type = object({
    selvbetjening_url  = string
    schedule           = optional(string, "30 5 * * *")
    alg                = optional(string, "PS256")
    due_share          = optional(number, 0.67)
    grace_hours        = optional(number, 24)
    destroy_after_days = optional(number, 30)
  })
  default = null

  validation {
    condition     = var.rotation == null ? true : can(regex("^https://[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(:[1-9][0-9]{0,4})?(/[!-~]*)?$", var.rotation.selvbetjening_url))
    error_message = "rotation.selvbetjening_url is not an https address, such as https://api.selvbetjening.nhn.no."
  }

  validation {
    condition     = var.rotation == null ? true : can(regex("^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$", var.rotation.schedule))
    error_message = "rotation.schedule is not five fields of cron, such as 30 5 * * *."
  }

  validation {
    condition     = var.rotation == null ? true : contains(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"], var.rotation.alg)
    error_message = "rotation.alg is not RS, PS or ES with 256, 384 or 512."
  }

  validation {
    condition     = var.rotation == null ? true : var.rotation.due_share > 0 && var.rotation.due_share < 1
    error_message = "rotation.due_share is not between 0 and 1."
  }

  validation {
    condition     = var.rotation == null ? true : alltrue([for time in [var.rotation.grace_hours, var.rotation.destroy_after_days] : time > 0 && time <= 3650])
    error_message = "rotation.grace_hours and rotation.destroy_after_days are not above 0 and up to 3650."
  }
}
