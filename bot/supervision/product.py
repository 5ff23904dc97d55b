"""The programs of the product: what runs, in which order it starts and stops, with which options."""

import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.environment import DOTENV_NAMES
from bot.errors import ConfigError
from bot.links import installation_secret
from bot.settings import DEMO_BOTS_FILE, FLOWER_USER, Settings, bracketed, local_url, read_environment, reloadable_names
from bot.supervision import embedded_redis
from bot.supervision.bots_check import SimulatedCorp, check_bots
from bot.supervision.plan import Listener, Plan
from bot.supervision.supervisord import Program

# What is stopped first: nothing new may come in, then the worker finishes, then what it needs ends. The longest stop
# is the sum of the longest wait in each step: 15 s.
_FIRST, _SECOND, _LAST = 1, 2, 3
_FRONT_STOP_S, _WORKER_STOP_S, _BASE_STOP_S = 3, 10, 2

_PYTHON = (sys.executable, "-m")
FLOWER_OPTIONS = "workers/flower_options.py"
_CELERY = (*_PYTHON, "workers.celery", "--app=workers.app")


def plan_for(settings: Settings) -> Plan:
    """What ``up`` runs with these settings. Raises :class:`~bot.errors.ConfigError` when they cannot work."""
    if not settings.bots_path.exists():
        raise ConfigError(
            [
                f"{settings.bots_path} does not exist; copy {DEMO_BOTS_FILE} there and put your own bot's values in, "
                "or try the demo first with SIMULATOR=1 and without BOTS_FILE"
            ]
        )
    corp = check_bots(settings.bots_path)
    simulated = corp if settings.simulator else None
    web_url = local_url(settings.host, settings.port)
    simulator_url = local_url(settings.host, settings.simulator_port) if simulated else None
    urls = {"web": web_url, "readiness": f"{web_url}/readyz", "metrics": f"{web_url}/metrics"}
    logins = {}
    if settings.flower:
        urls["flower"] = f"{local_url(settings.host, settings.flower_port)}/"
        logins["flower"] = f"user {FLOWER_USER}, password {installation_secret(settings.flower_password_path)}"
    return Plan(
        data_dir=settings.data_dir,
        run_dir=settings.run_dir,
        work_dir=Path.cwd(),
        programs=_programs(settings, simulated),
        environment=_environment(settings, simulated),
        listeners=_listeners(settings, simulated),
        redis_socket=settings.redis_socket,
        web_url=web_url,
        simulator_url=simulator_url,
        urls={"chat": f"{simulator_url}/", **urls} if simulated else urls,
        logins=logins,
        notices=_notices(settings, corp),
        first_run=(*_PYTHON, "bot", "bootstrap") if settings.uses_demo_bots else (),
        first_run_says="first start: loading the demo knowledge",
    )


def _programs(settings: Settings, simulated: SimulatedCorp | None) -> list[Program]:
    """In the order in which they start."""
    programs = [_worker(settings), _web(settings), _beat(settings)]
    if simulated is not None:
        programs.append(_simulator(settings, simulated))
    if settings.flower:
        programs.append(_flower())
    if settings.redis_socket is not None:
        folder = settings.data_dir / "redis"
        programs.insert(0, embedded_redis.program(folder, settings.redis_socket, _LAST, _BASE_STOP_S))
    return programs


def _worker(settings: Settings) -> Program:
    options = (
        "worker",
        "--pool=threads",
        f"--concurrency={settings.worker_threads}",
        "--queues=turns,sweep,media,cases,accounts,ingest",
        f"--hostname=worker-{settings.port}@{platform.node()}",  # two installations may share a Redis
        f"--loglevel={settings.log_level}",
        "--without-mingle",  # would wait a second for other workers' greetings
        "--without-gossip",
        "--heartbeat-interval=10",  # seconds: only Flower listens
    )
    return Program(name="worker", command=(*_CELERY, *options), stop_order=_SECOND, stop_wait_s=_WORKER_STOP_S)


def _beat(settings: Settings) -> Program:
    schedule = settings.data_dir / "beat-schedule"
    options = ("beat", f"--schedule={schedule}", "--pidfile=", f"--loglevel={settings.log_level}")
    return Program(name="beat", command=(*_CELERY, *options), stop_order=_FIRST, stop_wait_s=_FRONT_STOP_S)


def _flower() -> Program:
    command = (*_PYTHON, "celery", "--app=workers.flower", "flower", f"--conf={FLOWER_OPTIONS}")
    return Program(name="flower", command=command, stop_order=_FIRST, stop_wait_s=_FRONT_STOP_S)


def _web(settings: Settings) -> Program:
    options = (
        f"--bind={bracketed(settings.host)}:{settings.port}",
        "--worker-class=gthread",
        f"--workers={settings.web_workers}",
        f"--threads={settings.web_threads}",
        f"--graceful-timeout={_FRONT_STOP_S - 1}",
        "--no-control-socket",  # lies in the home folder, where two installations would share it
    )
    command = (*_PYTHON, "gunicorn", *options, "bot.web.wsgi:app")
    return Program(name="web", command=command, stop_order=_FIRST, stop_wait_s=_FRONT_STOP_S)


def _simulator(settings: Settings, corp: SimulatedCorp) -> Program:
    options = [
        f"--host={settings.host}",
        f"--port={settings.simulator_port}",
        f"--public-url={local_url(settings.host, settings.simulator_port)}",
    ]
    web = local_url(settings.host, settings.port)
    if corp.app:
        options += [
            f"--callback={web}/callback/{corp.app.bot}/{corp.app.channel}",
            f"--corp-id={corp.app.corp_id}",
            f"--agent-id={corp.app.agent_id}",
            f"--app-name={corp.app.name}",
        ]
    if corp.robot:
        options += [
            f"--bot-callback={web}/callback/{corp.robot.bot}/{corp.robot.channel}",
            f"--bot-id={corp.robot.bot}",
            f"--bot-name={corp.robot.name}",
        ]
    if corp.account:
        name = corp.account.name.replace(":", "：")  # the option's pieces are parted by the other one
        options += [
            f"--kf-callback={web}/callback/{corp.account.bot}/{corp.account.channel}",
            f"--kf-account={corp.account.open_kfid}:{name}:{','.join(corp.account.servicers)}",
        ]
        options += [] if corp.app else [f"--corp-id={corp.account.corp_id}"]
    if not settings.uses_demo_bots:  # the simulator's own people are those of the demo
        members = [f"{person}:{person}:{role}" for person, role in corp.people.items()]
        options += [f"--member={member}" for member in ["visitor", *members]]
    return Program(
        name="simulator", command=(*_PYTHON, "simulator", *options), stop_order=_LAST, stop_wait_s=_BASE_STOP_S
    )


def _environment(settings: Settings, simulated: SimulatedCorp | None) -> dict[str, str]:
    """What the programs inherit: our own variables, and what no process list or file may show."""
    own: Mapping[str, str] = {
        "OMP_NUM_THREADS": "1",  # more make a query slower beside a busy process
        "MALLOC_ARENA_MAX": "2",  # glibc keeps a heap for every few threads otherwise
    }
    variables = {**own, **read_environment(), "BOTS_FILE": str(settings.bots_path)}
    variables[DOTENV_NAMES] = " ".join(sorted(reloadable_names()))
    if simulated is not None and simulated.app is not None:
        variables |= {
            "SIMULATOR_SECRET": simulated.app.secret,
            "SIMULATOR_TOKEN": simulated.app.token,
            "SIMULATOR_ENCODING_AES_KEY": simulated.app.encoding_aes_key,
        }
    if simulated is not None and settings.uses_demo_bots:
        examples = DEMO_BOTS_FILE.with_name("examples.txt")
        variables["SIMULATOR_EXAMPLES"] = examples.read_text(encoding="utf-8")
    if simulated is not None and simulated.robot is not None:
        variables |= {
            "SIMULATOR_BOT_TOKEN": simulated.robot.token,
            "SIMULATOR_BOT_ENCODING_AES_KEY": simulated.robot.encoding_aes_key,
        }
    if simulated is not None and simulated.speakers:
        lines = [f"{speaker.key}::{speaker.name}" for speaker in simulated.speakers]  # in the first group of all
        variables["SIMULATOR_ROBOTS"] = "\n".join(lines)
    if simulated is not None and simulated.account is not None:
        variables |= {
            "SIMULATOR_KF_SECRET": simulated.account.secret,
            "SIMULATOR_KF_TOKEN": simulated.account.token,
            "SIMULATOR_KF_ENCODING_AES_KEY": simulated.account.encoding_aes_key,
        }
    return variables


def _listeners(settings: Settings, simulated: SimulatedCorp | None) -> list[Listener]:
    listeners = [Listener(host=settings.host, port=settings.port, variable="PORT")]
    if simulated is not None:
        listeners.append(Listener(host=settings.host, port=settings.simulator_port, variable="SIMULATOR_PORT"))
    if settings.flower:
        port, given = settings.flower_port, "flower_port" in settings.model_fields_set
        dispensable = "" if given else "flower"  # who named a port wants to know that it is taken
        listeners.append(Listener(host=settings.host, port=port, variable="FLOWER_PORT", dispensable=dispensable))
    return listeners


def _notices(settings: Settings, corp: SimulatedCorp | None) -> list[str]:
    notices = []
    if settings.uses_demo_bots:
        notices.append(f"no {settings.bots_file.name} here: using the demo bot of {DEMO_BOTS_FILE}")
    if settings.simulator and corp is None:
        notices.append("no bot has a channel of type wecom-app, wecom-aibot or wecom-kf: there is nothing to simulate")
    return notices
