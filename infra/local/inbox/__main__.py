"""`python -m infra.local.inbox --port P --data FILE`: runs the inbox until it is stopped."""

import argparse
import signal
import threading
from pathlib import Path

from infra.local.inbox.server import Inbox


def main(arguments: list[str] | None = None) -> int:
    """Run the inbox as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.inbox", description="Receive messages and show them.")
    parser.add_argument("--port", type=int, required=True, help="to listen on, on the loopback interface; 0: any free")
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="the SQLite file of the messages")
    options = parser.parse_args(arguments)
    inbox = Inbox(options.port, options.data)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=inbox.shutdown).start())
    print(f"inbox: http://127.0.0.1:{inbox.server_address[1]}/", flush=True)
    inbox.serve_forever()
    inbox.server_close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
