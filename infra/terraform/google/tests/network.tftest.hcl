# The way out: through a network, from a static address, with names that only another network knows.

mock_provider "time" {}
mock_provider "google" {}
mock_provider "archive" {}

variables {
  project_id        = "my-project-123"
  archive           = "tests/archive.txt" # no copy of the code in each plan, which takes seconds
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]

  labels = { team = "integration" }
  vpc = {
    network    = "projects/my-network-123/global/networks/hub"
    subnetwork = "projects/my-network-123/regions/europe-north1/subnetworks/functions"
    tags       = ["helseid", "egress"]
    egress     = "ALL_TRAFFIC"
    nat        = true
  }
  dns_forwarding = { "nhn.no" = ["10.0.0.53", "10.0.1.53"], "helse.example.no." = ["192.0.2.53"] }
}

run "through_a_network" {
  # Every call leaves through the subnetwork.

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].service_config[0].direct_vpc_egress == "VPC_EGRESS_ALL_TRAFFIC"
      && google_cloudfunctions2_function.function["run"].service_config[0].direct_vpc_network_interface[0].network == var.vpc.network
      && google_cloudfunctions2_function.function["run"].service_config[0].direct_vpc_network_interface[0].subnetwork == var.vpc.subnetwork
      && google_cloudfunctions2_function.function["run"].service_config[0].direct_vpc_network_interface[0].tags == tolist(["egress", "helseid"])
    )
    error_message = "The function is not in the subnetwork, or not with all its traffic."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].service_config[0].vpc_connector == null
      && google_cloudfunctions2_function.function["run"].service_config[0].vpc_connector_egress_settings == null
    )
    error_message = "The function has a connector beside its interface, which Google refuses."
  }

  # Calls come from the static address, and only those of the subnetwork.

  assert {
    condition = (
      google_compute_router_nat.egress[0].nat_ips == toset([google_compute_address.egress[0].self_link])
      && google_compute_router_nat.egress[0].nat_ip_allocate_option == "MANUAL_ONLY"
      && output.egress_addresses == [google_compute_address.egress[0].address]
    )
    error_message = "Calls come from another address than the output says."
  }

  assert {
    condition = (
      google_compute_router_nat.egress[0].source_subnetwork_ip_ranges_to_nat == "LIST_OF_SUBNETWORKS"
      && one(google_compute_router_nat.egress[0].subnetwork).name == var.vpc.subnetwork
    )
    error_message = "Others in the network get the static address, too."
  }

  assert {
    condition = (
      google_compute_router.egress[0].network == var.vpc.network
      && alltrue([for project in [google_compute_router.egress[0].project, google_compute_router_nat.egress[0].project, google_compute_address.egress[0].project] : project == "my-network-123"])
      && google_compute_address.egress[0].region == "europe-north1"
    )
    error_message = "The router is not in the network's project and the function's region."
  }

  # The zones' name servers are asked through the network.

  assert {
    condition = { for zone in google_dns_managed_zone.forwarded : zone.dns_name => join(", ", sort([for server in zone.forwarding_config[0].target_name_servers : "${server.ipv4_address} ${server.forwarding_path}"])) } == {
      "nhn.no."           = "10.0.0.53 private, 10.0.1.53 private"
      "helse.example.no." = "192.0.2.53 private"
    }
    error_message = "A zone is asked of other name servers, or not through the network."
  }

  assert {
    condition = alltrue([
      for zone in google_dns_managed_zone.forwarded :
      zone.visibility == "private" && one(zone.private_visibility_config[0].networks).network_url == var.vpc.network && zone.project == "my-network-123"
    ])
    error_message = "A zone is not seen from the network, or is public."
  }

  assert {
    condition     = contains(keys(google_project_service.required), "dns")
    error_message = "Cloud DNS is not enabled."
  }
}

run "without_a_static_address" {
  command = plan

  variables {
    vpc = {
      network    = "projects/my-network-123/global/networks/hub"
      subnetwork = "projects/my-network-123/regions/europe-north1/subnetworks/functions"
    }
    dns_forwarding = {}
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].service_config[0].direct_vpc_egress == "VPC_EGRESS_PRIVATE_RANGES_ONLY"
      && length(google_compute_address.egress) + length(google_compute_router.egress) + length(google_compute_router_nat.egress) + length(google_dns_managed_zone.forwarded) == 0
      && length(output.egress_addresses) == 0
    )
    error_message = "There is something of a network that was not asked for."
  }
}
