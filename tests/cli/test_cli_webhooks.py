"""``chakra webhooks``: what is sent, what is sent once more, and what is heard."""

import gzip
import hashlib
import hmac
import http.client
import json
import re
import signal
import socket
import stat
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async.cli.webhooks.recording import as_line, read
from tests.raw import closed_port


SECRET = "s3cr3t-of-the-team"
SIGNATURE = "x-chakra-signature-256"


@pytest.fixture
def taking(recorder):
    """A receiver that takes everything."""
    return recorder.send(b"thanks", kind="text/plain")


def signature(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("command", [(), ("send",), ("replay",), ("listen",)])
def test_help(chakra, command):
    result = chakra("webhooks", *command, "--help")
    assert result.exit_code == 0
    assert "--secret " not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 82


class TestSend:
    @pytest.fixture
    def send(self, chakra, taking):
        """Send one, and return what arrived."""

        def run(event, *options):
            result = chakra("webhooks", "send", event, f"{taking.url}/hook", *options)
            assert result.exit_code == 0, result.output
            (arrived,) = taking.requests
            assert (arrived.method, arrived.target) == ("POST", "/hook")
            assert arrived.headers["content-type"] == "application/json"
            return arrived.json, result.stdout

        return run

    def test_a_message(self, send):
        body, said = send(
            "message", "--text", "é?", "--phone", "+91 77012 14822", "--name", "Ravi", "--id", "wamid.X"
        )
        assert said == "message wamid.X: 200 OK: thanks\n"
        payload = body["payload"]
        assert re.fullmatch(r"[0-9a-f-]{36}", payload.pop("messageId"))
        at = payload.pop("timestamp")
        assert body == {
            "event": "message",
            "payload": {
                "wabaId": "100000000000001",
                "externalId": "wamid.X",
                "message": {
                    "from": "917701214822",
                    "id": "wamid.X",
                    "timestamp": str(at // 1000),
                    "type": "text",
                    "text": {"body": "é?"},
                },
                "contacts": [{"profile": {"name": "Ravi"}, "wa_id": "917701214822"}],
            },
        }

    def test_a_message_as_meta_writes_it(self, send):
        body, _ = send("message", "--format", "meta", "--waba-id", "1", "--phone-number-id", "2")
        (entry,) = body["entry"]
        (change,) = entry["changes"]
        assert (body["object"], entry["id"]) == ("whatsapp_business_account", "1")
        assert (change["field"], change["value"]["metadata"]["phone_number_id"]) == ("messages", "2")
        assert change["value"]["messages"][0]["id"].startswith("wamid.")

    @pytest.mark.parametrize("status", ["sent", "delivered", "read", "failed"])
    def test_a_status_in_each_format(self, chakra, taking, status):
        for form in ("chakra", "meta", "delivery_status"):
            options = ["--format", form, "--id", "wamid.X", "--error-code", "131047", "--error-title", "Late"]
            result = chakra("webhooks", "send", f"status-{status}", taking.url, *options)
            assert result.exit_code == 0, result.output
        chakra_, meta, older = (one.json for one in taking.requests)
        assert (chakra_["event"], older["event"]) == ("status", "deliveryStatus")
        for body in (chakra_, older):
            assert (body["payload"]["externalId"], body["payload"]["deliveryStatus"]) == (
                "wamid.X",
                status.upper(),
            )
        assert older["payload"]["recipientId"] == "919812345678"
        shown = meta["entry"][0]["changes"][0]["value"]["statuses"][0]
        assert (shown["id"], shown["status"], shown["recipient_id"]) == ("wamid.X", status, "919812345678")
        error = {"code": 131047, "title": "Late", "message": "Late"}
        failed = status == "failed"
        assert shown.get("errors") == ([error] if failed else None)
        reason = {"providerPayload": error}
        assert chakra_["payload"].get("errorContext") == (reason if failed else None)

    @pytest.mark.parametrize(
        ("status", "reason"), [("approved", "NONE"), ("rejected", "ABUSIVE"), ("paused", "NONE")]
    )
    def test_a_template(self, send, status, reason):
        options = ["--template", "welcome", "--language", "pt_BR", "--id", "77", "--reason", "ABUSIVE"]
        body, said = send(f"template-{status}", *options)
        assert said == f"template-{status} 77: 200 OK: thanks\n"
        assert abs(body["entry"][0].pop("time") - time.time()) < 60
        value = {
            "event": status.upper(),
            "message_template_id": 77,
            "message_template_name": "welcome",
            "message_template_language": "pt_BR",
            "reason": reason,
        }
        change = {"field": "message_template_status_update", "value": value}
        entry = {"id": "100000000000001", "changes": [change]}
        assert body == {"object": "whatsapp_business_account", "entry": [entry]}

    def test_an_echo(self, send):
        body, _ = send("message-echo", "--phone", "+91 77012-14822")
        assert (body["event"], body["payload"]["message"]["to"]) == ("message_echo", "917701214822")

    @pytest.mark.parametrize("place", ["file", "environment"])
    @pytest.mark.parametrize("bom", [(), ("--bom",)])
    def test_it_is_signed(self, chakra, taking, place, bom):
        Path("secret").write_text(f"\ufeff{SECRET}\n")
        options = ["--secret-file", "secret"] if place == "file" else []
        env = {"CHAKRA_WEBHOOK_SECRET": "another" if options else f"{SECRET}\n"}
        result = chakra("-v", "webhooks", "send", "message", taking.url, *options, *bom, **env)
        assert taking.last.headers[SIGNATURE] == signature(taking.last.body)
        assert taking.last.body.startswith(b"\xef\xbb\xbf") is bool(bom)
        assert SECRET not in result.output

    def test_without_a_secret_it_is_not(self, send, taking):
        send("message")
        assert SIGNATURE not in taking.last.headers

    def test_a_refusal(self, chakra, recorder):
        recorder.send(b"bad \x1b[31msignature", 401)
        result = chakra("webhooks", "send", "message", recorder.url, "--id", "wamid.X")
        assert result.exit_code == 1
        assert result.stdout == "message wamid.X: 401 Unauthorized: bad [31msignature\n"
        unsigned = "It went unsigned: give --secret-file, or CHAKRA_WEBHOOK_SECRET, to sign it.\n"
        assert result.stderr == unsigned
        signed = chakra("webhooks", "send", "message", recorder.url, CHAKRA_WEBHOOK_SECRET=SECRET)
        assert (signed.exit_code, signed.stderr) == (1, "")

    def test_no_phone_number(self, chakra, taking):
        result = chakra("webhooks", "send", "message", taking.url, "--phone", "07701214822")
        assert (result.exit_code, "with its country code" in result.stderr) == (2, True)
        assert not taking.requests

    def test_an_answer_without_a_name(self, chakra, recorder):
        recorder.send(b"", 299)
        result = chakra("webhooks", "send", "message", recorder.url, "--id", "wamid.X")
        assert (result.exit_code, result.stdout) == (0, "message wamid.X: 299\n")

    def test_nobody_answers(self, chakra):
        result = chakra("webhooks", "send", "message", f"http://127.0.0.1:{closed_port()}")
        assert result.exit_code == 3
        assert "no answer: cannot connect to 127.0.0.1" in result.stdout
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            result = chakra("webhooks", "send", "message", url, "--timeout", "0.05")
        assert result.exit_code == 3
        assert "no answer within 0.05 s" in result.stdout

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (("hello", "http://127.0.0.1:1"), "'hello' is not one of"),
            (("message", "127.0.0.1:1"), "is no address for webhooks"),
            (("template-approved", "http://127.0.0.1:1", "--format", "chakra"), "choose another --format"),
            (("message", "http://127.0.0.1:1", "--format", "delivery_status"), "choose another --format"),
            (("template-approved", "http://127.0.0.1:1", "--id", "x"), "is a number, not 'x'"),
            (("template-approved", "http://127.0.0.1:1", "--id", "9" * 20), "64-bit"),
            (("status-failed", "http://127.0.0.1:1", "--error-code", "9" * 20), "64-bit"),
            (("message", "http://127.0.0.1:1", "--text", "\udcff"), "cannot be sent as JSON"),
            (("message", "http://127.0.0.1:1", "--secret-file", "none"), "cannot read none"),
            (("message", "http://127.0.0.1:1", "--secret-file", "empty"), "empty is empty"),
        ],
    )
    def test_what_cannot_be_sent(self, chakra, arguments, reason):
        Path("empty").write_text(" \n")
        result = chakra("webhooks", "send", *arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert reason in result.stderr


class TestReplay:
    BODIES = (b'{"event": "message",  "payload": {"n": 1}}', '{"event":"é","payload":{"n":2}}'.encode())

    @pytest.fixture
    def replay(self, chakra, taking):
        """Write the lines, replay them, and return the result."""

        def run(lines, *options, **env):
            Path("seen.jsonl").write_bytes(b"\n".join(lines))
            return chakra("webhooks", "replay", "seen.jsonl", f"{taking.url}/hook", *options, **env)

        return run

    def test_the_same_bytes(self, replay, taking):
        bom = b"\xef\xbb\xbf"
        result = replay([bom + self.BODIES[0], b"", self.BODIES[1] + b"\r", bom + self.BODIES[0]])
        assert result.exit_code == 0
        assert [one.body for one in taking.requests] == [*self.BODIES, bom + self.BODIES[0]]
        assert SIGNATURE not in taking.last.headers
        assert result.stdout.split() == "count first line first answer 3 1 200 OK: thanks".split()

    def test_what_was_recorded_keeps_its_signature(self, replay, taking):
        sent = b'\xef\xbb\xbf{"a": 1}'
        headers = {"X-Chakra-Signature-256": "abc", "Authorization": "no", "content-type": "text/x"}
        assert replay([as_line(sent, headers), as_line(b"\xff", {})]).exit_code == 0
        first, second = taking.requests
        assert (first.body, second.body) == (sent, b"\xff")
        assert (first.headers[SIGNATURE], first.headers["content-type"]) == ("abc", "text/x")
        assert "authorization" not in first.headers
        assert SIGNATURE not in second.headers

    def test_a_secret_signs_anew(self, replay, taking):
        lines = [as_line(self.BODIES[0], {"x-chakra-signature-256": "old"}), self.BODIES[1]]
        result = replay(lines, CHAKRA_WEBHOOK_SECRET=SECRET)
        assert [one.headers[SIGNATURE] for one in taking.requests] == [signature(one) for one in self.BODIES]
        assert SECRET not in result.output

    def test_repeated_and_shuffled(self, replay, taking):
        lines = [b'{"n":%d}' % n for n in range(10)]
        assert replay(lines, "--repeat", "2", "--delay", "0.0001").exit_code == 0
        assert [one.json["n"] for one in taking.requests] == [n for n in range(10) for _ in "ab"]
        orders = []
        for seed in ("1", "1", "2"):
            taking.requests.clear()
            assert replay(lines, "--repeat", "2", "--shuffle", "--seed", seed).exit_code == 0
            orders.append([one.json["n"] for one in taking.requests])
        assert orders[0] == orders[1] != orders[2]
        assert sorted(orders[0]) == sorted([*range(10), *range(10)]) != orders[0]

    def test_refusals_are_counted(self, replay, recorder):
        recorder.forget()
        recorder.send(b"no", 401, kind="text/plain").send(b"yes", 200, kind="text/plain")
        result = replay([b"{}"] * 4)
        assert result.exit_code == 1
        assert [line.split() for line in result.stdout.splitlines()[1:]] == [
            ["3", "2", "200", "OK:", "yes"],
            ["1", "1", "401", "Unauthorized:", "no"],
        ]

    def test_nobody_answers(self, chakra):
        Path("seen.jsonl").write_text("{}\n{}\n")
        result = chakra("webhooks", "replay", "seen.jsonl", f"http://127.0.0.1:{closed_port()}")
        assert result.exit_code == 1
        assert re.search(r"^ +2 +1  no answer: cannot connect", result.stdout, re.MULTILINE)

    def test_from_standard_input(self, chakra, taking):
        result = chakra("webhooks", "replay", "-", taking.url, stdin="{}\n")
        assert (result.exit_code, taking.last.body) == (0, b"{}")

    @pytest.mark.parametrize(
        ("lines", "reason"),
        [
            ([b"{}", b"{"], "line 2 is not JSON"),
            ([b"{}", b"[]"], "line 2 is no object"),
            ([b'{"headers": {}, "body": 1}'], "line 1 is a damaged record"),
            ([b'{"headers": [], "body": "x"}'], "line 1 is a damaged record"),
            ([b'{"headers": {"content-type": 1}, "body": "x"}'], "line 1 is a damaged record"),
            ([b'{"headers": {}, "body_base64": "?"}'], "line 1 is a damaged record"),
            ([b"", b" "], "holds no deliveries"),
        ],
    )
    def test_files_that_are_none(self, replay, taking, lines, reason):
        result = replay(lines)
        assert (result.exit_code, reason in result.stderr, taking.requests) == (2, True, [])

    @pytest.mark.parametrize("option", ["--delay", "--timeout"])
    @pytest.mark.parametrize("seconds", ["inf", "nan"])
    def test_seconds_that_are_none(self, replay, taking, option, seconds):
        result = replay([b"{}"] * 2, option, seconds)
        assert (result.exit_code, taking.requests) == (2, [])
        assert f"'{seconds}' is no number of seconds" in result.stderr

    def test_an_address_that_is_none(self, chakra):
        Path("seen.jsonl").write_text("{}")
        assert chakra("webhooks", "replay", "seen.jsonl", "nowhere").exit_code == 2
        assert chakra("webhooks", "replay", "missing.jsonl", "http://127.0.0.1:1").exit_code == 2


@given(st.lists(st.binary()), st.text(st.characters(codec="utf-8")))
def test_a_recording_is_read_as_it_was_written(bodies, value):
    headers = {"X-Hub-Signature-256": value, "Cookie": "none of ours"}
    found = list(read(as_line(body, headers) for body in bodies))
    assert [one.body for one in found] == bodies
    assert [one.line for one in found] == list(range(1, len(bodies) + 1))
    assert all(one.headers == {"X-Hub-Signature-256": value} for one in found)


class Heard:
    """A listener in a process of its own."""

    def __init__(self, process):
        self.process = process
        said = process.stderr.readline()
        expected = r"Listening on http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends it\)\n"
        self.port = int(re.fullmatch(expected, said)[1])

    def post(self, body, method="POST", path="/hook", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Content-Type": "application/json", **headers}
            connection.request(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def signed(self, body, secret=SECRET):
        return self.post(body, x_chakra_signature_256=signature(body, secret))

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=10)
        return self.process.returncode, out, err


def message(wamid="wamid.1", text="hello"):
    content = {"from": "911", "id": wamid, "timestamp": "1700000000", "type": "text", "text": {"body": text}}
    payload = {"wabaId": "1", "messageId": "m", "externalId": wamid, "timestamp": 1, "message": content}
    payload["contacts"] = [{"profile": {"name": "Asha"}, "wa_id": "911"}]
    return json.dumps({"event": "message", "payload": payload}).encode()


class TestListen:
    @pytest.fixture
    def listen(self, spawn):
        @contextmanager
        def start(*options, secret=SECRET):
            env = {} if secret is None else {"CHAKRA_WEBHOOK_SECRET": secret}
            with spawn("webhooks", "listen", "--port", "0", *options, env=env) as process:
                yield Heard(process)

        return start

    def test_a_line_each(self, listen):
        with listen() as heard:
            assert heard.signed(message()) == (200, "OK")
            assert heard.signed(message()) == (200, "OK")
            assert heard.signed(message("wamid.2", "a\x1b[2J\nb")) == (200, "OK")
            assert heard.signed(b'\xef\xbb\xbf{"object": "x", "entry": []}')[0] == 200
            code, out, err = heard.end()
        assert (code, err) == (0, "")
        assert [line[10:] for line in out.splitlines()] == [
            "200  message  wamid.1 from 911 (Asha): hello",
            "200  message  wamid.1 from 911 (Asha): hello  (again)",
            "200  message  wamid.2 from 911 (Asha): a [2J b",
            "200  OK",
        ]
        assert SECRET not in out

    def test_every_kind_of_event(self, listen, chakra):
        events = {
            "message-echo": "message_echo  wamid.X to 919812345678: Hello",
            "status-read": "status  wamid.X: read",
            "status-failed": "status  wamid.X: failed, 131026 Message undeliverable",
            "template-rejected": "message_template_status_update  hello in en: REJECTED (INCORRECT_CATEGORY)",
            "template-approved": "message_template_status_update  hello in en: APPROVED",
        }
        with listen("--count", str(len(events) + 3)) as heard:
            for event in events:
                options = [] if event.startswith("template") else ["--id", "wamid.X"]
                url = f"http://127.0.0.1:{heard.port}"
                sent = chakra("webhooks", "send", event, url, *options, CHAKRA_WEBHOOK_SECRET=SECRET)
                assert sent.exit_code == 0, sent.output
            sent = {
                "from": "911",
                "id": "wamid.3",
                "type": "image",
                "image": {"id": "7", "mime_type": "image/png"},
            }
            heard.signed(json.dumps({"event": "message", "payload": {"message": sent}}).encode())
            status = {"externalId": "wamid.4", "deliveryStatus": "SENT", "recipientId": "911"}
            heard.signed(json.dumps({"event": "deliveryStatus", "payload": status}).encode())
            heard.signed(b'{"event": "billing", "payload": {"due": 1}}')
            out, err = heard.process.communicate(timeout=10)
        assert (heard.process.returncode, err) == (0, "")
        assert [line[15:] for line in out.splitlines()] == [
            *events.values(),
            "message  wamid.3 from 911: image image/png 7",
            "status  wamid.4 to 911: sent",
            'billing  {"due":1}',
        ]

    def test_json_lines(self, listen):
        with listen("--json") as heard:
            heard.signed(message())
            heard.signed(message())
            heard.post(message(), x_chakra_signature_256="0" * 64)
            _, out, _ = heard.end(signal.SIGTERM)
        first, again, refused = map(json.loads, out.splitlines())
        assert (first["status"], first["type"], first["is_new"]) == (200, "MessageEvent", True)
        event = first["event"]
        assert (event["message_id"], event["text"], event["sender"]) == ("wamid.1", "hello", "911")
        assert event["at"] == "2023-11-14T22:13:20Z"
        assert "raw" not in event
        assert again["is_new"] is False
        assert refused.keys() == {"received_at", "status", "text"}
        assert refused["status"] == 401

    def test_what_is_not_let_in(self, listen):
        with listen() as heard:
            assert heard.signed(message(), "another")[0] == 401
            assert heard.post(message())[0] == 401
            assert heard.signed(b"[]")[0] == 400
            assert heard.signed(b" " * 3 * 2**20)[0] == 400
            assert heard.signed(b" " * (3 * 2**20 + 1))[0] == 413
            assert heard.post(b"", "GET")[0] == 405
            code, out, err = heard.end()
        assert code == 0
        assert [line[10:13] for line in out.splitlines()] == ["401", "401", "400", "400", "413"]
        assert SECRET not in out + err

    def test_unsigned_ones(self, listen):
        with listen("--accept-unsigned", secret=None) as heard:
            assert heard.post(message()) == (200, "OK")
            assert heard.end()[0] == 0
        with listen("--accept-unsigned") as heard:
            assert heard.post(message())[0] == 200
            assert heard.signed(message())[0] == 200
            assert heard.signed(message(), "another")[0] == 401

    def test_what_is_recorded_can_be_replayed(self, listen, chakra, taking):
        bodies = [message(), b'\xef\xbb\xbf{"a": 1}', message("wamid.9")]
        with listen("--record", "seen.jsonl", "--count", "3") as heard:
            for body in bodies:
                heard.signed(body)
            assert heard.process.wait(timeout=10) == 0
        assert stat.S_IMODE(Path("seen.jsonl").stat().st_mode) == 0o600
        assert chakra("webhooks", "replay", "seen.jsonl", taking.url).exit_code == 0
        assert [one.body for one in taking.requests] == bodies
        assert all(one.headers[SIGNATURE] == signature(one.body) for one in taking.requests)

    @pytest.mark.parametrize("chunked", [False, True])
    def test_what_is_too_large_is_recorded_as_far_as_it_was_read(self, listen, chunked):
        with listen("--record", "seen.jsonl") as heard:
            pieces = [b" " * 2**16] * 100
            body = iter(pieces) if chunked else b"".join(pieces)
            assert heard.post(body, x_chakra_signature_256="0" * 64)[0] == 413
            _, out, _ = heard.end()
        assert out[10:] == "413  The body is too large.\n"
        [recorded] = read(Path("seen.jsonl").read_bytes().splitlines())
        assert 3 * 2**20 < len(recorded.body) < 100 * 2**16

    def test_a_sender_who_hangs_up_is_no_delivery(self, listen):
        with listen("--record", "seen.jsonl", "--count", "1") as heard:
            with socket.create_connection(("127.0.0.1", heard.port), timeout=10) as raw:
                raw.sendall(b"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
            assert heard.signed(message())[0] == 200
            out, err = heard.process.communicate(timeout=10)
        assert (heard.process.returncode, len(out.splitlines()), err) == (0, 1, "")
        assert [one.body for one in read(Path("seen.jsonl").read_bytes().splitlines())] == [message()]

    def test_what_is_strange_is_recorded_as_well(self, listen, chakra, taking):
        stray, packed = "application/json; x=\xff", gzip.compress(message())
        cut = message().replace(b"hello", rb"cut \ud83d")
        with listen("--record", "seen.jsonl") as heard:
            assert (
                heard.post(message(), Content_Type=stray, x_chakra_signature_256=signature(message()))[0]
                == 200
            )
            assert (
                heard.post(packed, Content_Encoding="gzip", x_chakra_signature_256=signature(packed))[0]
                == 400
            )
            assert heard.signed(cut.replace(b"wamid.1", b"wamid.2"))[0] == 200
            _, out, err = heard.end()
        assert "Traceback" not in err
        assert out.splitlines()[2].endswith("wamid.2 from 911 (Asha): cut \ufffd")
        with Path("seen.jsonl").open("ab") as file:
            file.write(cut)
        assert chakra("webhooks", "replay", "seen.jsonl", taking.url).exit_code == 0
        assert [one.body for one in taking.requests] == [
            message(),
            packed,
            cut.replace(b"wamid.1", b"wamid.2"),
            cut,
        ]
        assert taking.requests[0].headers["content-type"] == r"application/json; x=\udcff"

    def test_nobody_reads_the_lines(self, listen):
        with listen() as heard:
            heard.process.stdout.close()
            heard.signed(message())
            assert heard.process.wait(timeout=10) == 141
            assert heard.process.stderr.read() == ""

    def test_it_cannot_begin(self, chakra):
        result = chakra("webhooks", "listen")
        assert (result.exit_code, "there is no secret" in result.stderr) == (2, True)
        result = chakra("webhooks", "listen", "--accept-unsigned", "--record", "no/where", "--host", "")
        assert (result.exit_code, "the host is empty" in result.stderr) == (2, True)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            result = chakra("webhooks", "listen", "--accept-unsigned", "--port", port)
        assert (result.exit_code, "address already in use" in result.stderr) == (3, True)
        result = chakra("webhooks", "listen", "--accept-unsigned", "--record", "no/where", "--port", "0")
        assert (result.exit_code, "No such file" in result.stderr) == (3, True)
