import time
from dataclasses import replace
from datetime import date

import pytest
from werkzeug.datastructures import Headers

from msp_server.emulator import checks
from msp_server.emulator.checks import Refused


def test_age_check_can_be_turned_off(settings, make_token):
    lasting = replace(settings, token_max_age_s=0)

    checks.check_token(f"Bearer {make_token(iat=0)}", lasting, time.time())
    with pytest.raises(Refused, match="whole seconds"):
        checks.check_token(f"Bearer {make_token(iat=None)}", lasting, time.time())


@pytest.mark.parametrize("age_s", [-3600, 0, 3600])
def test_iat_within_an_hour_either_way_passes(settings, make_token, age_s):
    checks.check_token(f"Bearer {make_token(iat=10_000)}", settings, 10_000 + age_s)


def test_refusal_says_where_its_rule_comes_from(settings):
    with pytest.raises(Refused) as caught:
        checks.check_token(None, settings, 0)

    assert caught.value.source == caught.value.origin == 'MSP REST API, "Status Codes"'


def test_refusal_says_since_when_its_rule_holds():
    refused = Refused(400, "a-rule", "It is wrong", "observed", date(2026, 8, 21))

    assert refused.origin == "observed, since 2026-08-21"


def test_long_values_are_cut_in_a_reason():
    fields = {"id": "x" * 1_000, "sourceId": "s", "destinationId": "d"}

    with pytest.raises(Refused) as caught:
        checks.check_envelope(Headers({"id": "y"}), fields)

    assert len(caught.value.reason) < 300
