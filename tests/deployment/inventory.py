"""A plan as a reviewer reads it: one line for each resource, with its relevant attributes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.deployment.configuration import read_resources

_RIGHT = (
    "role",
    "member",
    "secret_id",
    "name",
    "bucket",
    "repository",
    "topic",
    "subscription",
    "service_account_id",
    "condition.expression",
)
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "google_artifact_registry_repository": ("repository_id", "location", "kms_key_name"),
    "google_artifact_registry_repository_iam_member": _RIGHT,
    "google_cloud_run_v2_service_iam_member": _RIGHT,
    "google_cloud_scheduler_job": (
        "name",
        "region",
        "schedule",
        "time_zone",
        "paused",
        "attempt_deadline",
        "retry_config.retry_count",
        "http_target.uri",
        "http_target.oidc_token.audience",
        "http_target.oidc_token.service_account_email",
    ),
    "google_cloudfunctions2_function": (
        "name",
        "location",
        "kms_key_name",
        "build_config.runtime",
        "build_config.entry_point",
        "build_config.environment_variables",
        "build_config.service_account",
        "build_config.worker_pool",
        "service_config.ingress_settings",
        "service_config.timeout_seconds",
        "service_config.min_instance_count",
        "service_config.max_instance_count",
        "service_config.max_instance_request_concurrency",
        "service_config.available_memory",
        "service_config.available_cpu",
        "service_config.vpc_connector",
        "service_config.direct_vpc_egress",
        "service_config.direct_vpc_network_interface.subnetwork",
        "service_config.secret_volumes.secret",
        "service_config.environment_variables.HELSEID_KEY",
    ),
    "google_compute_address": ("name", "region", "address_type"),
    "google_compute_router": ("name", "network"),
    "google_compute_router_nat": ("name", "router", "nat_ip_allocate_option", "nat_ips", "subnetwork.name"),
    "google_dns_managed_zone": ("dns_name", "visibility", "private_visibility_config.networks.network_url"),
    "google_logging_metric": ("name", "filter"),
    "google_logging_project_bucket_config": ("bucket_id", "location", "retention_days", "cmek_settings.kms_key_name"),
    "google_logging_project_exclusion": ("name", "filter"),
    "google_logging_project_sink": ("name", "destination", "filter"),
    "google_logging_saved_query": ("name", "parent", "visibility", "logging_query.filter"),
    "google_monitoring_alert_policy": ("display_name", "severity", "enabled"),
    "google_monitoring_dashboard": (),
    "google_monitoring_notification_channel": ("type", "labels.email_address"),
    "google_project_iam_audit_config": ("service", "audit_log_config.log_type"),
    "google_project_iam_member": _RIGHT,
    "google_project_service": ("service",),
    "google_pubsub_subscription": (
        "name",
        "topic",
        "ack_deadline_seconds",
        "push_config.push_endpoint",
        "push_config.oidc_token.audience",
        "push_config.oidc_token.service_account_email",
        "dead_letter_policy.dead_letter_topic",
        "dead_letter_policy.max_delivery_attempts",
    ),
    "google_pubsub_subscription_iam_member": _RIGHT,
    "google_pubsub_topic": ("name", "message_storage_policy.allowed_persistence_regions", "kms_key_name"),
    "google_pubsub_topic_iam_member": _RIGHT,
    "google_secret_manager_secret": ("secret_id", "replication.user_managed.replicas.location", "deletion_protection"),
    "google_secret_manager_secret_iam_member": _RIGHT,
    "google_service_account": ("account_id",),
    "google_service_account_iam_member": _RIGHT,
    "google_storage_bucket": (
        "name",
        "location",
        "public_access_prevention",
        "uniform_bucket_level_access",
        "encryption.default_kms_key_name",
        "lifecycle_rule.action.type",
        "lifecycle_rule.condition.age",
        "lifecycle_rule.condition.matches_prefix",
    ),
    "google_storage_bucket_iam_binding": ("role", "members", "bucket"),
    "google_storage_bucket_iam_member": _RIGHT,
    "google_storage_bucket_object": ("bucket", "name"),
    "time_sleep": ("create_duration",),
    "time_static": ("triggers.schedule", "triggers.hours"),
}
"""The attributes that are shown for each type; a type that is not listed fails the comparison."""


def take_inventory(plan: dict[str, Any], folder: Path) -> list[str]:
    """Return the lines for a plan of the module in a folder; `plan` is what `Workspace.plan` returns.

    A value that only the cloud knows is shown as its expression, in angle brackets. Raises `KeyError` for a type that is not
    listed.
    """
    resources = read_resources(folder)
    lines = []
    for change in plan["resource_changes"]:
        if change["mode"] == "managed":
            address = change["address"].removeprefix(f"{change.get('module_address', '')}.")
            after, body = change["change"]["after"], resources[f"{change['type']}.{change['name']}"]
            shown = {path: _show(after, body, path) for path in ATTRIBUTES[change["type"]]}
            lines.append("  ".join([address, *(f"{path}={value}" for path, value in shown.items() if value)]))
    return sorted(lines)


def _show(value: Any, expression: Any, path: str) -> str:
    """Return the value at a path if the plan knows it, else its expression, else an empty string."""
    for name in path.split("."):
        value, expression = _step(value, name), _step(expression, name)
    if value is not None:
        return value if isinstance(value, str) else json.dumps(value)
    is_reference = isinstance(expression, str) and not expression.startswith(
        ("${var.", "${try(var.", "${lookup(var.", "${each.")
    )
    return f"<{expression.removeprefix('${').removesuffix('}')}>" if is_reference else ""


def _step(value: Any, name: str) -> Any:
    if isinstance(value, list):
        value = value[0] if value else None
    return value.get(name) if isinstance(value, dict) else None
