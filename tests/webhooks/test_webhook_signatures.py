"""Vectors made with ``openssl dgst -sha256 -hmac``, and one of RFC 4231; none with the code under test."""

import base64
import copy
import logging
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chakra_async import SignatureError
from chakra_async.webhooks import SigningSecrets, Webhooks, verify_signature


BODY = b'{"event":"message","payload":{"externalId":"wamid.A"}}'
SPACED = b'{ "event": "message", "payload": {"externalId": "wamid.A"} }'
WITH_BOM = b"\xef\xbb\xbf" + BODY
GOOD = "2ec2cde6272774cf2e0173a83660b16dfb02d4eb12988a2e103505c7bbbee5f0"

VECTORS = [
    (BODY, "s3cret", GOOD),
    (SPACED, "s3cret", "9e71362d953b4678bbfbd293be4ce2c8dc482f8cebf2c5f27cdb03312651d5cf"),
    (WITH_BOM, "s3cret", "8144dce490b8baca6263f81d08b595b09651d694ff1b105a5a98d0762cc6ceb5"),
    (BODY, "clé-ü", "fee2be8c084f0480e344b66292f29835f186615020b0ba1951d722909b544caa"),
    (b"", "s3cret", "91dfac70c5348b04e1babb8b421ac92cec08b565b49ca16130dccb72503647b7"),
    (
        b"what do ya want for nothing?",
        "Jefe",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
]


@pytest.mark.parametrize(("body", "secret", "signature"), VECTORS)
def test_W1_vectors_of_other_makers_verify(body, secret, signature):
    verify_signature(body, signature, secret)
    verify_signature(body, signature, f" {secret}\n")
    with pytest.raises(SignatureError):
        verify_signature(body + b" ", signature, secret)
    with pytest.raises(SignatureError):
        verify_signature(body, signature, secret + "x")


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        (None, "has no X-Chakra-Signature-256"),
        ("", "has no X-Chakra-Signature-256"),
        (GOOD.upper(), "upper case"),
        (f"sha256={GOOD}", "prefix"),
        (f"v1={GOOD.upper()}", "prefix"),
        (base64.b64encode(bytes.fromhex(GOOD)).decode(), "not 64 hexadecimal digits"),
        (GOOD[:-1], "not 64 hexadecimal digits"),
        (f"{GOOD} ", "not 64 hexadecimal digits"),
        (f"{GOOD}, {GOOD}", "not 64 hexadecimal digits"),
        ("\u0660" * 64, "not 64 hexadecimal digits"),
        ("\udcff", "not 64 hexadecimal digits"),
        ("0" * 64, "another secret made it, or the body is not as it was sent"),
        (GOOD[:-1] + "1", "another secret"),
    ],
)
def test_W1_any_other_form_is_refused_and_named(signature, why):
    with pytest.raises(SignatureError, match=why):
        verify_signature(BODY, signature, "s3cret")


def test_W1_a_body_that_was_read_and_written_again_is_refused():
    with pytest.raises(SignatureError, match="read and written again"):
        verify_signature(SPACED, GOOD, "s3cret")


def test_W1_several_secrets_while_one_replaces_another():
    for secrets in (["new", "s3cret"], ("s3cret", "new"), SigningSecrets(["s3cret", "s3cret"])):
        verify_signature(BODY, GOOD, secrets)
    with pytest.raises(SignatureError):
        verify_signature(BODY, GOOD, ["new", "newer"])
    with pytest.raises(SignatureError):
        verify_signature(BODY, GOOD, [])


def test_W1_the_comparison_is_constant_in_time_for_every_secret(monkeypatch):
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return one == other

    # Time itself is too noisy to assert; that this function alone decides is the next best.
    monkeypatch.setattr("hmac.compare_digest", compare)
    verify_signature(BODY, GOOD, ["s3cret", "old", "older"])
    assert [len(one) for one, _ in compared] == [64, 64, 64]
    assert {other for _, other in compared} == {GOOD.encode()}
    monkeypatch.setattr("hmac.compare_digest", lambda *_: False)
    with pytest.raises(SignatureError):
        verify_signature(BODY, GOOD, "s3cret")


@given(signature=st.text(max_size=70), body=st.binary(max_size=20))
def test_W1_nothing_else_verifies_and_nothing_else_is_raised(signature, body):
    with pytest.raises(SignatureError):
        verify_signature(body, signature, "s3cret")


def test_a_body_must_be_bytes():
    with pytest.raises(TypeError, match="raw bytes that arrived, not str"):
        verify_signature(BODY.decode(), GOOD, "s3cret")


@pytest.mark.parametrize("secrets", ["", "  ", ["good", ""]])
def test_an_empty_secret_is_refused(secrets):
    with pytest.raises(ValueError, match="empty"):
        verify_signature(BODY, GOOD, secrets)
    with pytest.raises(ValueError, match="empty"):
        Webhooks(secrets, unsigned="accept")


def test_a_secret_must_be_text():
    with pytest.raises(TypeError, match="must be text"):
        SigningSecrets([b"bytes"])


def shown_by(call, *arguments, **options):
    """Return a traceback with the values of all names, but for those of the frame of the caller's own."""
    with pytest.raises((ValueError, TypeError, SignatureError)) as caught:
        call(*arguments, **options)
    inner = caught.value.with_traceback(caught.tb.tb_next)
    return "".join(traceback.TracebackException.from_exception(inner, capture_locals=True).format())


def test_S5_secrets_show_nowhere(caplog):
    secret = "never-to-be-seen"
    caplog.set_level(logging.DEBUG)
    secrets, webhooks = SigningSecrets(secret), Webhooks(secret)
    shown = [repr(secrets), str(secrets), repr(webhooks), repr(vars(webhooks._intake))]
    for wrong in ({"lease": 0}, {"acknowledge": "never"}, {"unsigned": "maybe"}, {"max_body_bytes": 0}):
        shown.append(shown_by(Webhooks, secret, **wrong))
    shown += [
        shown_by(verify_signature, BODY, GOOD, secret),
        shown_by(verify_signature, BODY, None, [secret]),
    ]
    shown += [shown_by(pickle.dumps, secrets), shown_by(copy.deepcopy, secrets)]
    assert webhooks._intake.open(BODY, {"X-Chakra-Signature-256": GOOD}).status == 401
    assert "SigningSecrets(1)" in "".join(shown)
    assert secret not in "".join(shown) + caplog.text
