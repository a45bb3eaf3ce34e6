"""The routes by which the journal is read, and what is in it is done again."""

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake, read_fields, read_number
from msp_server.emulator.curl import make_curl
from msp_server.emulator.journal import EXCHANGE_LIMIT, Exchange, Journal
from msp_server.emulator.journal_filter import FilterUnfit, Fits, make_filter
from msp_server.emulator.msp import Msp
from msp_server.emulator.resending import Resending, parse_wish

WAIT_LIMIT_S = 30.0
SEQ_LIMIT = 10**15


def blueprint(journal: Journal, msp: Msp, again: Resending) -> Blueprint:
    """Make the routes under `/emulator/journal`."""
    bp = Blueprint("journal_control", __name__, url_prefix="/emulator/journal")
    _add_list(bp, journal)

    @bp.get("/<int:seq>")
    def show_exchange(seq: int) -> ResponseReturnValue:
        return find_exchange(journal, seq).to_json()

    @bp.get("/<int:seq>/curl")
    def show_curl(seq: int) -> ResponseReturnValue:
        text = make_curl(find_exchange(journal, seq), msp.signer().make_token())
        return Response(text, content_type="text/plain; charset=utf-8")

    @bp.post("/<int:seq>/resend")
    def resend(seq: int) -> ResponseReturnValue:
        exchange = find_exchange(journal, seq)
        wish = parse_wish(read_fields("new_id", "fields", "changes", "headers", "order", "with"))
        other = None if wish.other is None else find_exchange(journal, wish.other)
        told = again.resend(exchange, other, wish)
        lost = any(receipt["status"] is None for receipt in told)
        return {**told[-1], "sent": told}, 502 if lost else 200

    return bp


def find_exchange(journal: Journal, seq: int) -> Exchange:
    """Find the exchange of that number.

    Raises:
        ApiMistake: 404, there is none.
    """
    exchange = journal.find(seq)
    if exchange is None:
        raise ApiMistake(404, f"There is no exchange {seq}: it was cleared, or made room for newer")
    return exchange


def _add_list(bp: Blueprint, journal: Journal) -> None:
    @bp.get("")
    def read_journal() -> ResponseReturnValue:
        limit = int(read_number("limit", EXCHANGE_LIMIT, EXCHANGE_LIMIT))
        wait_s = read_number("wait_s", 0.0, WAIT_LIMIT_S)
        exchanges = journal.select(_read_filter(), wait_s)
        if "after" in request.args:  # a reader who goes on where it was misses none
            exchanges = exchanges[:limit]
        else:
            exchanges = exchanges[max(0, len(exchanges) - limit) :]
        summary = request.args.get("summary") == "1"
        show = Exchange.to_summary if summary else Exchange.to_json
        return {"exchanges": [show(exchange) for exchange in exchanges]}

    @bp.delete("")
    def clear_journal() -> ResponseReturnValue:
        journal.clear()
        return {}


def _read_filter() -> Fits:
    after = read_number("after", 0, SEQ_LIMIT)
    before = read_number("before", SEQ_LIMIT, SEQ_LIMIT)
    try:
        fits = make_filter(request.args)
    except FilterUnfit as unfit:
        raise ApiMistake(400, str(unfit)) from unfit
    return lambda exchange: after < exchange.seq < before and fits(exchange)
