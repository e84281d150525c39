"""The one exception for what can go wrong outside Lepton: it carries a reason and a sentence, never a traceback."""

from lepton.spec.reasons import FINAL_REASONS, Reason


def first_line(error: BaseException) -> str:
    """The first line of what an exception says, which libraries follow with many more; its type where it is silent."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class LeptonError(Exception):
    """Something a person or another try can mend. The message says what is wrong, where, and what to do."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    @property
    def final(self) -> bool:
        """Whether another try with the same inputs would only fail again."""
        return self.reason in FINAL_REASONS
