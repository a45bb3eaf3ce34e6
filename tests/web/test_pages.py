"""Pages for people, and the headers that guard them."""

import re

import pytest
from flask import Response
from jinja2 import UndefinedError

from msp_server.web.pages import guarded, page, render


def policy(response):
    parts = response.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


def test_guarded_answer_may_do_nothing_but_be_shown():
    response = guarded(Response(status=302))

    assert response.status_code == 302
    assert policy(response) == {
        "default-src": "'none'",
        "img-src": "https:",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"


def test_page_has_one_style_whose_nonce_the_policy_names():
    response = page("<p>Hello</p>")

    nonces = re.findall(r'<style nonce="([\w-]+)">', response.get_data(as_text=True))
    assert policy(response)["style-src"] == f"'nonce-{nonces[0]}'"
    assert len(nonces) == 1
    assert "style=" not in response.get_data(as_text=True)
    assert "<script" not in response.get_data(as_text=True)


def test_nonce_is_never_used_twice():
    assert policy(page("a"))["style-src"] != policy(page("a"))["style-src"]


def test_page_says_what_it_was_given():
    response = page("<p>Hello</p>", 400)

    assert "<p>Hello</p>" in response.get_data(as_text=True)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"


def test_render_escapes_values():
    class Problem:
        reason = "<b>\"marzipan\"</b> & 'tea'"

    text = render("landing_refused.html", problem=Problem()).get_data(as_text=True)

    assert "<b>" not in text
    assert "&lt;b&gt;&#34;marzipan&#34;&lt;/b&gt; &amp; &#39;tea&#39;" in text


def test_render_refuses_a_template_that_lacks_a_value():
    with pytest.raises(UndefinedError):
        render("landing_refused.html")
