"""One line for all who share a rate limit: in a simulation whose time moves by itself."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from airflow_provider_ittybit.api.turns import FIRST_RATE, MEMORY, SLOWEST, Line, read, written

NOW = 1_760_000_000.0
LATENCY = 0.02
PAGE = Path(__file__).parents[3] / "docs" / "waiting.md"
BEGUN = Line.begun(NOW, 1.0)


@dataclass
class Server:
    """At most ``requests`` in any ``seconds``; the others are refused, with or without ``Retry-After``."""

    requests: int
    seconds: float
    says_when: bool = True
    admitted: deque[float] = field(default_factory=deque)
    asked: int = 0
    refused: int = 0

    def receive(self, now: float) -> float | None:
        """Return None for an answer, or the pause that a 429 asks for."""
        self.asked += 1
        while self.admitted and self.admitted[0] <= now - self.seconds:
            self.admitted.popleft()
        if len(self.admitted) < self.requests:
            self.admitted.append(now)
            return None
        self.refused += 1
        return max(1, math.ceil(self.admitted[0] + self.seconds - now)) if self.says_when else 0.3


@dataclass
class Client:
    """Sends one request after the other, each as soon as its turn comes."""

    machine: int
    left: int
    ticket: int | None = None
    began: float = 0.0
    waits: list[float] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)


def play(server: Server, machines: int, clients: int, each: int) -> tuple[list[Client], float]:
    """Let all send what they have; return them, and how long it took."""
    chance = random.Random(7)  # noqa: S311 - decides who comes first, guards nothing
    lines: list[Line | None] = [None] * machines
    crowd = [Client(machine, each) for machine in range(machines) for _ in range(clients)]
    events = [(chance.random() * 0.05, number) for number in range(len(crowd))]
    heapq.heapify(events)
    now = 0.0
    while events:
        now, number = heapq.heappop(events)
        client = crowd[number]
        line = lines[client.machine]
        if not client.attempts or len(client.attempts) == len(client.waits):
            client.attempts.append(0)
            client.began = now
        if line is not None:
            line, client.ticket = line.joined(now, client.ticket)
            lines[client.machine] = line
            wait = line.moment(client.ticket) - now
            if wait > 0:
                heapq.heappush(events, (now + min(wait, 1.0), number))
                continue
            lines[client.machine] = line.used(client.ticket, now)
        client.attempts[-1] += 1
        pause = server.receive(now + LATENCY / 2)
        if pause is None:
            client.ticket = None
            client.waits.append(now - client.began)
            client.left -= 1
        else:
            line = lines[client.machine]
            back = now + LATENCY
            if line is None:
                lines[client.machine], client.ticket = Line.begun(back, pause), None
            else:
                lines[client.machine], client.ticket = line.slowed(now, back, pause)
        if client.left:
            heapq.heappush(events, (now + LATENCY, number))
    return crowd, now


def percent(part: float) -> str:
    return f"{100 * part:.0f} %"


CROWDS = [
    pytest.param(Server(10, 1), 1, 16, 60, id="16 workers, 10 in a second"),
    pytest.param(Server(10, 1), 1, 64, 30, id="64 workers, 10 in a second"),
    pytest.param(Server(10, 1, says_when=False), 1, 16, 60, id="no Retry-After"),
    pytest.param(Server(10, 1), 4, 8, 60, id="4 machines"),
    pytest.param(Server(100, 60), 1, 16, 60, id="100 in a minute"),
    pytest.param(Server(100, 1), 1, 32, 100, id="100 in a second"),
    pytest.param(Server(30, 60), 1, 4, 60, id="30 in a minute"),
]


@pytest.mark.parametrize(("server", "machines", "clients", "each"), CROWDS)
def test_all_get_through_few_are_refused_and_nobody_starves(
    server: Server, machines: int, clients: int, each: int
) -> None:
    server = Server(server.requests, server.seconds, server.says_when)
    crowd, took = play(server, machines, clients, each)
    total = machines * clients * each
    limit = server.requests / server.seconds
    assert [client.left for client in crowd] == [0] * len(crowd)
    assert server.refused <= 0.2 * server.asked
    assert took <= 2.0 * total / limit + 30  # the limit is used, not only kept to
    fair_wait = machines * clients / limit
    assert max(max(client.waits) for client in crowd) <= 4 * fair_wait + 3 * server.seconds + 10
    assert max(max(client.attempts) for client in crowd) <= 5  # as many as the default max_retries allows


def test_the_page_on_waiting_tells_what_the_simulation_shows() -> None:
    told = " ".join(PAGE.read_text().split())
    server = Server(10, 1)
    crowd, took = play(server, 1, 16, 60)
    refused, used = server.refused / server.asked, (server.asked - server.refused) / (10 * took)
    longest = math.ceil(max(max(client.waits) for client in crowd))
    alone = f"had {percent(refused)} of their requests refused and used {percent(used)} of the limit"
    assert f"16 workers at a limit of 10 requests a second {alone}; nobody waited longer than {longest:.0f} s." in told
    apart = Server(10, 1)
    play(apart, 4, 8, 60)
    assert f"Four machines that do not know each other had {percent(apart.refused / apart.asked)} refused." in told


def test_tickets_are_used_in_the_order_in_which_they_were_taken() -> None:
    line, tickets = BEGUN, []
    for _ in range(5):
        line, ticket = line.joined(NOW)
        tickets.append(ticket)
    assert tickets == [0, 1, 2, 3, 4]
    moments = [line.moment(ticket) for ticket in tickets]
    assert moments == [NOW + 1 + number / FIRST_RATE for number in range(5)]


def test_where_nobody_waits_a_ticket_may_be_used_at_once() -> None:
    line, ticket = BEGUN.joined(NOW + 60)
    assert line.moment(ticket) == NOW + 60


def test_a_ticket_that_nobody_uses_holds_up_nobody_else() -> None:
    line, _ = BEGUN.joined(NOW)
    line, second = line.joined(NOW)
    assert line.moment(second) == NOW + 1 + 1 / FIRST_RATE
    assert line.used(second, NOW + 1.5).following == 2


def test_a_ticket_stays_good_until_the_line_began_anew() -> None:
    line, ticket = BEGUN.joined(NOW)
    line, _ = line.joined(NOW)
    assert line.joined(NOW + 1, ticket) == (line, ticket)
    assert BEGUN.joined(NOW, ticket + 7) == BEGUN.joined(NOW)


def test_who_was_passed_by_goes_first_and_all_others_one_place_later() -> None:
    line, late = BEGUN.joined(NOW)
    line, late_too = line.joined(NOW)
    line, third = line.joined(NOW)
    line, fourth = line.joined(NOW)
    line = line.used(third, NOW + 2)
    moments = []
    for ticket in (late, late_too):
        line, back = line.joined(NOW + 2, ticket)
        assert line.joined(NOW + 2, back) == (line, back)
        assert line.moment(back) == line.at
        moments.append(line.moment(fourth))
    assert moments == [line.at + 1 / line.rate, line.at + 2 / line.rate]


def test_after_a_429_all_wait_and_a_refused_ticket_comes_first() -> None:
    line, refused = BEGUN.joined(NOW + 5)
    line = line.used(refused, NOW + 5)
    line, waiting = line.joined(NOW + 5)
    line, again = line.slowed(NOW + 5, NOW + 5.1, 3)
    assert line.moment(again) == NOW + 8.1
    assert line.moment(waiting) == NOW + 8.1 + 1 / line.rate
    assert line.rate < FIRST_RATE


def test_refusals_of_one_moment_slow_down_once_and_the_longest_pause_counts() -> None:
    once, first = BEGUN.slowed(NOW + 1, NOW + 2, 1)
    again, second = once.slowed(NOW + 1.5, NOW + 2.1, 9)
    assert first != second
    assert again.rate == once.rate
    assert again.at == NOW + 11.1


def test_the_pace_never_falls_to_nothing() -> None:
    line = BEGUN
    for second in range(200):
        line, _ = line.slowed(NOW + second, NOW + second + 0.5, 0)
    assert line.rate == SLOWEST


@pytest.mark.parametrize(("later", "over"), [(0, False), (MEMORY - 1, False), (MEMORY + 2, True), (-MEMORY - 1, True)])
def test_a_line_is_forgotten_some_minutes_after_its_last_429(later: float, over: bool) -> None:  # noqa: FBT001
    assert BEGUN.is_over(NOW + later) is over


def test_a_line_that_holds_nobody_back_is_forgotten() -> None:
    line = BEGUN
    for number in range(5000):
        line, ticket = line.joined(NOW + number / 100)
        line = line.used(ticket, max(line.moment(ticket), NOW + number / 100))
    assert line.is_over(NOW + 50)


def test_a_line_is_read_as_it_was_written() -> None:
    line = Line(9.75, 41, NOW + 0.125, 52, NOW - 3, is_found=True)
    assert read(written(line).ljust(160)) == line


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "1.0 0 5.0", "nan 0 1.0 0 1.0 True", "1.0 9 1.0 2 1.0 True", "0.0 0 1.0 0 1.0 True", "1 " * 6],
)
def test_what_is_no_line_is_read_as_none(text: str) -> None:
    assert read(text) is None
