"""A model server of a hundred lines' behaviour in thirty: for tests of what starts, asks and ends servers.

Answers translations with the text in capitals. `model.json` in the model folder may ask for mischief:
``{"crash": "message"}`` ends it at once, ``{"port": number}`` makes it insist on that port, ``{"slow": seconds}``
delays the first good ping and ``{"hang": seconds}`` every answer to one, ``{"mute": true}`` never announces,
``{"log": path}`` notes every start there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--orphan-after", type=float, required=True)
    options = parser.parse_args()
    model = json.loads((options.model / "model.json").read_text())
    if "log" in model:
        with Path(model["log"]).open("a") as log:
            log.write(f"{os.getpid()}\n")
    if "crash" in model:
        sys.exit(model["crash"])
    if "mute" in model:
        time.sleep(3600)
    ready_at = time.monotonic() + model.get("slow", 0)
    asked_at = time.monotonic()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # headers and body are two writes: the second would wait 40 ms

        def do_GET(self) -> None:
            nonlocal asked_at
            asked_at = time.monotonic()
            time.sleep(model.get("hang", 0))
            self.answer(200 if asked_at >= ready_at else 503, {})

        def do_POST(self) -> None:
            nonlocal asked_at
            asked_at = time.monotonic()
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "die" in request["inputs"]:
                os._exit(1)
            self.answer(200, [{"translation_text": text.upper()} for text in request["inputs"]])

        def answer(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", model.get("port", options.port)), Handler)
    server.daemon_threads = True
    print(json.dumps({"port": server.server_address[1], "pid": os.getpid()}), flush=True)
    print("listening", file=sys.stderr, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while time.monotonic() - asked_at < options.orphan_after:
        time.sleep(0.05)


if __name__ == "__main__":
    main()
