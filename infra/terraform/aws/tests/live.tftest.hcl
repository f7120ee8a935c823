# The alias that everybody starts, and the versions behind it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  archive           = "tests/archive.txt"
  alert_emails      = ["on-call@example.no"]
}

run "the_newest_version_is_live" {
  variables {
    function_url = { principals = ["arn:aws:iam::123456789012:role/caller"] }
  }

  assert {
    condition     = aws_lambda_function.function.publish == true && aws_lambda_alias.live.function_version == "8" && aws_lambda_alias.live.function_name == aws_lambda_function.function.function_name && length(aws_lambda_alias.live.routing_config) == 0
    error_message = "Each change must be published, and the newest version be live."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.function.qualifier == "live"
    error_message = "Retries and failed runs must be those of the alias."
  }

  assert {
    condition = alltrue([
      for each in concat([aws_lambda_function_url.function[0]], values(aws_lambda_permission.url), values(aws_lambda_permission.url_function)) :
      each.qualifier == "live"
    ])
    error_message = "The function URL and its callers must start the alias."
  }

  assert {
    condition     = strcontains(output.greet, "--function-name helseid-fn:live ") && output.live_arn == aws_lambda_alias.live.arn && output.live_version == "8"
    error_message = "The outputs must name the alias and its version."
  }
}

run "an_older_version_is_live" {
  variables {
    rollback_version = 7
  }

  assert {
    condition     = aws_lambda_alias.live.function_version == "7" && output.live_version == "7"
    error_message = "The chosen version must be live."
  }
}

run "the_newest_version_has_a_tenth" {
  variables {
    rollback_version = 7
    canary           = { weight = 0.1 }
  }

  assert {
    condition     = aws_lambda_alias.live.function_version == "7" && aws_lambda_alias.live.routing_config[0].additional_version_weights == tomap({ "8" = 0.1 })
    error_message = "The newest version must have its weight, and the chosen one the rest."
  }
}

run "another_version_has_a_tenth" {
  variables {
    canary = { version = 6, weight = 0.1 }
  }

  assert {
    condition     = aws_lambda_alias.live.function_version == "8" && aws_lambda_alias.live.routing_config[0].additional_version_weights == tomap({ "6" = 0.1 })
    error_message = "The named version must have its weight, and the newest one the rest."
  }
}

run "nothing_is_newer_than_the_chosen_version" {
  variables {
    rollback_version = 8
    canary           = { weight = 0.1 }
  }

  assert {
    condition     = length(aws_lambda_alias.live.routing_config[0].additional_version_weights) == 0
    error_message = "A version must not have a weight beside itself."
  }
}

run "an_archive_in_s3" {
  variables {
    archive  = "s3://our-artifacts/helseid-fn/0.2.0/lambda-arm64-3.13.zip"
    rotation = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
  }

  assert {
    condition = alltrue([
      for each in [aws_lambda_function.function, aws_lambda_function.rotator[0]] :
      each.s3_bucket == "our-artifacts" && each.s3_key == "helseid-fn/0.2.0/lambda-arm64-3.13.zip" && each.filename == null
    ])
    error_message = "Both functions must have the archive in S3, and no file."
  }
}
