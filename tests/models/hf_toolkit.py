"""A stand-in of the Hugging Face inference toolkit's request flow, in a process of its own.

As the toolkit does: `code/inference.py` of the model folder is imported with `code/` first on the path,
`model_fn(model_dir)` loads, `predict_fn(data, model)` answers the decoded JSON, and every exception becomes
a 400. Run as a program: ``python hf_toolkit.py MODEL_DIR``.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any


def user_code(model_dir: Path) -> ModuleType:
    code = model_dir / "code"
    sys.path.insert(0, str(code))
    spec = importlib.util.spec_from_file_location("inference", code / "inference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(model_dir: Path) -> None:
    module = user_code(model_dir)
    model = module.model_fn(str(model_dir))

    class Toolkit(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = 200, module.predict_fn(data, model)
            except Exception as error:
                status, answer = 400, {"code": 400, "type": "InternalServerException", "message": str(error)}
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Toolkit)
    # Our code came out of the archive, not out of the installation.
    origin = sys.modules["socialnlp_assets"].__file__
    print(json.dumps({"port": server.server_port, "origin": origin}), flush=True)
    server.serve_forever()


@contextmanager
def serving(model_dir: Path) -> Iterator[Any]:
    from benchmarks.servers import Client

    process = subprocess.Popen([sys.executable, "-P", __file__, str(model_dir)], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        announced = json.loads(process.stdout.readline())
        assert Path(announced["origin"]).is_relative_to(model_dir), announced
        yield Client(announced["port"])
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
