"""Serves a `FakeSageMaker` over HTTP as AWS does: JSON 1.1 for the control plane, REST for the runtime, and S3
at the same address.

An unmodified boto3 client talks to it through `endpoint_url`.
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3

from tests.fakes.aws_errors import TIMED_OUT, AwsError
from tests.fakes.http_server import Server, serving
from tests.fakes.s3 import FakeS3, S3Handler
from tests.fakes.sagemaker import FakeSageMaker, Fault, Model

NAMED = ("EndpointName", "TrainingJobName", "ModelPackageGroupName", "ModelPackageName", "ResourceArn")
MODEL_SECONDS = 60.0  # the runtime gives a container so long


class _Handler(S3Handler):
    wbufsize = -1  # headers and body in one packet
    server: Server[FakeSageMaker]

    @property
    def store(self) -> FakeS3:
        return self.server.fake.s3

    def handle_expect_100(self) -> bool:
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {key.lower(): value for key, value in self.headers.items()}
        service, _, operation = headers.get("x-amz-target", "").partition(".")
        if service:
            self._control(operation, json.loads(body))
            return
        _, _, name, _ = unquote(urlsplit(self.path).path).split("/")
        self._runtime(name, body, headers)

    def _control(self, operation: str, request: dict[str, Any]) -> None:
        fake = self.server.fake
        name = next((request[key] for key in NAMED if key in request), "").rpartition("/")[2]
        fault = fake.take_fault(operation, name or request.get("NameContains", ""))
        try:
            if fault and fault.error:
                raise fault.error
            answer = fake.control(operation, request)
        except AwsError as error:
            type_ = {"__type": error.code} if error.code else {}
            self._send(error.status, "application/x-amz-json-1.1", {**type_, "message": error.message}, {}, fault)
            return
        self._send(200, "application/x-amz-json-1.1", answer, {}, fault)

    def _runtime(self, name: str, body: bytes, headers: dict[str, str]) -> None:
        fake = self.server.fake
        fault = fake.take_fault("InvokeEndpoint", name)
        try:
            if fault and fault.error:
                raise fault.error
            answered, reply = fake.invoke(name, body, headers)
        except AwsError as error:
            type_ = {"x-amzn-ErrorType": error.code} if error.code else {}
            members = {"Message": error.message, **error.fields}
            self._send(error.status, "application/json", members, type_, fault)
            return
        if fault and fault.reply:
            reply = fault.reply(reply)
        kept = {k: v for k, v in answered.items() if k.lower() == "x-amzn-sagemaker-custom-attributes"}
        self._send(200, "application/json", reply, kept, fault)

    def _send(
        self, status: int, content_type: str, body: dict[str, Any] | bytes, headers: dict[str, str], fault: Fault | None
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        if fault and fault.lost:
            self.close_connection = True
            return
        if fault and fault.hang:
            time.sleep(fault.hang)
        try:
            self.send_response(status)
            for key, value in {"Content-Type": content_type, **headers}.items():
                self.send_header(key, value)
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has given up


def serve(fake: FakeSageMaker) -> AbstractContextManager[FakeSageMaker]:
    """Serve `fake` on a free loopback port, at `fake.url`."""
    return serving(fake, _Handler)


def forward_to(url: str, seconds: float = MODEL_SECONDS) -> Model:
    """Let the model server at `url` answer; what takes it longer than SageMaker allows has timed out."""
    http = urllib3.PoolManager(maxsize=16, retries=False)

    def model(body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        passed = {k: v for k, v in headers.items() if k == "content-type" or k.startswith("x-amzn-sagemaker")}
        try:
            reply = http.request("POST", f"{url}/invocations", body=body, headers=passed, timeout=seconds)
        except urllib3.exceptions.TimeoutError:
            raise TIMED_OUT from None
        return reply.status, dict(reply.headers.items()), reply.data

    return model
