"""Events in the shapes in which AWS's services invoke Lambda, as its documentation shows them, around an invocation.

Sources: the pages "Using AWS Lambda with Amazon SQS", "... SNS", "... an Application Load Balancer", "... API Gateway",
"... Function URLs" of the Lambda developer guide; "Use a Lambda function as a target" of VPC Lattice; "Using universal targets"
of EventBridge Scheduler; "Batching and concurrency" of EventBridge Pipes. Ids and names are made up.
"""

from __future__ import annotations

import base64
import json
from typing import Any

ACCOUNT = "123456789012"
QUEUE = f"arn:aws:sqs:eu-north-1:{ACCOUNT}:jobs"
TOPIC = f"arn:aws:sns:eu-north-1:{ACCOUNT}:jobs"


def sqs(*bodies: str) -> dict[str, Any]:
    """Return a batch of a queue."""
    return {"Records": [sqs_record(body, number) for number, body in enumerate(bodies)]}


def sqs_record(body: str, number: int = 0) -> dict[str, Any]:
    """Return one record of a queue, as a Pipe passes it on too."""
    return {
        "messageId": f"059f36b4-87a3-44ab-83d2-66197555100{number}",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183", "SenderId": "AIDAIENQZJOLO23YVJ4VO"},
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
        "awsRegion": "eu-north-1",
    }


def notification(message: str) -> str:
    """Return what SNS writes into a queue."""
    members = {
        "Type": "Notification",
        "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
        "TopicArn": TOPIC,
        "Message": message,
    }
    return json.dumps({**members, "Timestamp": "2019-01-02T12:45:07.000Z", "SignatureVersion": "1"})


def sns(message: str) -> dict[str, Any]:
    """Return a notification of a topic."""
    record = {"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": TOPIC, "Sns": _notify(message)}
    return {"Records": [record]}


def _notify(message: str) -> dict[str, str]:
    message_id = "95df01b4-ee98-5cb9-9903-4c221d41eb5e"
    return {"Type": "Notification", "MessageId": message_id, "TopicArn": TOPIC, "Message": message}


def scheduled(detail: object) -> dict[str, Any]:
    """Return an event of EventBridge, or of its Scheduler, whose detail without an input is the text `{}`."""
    return {
        "version": "0",
        "id": "89d1a02d-5ec7-412e-82f5-13505f849b41",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": "2026-11-26T10:00:00Z",
        "region": "eu-north-1",
        "resources": [f"arn:aws:scheduler:eu-north-1:{ACCOUNT}:schedule/default/hourly"],
        "detail": detail,
    }


def function_url(body: str = "", *, path: str = "/", method: str = "POST", **more: Any) -> dict[str, Any]:
    """Return a request to a Function URL (payload 2.0)."""
    context = {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}, "stage": "$default", "routeKey": "$default"}
    start = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {"host": "x.on.aws"}}
    return {**start, "requestContext": context, "body": body, "isBase64Encoded": False, **more}


def http_api(body: str = "", *, path: str = "/prod/", route: str = "$default", **more: Any) -> dict[str, Any]:
    """Return a request to an HTTP API with a stage of its own (payload 2.0)."""
    context = {"http": {"method": "POST", "path": path}, "stage": "prod", "routeKey": route, "apiId": "a1b2"}
    return {**function_url(body, path=path), "routeKey": route, "requestContext": context, **more}


def rest_api(body: str = "", *, path: str = "/", resource: str = "/", **more: Any) -> dict[str, Any]:
    """Return a request to a REST API, or to an HTTP API with payload 1.0."""
    headers = {"Content-Type": "application/json", "Host": "a1b2.execute-api.eu-north-1.amazonaws.com"}
    start = {"version": "1.0", "resource": resource, "path": path, "httpMethod": "POST", "headers": headers}
    many = {"multiValueHeaders": {name: [value] for name, value in headers.items()}}
    rest = {"queryStringParameters": None, "multiValueQueryStringParameters": None, "isBase64Encoded": False}
    return {**start, **many, **rest, "requestContext": {"stage": "prod", "resourcePath": resource}, "body": body, **more}


def load_balancer(body: str = "", *, many_values: bool = False, path: str = "/", **more: Any) -> dict[str, Any]:
    """Return a request through an Application Load Balancer."""
    headers = {"accept": "*/*", "host": "lambda-846800462-us-east-2.elb.amazonaws.com"}
    sent = {"multiValueHeaders": {name: [value] for name, value in headers.items()}} if many_values else {"headers": headers}
    context = {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-north-1:123456789012:targetgroup/lambda-279/f"}}
    encoded = base64.b64encode(body.encode()).decode()
    start = {"requestContext": context, "httpMethod": "POST", "path": path, "queryStringParameters": {}}
    return {**start, **sent, "body": encoded, "isBase64Encoded": True, **more}


def lattice_1(body: str = "", *, path: str = "/", **more: Any) -> dict[str, Any]:
    """Return a request through VPC Lattice, version 1 of its events."""
    start = {"raw_path": path, "method": "POST", "headers": {"accept": "*/*"}, "query_string_parameters": {}}
    return {**start, "body": body, "is_base64_encoded": False, **more}


def lattice_2(body: str = "", *, path: str = "/", **more: Any) -> dict[str, Any]:
    """Return a request through VPC Lattice, version 2 of its events."""
    context = {"serviceNetworkArn": "arn:aws:vpc-lattice:eu-north-1:123456789012:servicenetwork/sn-0a", "region": "eu-north-1"}
    start = {"version": "2.0", "path": path, "method": "POST", "headers": {"accept": ["*/*"]}, "queryStringParameters": {}}
    return {**start, "body": body, "isBase64Encoded": False, "requestContext": context, **more}


HTTP_FORMS = {
    "Function URL": function_url,
    "HTTP API": http_api,
    "REST API": rest_api,
    "load balancer": load_balancer,
    "VPC Lattice 1": lattice_1,
    "VPC Lattice 2": lattice_2,
}
