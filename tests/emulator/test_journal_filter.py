import pytest

from msp_server.emulator.answers import Answer
from msp_server.emulator.journal import Exchange
from msp_server.emulator.journal_filter import SEARCHED_LIMIT, FilterUnfit, make_filter


def make_exchange(**changes):
    made = {
        "direction": "to_gateway",
        "method": "POST",
        "url": "http://x/v1/message",
        "headers": {"id": "seven"},
        "jwt": {"header": {"alg": "HS256"}, "claims": {"iss": "Somebody"}, "verdict": "good"},
        "body_sha256": "",
        "packed_bytes": 1,
        "unpacked_bytes": 1,
        "fields": {"type": "text", "list": [{"Deep": "Gründe"}], "n": 41},
        "kind": "text",
        "status": 403,
        "reason": "The token is old",
        "customer": "ava",
        "answer": Answer({"retry-after": "soon"}, 2, {"said": "no"}),
    }
    return Exchange(**made | changes)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"direction": "to_gateway"},
        {"customer": "ava", "kind": "text"},
        {"status": "403"},
        {"status": "4xx"},
        *({"text": text} for text in ("SEVEN", "somebody", "deep", "grÜnde", "41", "old")),
        *({"text": text} for text in ("/v1/mess", "soon", "said")),
    ],
)
def test_exchange_fits(query):
    assert make_filter(query)(make_exchange())


@pytest.mark.parametrize(
    "query",
    [
        {"direction": "to_msp"},
        {"customer": "ben"},
        {"kind": "form"},
        {"status": "404"},
        {"status": "2xx"},
        {"status": "none"},
        {"text": "elsewhere"},
    ],
)
def test_exchange_does_not_fit(query):
    assert not make_filter(query)(make_exchange())


def test_exchange_without_an_answer_has_the_status_none():
    lost = make_exchange(status=None, answer=None)

    assert make_filter({"status": "none"})(lost)
    assert not make_filter({"status": "4xx"})(lost)


def test_text_of_an_answer_is_searched():
    assert make_filter({"text": "page"})(make_exchange(answer=Answer({}, 9, text="<Page>")))


def test_pictures_are_not_searched():
    picture = make_exchange(fields={"data": "A" * (SEARCHED_LIMIT + 1)})

    assert not make_filter({"text": "aaaa"})(picture)


@pytest.mark.parametrize("query", [{"direction": "up"}, {"status": "600"}, {"status": "4XX"}])
def test_query_that_cannot_be_understood_is_refused(query):
    with pytest.raises(FilterUnfit):
        make_filter(query)
