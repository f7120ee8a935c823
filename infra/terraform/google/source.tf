# The source archive that is built. With var.archive it is one that `make google-zip` has built, with its libraries inside; it may be
# in a bucket already. Without, it is made from the checkout around this module: the product's files, selected by name or pattern, and
# nothing else; with var.source_dir, that folder's Python files take the place of main.py, and its requirements are added.
# An object's name contains the hash of its content: a change of code makes a new object, which is deployed; a touched file, another
# machine or another version of zip does not.

locals {
  from_checkout = var.archive == null
  is_uploaded   = !startswith(coalesce(var.archive, "-"), "gs://")

  source_root  = "${path.module}/../../.."
  command_line = concat(["helseid_fn/__main__.py", "helseid_fn/testing.py"], tolist(fileset(local.source_root, "helseid_fn/cli/**/*.py")))
  modules      = setsubtract(fileset(local.source_root, "helseid_fn/**/*.py"), local.command_line)
  job_root     = var.source_dir == null ? local.source_root : var.source_dir
  job_files    = var.source_dir == null ? ["main.py"] : [for file in fileset(local.job_root, "*.py") : file if !can(regex("^(test_.*|conftest)[.]py$", file))]

  own_requirements = var.source_dir == null ? "" : try(file("${local.job_root}/requirements.txt"), "")

  contents = local.from_checkout ? merge(
    { for file in concat(["requirements.txt"], tolist(local.modules)) : file => file("${local.source_root}/${file}") },
    { for file in local.job_files : file => file("${local.job_root}/${file}") },
    local.own_requirements == "" ? {} : { "requirements.txt" = "${file("${local.source_root}/requirements.txt")}\n${local.own_requirements}" },
  ) : {}
  source_hash = (
    local.from_checkout ? sha256(jsonencode({ for file, content in local.contents : file => sha256(content) })) :
    local.is_uploaded ? filesha256(var.archive) :
    null
  )

  # In a bucket of yours other deployments may have objects, too.
  makes_source_bucket = local.is_uploaded && !contains(keys(var.existing), "source_bucket")
  uploaded_name       = "${local.makes_source_bucket ? "" : "${var.name}/"}source-${coalesce(local.source_hash, "-")}.zip"
  archive_address     = try(regex("^gs://([^/]+)/(.+)$", var.archive), null)
  source_bucket       = local.makes_source_bucket ? google_storage_bucket.source[0].name : local.is_uploaded ? var.existing["source_bucket"] : local.archive_address[0]
  source_object       = local.is_uploaded ? google_storage_bucket_object.source[0].name : local.archive_address[1]
}

data "archive_file" "source" {
  count = local.from_checkout ? 1 : 0

  type        = "zip"
  output_path = "${path.module}/build/${var.project_id}-${var.name}-${local.source_hash}.zip" # no other use of this module writes it

  dynamic "source" {
    for_each = local.contents

    content {
      filename = source.key
      content  = source.value
    }
  }
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:There is no need to log who reads the source code, which is public.
  #checkov:skip=CKV_GCP_78:An object's name contains the hash of its content, so no object ever changes.
  count = local.makes_source_bucket ? 1 : 0

  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-source"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # its content can be rebuilt

  dynamic "encryption" {
    for_each = var.kms_key[*]

    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [time_sleep.apis_enabled]
}

resource "google_storage_bucket_object" "source" {
  count = local.is_uploaded ? 1 : 0

  bucket = local.source_bucket
  name   = local.uploaded_name
  source = local.from_checkout ? data.archive_file.source[0].output_path : var.archive

  depends_on = [time_sleep.apis_enabled]
}
