"""The description of the endpoints, and whether they are what it says."""

from __future__ import annotations

import json
import re
import zlib

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chakra_async.emulator import Emulator
from chakra_async.emulator.endpoints import ROUTES
from chakra_async.emulator.openapi import describe


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# The items of a bulk call are checked later, by its job.
LENIENT = (
    "/v1/ext/procedure/{procedure}/process",
    "/v1/ext/procedure/{procedure}/process/bulk-create",
)

# As it comes over the wire: lists, no tuples.
schema = schemathesis.openapi.from_dict(json.loads(json.dumps(describe(ROUTES))))
# What the API says to a method it does not know is a test of its own.
schema.config.phases.coverage.unexpected_methods = set()


def test_it_is_served_without_a_token(api):
    answer = api.raw("GET", "/openapi.json", headers={"Authorization": None})
    assert answer.status == 200
    assert json.loads(answer.body) == json.loads(json.dumps(describe(ROUTES)))


def test_every_route_is_described_and_nothing_else():
    described = describe(ROUTES)["paths"]
    operations = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert operations == {(route.method, route.template) for route in ROUTES}
    assert len(ROUTES) == len(operations)
    ids = [one["operationId"] for methods in described.values() for one in methods.values()]
    assert len(set(ids)) == len(ids)
    for path, methods in described.items():
        for one in methods.values():
            names = {each["name"] for each in one["parameters"] if each["in"] == "path"}
            assert names == set(re.findall(r"\{(\w+)\}", path))
            assert one["summary"].endswith(".")


@pytest.fixture(scope="module")
def world():
    """An emulator with one of each thing, and the ids to find them by."""
    with Emulator(rows_per_second=None, job_latency=0) as emulator, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {emulator.token}"
        media = emulator.receive_message("919812345678", media=b"bytes", mime_type="image/png", name="Asha")
        template = emulator.add_template("hello", "Hi {{1}}")
        lead = session.post(
            f"{emulator.url}/v1/ext/procedure/lead/process",
            json={"data": {"lead_id": "L1", "phone_number": "919812345678"}},
        ).json()["_data"]
        job = session.patch(
            f"{emulator.url}/v1/ext/procedure/lead/process", json={"processes": [{"lead_id": "L1"}]}
        ).json()["_data"]
        user = session.get(f"{emulator.url}/v1/ext/users").json()["_data"][0]
        prefix = f"{emulator.url}/v1/ext/plugin/whatsapp/{emulator.plugin_id}/api/v22.0/"
        groups = f"{prefix}{emulator.phone_number_id}/groups"
        session.post(groups, json={"messaging_product": "whatsapp", "subject": "Friends"})
        group = session.get(groups).json()["data"]["groups"][0]
        media_id = media.content["image"]["id"]
        known = {
            "pluginId": emulator.plugin_id,
            "phoneNumberId": emulator.phone_number_id,
            "wabaId": emulator.waba_id,
            "version": "v22.0",
            "procedure": "lead",
            "idOrKey": "L1",
            "key": "lead_id",
            "value": "L1",
            "userId": user["id"],
            "chatId": media.chat_id,
            "mediaId": media_id,
            "templateId": template,
            "groupId": group["id"],
            "phoneNumber": "919812345678",
            "kind": "media",
        }
        ids = {"process": lead["id"], "background-job": job["id"], "cdn": media_id}
        yield emulator, session, known, ids


@schema.parametrize()
@hypothesis.settings(
    max_examples=3,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_every_endpoint_keeps_to_its_description(case, world):
    emulator, session, known, ids = world
    checks = list(CHECKS)
    if case.media_type == "application/json" and not case.query and case.path not in LENIENT:
        checks.append(negative_data_rejection)
    # One in eight goes to ids that nobody knows.
    is_known = zlib.crc32(repr((case.body, case.query)).encode()) % 8
    if is_known and (case.method, case.path) != ("DELETE", "/plugin/{pluginId}"):
        rest = next((one for kind, one in ids.items() if kind in case.path.split("/")), "x")
        case.path_parameters = {name: known.get(name, rest) for name in case.path_parameters}
    case.call_and_validate(base_url=emulator.url, session=session, checks=checks)
