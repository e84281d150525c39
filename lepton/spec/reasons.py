"""Every condition and every reason that a LeptonModel can show. Alerts and documents may rely on these words."""

from enum import StrEnum


class ConditionType(StrEnum):
    """What is known about a LeptonModel, in the order in which it comes true."""

    DATA_READY = "DataReady"
    TRAINED = "Trained"
    COMPRESSED = "Compressed"
    GATE_PASSED = "GatePassed"
    SERVING = "Serving"
    READY = "Ready"


class Phase(StrEnum):
    """The first stage that is not done; derived on every pass, never read back."""

    PENDING = "Pending"
    TRAINING = "Training"
    COMPRESSING = "Compressing"
    GATING = "Gating"
    DEPLOYING = "Deploying"
    SERVING = "Serving"
    SUSPENDED = "Suspended"
    FAILED = "Failed"


class Reason(StrEnum):
    """Why a condition has its status."""

    # going well
    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    SUSPENDED = "Suspended"
    # the user mends it: not retried until the spec changes
    INVALID_SPEC = "InvalidSpec"
    DATA_NOT_FOUND = "DataNotFound"
    DATA_INVALID = "DataInvalid"
    TOO_FEW_CLASSES = "TooFewClasses"
    TOO_MANY_CORRUPT = "TooManyCorrupt"
    MODEL_INVALID = "ModelInvalid"
    LOSS_NOT_FINITE = "LossNotFinite"
    OUT_OF_MEMORY = "OutOfMemory"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    BUDGET_NOT_MET = "BudgetNotMet"
    REVISION_NOT_FOUND = "RevisionNotFound"
    # the machine or the network: retried with backoff
    DISK_FULL = "DiskFull"
    PORT_BUSY = "PortBusy"
    STORE_UNWRITABLE = "StoreUnwritable"
    JOB_FAILED = "JobFailed"
    ARTIFACT_CORRUPT = "ArtifactCorrupt"
    LOAD_FAILED = "LoadFailed"
    SERVER_UNAVAILABLE = "ServerUnavailable"
    DIGEST_MISMATCH = "DigestMismatch"
    # the cluster: mended there, and the work then goes on by itself
    QUEUED = "Queued"
    UNSCHEDULABLE = "Unschedulable"
    NODE_NOT_READY = "NodeNotReady"
    QUOTA_EXCEEDED = "QuotaExceeded"
    IMAGE_NOT_PULLED = "ImageNotPulled"
    REFERENCE_NOT_FOUND = "ReferenceNotFound"
    NOT_INSTALLED = "NotInstalled"
    ROUTE_REFUSED = "RouteRefused"
    # a defect of Lepton's
    RECONCILE_ERROR = "ReconcileError"


FINAL_REASONS = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.DATA_NOT_FOUND,
        Reason.DATA_INVALID,
        Reason.TOO_FEW_CLASSES,
        Reason.TOO_MANY_CORRUPT,
        Reason.MODEL_INVALID,
        Reason.LOSS_NOT_FINITE,
        Reason.OUT_OF_MEMORY,
        Reason.DEADLINE_EXCEEDED,
        Reason.BUDGET_NOT_MET,
        Reason.REVISION_NOT_FOUND,
    }
)
"""A failure for one of these is the user's to mend; the same inputs would only fail again."""
