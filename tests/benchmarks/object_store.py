"""An S3 server for boto3, by moto: ``python -m benchmarks.object_store``; it ends when its standard input does."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys


def main() -> None:
    """Serve until the standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = importlib.import_module("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    sys.stdout.write(json.dumps({"s3": f"http://127.0.0.1:{port}"}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
