import pytest

from msp_server.emulator.signatures import SignatureUnfit, parse_signature, signature_to_wire


def test_vector_is_read_and_written_in_base64(vectors):
    vector = vectors("signature-encoding")
    signature = bytes.fromhex(vector["hex_lower"])

    assert parse_signature(vector["base64"]) == signature
    assert signature_to_wire(signature) == vector["base64"]


@pytest.mark.parametrize("case", ["hex_lower", "hex_upper"])
def test_hex_is_refused_with_the_cure(vectors, case):
    with pytest.raises(SignatureUnfit, match=r"base64\.b64encode\(bytes\.fromhex") as caught:
        parse_signature(vectors("signature-encoding")[case])

    assert caught.value.rule == "signature-hex"


@pytest.mark.parametrize("text", ["AVBM9eHVXce72u2CXWsUFB4Jl32", "AVBM_-==", "é", "A B="])
def test_what_is_no_base64_is_refused(text):
    with pytest.raises(SignatureUnfit, match="no standard Base64") as caught:
        parse_signature(text)

    assert caught.value.rule == "signature-unreadable"
