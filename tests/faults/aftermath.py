"""What has to hold once hard times are over: nothing lost, in order, once."""

from collections import defaultdict

from tests.conftest import wait_for

SETTLING_LIMIT_S = 60


def answers(attempts):
    """Give what the gateway accepted, by customer, each message id at its first time."""
    found = defaultdict(list)
    for first, *_repeated in attempts.accepted().values():
        found[first.customer].append(first.body)
    return found


def wait_until_answered(attempts, written):
    """Wait until the gateway accepted an answer to each of these messages."""
    wanted = {(message.customer, message.body) for message in written}

    def missing():
        got = answers(attempts)
        return wanted - {(customer, body) for customer, said in got.items() for body in said}

    wait_for(lambda: not missing(), f"answers to {len(wanted)} messages", SETTLING_LIMIT_S)


def assert_once_and_in_order(attempts):
    """See that the answers to each customer, who counts, are in order, and each has one id."""
    for customer, said in answers(attempts).items():
        numbers = [int(body.split()[-1]) for body in said]
        assert numbers == sorted(set(numbers)), customer
    for repeated in attempts.accepted().values():
        assert len({attempt.body_sha256 for attempt in repeated}) == 1
