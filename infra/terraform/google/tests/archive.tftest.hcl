# An archive that was built elsewhere: where it comes from, and how it is installed.

mock_provider "time" {}
mock_provider "google" {}
mock_provider "archive" {}

variables {
  project_id        = "my-project-123"
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
}

run "with_an_archive_on_this_machine" {
  command = plan

  variables {
    archive        = "tests/archive.txt"
    python_version = "3.14"
  }

  # It is uploaded under its hash, and nothing is archived here.

  assert {
    condition = (
      google_storage_bucket_object.source[0].source == "tests/archive.txt"
      && google_storage_bucket_object.source[0].name == "source-${filesha256("tests/archive.txt")}.zip"
      && length(data.archive_file.source) == 0 && length(local.contents) == 0 && output.source_files == null
    )
    error_message = "The archive is not uploaded as it is, or another one is built."
  }

  # Its own wheels are installed, by pip, with the Python that it was built for.

  assert {
    condition = google_cloudfunctions2_function.function["run"].build_config[0].environment_variables == tomap({
      GOOGLE_PYTHON_PACKAGE_MANAGER  = "pip"
      SOURCE_DATE_EPOCH              = "315532801"
      GOOGLE_VENDOR_PIP_DEPENDENCIES = "wheels"
    })
    error_message = "The build asks a package index for what is in the archive."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].build_config[0].runtime == "python314"
    error_message = "The function runs on another Python than configured."
  }
}

run "with_an_archive_in_a_bucket" {
  command = plan

  variables {
    archive = "gs://releases/helseid-fn/google-3.13.zip"
  }

  # It is built from where it is, which the build's account may read.

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].build_config[0].source[0].storage_source[0].bucket == "releases"
      && google_cloudfunctions2_function.function["run"].build_config[0].source[0].storage_source[0].object == "helseid-fn/google-3.13.zip"
      && output.source_object == "gs://releases/helseid-fn/google-3.13.zip"
    )
    error_message = "The function is not built from the archive in the bucket."
  }

  assert {
    condition     = google_storage_bucket_iam_member.build_reads_source.bucket == "releases"
    error_message = "The build's account may not read the archive."
  }

  assert {
    condition     = length(google_storage_bucket.source) + length(google_storage_bucket_object.source) == 0
    error_message = "There is a bucket for sources that nothing is built from."
  }
}

run "from_the_checkout" {
  command = plan

  # Without an archive, the build installs what is pinned from the index.

  assert {
    condition     = !contains(keys(google_cloudfunctions2_function.function["run"].build_config[0].environment_variables), "GOOGLE_VENDOR_PIP_DEPENDENCIES")
    error_message = "The build looks for wheels that the archive does not have."
  }

  # Two uses of the module in one configuration write different files.

  assert {
    condition     = strcontains(data.archive_file.source[0].output_path, "/my-project-123-helseid-fn-${local.source_hash}.zip")
    error_message = "Another use of the module would overwrite the archive."
  }
}
