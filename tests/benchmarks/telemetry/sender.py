"""A sender of OTLP at a steady rate, as a process of its own; what it sends was made before.

    python tests/benchmarks/telemetry/sender.py URL FOLDER SECONDS_BETWEEN

Each file of the folder is a body, whose name ends with its signal: 00001.traces. A body that is answered 429 or 503, or not at all, is sent
again, as SDKs do. Prints JSON: the names of the bodies that were taken whole, seconds of each request, and when it began and ended.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

AT_ONCE = 4
ATTEMPTS = 6
HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}


def send(url: str, file: Path, body: bytes) -> tuple[str, float, int, bool]:
    """Its name, the seconds of the last attempt, how often it was sent, and whether all of it was taken."""
    request = urllib.request.Request(f"{url}/v1/{file.suffix[1:]}", body, HEADERS)
    for attempt in range(1, ATTEMPTS + 1):
        begun = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return file.name, time.perf_counter() - begun, attempt, not answer.read()  # a partial success says so
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                break
            time.sleep(int(error.headers.get("Retry-After", "1")))
        except OSError:
            time.sleep(1)
    return file.name, time.perf_counter() - begun, attempt, False


def main(url: str, folder: str, between: float) -> None:
    """Send each file at its time, whether the ones before it were answered or not."""
    bodies = [(file, file.read_bytes()) for file in sorted(Path(folder).iterdir())]
    started, waiting = time.time(), []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number, (file, body) in enumerate(bodies):
            time.sleep(max(0.0, started + number * between - time.time()))
            waiting.append(pool.submit(send, url, file, body))
    results = [one.result() for one in waiting]
    print(
        json.dumps(
            {
                "taken": [name for name, _, _, whole in results if whole],
                "seconds": [seconds for _, seconds, _, _ in results],
                "again": sum(attempts - 1 for _, _, attempts, _ in results),
                "started": started,
                "ended": time.time(),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
