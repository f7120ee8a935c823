# Who may call the function, and the commands to paste.

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

run "only_named_principals_may_call_the_function_url" {
  variables {
    function_url = { principals = ["arn:aws:iam::123456789012:role/caller"] }
    schedules    = { hourly = { schedule = "rate(1 hour)", invocation = { scope = "it's" } } }

    deadline_seconds = 100
  }

  assert {
    condition     = !can(regex("curl.*AWS_", output.call_by_hand)) && endswith(output.call_by_hand, " --config -")
    error_message = "The credentials are arguments of a process, which everybody on the machine can read."
  }

  assert {
    condition     = aws_lambda_function_url.function[0].authorization_type == "AWS_IAM"
    error_message = "The function URL must require signed requests."
  }

  assert {
    condition     = keys(aws_lambda_permission.url) == ["arn:aws:iam::123456789012:role/caller"] && alltrue([for each in aws_lambda_permission.url : each.principal != "*" && each.action == "lambda:InvokeFunctionUrl" && each.function_url_auth_type == "AWS_IAM"])
    error_message = "Only the named principals may call the function URL."
  }

  assert {
    condition     = keys(aws_lambda_permission.url_function) == ["arn:aws:iam::123456789012:role/caller"] && alltrue([for each in aws_lambda_permission.url_function : each.principal != "*" && each.action == "lambda:InvokeFunction"])
    error_message = "Only the named principals may call the function."
  }

  assert {
    condition     = strcontains(output.greet, "--payload '{\"scope\":\"it'\\''s\"}'")
    error_message = "A quote in the invocation must not end the shell's argument."
  }

  assert {
    condition     = try(tonumber(one(regex("--cli-read-timeout ([0-9]+) ", output.greet))), 0) > aws_lambda_function.function.timeout
    error_message = "The command must wait as long as the function may run."
  }
}

run "a_missing_archive_is_refused" {
  command = plan

  variables {
    archive = "tests/none.zip"
  }

  expect_failures = [aws_lambda_function.function]
}
