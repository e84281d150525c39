"""What changes the models of a place: apply, retry, suspend, resume, rollback, delete. Waiting is `watch`'s work."""

import json
import time
from collections.abc import Mapping, Sequence

from lepton.cli import console
from lepton.cli.errors import CommandError
from lepton.cli.files import read_models
from lepton.cli.place import Place, require, require_working, warn_when_idle
from lepton.cli.show.resource import trouble
from lepton.cli.watch import follow
from lepton.plan.preview import changes
from lepton.spec.reasons import Phase, Reason
from lepton.spec.resource import LeptonModel

_NOTICE_S = 10.0
_STUCK_S = 70.0
"""How long `delete` waits for what refuses: the control loop tries again within 60 s at the latest."""
_JUDGED = (Reason.BUDGET_NOT_MET, Reason.REVISION_NOT_FOUND, Reason.INVALID_SPEC)
"""Failures for what the file says: another try would end alike."""


def apply_files(place: Place, files: Sequence[str], *, wait: bool) -> None:
    """Store what the files want and say what changed; with `wait` follow it until it serves."""
    models = read_models(files, place)
    for model in models:
        _say(apply_one(place, model))
    if wait:
        wait_for(place, [model.metadata.name for model in models], None)
    else:
        warn_when_idle(place)


def apply_one(place: Place, model: LeptonModel) -> str:
    """Store one model. Returns `digits created`, `digits configured`, `digits unchanged` or that it is tried again."""
    name, wanted = model.metadata.name, place.adapted(model)
    before = unless_leaving(place.get(name))
    after = place.apply(wanted)
    for change in changes(wanted.spec, after.spec):
        kept = f"{name}: {change.field} stays {json.dumps(change.after)}"
        console.note(f"{kept}: the file leaves it out and something else set it; to change it, give it in the file")
    if before is None:
        return f"{name} created"
    if _as_users_write(after) != _as_users_write(before):
        return f"{name} configured"
    if before.status.phase != Phase.FAILED or _is_judged(before):
        return f"{name} unchanged"
    _try_again(place, before)
    return f"{name} unchanged; what failed is tried again"


def unless_leaving(model: LeptonModel | None) -> LeptonModel | None:
    """The model. Raises CommandError while it is being deleted: then no spec has any effect."""
    if model is not None and _is_leaving(model):
        raise CommandError(f"{model.metadata.name} is being deleted; apply it again when it is gone")
    return model


def retry_models(place: Place, names: Sequence[str]) -> None:
    """Ask for another try of what failed. Raises CommandError where another try would end alike."""
    for model in [require(place, name) for name in names]:
        name, cause = model.metadata.name, trouble(model)
        if cause is None:
            raise CommandError(f"nothing of {name} has failed ({model.status.phase.value}): there is nothing to retry")
        if _is_judged(model):
            raise CommandError(f"{name}: {cause.message}: another try would end alike, so change the file and apply it")
        _try_again(place, model)
        _say(f"{name}: what failed is tried again")
    warn_when_idle(place)


def set_suspended(place: Place, names: Sequence[str], *, suspend: bool) -> None:
    """Let nothing new begin, or let it go on: one field each."""
    for name in [require(place, name).metadata.name for name in names]:
        place.change(name, {"suspend": suspend})
        _say(f"{name} suspended; what serves goes on" if suspend else f"{name} resumed")
    warn_when_idle(place)


def roll_back(place: Place, name: str, revision: int | None) -> None:
    """Pin the revision; by default the newest before the serving one that has passed. Raises CommandError."""
    model = require(place, name)
    usable = [record.number for record in model.status.revisions if record.digest is not None]
    serving = model.status.serving.revision if model.status.serving else None
    passed = [record.number for record in model.status.revisions if record.outcome != "Failed" and record.digest]
    number = revision or next((one for one in passed if serving is not None and one < serving), None)
    if number is None or number not in usable:
        which = "an earlier revision" if number is None else f"revision {number}"
        known = ", ".join(str(one) for one in usable) or "none yet"
        raise CommandError(f"{name} does not have {which} that can be served; those that can: {known}")
    place.change(name, {"revision": number})
    _say(f"{name} goes to revision {number}: spec.revision pins it; `lepton rollback {name} --undo` takes that back")
    warn_when_idle(place)


def unpin(place: Place, name: str) -> None:
    """Go back to what the rest of the spec asks for."""
    model = require(place, name)
    if model.spec.revision is None:
        raise CommandError(f"{name} is not pinned: spec.revision is not set")
    place.change(name, {"revision": None})
    _say(f"{name} goes to what its spec asks for")
    warn_when_idle(place)


def wait_for(place: Place, names: Sequence[str], timeout_s: float | None) -> None:
    """Follow until all serve, and say where. Raises CommandError when one needs a person, or time is up."""
    for name in names:
        require(place, name)
    require_working(place)
    for model in follow(place, names, timeout_s):
        assert model.status.endpoint is not None  # noqa: S101 - a model that serves has an address
        _say(f"{model.metadata.name} serves at {model.status.endpoint.http}")


def validate_files(place: Place, files: Sequence[str]) -> None:
    """Check the files and say that they are well; mistakes end with exit code 2.

    Data that are not there yet are no mistake, as they may come before the file is applied: that is a warning.
    """
    for model in read_models(files, place):
        doubts = place.doubts(model)
        _say(f"{model.metadata.name} is valid")
        for doubt in doubts:
            console.note(f"warning: {model.metadata.name}: {doubt}")


def delete_models(place: Place, names: Sequence[str], files: Sequence[str], *, wait: bool) -> None:
    """Mark the models for deletion, and wait until nothing of them is left."""
    wanted = [*names, *(model.metadata.name for model in read_models(files, place))] if files else list(names)
    for name in wanted:
        require(place, name)
    for name in wanted:
        place.delete(name)
    if wait:
        require_working(place)
        wait_until_gone(place, wanted)
    for name in wanted:
        _say(f"{name} deleted" if wait else f"{name} is being deleted")
    if not wait:
        warn_when_idle(place)


def wait_until_gone(place: Place, names: Sequence[str]) -> None:
    """Until none is left; what keeps one is noted, and raised as CommandError once it was tried again in vain."""
    noted: set[str] = set()
    stuck_since: float | None = None
    while left := [model for name in names if (model := place.get(name)) is not None and _is_leaving(model)]:
        require_working(place)
        stuck = [why for model in left if (why := place.refusal(model)) is not None]
        lines = [f"{line}; it is tried again by itself" for line in stuck] or [
            f"{model.metadata.name} waits until these are gone: {', '.join(rest)}"
            for model in left
            if (rest := place.remnants(model))
        ]
        for line in lines:
            if line not in noted:
                console.note(line)
                noted.add(line)
        stuck_since = (stuck_since or time.monotonic()) if stuck else None
        if stuck_since is not None and time.monotonic() - stuck_since > _STUCK_S:
            raise CommandError("\n".join((*stuck, "Lepton goes on trying, also without this command")))
        place.pause()


def _is_leaving(model: LeptonModel) -> bool:
    """Whether it is being deleted; else it is another one of the same name, applied meanwhile."""
    return model.metadata.deletion_timestamp is not None


def _is_judged(model: LeptonModel) -> bool:
    """Whether it failed for what the file says, so that another try would end alike."""
    cause = trouble(model)
    return cause is not None and cause.reason in _JUDGED


def _try_again(place: Place, before: LeptonModel) -> None:
    """Ask, and wait until the status no longer tells of the old failure, if anybody is there to notice."""
    place.retry(before.metadata.name)
    deadline = time.monotonic() + _NOTICE_S
    while place.idle() is None and time.monotonic() < deadline:
        now = place.get(before.metadata.name)
        if now is None or now.status != before.status:
            return
        place.pause()


def _as_users_write(model: LeptonModel) -> tuple[object, Mapping[str, str], Mapping[str, str]]:
    return model.spec, model.metadata.labels, model.metadata.annotations


def _say(line: str) -> None:
    console.stdout().print(line, markup=False)
