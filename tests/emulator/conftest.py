"""Every test here speaks to the emulator over HTTP with the standard library, never through the SDK."""

from __future__ import annotations

import http.client
import json
from types import SimpleNamespace

import pytest

from chakra_async.emulator import Emulator
from tests.waiting import until


AIRCRAFT = "/v1/ext/procedure/aircraft/process"


class Api:
    """A client so plain that it cannot hide anything."""

    def __init__(self, emulator):
        self.emulator = emulator

    def raw(self, method, path, body=None, *, token=None, headers=None):
        connection = http.client.HTTPConnection(self.emulator.url.removeprefix("http://"), timeout=10)
        headers = {"Authorization": f"Bearer {token or self.emulator.token}", **(headers or {})}
        try:
            connection.request(method, path, body=body, headers={k: v for k, v in headers.items() if v})
            answer = connection.getresponse()
            return SimpleNamespace(status=answer.status, headers=answer.headers, body=answer.read())
        finally:
            connection.close()

    def __call__(self, method, path, body=None, **options):
        encoded = None if body is None else json.dumps(body).encode()
        return self.decode(self.raw(method, path, encoded, **options))

    def decode(self, answer):
        decoded = json.loads(answer.body)
        answer.data, answer.meta = decoded["_data"], decoded.get("_meta")
        answer.errors = decoded.get("_errors")
        return answer

    def upload(self, path, files, fields=None, **options):
        """Send a form; each file is ``(name, bytes, filename, content type)``."""
        parts = [f'; name="{name}"\r\n\r\n{text}'.encode() for name, text in (fields or {}).items()]
        for name, data, filename, kind in files:
            head = f'; name="{name}"; filename="{filename}"\r\n'
            head += f"Content-Type: {kind}\r\n\r\n" if kind else "\r\n"
            parts.append(head.encode() + data)
        body = b"".join(b"--edge\r\nContent-Disposition: form-data" + part + b"\r\n" for part in parts)
        headers = {"Content-Type": "multipart/form-data; boundary=edge", **options.pop("headers", {})}
        answer = self.raw("POST", path, body + b"--edge--\r\n", headers=headers, **options)
        return self.decode(answer)

    def meta(self, method, path, body=None, **options):
        """Call an endpoint that answers as Meta does, without the envelope."""
        encoded = None if body is None else json.dumps(body).encode()
        answer = self.raw(method, path, encoded, **options)
        answer.json = json.loads(answer.body)
        answer.errors = answer.json.get("_errors")
        return answer

    def create(self, *rows, path=AIRCRAFT):
        return [self("POST", path, {"data": row}).data for row in rows]

    def list(self, where=None, path=AIRCRAFT, **rest):
        return self("POST", f"{path}/list", {**({} if where is None else {"where": where}), **rest})

    def update(self, *items, path=AIRCRAFT, **options):
        return self("PATCH", path, {"processes": items}, **options).data["id"]

    def job(self, job_id):
        return self("GET", f"/v1/ext/background-job/{job_id}")

    def counts(self, job_id):
        return self.job(job_id).meta["bjEntryCompletionStatusVsCount"]

    def entries(self, job_id, query=""):
        return self("GET", f"/v1/ext/background-job/{job_id}/entries{query}")

    def wait(self, job_id):
        return until(lambda: (job := self.job(job_id)).data["completedAt"] and job)

    def done(self, *items, **options):
        """Run a bulk update to its end and return its entries."""
        job_id = self.update(*items, **options)
        self.wait(job_id)
        return self.entries(job_id).data


@pytest.fixture
def emulator():
    with Emulator(rows_per_second=None, job_latency=0.005) as emulator:
        emulator.add_procedure("aircraft", primary_key="tailnum", states=("NEW", "IN_SERVICE", "RETIRED"))
        yield emulator


@pytest.fixture
def api(emulator):
    return Api(emulator)


@pytest.fixture
def plugin(emulator):
    """The beginning of the paths that belong to the plugin."""
    return f"/v1/ext/plugin/whatsapp/{emulator.plugin_id}"


@pytest.fixture
def number(emulator, plugin):
    """The beginning of the paths that belong to the phone number."""
    return f"{plugin}/api/v22.0/{emulator.phone_number_id}"


@pytest.fixture
def make_api():
    return Api
