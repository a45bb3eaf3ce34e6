import pytest

from msp_server.messages.opening import PaymentOpening, SignInOpening


@pytest.mark.parametrize(
    "opening",
    [PaymentOpening("planted"), SignInOpening("planted"), SignInOpening("planted", b"planted")],
)
def test_what_lets_somebody_in_is_not_shown(opening):
    assert "planted" not in repr(opening)


def test_only_the_old_flow_has_a_key():
    assert SignInOpening("state").sealed_key is None
