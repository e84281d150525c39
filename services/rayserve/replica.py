"""One replica of a model in Ray Serve: the Open Inference Protocol over HTTP and gRPC, dynamic batching, counting.

app.py makes a deployment of it; it is apart, since Ray carries by name what is no deployment itself. It answers as
Triton does, because the model is the code that lies in the artifact, to which backend.py plays Triton.
"""

import re
import time
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import text_format
from pydantic import BaseModel
from ray import serve
from ray.serve.grpc_util import RayServegRPCContext
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.model_config_pb2 import ModelConfig

from lepton.backends.local.home import Home
from lepton.backends.local.models import FOLDERS, PROBE_ID
from services.rayserve import rest, v2
from services.rayserve.backend import InferenceRequest, InferenceResponse, load, zeros
from services.rayserve.counts import Counts

_T = TypeVar("_T")
_MODEL = re.compile(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(?:/(ready|config|infer))?")
_OF_THE_SERVER = {
    "/v2": JSONResponse(rest.plain(v2.SERVER)),
    "/v2/health/live": Response(),
    "/v2/health/ready": Response(),
}
"""A replica takes requests once its model is loaded and warm; so it is ready by answering."""
_NOT_FOUND = JSONResponse({"error": "Not Found"}, 404)


class Arguments(BaseModel):
    """What is served."""

    name: str
    """What callers call the model."""
    variant: str
    """Which model of the artifact: served or baseline."""
    digest: str
    folder: Path
    """In which the init container put the artifact."""


class Model:
    """One instance of the served model; its methods beyond `__call__` are those of the protocol's gRPC service."""

    def __init__(self, arguments: Arguments) -> None:
        """Load the model, warm. Raises in words when it must not serve."""
        copy = Home(arguments.folder).cache / arguments.digest.removeprefix("sha256:")
        folder = copy / FOLDERS[arguments.variant]
        self._config = text_format.Parse((folder / "config.pbtxt").read_text(), ModelConfig())
        self._config.name = arguments.name
        self._config.parameters["digest"].string_value = arguments.digest
        self._model = load(folder, self._config)
        batching: Any = self._execute
        batching.set_max_batch_size(self._config.max_batch_size)
        batching.set_batch_wait_timeout_s(self._config.dynamic_batching.max_queue_delay_microseconds / 1e6)
        self._counts = Counts(arguments.name)

    def check_health(self) -> None:
        """Ray Serve asks now and then, and replaces the replica when this raises: so a real inference counts."""
        self._model.execute([zeros(self._config, 1, PROBE_ID)])
        self._counts.tell(time.monotonic())

    def __del__(self) -> None:
        """Report what is left."""
        self._model.finalize()

    async def __call__(self, request: Request) -> Response:
        """The protocol over HTTP."""
        try:
            return await self._answer(request)
        except v2.Refused as refused:
            return JSONResponse({"error": refused.message}, rest.STATUS[refused.code])

    async def ServerLive(self, _: bytes) -> pb.ServerLiveResponse:  # noqa: N802 - as the service calls it
        """It is."""
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, _: bytes) -> pb.ServerReadyResponse:  # noqa: N802 - see above
        """It is."""
        return pb.ServerReadyResponse(ready=True)

    async def ModelReady(self, request: bytes, grpc_context: RayServegRPCContext) -> pb.ModelReadyResponse:  # noqa: N802 - see above
        """Whether this is the model."""
        try:
            asked = v2.parsed(pb.ModelReadyRequest, request)
        except v2.Refused as refused:
            return _told(grpc_context, refused, pb.ModelReadyResponse())
        return pb.ModelReadyResponse(ready=self._is_served(asked.name, asked.version))

    async def ServerMetadata(self, _: bytes) -> pb.ServerMetadataResponse:  # noqa: N802 - see above
        """What this is."""
        return v2.SERVER

    async def ModelMetadata(self, request: bytes, grpc_context: RayServegRPCContext) -> pb.ModelMetadataResponse:  # noqa: N802 - see above
        """What the model takes and gives."""
        return self._of_the_model(pb.ModelMetadataRequest, request, grpc_context, v2.metadata(self._config))

    async def ModelConfig(self, request: bytes, grpc_context: RayServegRPCContext) -> pb.ModelConfigResponse:  # noqa: N802 - see above
        """How it is served, and the digest of what was loaded."""
        answer = pb.ModelConfigResponse(config=self._config)
        return self._of_the_model(pb.ModelConfigRequest, request, grpc_context, answer)

    async def ModelInfer(self, request: bytes, grpc_context: RayServegRPCContext) -> pb.ModelInferResponse:  # noqa: N802 - see above
        """One inference."""
        try:
            return await self._infer(v2.parsed(pb.ModelInferRequest, request))
        except v2.Refused as refused:
            return _told(grpc_context, refused, pb.ModelInferResponse())

    def _of_the_model(
        self,
        kind: type[pb.ModelMetadataRequest] | type[pb.ModelConfigRequest],
        request: bytes,
        context: RayServegRPCContext,
        answer: _T,
    ) -> _T:
        """The answer, where it is this model that was asked of."""
        try:
            asked = v2.parsed(kind, request)
            v2.require_model(self._config, asked.name, asked.version)
        except v2.Refused as refused:
            return _told(context, refused, type(answer)())
        return answer

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        found = _MODEL.fullmatch(path)
        if found is not None and found[3] == "infer" and request.method == "POST":
            length = request.headers.get(rest.HEADER_LENGTH)
            asked, wanted = rest.read(await request.body(), length, found[1], found[2] or "")
            body, headers = rest.write(await self._infer(asked), wanted)
            return Response(body, headers=headers)
        if found is not None and found[3] != "infer" and request.method == "GET":
            return self._described(found[1], found[2] or "", found[3])
        if found is not None:
            return Response(status_code=405)
        return _OF_THE_SERVER.get(path, _NOT_FOUND)

    def _described(self, name: str, version: str, what: str | None) -> Response:
        if what == "ready":
            return Response(status_code=200 if self._is_served(name, version) else 400)
        v2.require_model(self._config, name, version)
        return JSONResponse(rest.plain(self._config if what == "config" else v2.metadata(self._config)))

    async def _infer(self, request: pb.ModelInferRequest) -> pb.ModelInferResponse:
        asked, came = v2.read(request, self._config), time.monotonic()
        try:
            answer, begun = await self._execute(asked)
        except BaseException:
            self._counts.failed()
            raise
        self._counts.answered(came, begun, time.monotonic())
        return v2.response(asked, answer, self._config)

    @serve.batch(batch_size_fn=lambda requests: sum(map(v2.num_images, requests)))
    async def _execute(self, requests: list[InferenceRequest]) -> list[tuple[InferenceResponse, float]]:
        """Each answer, and when the model began with its batch."""
        begun = time.monotonic()
        return [(answer, begun) for answer in self._model.execute(requests)]

    def _is_served(self, name: str, version: str) -> bool:
        return name == self._config.name and version in ("", v2.VERSION)


def _told(context: RayServegRPCContext, refused: v2.Refused, nothing: _T) -> _T:
    context.set_code(grpc.StatusCode[refused.code])
    context.set_details(refused.message)
    return nothing
