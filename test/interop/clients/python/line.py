"""The client program's end of the line protocol (see the Go package line)."""

import json
import queue
import sys
import threading
import time
import traceback


class Unsupported(Exception):
    """The library has no such call."""


def key(tag, i, keys):
    return f"{tag}-{i % keys}"


def value(tag, i, size):
    head = f"{tag}:{i}:"
    return head + chr(ord("a") + i % 26) * max(0, size - len(head))


def headers(tag, i):
    return [("tag", tag.encode()), ("seq", str(i).encode())]


class Pace:
    """Spreads records evenly over time; rate 0 means no bound."""

    def __init__(self, rate):
        self.start, self.rate, self.taken = time.monotonic(), rate, 0

    def wait(self):
        if not self.rate:
            return
        due = self.start + self.taken / self.rate
        self.taken += 1
        late = due - time.monotonic()
        if late > 0.001:
            time.sleep(late)


class Session:
    """Runs commands from stdin, one at a time."""

    def __init__(self):
        self.stopped = False
        self.commits = 0
        self._id = 0
        self._lock = threading.Lock()
        self._queue = queue.Queue()

    def take_commits(self):
        with self._lock:
            n, self.commits = self.commits, 0
        return n

    def emit(self, kind, **fields):
        fields["id"], fields["e"] = self._id, kind
        sys.stdout.write(json.dumps(fields, separators=(",", ":")) + "\n")
        if kind not in ("rec", "ack"):
            sys.stdout.flush()

    def flush(self):
        sys.stdout.flush()

    def record(self, partition, offset, timestamp, k, v, hs):
        """Reports one record; k, v and header values are bytes or None."""
        self.emit("rec", p=partition, o=offset, t=timestamp, k=(k or b"").decode(), v=(v or b"").decode(),
                  h=[[n, (b or b"").decode()] for n, b in hs or []])

    def _read(self):
        for text in sys.stdin:
            request = json.loads(text)
            if request["cmd"] == "stop":
                self.stopped = True
            elif request["cmd"] == "commit":
                with self._lock:
                    self.commits += request["n"]
            else:
                self._queue.put(request)
        self.stopped = True
        self._queue.put(None)

    def serve(self, handlers):
        threading.Thread(target=self._read, daemon=True).start()
        while (request := self._queue.get()) is not None:
            self._id, self.stopped, self.commits = request["id"], False, 0
            self._run(handlers, request)

    def _run(self, handlers, request):
        try:
            handler = handlers.get(request["cmd"])
            if handler is None:
                raise Unsupported
            self.emit("done", data=handler(self, request))
        except Unsupported:
            self.emit("unsupported")
        except Exception as error:  # whatever it is, it belongs in the report
            traceback.print_exc()
            self.emit("fail", error=f"{type(error).__name__}: {error}")


def timed(call):
    """Runs call and returns (milliseconds, error text or None)."""
    start, error = time.perf_counter(), None
    try:
        call()
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"
    return (time.perf_counter() - start) * 1000, error
