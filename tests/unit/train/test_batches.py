import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lepton.train.batches import Batches, random_seed

DIVISIONS = st.builds(
    Batches,
    examples=st.integers(1, 200),
    batch_size=st.integers(2, 64),
    workers=st.integers(1, 5),
    seed=st.integers(0, 2**31 - 1),
)


def steps_of(batches: Batches, epoch: int) -> np.ndarray:
    """All example numbers of an epoch, [workers, steps, per_worker]."""
    return np.array([list(batches.epoch(epoch, rank)) for rank in range(batches.workers)])


@given(DIVISIONS, st.integers(0, 50))
def test_every_example_is_seen_and_all_steps_are_equally_large(batches: Batches, epoch: int) -> None:
    numbers = steps_of(batches, epoch)
    assert numbers.shape == (batches.workers, batches.steps, batches.per_worker)
    assert set(numbers.ravel()) == set(range(batches.examples))
    assert batches.per_worker >= 2


@given(DIVISIONS, st.integers(0, 50))
def test_only_what_fills_the_last_step_up_is_seen_again(batches: Batches, epoch: int) -> None:
    numbers = np.sort(steps_of(batches, epoch).transpose(1, 0, 2).ravel()[: batches.examples])
    assert np.array_equal(numbers, np.arange(batches.examples))


def test_an_epoch_has_the_same_order_each_time_and_another_than_the_next_epoch() -> None:
    batches = Batches(examples=100, batch_size=10, workers=1, seed=3)
    assert np.array_equal(steps_of(batches, 1), steps_of(batches, 1))
    assert not np.array_equal(steps_of(batches, 1), steps_of(batches, 2))


def test_more_workers_share_the_same_steps() -> None:
    alone = steps_of(Batches(examples=96, batch_size=12, workers=1, seed=0), 5)[0]
    shared = steps_of(Batches(examples=96, batch_size=12, workers=3, seed=0), 5)
    assert np.array_equal(alone, shared.transpose(1, 0, 2).reshape(8, 12))


def test_workers_and_epochs_have_random_numbers_of_their_own() -> None:
    assert len({random_seed(0, epoch, rank) for epoch in range(20) for rank in range(4)}) == 80
