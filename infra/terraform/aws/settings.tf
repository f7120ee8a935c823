# The function's settings. Names and rules are those of its environment variables (docs/configuration.md), so an invalid value is
# refused by name at `terraform plan`, and not by a function that does not start.

variable "helseid_issuer" {
  description = "HelseID's issuer, exactly as in its metadata: `https`, no trailing slash; it may have a path."
  type        = string

  validation {
    condition = (
      can(regex(local.web_address, var.helseid_issuer)) && !can(regex(local.never_in_address, var.helseid_issuer)) &&
      !endswith(var.helseid_issuer, "/") && !strcontains(var.helseid_issuer, "?") && !can(regex(local.longer_issuer, var.helseid_issuer))
    )
    error_message = "helseid_issuer must be HelseID's issuer: https (http only for this machine), no trailing slash, no query, nothing of its metadata or endpoints, for example https://helseid-sts.test.nhn.no."
  }
}

variable "helseid_client_id" {
  description = "The client id from Selvbetjening."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9._~:/@-]{1,200}$", var.helseid_client_id))
    error_message = "helseid_client_id must be a client id: 1 to 200 letters, digits and - . _ ~ : / @."
  }
}

variable "helseid_scope" {
  description = "The scopes to request, separated by spaces."
  type        = string

  validation {
    # scope-token of RFC 6749 appendix A.4, one or more.
    condition     = can(regex("^[\\s!#-\\[\\]-~]*[!#-\\[\\]-~][\\s!#-\\[\\]-~]*$", var.helseid_scope)) && !strcontains(var.helseid_scope, ",")
    error_message = "helseid_scope must be one or more scopes separated by spaces, for example nhn:test-public-samplecode/client-credentials."
  }
}

variable "api_url" {
  description = "The URL that an empty invocation calls, and the base for a request's `path`; `https`."
  type        = string

  validation {
    condition     = can(regex(local.web_address, var.api_url)) && !can(regex(local.never_in_address, var.api_url))
    error_message = "api_url must be the API's URL: https (http only for this machine), without a user name, a fragment, or empty, . or .. segments, for example https://api.example.no/machine-clients/greetings."
  }
}

variable "api_methods" {
  description = "The methods that an invocation may use, of `GET HEAD POST PUT PATCH DELETE`."
  type        = set(string)
  default     = ["GET"]

  validation {
    condition = (
      length(var.api_methods) > 0 &&
      alltrue([for method in var.api_methods : contains(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], method)])
    )
    error_message = "api_methods must be one or more of GET, HEAD, POST, PUT, PATCH and DELETE, in uppercase."
  }
}

variable "parent_organization" {
  description = "Organization number of the parent that the client acts for, nine digits; required for a multi-tenant client."
  type        = string
  default     = null

  validation {
    condition     = var.parent_organization == null || can(regex("^[0-9]{9}$", var.parent_organization))
    error_message = "parent_organization must be nine digits, for example 999977774."
  }
}

variable "child_organization" {
  description = "Organization number of the child; a single-tenant client sets it alone."
  type        = string
  default     = null

  validation {
    condition     = var.child_organization == null || can(regex("^[0-9]{9}$", var.child_organization))
    error_message = "child_organization must be nine digits, for example 999977776."
  }
}

variable "sfm_journal_id" {
  description = "SFM journal id (UUID), for multi-tenant clients of SFM."
  type        = string
  default     = null

  validation {
    condition     = var.sfm_journal_id == null || can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.sfm_journal_id))
    error_message = "sfm_journal_id must be a UUID, for example 4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11."
  }
}

variable "organizations" {
  description = "The organizations that an invocation may name besides the configured one: `parent` (with any child), `parent:child`, `:child`, or `*` for any."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.organizations : can(regex("^([0-9]{9}(:[0-9]{9})?|:[0-9]{9}|[*])$", each))])
    error_message = "organizations must be parent, parent:child or :child, each of nine digits, or *, for example 999977774 or 313745392:999977776."
  }
}

variable "token_endpoint_host" {
  description = "The host, with its port if it has one, on which the metadata may put the token endpoint instead of the issuer's; null allows the issuer's alone."
  type        = string
  default     = null

  validation {
    condition     = var.token_endpoint_host == null || can(regex("^(${local.host}|\\[[0-9A-Fa-f:.]+\\])${local.port}$", var.token_endpoint_host))
    error_message = "token_endpoint_host must be a host, perhaps with a port, such as helseid-token.example.no."
  }
}

variable "api_caller_headers" {
  description = "The headers that an invocation may set: names, or prefixes with `*`; null is the function's own list."
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
  description = "The largest body from the API, and to it, in MiB, 1 to 64; null is the function's 10. Lambda itself carries 6 MB."
  type        = number
  default     = null

  validation {
    condition     = var.api_max_megabytes == null ? true : var.api_max_megabytes >= 1 && var.api_max_megabytes <= 64 && floor(var.api_max_megabytes) == var.api_max_megabytes
    error_message = "api_max_megabytes must be a whole number from 1 to 64."
  }
}

variable "deadline_seconds" {
  description = "Time limit for the whole invocation; every wait and timeout fits inside it. Lambda's own limit of 900 s allows 890."
  type        = number
  default     = 25

  validation {
    condition     = var.deadline_seconds > 0 && var.deadline_seconds <= 890
    error_message = "deadline_seconds must be a number of seconds above 0 and up to 890, which leaves a margin to Lambda's limit of 900 s."
  }
}

variable "log_level" {
  description = "`INFO`, or `DEBUG` for more. With less, no success is logged, and the silence alarm would stay raised."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO"], var.log_level)
    error_message = "log_level must be INFO or DEBUG: with less, no success is logged, and the silence alarm would stay raised."
  }
}

variable "result_to" {
  description = "Where results go: `bucket` or `queue` makes one; `s3://BUCKET/PREFIX` or an SQS queue's ARN is an existing one; `log` is the log. Null returns them to the caller."
  type        = string
  default     = null

  validation {
    condition = var.result_to == null ? true : (
      contains(["bucket", "queue", "log"], var.result_to) || can(regex("^arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}([.]fifo)?$", var.result_to)) ||
      (can(regex("^s3://${local.bucket}(/+|/${local.object}/*)?$", var.result_to)) && !can(regex("/[.]{1,2}(/|$)", var.result_to)))
    )
    error_message = "result_to must be bucket, queue, log, s3://BUCKET/PREFIX or an SQS queue's ARN; no prefix with a *, which is a wildcard in policies."
  }
}

variable "cursor_in" {
  description = "Where a job's cursor is kept, `s3://BUCKET/KEY`; null is `cursor.json` in the bucket that results go to."
  type        = string
  default     = null

  validation {
    condition     = var.cursor_in == null ? true : can(regex("^s3://${local.bucket}/${local.object}$", var.cursor_in)) && !can(regex("/[.]{1,2}(/|$)", var.cursor_in))
    error_message = "cursor_in must be an object in a bucket, such as s3://my-bucket/greetings/cursor.json; no name with a *, which is a wildcard in policies."
  }
}

variable "extra_environment" {
  description = "Additional environment variables, such as `HTTPS_PROXY` and `NO_PROXY`; none that this module or AWS sets, and never a key."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.extra_environment) : can(regex("^[A-Z][A-Z0-9_]*$", name)) && !can(regex("${local.own_names}|${local.host_names}", name))])
    error_message = "extra_environment must contain only uppercase names that neither this module nor AWS sets."
  }

  validation {
    condition     = !anytrue([for value in values(var.extra_environment) : can(regex("-----BEGIN|\\{|^eyJ", value))])
    error_message = "extra_environment contains something that looks like a key or a token. Replace it, because it is now exposed, and put the new key into the secret."
  }
}

locals {
  # The function's own rule: https, or http for this machine; a host of letters, digits, dashes and dots; optionally a port.
  host_label       = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
  host             = "${local.host_label}(\\.${local.host_label})*"
  port             = "(:0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
  port_and_path    = "${local.port}([/?][!-~]*)?$"
  loopback         = "localhost|127(\\.[0-9]{1,3}){3}|\\[::1\\]"
  web_address      = "^(https://(${local.host}|\\[[0-9A-Fa-f:.]+\\])|http://(${local.loopback}))${local.port_and_path}"
  longer_issuer    = "(?i)/([.]well-known|connect)(/|$)"
  never_in_address = "[#\\\\]|^[a-z]+://[^/?]*@|^[a-z]+://[^?]*//|^[a-z]+://[^?]*/(\\.|%2[eE]){1,2}([/?]|$)"

  # S3's rules for the names of buckets, and the function's for those of objects, without *.
  bucket = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
  object = "[A-Za-z0-9!_.'()=@+,-]+(/[A-Za-z0-9!_.'()=@+,-]+)*"

  # The function's settings, of which LOG_FORMAT would hide its lines from the alarms, and what Lambda sets.
  own_names  = "^(API|HELSEID|ROTATION)_|^(CURSOR_IN|DEADLINE_SECONDS|LOG_FORMAT|LOG_LEVEL|RESULT_TO|SELVBETJENING_URL|TOKEN_ENDPOINT_HOST)$"
  host_names = "^(AWS_)?LAMBDA_|^AWS_(ACCESS_KEY|ACCESS_KEY_ID|DEFAULT_REGION|EXECUTION_ENV|REGION|SECRET_ACCESS_KEY|SESSION_TOKEN)$"

  # The headers of the function itself, as it lists them.
  own_headers = [
    "authorization", "dpop", "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect",
    "keep-alive", "proxy-authorization", "proxy-connection", "accept-encoding",
  ]

  # What no setting may make the same for every call.
  unsettable_headers = concat(local.own_headers, ["content-type", "traceparent"])
}
