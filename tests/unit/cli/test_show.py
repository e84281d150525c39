"""What the command shows of a model: figures in words, tables, the next action."""

from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from lepton.cli.results import Result
from lepton.cli.show import words
from lepton.cli.show.comparison import Row, comparison_rows
from lepton.cli.show.describe import describe, spec_lines
from lepton.cli.show.progress import Progress, outcome, progress_view
from lepton.cli.show.report import report_tables
from lepton.cli.show.resource import get_table, message_of, next_action
from lepton.report import GateReport
from lepton.spec.compress import Compress, CompressStep, Distill, Quantize, Student
from lepton.spec.reasons import ConditionType, Phase, Reason
from lepton.spec.resource import LeptonModel
from lepton.spec.status import Candidate, Condition

NOW = 1_790_000_000.0


def text(renderable: RenderableType, width: int = 200) -> str:
    console = Console(width=width, highlight=False, no_color=True)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (words.percent(97.314), "97.31 %"),
        (words.percent(None), "-"),
        (words.size(512), "512 B"),
        (words.size(120_422), "117.6 KiB"),
        (words.size(2_936_012), "2.8 MiB"),
        (words.size(3 * 2**30), "3.0 GiB"),
        (words.size(None), "-"),
        (words.milliseconds(0.412), "0.41 ms"),
        (words.milliseconds(0.0273), "0.027 ms"),
        (words.milliseconds(None), "-"),
        (words.count(467_000), "467 k"),
        (words.count(1_240_000), "1.24 M"),
        (words.count(40e9), "40 G"),
        (words.count(12), "12"),
        (words.duration(0.4), "0 s"),
        (words.duration(45), "45 s"),
        (words.duration(200), "3 min 20 s"),
        (words.duration(7200), "2 h"),
        (words.duration(4 * 86400 + 7300), "4 d 2 h"),
        (words.age("2026-09-21T14:12:35Z", NOW), "45s"),
        (words.age("2026-09-21T14:10:20Z", NOW), "3m"),
        (words.age("2026-09-21T10:13:20Z", NOW), "4h"),
        (words.age("2026-09-11T14:13:20Z", NOW), "10d"),
        (words.age("2027-01-01T00:00:00Z", NOW), "0s"),
        (words.times(1000, 100, "smaller", "larger"), "10.0x smaller"),
        (words.times(100, 150, "faster", "slower"), "1.5x slower"),
        (words.times(100, 103, "faster", "slower"), "about the same"),
        (words.times(0, 1, "faster", "slower"), "-"),
        (words.points(98.33, 98.06), "-0.27 points"),
        (words.in_short("sha256:" + "ab" * 32), "abababababab"),
    ],
)
def test_a_figure_reads_as_a_person_would_say_it(shown: str, expected: str) -> None:
    assert shown == expected


def test_the_comparison_has_every_figure_before_and_after(gate_report: GateReport) -> None:
    assert comparison_rows(gate_report) == (
        Row("accuracy", "98.33 %", "98.06 %", "-0.27 points"),
        Row("macro F1", "98.23 %", "97.96 %", "-0.27 points"),
        Row("size", "308.0 KiB", "38.0 KiB", "8.1x smaller"),
        Row("HTTP p50", "0.52 ms", "0.41 ms", "1.3x faster"),
        Row("HTTP p99", "0.68 ms", "0.53 ms", "1.3x faster"),
        Row("gRPC p50", "0.72 ms", "0.61 ms", "1.2x faster"),
        Row("gRPC p99", "0.88 ms", "0.73 ms", "1.2x faster"),
        Row("CPU / 1,000", "0.52 s", "0.41 s", "1.3x less"),
    )


def test_the_comparison_gives_joules_where_the_machine_can_tell_them(gate_report: GateReport) -> None:
    measured = gate_report.model_copy(
        update={
            "uncompressed": gate_report.uncompressed.model_copy(update={"joules_per_1000": 20.0}),
            "candidate": gate_report.candidate.model_copy(update={"joules_per_1000": 5.0}),
        }
    )
    assert comparison_rows(measured)[-1] == Row("energy / 1,000", "20.00 J", "5.00 J", "4.0x less")


def test_get_shows_one_row_for_each_model_with_its_deepest_cause(
    fresh: LeptonModel, serving: LeptonModel, training: LeptonModel, failed: LeptonModel
) -> None:
    shown = text(get_table([fresh, serving, training, failed], NOW))
    assert [" ".join(line.split()) for line in shown.splitlines()] == [
        "NAME PHASE REVISION ACCURACY SIZE P50 AGE MESSAGE",
        "digits Pending - - - - -",
        "digits Serving 2 98.06 % 38.0 KiB 0.41 ms 3h Ready since revision 2",
        "digits Training - - - - 3h train 60%: epoch 12 of 20, accuracy 90.8, 1 min 40 s left",
        "digits Failed - - - - 3h DataNotFound: data.uri /nowhere does not exist: give a folder, zip or NPZ that does",
    ]


def test_get_tells_that_what_serves_fails_before_why_a_candidate_did(troubled: LeptonModel) -> None:
    assert message_of(troubled) == "ServerUnavailable: Serving is not well"
    assert next_action(troubled) == "mend what Serving says, in the file or where it points, and apply the file again"


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (60, "NAME PHASE MESSAGE"),
        (80, "NAME PHASE ACCURACY MESSAGE"),
        (100, "NAME PHASE REVISION ACCURACY SIZE AGE MESSAGE"),
        (120, "NAME PHASE REVISION ACCURACY SIZE P50 AGE MESSAGE"),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns_and_the_whole_message(
    width: int, headings: str, serving: LeptonModel, failed: LeptonModel
) -> None:
    shown = text(get_table([serving, failed], NOW), width=width)
    assert " ".join(shown.splitlines()[0].split()) == headings
    message = "DataNotFound: data.uri /nowhere does not exist: give a folder, zip or NPZ that does"
    assert message in " ".join(shown.replace("digits", "").replace("Failed", "").replace(" -", "").split())


@pytest.mark.parametrize("width", [80, 200])
def test_no_sentence_beside_a_table_is_squeezed(width: int, serving: LeptonModel, result: Result) -> None:
    assert "minAccuracy: 88.1 % is below 90 %" in text(describe(serving, NOW), width)
    assert "dropped: neither faster (1.0x) nor smaller than 2-quantize" in text(report_tables(result), width)


def test_the_report_tells_what_was_found_in_the_data(result: Result) -> None:
    found = result.report.data.model_copy(update={"corrupt": 2, "corrupt_examples": ("a[0].png", "b.png")})
    shown = text(report_tables(replace(result, report=result.report.model_copy(update={"data": found}))))
    for line in ("1,257 to train, 180 to validate, 360 held out", "2 left out: a[0].png, b.png"):
        assert line in shown


def test_markup_in_a_users_words_is_shown_as_it_is(failed: LeptonModel) -> None:
    condition = failed.status.conditions[0].model_copy(update={"message": "x[0] of [red]file[/red] is wrong"})
    model = failed.model_copy(update={"status": failed.status.model_copy(update={"conditions": (condition,)})})
    for shown in (text(get_table([model], NOW)), text(describe(model, NOW))):
        assert "x[0] of [red]file[/red] is wrong" in shown


@pytest.mark.parametrize("name", ["fresh", "serving", "training", "failed"])
def test_describe_has_every_condition_every_revision_and_the_next_action(
    name: str, request: pytest.FixtureRequest
) -> None:
    model: LeptonModel = request.getfixturevalue(name)
    shown = text(describe(model, NOW))
    for condition in model.status.conditions:
        assert condition.type.value in shown
        assert condition.message in shown
    for record in model.status.revisions:
        assert record.outcome in shown
    assert shown.rstrip().endswith(f"Next: {next_action(model)}")


def test_the_spec_in_short_names_what_was_chosen(fresh: LeptonModel) -> None:
    student = Student(architecture="mobilenet", width=8)
    steps = (CompressStep(distill=Distill(student=student)), CompressStep(quantize=Quantize()))
    spec = fresh.spec.model_copy(update={"compress": Compress(steps=steps)})
    assert spec_lines(spec) == {
        "Data": "sklearn://digits",
        "Model": "resnet",
        "Train": "20 epochs, batch auto, adamw, onecycle",
        "Compress": "distill to architecture mobilenet width 8, then quantize int8",
        "Gate": "maxAccuracyDrop 2",
    }


def test_the_next_action_follows_from_the_state(
    fresh: LeptonModel, serving: LeptonModel, training: LeptonModel, failed: LeptonModel
) -> None:
    busy = Condition(
        type=ConditionType.TRAINED,
        status="False",
        reason=Reason.DISK_FULL,
        message="no space left",
        last_transition_time="2026-09-21T14:12:00Z",
    )
    retried = training.model_copy(update={"status": training.status.model_copy(update={"conditions": (busy,)})})
    suspended = fresh.model_copy(update={"status": fresh.status.model_copy(update={"phase": Phase.SUSPENDED})})
    assert {
        "fresh": next_action(fresh),
        "serving": next_action(serving),
        "training": next_action(training),
        "failed": next_action(failed),
        "retried": next_action(retried),
        "suspended": next_action(suspended),
    } == {
        "fresh": "nothing: the work goes on; `lepton get digits -w` shows it live",
        "serving": "`lepton predict digits IMAGE` asks it; `lepton report digits` shows how good it is",
        "training": "nothing: the work goes on; `lepton get digits -w` shows it live",
        "failed": "mend what DataReady says, in the file or where it points, and apply the file again",
        "retried": "nothing: Lepton tries again by itself; `lepton logs digits` tells more",
        "suspended": "set spec.suspend to false and apply the file to go on",
    }


def test_progress_says_a_line_once_and_times_each_stage(training: LeptonModel) -> None:
    def at(stage: str, message: str) -> LeptonModel:
        candidate = Candidate(revision=1, stage=stage, progress=0.5, message=message)
        return training.model_copy(update={"status": training.status.model_copy(update={"candidate": candidate})})

    progress = Progress()
    said = [
        progress.take(at("data", "reading"), 10.0),
        progress.take(at("data", "reading"), 11.0),
        progress.take(at("train", "epoch 1 of 20"), 12.0),
        progress.take(at("train", "epoch 2 of 20"), 14.0),
        progress.take(training, 15.0),
    ]
    assert said == [
        "data: reading",
        None,
        "train: epoch 1 of 20",
        "train: epoch 2 of 20",
        "train: epoch 12 of 20, accuracy 90.8, 1 min 40 s left",
    ]
    assert (progress.seconds("data"), progress.seconds("train")) == (2.0, 3.0)
    shown = text(progress_view(training, progress))
    assert [line.split()[:3] for line in shown.splitlines()[:2]] == [["digits,", "revision", "1"], ["✓", "data", "2"]]
    assert "1 min 40 s left" in shown


def test_the_outcome_speaks_of_the_spec_that_was_applied(
    serving: LeptonModel, training: LeptonModel, failed: LeptonModel
) -> None:
    edited = serving.metadata.model_copy(update={"generation": serving.status.observed_generation + 1})
    stale = serving.model_copy(update={"metadata": edited})
    assert [outcome(model) for model in (serving, training, failed, stale)] == [True, None, False, None]


def test_the_report_tells_why_a_step_was_dropped(result: Result) -> None:
    shown = text(report_tables(result))
    assert "dropped: neither faster (1.0x) nor smaller than 2-quantize" in shown
    assert shown.startswith("digits, revision 2: gate passed")


def test_the_report_of_a_revision_without_a_proof_says_so(result: Result) -> None:
    shown = text(report_tables(replace(result, gate=None)))
    assert shown.startswith("digits, revision 2: not measured at its endpoint yet")
