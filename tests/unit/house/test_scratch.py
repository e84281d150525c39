"""What the tests make for a while goes, whatever becomes of those who made it."""

import subprocess
import sys
from pathlib import Path

from tests.node.scratch import held, scratch

MAKE = """
import sys
from pathlib import Path
from tests.node.scratch import scratch
with scratch(Path(sys.argv[1]), "made-") as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_goes_at_the_end_of_its_block(tmp_path: Path) -> None:
    with scratch(tmp_path, "made-") as folder:
        (folder / "file").touch()
    assert list(tmp_path.iterdir()) == []


def test_that_of_somebody_who_was_killed_goes_with_the_next_and_that_of_the_living_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        with scratch(tmp_path, "made-") as mine:
            assert sorted(tmp_path.iterdir()) == sorted([mine, theirs])
        other.kill()
        other.wait()
        assert list(tmp_path.iterdir()) == [theirs]
        with scratch(tmp_path, "made-") as mine:
            assert list(tmp_path.iterdir()) == [mine]


def test_what_somebody_holds_nobody_else_does(tmp_path: Path) -> None:
    with held(tmp_path) as mine, held(tmp_path) as theirs:
        assert (mine, theirs) == (True, False)
    with held(tmp_path) as mine:
        assert mine
