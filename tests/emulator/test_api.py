def test_body_over_the_limit_is_413(emulator, web):
    answer = web.post(
        f"{emulator.url}/customers/ava/text", data=b" " * (6 * 1024 * 1024 + 1), timeout=5
    )

    assert answer.status_code == 413
    assert answer.json()["error"]


def test_no_body_counts_as_an_empty_object(emulator, web):
    assert web.post(f"{emulator.url}/customers", timeout=5).status_code == 201
