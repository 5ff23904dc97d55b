"""The programs that ``up`` starts, for the settings an operator may choose."""

import shlex
import socket
from pathlib import Path

import pytest

import bot.assembly  # noqa: F401  # the forked check of the bots file finds it imported
from bot.errors import ConfigError
from bot.settings import Settings, load_settings, local_url
from bot.supervision.checks import check_free, without_crowded_out
from bot.supervision.plan import Plan
from bot.supervision.product import plan_for
from bot.supervision.supervisord import configuration
from bot.task_queue import ACCOUNTS_QUEUE, CASES_QUEUE, INGEST_QUEUE, MEDIA_QUEUE, SWEEP_QUEUE, TURNS_QUEUE

SECRET = "a-secret-of-a-real-company"
BOTS = f"""
bots:
  imaging:
    name: 影像
    knowledge: [imaging]
    admins: [boss, 老板]
    servicers: [helper, boss]
    channels:
      app: {{type: wecom-app, corp_id: ww1, agent_id: 7, secret: {SECRET}, token: tok, encoding_aes_key: {"k" * 43}}}
"""


def settings(folder: Path, **variables: str) -> Settings:
    return load_settings({"DATA_DIR": str(folder / "data"), **variables}, dotenv=folder / ".env")


def own_bots(folder: Path, **variables: str) -> Settings:
    (folder / "own.yaml").write_text(BOTS)
    return settings(folder, BOTS_FILE=str(folder / "own.yaml"), **variables)


def commands(plan: Plan) -> dict[str, str]:
    return {program.name: shlex.join(program.command) for program in plan.programs}


def test_command_lines_say_what_runs(tmp_path: Path) -> None:
    plan = plan_for(own_bots(tmp_path, PORT="8100"))
    lines = commands(plan)
    assert list(lines) == ["redis", "worker", "web", "beat", "simulator", "flower"], "in the order in which they start"
    assert "redis-server" in lines["redis"]
    assert "celery" in lines["worker"]
    assert " worker --pool=threads " in lines["worker"]
    queues = (TURNS_QUEUE, SWEEP_QUEUE, MEDIA_QUEUE, CASES_QUEUE, ACCOUNTS_QUEUE, INGEST_QUEUE)
    assert f"--queues={','.join(queues)} " in lines["worker"]
    assert "celery --app=workers.app beat " in lines["beat"]
    assert "gunicorn --bind=127.0.0.1:8100 " in lines["web"]
    assert " --no-control-socket " in lines["web"]
    assert " --port=8101 " in lines["simulator"]
    assert " --callback=http://127.0.0.1:8100/callback/imaging/app " in lines["simulator"]
    assert plan.urls["chat"] == "http://127.0.0.1:8101/"


def test_the_longest_stop_takes_15_seconds(tmp_path: Path) -> None:
    programs = plan_for(own_bots(tmp_path)).programs
    longest: dict[int, int] = {}
    for program in programs:
        longest[program.stop_order] = max(longest.get(program.stop_order, 0), program.stop_wait_s)
    order = sorted(programs, key=lambda program: program.stop_order)
    assert [program.name for program in order] == ["web", "beat", "flower", "worker", "redis", "simulator"]
    assert sum(longest.values()) <= 15


def test_secrets_reach_the_simulator_by_the_environment_alone(tmp_path: Path) -> None:
    plan = plan_for(own_bots(tmp_path))
    written = configuration(plan.programs, run_dir=plan.run_dir, log_dir=plan.log_dir, work_dir=plan.work_dir)
    for secret in (SECRET, "k" * 43):
        assert secret not in written
        assert secret not in repr(plan)
        assert secret in plan.environment.values()


def test_the_people_of_the_bot_can_be_played(tmp_path: Path) -> None:
    line = commands(plan_for(own_bots(tmp_path)))["simulator"]
    assert line.endswith("--member=visitor --member=helper:helper:servicer --member=boss:boss:admin")


def test_an_account_of_customer_service_is_simulated_with_its_servicers(tmp_path: Path) -> None:
    secrets = f"secret: kf-{SECRET}, token: tok, encoding_aes_key: {'q' * 43}"
    kf = f"kf: {{type: wecom-kf, corp_id: CORP, {secrets}, open_kfid: wk1}}"
    for corp_id, simulated in (("ww1", True), ("ww2", False)):
        (tmp_path / "own.yaml").write_text(f"{BOTS}      {kf.replace('CORP', corp_id)}\n")
        plan = plan_for(settings(tmp_path, BOTS_FILE=str(tmp_path / "own.yaml"), PORT="8100"))
        line = commands(plan)["simulator"]
        assert (" --kf-callback=http://127.0.0.1:8100/callback/imaging/kf " in line) is simulated
        assert ("--kf-account=wk1:影像:helper,boss" in line) is simulated
        assert (f"kf-{SECRET}" in plan.environment.values()) is simulated
        assert f"kf-{SECRET}" not in line


def test_a_redis_of_ones_own_and_no_simulator(tmp_path: Path) -> None:
    plan = plan_for(own_bots(tmp_path, REDIS_URL="redis://:pass@redis.example/0", SIMULATOR="0", FLOWER="0"))
    assert list(commands(plan)) == ["worker", "web", "beat"]
    assert plan.redis_socket is None
    assert plan.simulator_url is None
    assert [listener.variable for listener in plan.listeners] == ["PORT"]
    assert "chat" not in plan.urls


def test_flower_has_a_password_that_only_the_terminal_shows(tmp_path: Path) -> None:
    plan = plan_for(own_bots(tmp_path, PORT="8100"))
    kept = tmp_path / "data" / "flower_password"
    assert kept.stat().st_mode & 0o777 == 0o600
    password = kept.read_text().strip()
    assert len(password) >= 32
    assert plan.logins == {"flower": f"user ops, password {password}"}
    assert plan.urls["flower"] == "http://127.0.0.1:8102/"
    assert password not in configuration(
        plan.programs, run_dir=plan.run_dir, log_dir=plan.log_dir, work_dir=plan.work_dir
    )
    assert password not in repr(plan)
    assert plan_for(own_bots(tmp_path)).logins == plan.logins, "it stays"


def test_a_taken_port_costs_flower_and_not_the_run(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said: list[str] = []
        plan = without_crowded_out(plan_for(own_bots(tmp_path, PORT=str(port - 2))), said.append)
        assert said == [
            f"without flower: port {port} (FLOWER_PORT) is in use; stop what listens there, or set FLOWER_PORT to a "
            "free port"
        ]
        assert "flower" not in [*commands(plan), *plan.urls, *(listener.dispensable for listener in plan.listeners)]
        named = plan_for(own_bots(tmp_path, FLOWER_PORT=str(port)))
        assert without_crowded_out(named, said.append) == named, "a port that was named is wanted"
        with pytest.raises(ConfigError, match=f"port {port} .FLOWER_PORT. is in use"):
            check_free(named)


def test_the_demo_stands_in_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_for(settings(tmp_path))
    assert plan.notices[0].startswith("no bots.yaml here: using the demo bot of ")
    assert plan.environment["BOTS_FILE"].endswith("deploy/demo/bots.yaml")
    assert plan.first_run[-2:] == ("bot", "bootstrap")
    assert "--member" not in commands(plan)["simulator"], "the simulator's own people are the demo's"


def test_no_bots_and_no_simulator_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"bots\.yaml does not exist; copy .*deploy/demo/bots\.yaml there"):
        plan_for(settings(tmp_path, SIMULATOR="0"))


def test_every_fault_of_the_bots_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(BOTS.replace("agent_id: 7", "agent_id: many").replace("name: 影像", "nam: x"))
    with pytest.raises(ConfigError) as caught:
        plan_for(settings(tmp_path, BOTS_FILE=str(tmp_path / "own.yaml")))
    told = "\n".join(caught.value.problems)
    assert "agent_id" in told
    assert "nam" in told
    assert SECRET not in told


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),  # noqa: S104  # nothing is bound
        ("::", "http://[::1]:1"),
    ],
)
def test_local_url(host: str, url: str) -> None:
    assert local_url(host, 1) == url


def test_the_programs_fit_the_widest_address(tmp_path: Path) -> None:
    assert "'--bind=[::]:8000' " in commands(plan_for(own_bots(tmp_path, HOST="::")))["web"]
