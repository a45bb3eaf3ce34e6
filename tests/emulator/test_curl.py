import gzip
import json
import shutil
import subprocess

import jwt
import pytest

from msp_server.emulator.curl import make_curl
from msp_server.emulator.journal import Exchange, Original

NASTY = 'it\'s "$HOME" `id` \\ \n; rm -rf / & é \u2028 %s %d !x'


def make_exchange(direction="to_gateway", **changes):
    made = {
        "direction": direction,
        "method": "POST",
        "url": "http://127.0.0.1:8004/v1/message?a=$b&c='d'",
        "headers": {"id": "7", "host": "x", "content-length": "3", "x-note": "it's $HOME"},
        "jwt": {"header": {}, "claims": {}, "verdict": "good"},
        "body_sha256": "",
        "packed_bytes": 9,
        "unpacked_bytes": 9,
        "fields": {"body": NASTY},
    }
    return Exchange(**made | changes)


def run(text, **environment):
    """Run a command with a curl that gives its arguments and what comes through the pipe."""
    fake = "curl() { printf '%s\\0' \"$@\"; printf '\\0'; case \"$*\" in *@-*) cat;; esac; }\n"
    done = subprocess.run(
        ["/bin/sh", "-c", fake + text],
        capture_output=True,
        check=True,
        timeout=10,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    assert done.stderr == b""
    arguments, _, body = done.stdout.partition(b"\0\0")
    return arguments.decode().split("\0"), body


def test_every_word_survives_the_shell():
    exchange = make_exchange()

    arguments, body = run(make_curl(exchange, "unused"), TOKEN="mine")

    assert arguments == [
        *("-sS", "-i", "-X", "POST"),
        *("-H", "id: 7", "-H", "x-note: it's $HOME"),
        *("-H", "Authorization: Bearer mine"),
        *("--data-binary", "@-", exchange.url),
    ]
    assert json.loads(body) == {"body": NASTY}


def test_request_to_the_msp_is_packed_and_has_its_own_token():
    headers = {"content-encoding": "gzip"}

    text = make_curl(make_exchange("to_msp", headers=headers), "a.b.c")
    arguments, body = run(text)

    assert "authorization: Bearer a.b.c" in arguments
    assert json.loads(gzip.decompress(body)) == {"body": NASTY}


@pytest.mark.parametrize(("overrides", "count"), [({}, 1), ({"Authorization": None}, 0)])
def test_token_that_a_fault_left_out_is_there_again(overrides, count):
    exchange = make_exchange(
        "to_msp", jwt=None, rule="fault", original=Original({}, overrides), headers={}
    )

    text = make_curl(exchange, "a.b.c")

    assert run(text)[0].count("authorization: Bearer a.b.c") == count
    assert "# What a fault did" in text


def test_form_is_sent_as_a_form():
    exchange = make_exchange(
        "to_provider",
        jwt=None,
        headers={"content-type": "application/x-www-form-urlencoded"},
        fields={"grant_type": "a b&c", "code": "…"},
    )

    text = make_curl(exchange, "unused")
    arguments, _ = run(text)

    assert arguments[-5:-1] == [
        "--data-urlencode",
        "grant_type=a b&c",
        "--data-urlencode",
        "code=…",
    ]
    assert not any("uthorization" in word for word in arguments)
    assert "# What was secret" in text


def test_request_without_a_body_has_none():
    arguments, _ = run(make_curl(make_exchange(fields=None, packed_bytes=0), "unused"), TOKEN="t")

    assert not any("data" in word for word in arguments)


def test_body_that_is_not_kept_has_to_be_put_in():
    text = make_curl(make_exchange(fields=None), "unused")

    assert "@FILE" in text
    assert "# FILE has to hold the body" in text


def test_long_message_fits():
    exchange = make_exchange(fields={"data": "A" * 3_000_000})

    words = make_curl(exchange, "unused").partition(" | ")[2]

    assert len(words) < 1_000  # the rest goes through the pipe


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_command_repeats_what_was_sent_to_the_msp(emulator, ava, msp, web, settings):
    ava.do("raw", fields={"type": "text", "body": NASTY}, headers={"X-Empty": None})
    first = msp.next()
    text = web.get(f"{emulator.url}/emulator/journal/1/curl", timeout=5).text

    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=True, timeout=10)

    again = msp.next()
    assert done.stdout.startswith(b"HTTP/1.1 200")
    assert again.fields == first.fields
    kept = ("id", "source-id", "destination-id", "capability-list", "content-type")
    assert {name: again.headers[name] for name in kept} == {n: first.headers[n] for n in kept}
    token = again.headers["authorization"].removeprefix("Bearer ")
    jwt.decode(token, settings.api_secrets[0], algorithms=["HS256"], audience=settings.msp_id)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_command_repeats_what_was_sent_to_the_gateway(emulator, sender, web, make_token):
    sender.send(body=NASTY)
    answer = web.get(f"{emulator.url}/emulator/journal/1/curl", timeout=5)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"

    subprocess.run(
        ["/bin/sh", "-c", answer.text],
        capture_output=True,
        check=True,
        timeout=10,
        env={"PATH": "/usr/bin:/bin", "TOKEN": make_token()},
    )

    first, again = (
        web.get(f"{emulator.url}/emulator/journal/{seq}", timeout=5).json() for seq in (1, 2)
    )
    assert (again["status"], again["fields"]) == (200, first["fields"])
