"""The protocol's gRPC service as Ray Serve's proxies offer it: requests reach a replica as the bytes that came.

A RayService's serveConfigV2 names `services.rayserve.service.add_to_server`. The generated function of the client's
package would have each proxy parse a request and pickle it again, and its messages can't be pickled.
"""

from typing import Any

import grpc

SERVICE = "inference.GRPCInferenceService"
METHODS = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelConfig", "ModelInfer")
"""What a replica has a method of the same name for; whoever asks for another hears that there is none."""


def add_to_server(servicer: Any, server: grpc.aio.Server) -> None:
    """As generated code does it; Ray puts its own way to a replica in the place of each method."""
    handlers = {name: grpc.unary_unary_rpc_method_handler(getattr(servicer, name)) for name in METHODS}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
