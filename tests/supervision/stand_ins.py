"""Programs that stand in for the product's, so that starting, dying and stopping can be seen without it.

``python stand_ins.py web PORT BEAT_FILE``: ``/readyz`` as the web process answers it, from the worker's beat.
``python stand_ins.py worker BEAT_FILE``: beats once, then waits; it takes half a second to stop.
``python stand_ins.py up FOLDER PORT``: :func:`bot.supervision.up.up` over Redis, these two and one that always fails.
"""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn


def web(port: str, beat_file: str) -> None:
    class Readyz(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            beat = Path(beat_file)
            pid = int(beat.read_text()) if beat.exists() else 0
            age_s = time.time() - beat.stat().st_mtime if pid else 0
            workers = [{"pid": pid, "age_s": age_s, "parts": {}}] if pid else []
            body = json.dumps({"ready": bool(workers), "redis": {"state": "ok"}, "workers": workers}).encode()
            self.send_response(200 if workers else 503)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", int(port)), Readyz).serve_forever()


def worker(beat_file: str) -> None:
    signal.signal(signal.SIGTERM, _finish)
    draft = Path(beat_file + ".new")
    draft.write_text(str(os.getpid()))
    draft.replace(beat_file)
    while True:
        signal.pause()


def _finish(*_: object) -> NoReturn:
    time.sleep(0.5)
    sys.exit(0)


def run_up(folder: str, port: str) -> None:
    import click

    from bot.settings import read_environment
    from bot.supervision import embedded_redis
    from bot.supervision.plan import Listener, Plan
    from bot.supervision.supervisord import Program
    from bot.supervision.up import up

    data_dir = Path(folder)
    socket = data_dir / "run" / "redis.sock"
    beat = str(data_dir / "beat")
    stand_in = (sys.executable, __file__)
    plan = Plan(
        data_dir=data_dir,
        run_dir=data_dir / "run",
        work_dir=Path.cwd(),
        environment=read_environment(),
        programs=[
            embedded_redis.program(data_dir / "redis", socket, stop_order=3, stop_wait_s=2),
            Program(name="worker", command=(*stand_in, "worker", beat), stop_order=2, stop_wait_s=5),
            Program(name="web", command=(*stand_in, "web", port, beat), stop_order=1, stop_wait_s=2),
            Program(name="fails", command=(sys.executable, "-c", "exit('no luck')"), stop_order=1, stop_wait_s=2),
        ],
        listeners=[Listener(host="127.0.0.1", port=int(port), variable="PORT")],
        redis_socket=socket,
        web_url=f"http://127.0.0.1:{port}",
        simulator_url=None,
        urls={"web": f"http://127.0.0.1:{port}"},
        notices=["a notice"],
        first_run=(sys.executable, "-c", "print('loaded', flush=True)"),
        first_run_says="loading",
    )
    up(plan, click.echo)


if __name__ == "__main__":
    {"web": web, "worker": worker, "up": run_up}[sys.argv[1]](*sys.argv[2:])
