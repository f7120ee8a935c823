terraform {
  required_version = ">= 1.9" # validations that use more than one variable

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }
}
