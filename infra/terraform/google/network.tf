# With var.vpc: how the function reaches others. A connector, or an interface of its own in a subnetwork (Direct VPC egress); for the
# latter, a static address that calls come from, and forwarding of names that only another network's name servers know.

locals {
  is_direct       = var.vpc == null ? false : var.vpc.connector == null
  network_project = local.is_direct ? split("/", var.vpc.network)[1] : null # a shared network is in its host project
  nat_count       = try(var.vpc.nat, false) ? 1 : 0
}

resource "google_compute_address" "egress" {
  count = local.nat_count

  project      = local.network_project
  region       = var.region
  name         = "${var.name}-egress"
  description  = "The address that calls of ${var.name} come from."
  address_type = "EXTERNAL"
  labels       = var.labels

  depends_on = [time_sleep.apis_enabled]
}

resource "google_compute_router" "egress" {
  count = local.nat_count

  project = local.network_project
  region  = var.region
  name    = "${var.name}-egress"
  network = var.vpc.network

  depends_on = [time_sleep.apis_enabled]
}

resource "google_compute_router_nat" "egress" {
  count = local.nat_count

  project                            = local.network_project
  region                             = var.region
  router                             = google_compute_router.egress[0].name
  name                               = "${var.name}-egress"
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = google_compute_address.egress[*].self_link
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = var.vpc.subnetwork
    source_ip_ranges_to_nat = ["PRIMARY_IP_RANGE"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}

# The name servers are reached through the network, whether their addresses are private or not.
resource "google_dns_managed_zone" "forwarded" {
  #checkov:skip=CKV_GCP_16:A forwarding zone is private and has no records of its own, so there is nothing to sign.
  for_each = var.dns_forwarding

  project     = local.network_project
  name        = "${var.name}-${replace(trimsuffix(each.key, "."), ".", "-")}"
  dns_name    = "${trimsuffix(each.key, ".")}."
  description = "Forwards names in ${each.key} for ${var.name}."
  visibility  = "private"
  labels      = var.labels

  private_visibility_config {
    networks {
      network_url = var.vpc.network
    }
  }

  forwarding_config {
    dynamic "target_name_servers" {
      for_each = each.value

      content {
        ipv4_address    = target_name_servers.value
        forwarding_path = "private"
      }
    }
  }

  depends_on = [time_sleep.apis_enabled]
}
