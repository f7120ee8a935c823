# The way out through a network of one's own (var.vpc): the functions' security group, endpoints of AWS's services, and the DNS of
# other networks.

locals {
  makes_security_group = var.vpc == null ? false : var.vpc.security_group_ids == null
  security_group_ids   = local.makes_security_group ? toset(aws_security_group.functions[*].id) : var.vpc == null ? toset([]) : var.vpc.security_group_ids

  # Not by try(), which knows nothing of a value until it knows all of it.
  endpoints       = var.vpc == null ? toset([]) : var.vpc.endpoints
  forwarded_zones = { for zone, addresses in var.vpc == null ? {} : var.vpc.dns_forwarding : trimsuffix(zone, ".") => addresses }

  # The default port, and those that addresses name.
  addresses = compact([
    var.helseid_issuer, var.api_url, try("https://${var.token_endpoint_host}", null), try(var.rotation.selvbetjening_url, null),
    lookup(var.extra_environment, "HTTPS_PROXY", null), lookup(var.extra_environment, "ALL_PROXY", null),
  ])
  ports_out = toset(concat(["443"], flatten([for address in local.addresses : regexall("^[a-z]+://[^/?]*:([0-9]+)(?:[/?]|$)", address)])))
}

resource "aws_security_group" "functions" {
  #checkov:skip=CKV2_AWS_5: the functions have it, through a local value

  count = local.makes_security_group ? 1 : 0

  name        = var.name
  description = "What ${local.function_name} may connect to."
  vpc_id      = var.vpc.vpc_id
  tags        = var.tags
}

# HelseID and the API have names, and no fixed addresses.
resource "aws_vpc_security_group_egress_rule" "functions" {
  for_each = local.makes_security_group ? local.ports_out : toset([])

  security_group_id = aws_security_group.functions[0].id
  description       = "HelseID, the API, AWS's services and a proxy."
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
  cidr_ipv4         = "0.0.0.0/0"
  tags              = var.tags
}

# The endpoints have the functions' security group.
resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  count = local.makes_security_group && length(setsubtract(local.endpoints, ["s3"])) > 0 ? 1 : 0

  security_group_id            = aws_security_group.functions[0].id
  description                  = "The functions to the endpoints."
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.functions[0].id
  tags                         = var.tags
}

resource "aws_vpc_endpoint" "interface" {
  for_each = setsubtract(local.endpoints, ["s3"])

  vpc_id              = var.vpc.vpc_id
  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${local.region}.${each.value}"
  subnet_ids          = var.vpc.subnet_ids
  security_group_ids  = local.security_group_ids
  private_dns_enabled = true
  tags                = merge(var.tags, { Name = "${var.name}-${each.value}" })

  lifecycle {
    ignore_changes = [service_name] # unknown while something that the module depends on changes; it would be replaced
  }
}

resource "aws_vpc_endpoint" "s3" {
  count = contains(local.endpoints, "s3") ? 1 : 0

  vpc_id            = var.vpc.vpc_id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${local.region}.s3"
  route_table_ids   = var.vpc.route_table_ids
  tags              = merge(var.tags, { Name = "${var.name}-s3" })

  lifecycle {
    ignore_changes = [service_name] # as above
  }
}

# Names of another network, such as nhn.no in Helsenettet, are asked of its own servers. The rules are for the whole network.
resource "aws_route53_resolver_endpoint" "forwarding" {
  count = length(local.forwarded_zones) > 0 ? 1 : 0

  name               = var.name
  direction          = "OUTBOUND"
  security_group_ids = aws_security_group.forwarding[*].id
  tags               = var.tags

  dynamic "ip_address" {
    for_each = var.vpc.subnet_ids

    content {
      subnet_id = ip_address.value
    }
  }
}

resource "aws_route53_resolver_rule" "forwarding" {
  for_each = local.forwarded_zones

  name                 = "${var.name}-${replace(each.key, ".", "-")}"
  domain_name          = each.key
  rule_type            = "FORWARD"
  resolver_endpoint_id = aws_route53_resolver_endpoint.forwarding[0].id
  tags                 = var.tags

  dynamic "target_ip" {
    for_each = each.value

    content {
      ip = target_ip.value
    }
  }
}

resource "aws_route53_resolver_rule_association" "forwarding" {
  for_each = local.forwarded_zones

  name             = aws_route53_resolver_rule.forwarding[each.key].name
  resolver_rule_id = aws_route53_resolver_rule.forwarding[each.key].id
  vpc_id           = var.vpc.vpc_id
}

resource "aws_security_group" "forwarding" {
  count = length(local.forwarded_zones) > 0 ? 1 : 0

  name        = "${var.name}-dns"
  description = "The servers that ${local.function_name} asks for names of other networks."
  vpc_id      = var.vpc.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "forwarding" {
  for_each = toset([for pair in setproduct(["tcp", "udp"], distinct(flatten([for each in values(local.forwarded_zones) : tolist(each)]))) : join(" ", pair)])

  security_group_id = aws_security_group.forwarding[0].id
  description       = "A server for the names of another network."
  ip_protocol       = split(" ", each.value)[0]
  from_port         = 53
  to_port           = 53
  cidr_ipv4         = "${split(" ", each.value)[1]}/32"
  tags              = var.tags
}

data "aws_nat_gateway" "egress" {
  for_each = var.vpc == null ? {} : var.vpc.nat_gateways

  id = each.value
}
