"""The Terraform modules, tried without a cloud: in copies, so that nothing is left in the tree."""
