# The way out through a network of one's own.

mock_provider "aws" {
  source = "./tests/mocks"

  mock_resource "aws_security_group" {
    defaults = { id = "sg-made" }
  }

  mock_data "aws_nat_gateway" {
    defaults = { public_ip = "203.0.113.7" }
  }
}

variables {
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no:8443/machine-clients/greetings"
  archive           = "tests/archive.txt"
  alert_emails      = ["on-call@example.no"]
}

run "nothing_is_made_beside_an_existing_security_group" {
  variables {
    vpc = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }

  assert {
    condition = 0 == sum([
      for each in [
        aws_security_group.functions, aws_vpc_security_group_egress_rule.functions, aws_vpc_security_group_ingress_rule.endpoints, aws_vpc_endpoint.interface,
        aws_vpc_endpoint.s3, aws_route53_resolver_endpoint.forwarding, aws_route53_resolver_rule.forwarding, aws_route53_resolver_rule_association.forwarding,
        aws_security_group.forwarding, aws_vpc_security_group_egress_rule.forwarding,
      ] : length(each)
    ])
    error_message = "Nothing may be made in the network unless configured."
  }
}

run "a_security_group_is_made" {
  variables {
    vpc               = { subnet_ids = ["subnet-1", "subnet-2"], vpc_id = "vpc-1" }
    rotation          = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
    extra_environment = { HTTPS_PROXY = "http://proxy.example.no:3128", ALL_PROXY = "http://proxy.example.no:3129" }
    tags              = { team = "integration" }
  }

  assert {
    condition     = aws_security_group.functions[0].vpc_id == "vpc-1" && alltrue([for each in [aws_lambda_function.function, aws_lambda_function.rotator[0]] : each.vpc_config[0].security_group_ids == toset(["sg-made"])])
    error_message = "Both functions must have the security group that was made."
  }

  assert {
    condition = { for port, rule in aws_vpc_security_group_egress_rule.functions : port => [rule.ip_protocol, rule.from_port, rule.to_port, rule.cidr_ipv4] } == {
      for port in ["443", "3128", "3129", "8443"] : port => ["tcp", tonumber(port), tonumber(port), "0.0.0.0/0"]
    }
    error_message = "The functions must reach the ports that the settings name, and no others."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.endpoints) == 0 && aws_security_group.functions[0].tags == tomap({ team = "integration" })
    error_message = "Nobody may connect to the functions, and the security group must have the tags."
  }
}

run "endpoints_are_made" {
  variables {
    vpc = { subnet_ids = ["subnet-1", "subnet-2"], vpc_id = "vpc-1", endpoints = ["secretsmanager", "sqs", "s3"], route_table_ids = ["rtb-1"] }
  }

  assert {
    condition     = join(" ", keys(aws_vpc_endpoint.interface)) == "secretsmanager sqs"
    error_message = "The endpoints that are named must be made, and no others."
  }

  assert {
    condition = alltrue([
      for name, each in aws_vpc_endpoint.interface : each.service_name == "com.amazonaws.eu-north-1.${name}" && each.vpc_endpoint_type == "Interface" && each.private_dns_enabled
      && each.vpc_id == "vpc-1" && each.subnet_ids == toset(["subnet-1", "subnet-2"]) && each.security_group_ids == toset(["sg-made"])
    ])
    error_message = "An endpoint must take its service's place in the functions' subnets."
  }

  assert {
    condition     = aws_vpc_endpoint.s3[0].service_name == "com.amazonaws.eu-north-1.s3" && aws_vpc_endpoint.s3[0].vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3[0].route_table_ids == toset(["rtb-1"])
    error_message = "S3 must be reached through a gateway in the route tables."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.endpoints[0].from_port == 443 && aws_vpc_security_group_ingress_rule.endpoints[0].to_port == 443
      && aws_vpc_security_group_ingress_rule.endpoints[0].referenced_security_group_id == "sg-made" && aws_vpc_security_group_ingress_rule.endpoints[0].cidr_ipv4 == null
    )
    error_message = "The functions alone must reach the endpoints."
  }
}

run "names_of_other_networks_are_forwarded" {
  variables {
    vpc = {
      subnet_ids     = ["subnet-1", "subnet-2"], vpc_id = "vpc-1", security_group_ids = ["sg-1"]
      dns_forwarding = { "nhn.no." = ["10.0.0.53", "10.0.1.53"], "grunndata.example.no" = ["10.0.0.53"] }
      nat_gateways   = { a = "nat-1" }
    }
  }

  assert {
    condition     = aws_route53_resolver_endpoint.forwarding[0].direction == "OUTBOUND" && toset(aws_route53_resolver_endpoint.forwarding[0].ip_address[*].subnet_id) == toset(["subnet-1", "subnet-2"])
    error_message = "There must be a way out for DNS in each subnet."
  }

  assert {
    condition = { for zone, rule in aws_route53_resolver_rule.forwarding : zone => sort(rule.target_ip[*].ip) if rule.rule_type == "FORWARD" && rule.domain_name == zone } == {
      "nhn.no" = tolist(["10.0.0.53", "10.0.1.53"]), "grunndata.example.no" = tolist(["10.0.0.53"])
    }
    error_message = "Each zone must be asked of its own servers."
  }

  assert {
    condition = alltrue([
      for zone, each in aws_route53_resolver_rule_association.forwarding : each.vpc_id == "vpc-1" && each.resolver_rule_id == aws_route53_resolver_rule.forwarding[zone].id
    ]) && length(aws_route53_resolver_rule_association.forwarding) == 2
    error_message = "The network must have each rule."
  }

  assert {
    condition = toset([for each in aws_vpc_security_group_egress_rule.forwarding : join(" ", [each.ip_protocol, each.from_port, each.to_port, each.cidr_ipv4])]) == toset([
      "tcp 53 53 10.0.0.53/32", "tcp 53 53 10.0.1.53/32", "udp 53 53 10.0.0.53/32", "udp 53 53 10.0.1.53/32",
    ])
    error_message = "The resolver must reach those servers, and nothing else."
  }

  assert {
    condition     = output.egress_addresses == tolist(["203.0.113.7"])
    error_message = "The addresses of the NAT gateways must be an output."
  }
}
