"""Whose pass is due."""

from lepton.backends.local.queue import Queue
from lepton.plan.types import Key

A, B, C = (Key("default", name) for name in "abc")


def test_a_model_is_due_once_at_the_earliest_time_asked_for() -> None:
    now = [0.0]
    queue = Queue(lambda: now[0])
    queue.add(A, 5)
    queue.add(A, 2)
    queue.add(A, 9)
    assert (queue.due(9, busy=[]), queue.waiting()) == ([], 0)
    now[0] = 2.0
    assert queue.waiting() == 1
    assert queue.due(9, busy=[]) == [A]
    now[0] = 100.0
    assert queue.due(9, busy=[]) == []


def test_the_longest_waiting_come_first_and_no_more_than_asked_for() -> None:
    now = [0.0]
    queue = Queue(lambda: now[0])
    for key, delay in ((A, 3), (B, 1), (C, 2)):
        queue.add(key, delay)
    now[0] = 3.0
    assert queue.due(2, busy=[]) == [B, C]
    assert queue.due(0, busy=[]) == []
    assert queue.due(-1, busy=[]) == []
    assert queue.due(2, busy=[]) == [A]


def test_a_busy_model_stays_until_its_pass_has_ended() -> None:
    queue = Queue(lambda: 0.0)
    queue.add(A)
    assert queue.due(2, busy=[A]) == []
    assert queue.due(2, busy=[]) == [A]
