terraform {
  required_version = ">= 1.9"

  required_providers {
    archive = { source = "hashicorp/archive", version = ">= 2.8.1, < 3.0.0" }
    google  = { source = "hashicorp/google", version = ">= 7.31.0, < 9.0.0" }
    time    = { source = "hashicorp/time", version = ">= 0.14.2, < 1.0.0" }
  }
}
