"""Faults that somebody could build in, each with the test that must notice: ``make mutations``.

Each mutation is made in a copy of the tree, never in place, and its test is run there; before that, all the tests are
run in a copy without any, because a test that always fails notices nothing. Names of mutations as arguments restrict
it to these. Exit 1 when one was not caught.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_TREE = Path(__file__).parent.parent.parent
_COPIED = ("bot", "channels", "simulator", "workers", "tests", "deploy", "pyproject.toml")
_ONE_TEST_S = 120
_ALL_TESTS_S = 600
_FAILED = 1
"""Pytest's exit status when a test failed; others say that none could be run."""

_APP, _ROBOT, _KF = (f"tests/contracts/test_wecom_{name}.py" for name in ("app", "aibot", "kf"))
_GROUP, _APPCHAT = (f"tests/contracts/test_wecom_{name}.py" for name in ("robot", "appchat"))
_OTHERS = f"{_KF}::TestWhatOthersGetWrong"


@dataclass(frozen=True, slots=True)
class Mutation:
    """In ``file``, ``old`` becomes ``new``, wherever it stands; ``test`` must fail then."""

    name: str
    file: str
    old: str
    new: str
    test: str


MUTATIONS = (
    Mutation(
        "drop the cursor",
        "bot/pulling.py",
        "redis.call('HSET', KEYS[1], 'cursor', ARGV[3])",
        "",
        f"{_OTHERS}::test_the_cursor_is_kept_so_that_what_was_answered_is_not_asked_for_again",
    ),
    Mutation(
        "ignore origin",
        "channels/wecom_kf/entries.py",
        'fields.number("origin")',
        "CUSTOMER",
        f"{_OTHERS}::test_what_the_bot_and_a_servicer_wrote_is_no_question",
    ),
    Mutation(
        "split by characters",
        "bot/splitting.py",
        "head = _head(text, limit_bytes - _NUMBER_BYTES)",
        "head = text[: limit_bytes - _NUMBER_BYTES]",
        f"{_APP}::TestWeComAppOnThePlatform::test_a_long_text_arrives_whole_in_order_and_in_bytes_that_fit",
    ),
    Mutation(
        "cut within a character",
        "bot/splitting.py",
        'decode(errors="ignore")',
        'decode(errors="replace")',
        f"{_KF}::TestWeComKfOnThePlatform::test_a_long_text_arrives_whole_in_order_and_in_bytes_that_fit",
    ),
    Mutation(
        "keep only the last message",
        "bot/pulling.py",
        "enumerate(page.messages):",
        "enumerate(page.messages[-1:]):",
        f"{_OTHERS}::test_every_message_of_a_pull_is_kept_and_not_only_the_last",
    ),
    Mutation(
        "count one too many",
        "channels/wecom_kf/allowance.py",
        "or 0) >= tonumber(ARGV[2])",
        "or 0) > tonumber(ARGV[2])",
        f"{_OTHERS}::test_five_messages_in_48_hours_are_counted_and_no_sixth_is_tried",
    ),
    Mutation(
        "forget the 48 hours",
        "channels/wecom_kf/allowance.py",
        "WINDOW_S = 48 * 3600",
        "WINDOW_S = 480 * 3600",
        f"{_OTHERS}::test_five_messages_in_48_hours_are_counted_and_no_sixth_is_tried",
    ),
    Mutation(
        "hand over to nobody",
        "channels/wecom_kf/sessions.py",
        "if not serving:\n            return False",
        "if not serving:\n            return True",
        f"{_OTHERS}::test_a_customer_is_handed_over_to_somebody_who_serves_or_not_at_all",
    ),
    Mutation(
        "name each try anew",
        "channels/wecom_kf/allowance.py",
        'f"{account}\\0{key}".encode',
        'f"{account}\\0{key}{secrets.token_hex(8)}".encode',
        f"{_KF}::TestWeComKfOnThePlatform::test_a_resend_after_a_lost_answer_is_read_once",
    ),
    Mutation(
        "send again without the duplicate check",
        "channels/wecom_app/turns.py",
        "checked=modes == [CHECKED]",
        "checked=False",
        f"{_APP}::TestWeComAppOnThePlatform::test_a_resend_after_a_lost_answer_is_read_once",
    ),
    Mutation(
        "take a lost answer for a failure",
        "channels/wecom/api.py",
        "Unknown(failure.code) if failure.written else ",
        "",
        f"{_ROBOT}::TestWeComAiBotOnThePlatform::test_what_a_failed_send_means",
    ),
    Mutation(
        "lose a permission that was not used",
        "channels/wecom_aibot/send.py",
        "self._kit.bubbles.give_back(conversation, permission)",
        "pass",
        f"{_ROBOT}::TestWeComAiBotOnThePlatform::test_what_was_not_sent_is_sent_by_the_next_try",
    ),
    Mutation(
        "give up on a rate limit",
        "channels/wecom/errors.py",
        "45009: Rule(Reaction.BACK_OFF, 60.0)",
        "45009: _DROP",
        f"{_APP}::TestWeComAppOnThePlatform::test_a_rate_limit_is_waited_out",
    ),
    Mutation(
        "keep a dead token",
        "channels/wecom/errors.py",
        "42001: _REFRESH",
        "42001: _DROP",
        f"{_APP}::TestWeComAppOnThePlatform::test_an_expired_token_is_renewed_and_nobody_notices",
    ),
    Mutation(
        "believe any signature",
        "channels/wecom/crypto.py",
        "if not hmac.compare_digest(expected.encode(), signature.encode()):",
        "if not expected:",
        f"{_APP}::TestWeComApp::test_a_forged_callback_is_refused",
    ),
    Mutation(
        "take what is for somebody else",
        "channels/wecom/crypto.py",
        "if not hmac.compare_digest(receive_id, self._receive_id):",
        "if not message:",
        f"{_ROBOT}::TestWeComAiBot::test_a_callback_for_somebody_else_is_refused",
    ),
    Mutation(
        "take callbacks of any age",
        "channels/wecom/callback.py",
        "if abs(request.received_at - int(timestamp)) > max_skew_s:",
        "if not timestamp:",
        f"{_KF}::TestWeComKf::test_a_stale_callback_is_refused",
    ),
    Mutation(
        "fetch without a bound",
        "channels/wecom/downloads.py",
        "if self._left < 0:",
        "if self._left == self._into:",
        f"{_ROBOT}::TestWeComAiBotOnThePlatform::test_a_picture_comes_whole_or_not_at_all",
    ),
    Mutation(
        "mix the members of a group",
        "channels/wecom_aibot/parse.py",
        'chat = "" if chat_type == "single" else chat',
        'chat = ""',
        f"{_ROBOT}::TestWeComAiBotOnThePlatform"
        "::test_what_is_said_in_a_group_is_kept_apart_from_single_chats_and_from_each_other",
    ),
    Mutation(
        "show the token in the log",
        "channels/wecom/application.py",
        "detail_of(answer, token, self._secret, *secrets)",
        "detail_of(answer) + token",
        f"{_APP}::TestWeComAppOnThePlatform::test_no_secret_is_in_an_error_or_a_log",
    ),
    Mutation(
        "show the robot's key in the log",
        "channels/wecom_robot/webhook.py",
        "return detail_of(answer, self._key)",
        "return detail_of(answer) + self._key",
        f"{_GROUP}::TestWeComRobotOnThePlatform::test_no_secret_is_in_an_error_or_a_log",
    ),
    Mutation(
        "say more than twenty a minute",
        "channels/wecom_robot/send.py",
        "per_minute=per_minute, per_hour",
        "per_minute=per_minute + 1, per_hour",
        f"{_GROUP}::TestWeComRobotOnThePlatform::test_all_processes_together_keep_the_pace_and_what_is_over_it_waits",
    ),
    Mutation(
        "keep the pace of a group in each process",
        "channels/wecom_appchat/send.py",
        'f"wecom:{{{self._application.name}}}:pace"',
        'f"wecom:{{{id(self)}}}:pace"',
        f"{_APPCHAT}::TestWeComAppchatOnThePlatform"
        "::test_all_processes_together_keep_the_pace_and_what_is_over_it_waits",
    ),
    Mutation(
        "let words be Markdown",
        "channels/wecom_robot/bodies.py",
        'return "text", _words(content, TEXT_BYTES)',
        'return "markdown", _words(content, TEXT_BYTES)',
        f"{_GROUP}::TestWeComRobotOnThePlatform::test_words_are_shown_as_they_are_and_format_nothing",
    ),
    Mutation(
        "speak in quiet hours",
        "bot/broadcasts.py",
        "if self._quiet(broadcast.bot, now):",
        "if broadcast.at > now:",
        "tests/commands/test_announcing.py::test_what_falls_into_quiet_hours_waits_until_they_end",
    ),
    Mutation(
        "say each dead letter by itself",
        "bot/alerts.py",
        'if not _due("dead", said, now):',
        "if now < 0:",
        "tests/test_alerts.py::test_a_storm_of_dead_letters_is_one_line_with_its_count_in_quiet_hours_too",
    ),
    Mutation(
        "send again for ever what may have been read",
        "channels/wecom_robot/send.py",
        "knows_repeats=False",
        "knows_repeats=True",
        f"{_GROUP}::TestWeComRobotOnThePlatform::test_a_resend_after_a_lost_answer_is_read_once",
    ),
    Mutation(
        "forget who shares a bucket",
        "bot/keys.py",
        ":posted:{conversation.key}:",
        ":posted:",
        "tests/commands/test_sent.py::test_nobody_is_left_out_however_many_share_a_bucket",
    ),
)


def main(names: list[str]) -> int:
    """Make the mutations called ``names``, or all, print what came of each, and return the exit status."""
    if unknown := set(names) - {one.name for one in MUTATIONS}:
        _say(f"no such mutation: {', '.join(sorted(unknown))}; there are: {', '.join(one.name for one in MUTATIONS)}")
        return 2
    chosen = [one for one in MUTATIONS if not names or one.name in names]
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        copy = Path(folder)
        _copy_tree(copy)
        if _run(copy, sorted({one.test for one in chosen}), _ALL_TESTS_S) != 0:
            _say("the tests fail without any mutation: mend that first")
            return 1
        results = [_judged(copy, one) for one in chosen]
    return 0 if all(results) else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _copy_tree(to: Path) -> None:
    for name in _COPIED:
        source = _TREE / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, to / name)


def _judged(copy: Path, mutation: Mutation) -> bool:
    """Whether the test of ``mutation`` failed because of it; the copy is as before afterwards."""
    file = copy / mutation.file
    before = file.read_text(encoding="utf-8")
    if mutation.old not in before:
        _say(f"{mutation.name:40} NOT MADE: {mutation.file} no longer says {mutation.old!r}")
        return False
    file.write_text(before.replace(mutation.old, mutation.new), encoding="utf-8")
    status = _run(copy, [mutation.test], _ONE_TEST_S)
    file.write_text(before, encoding="utf-8")
    caught = status == _FAILED
    said = "caught" if caught else "NOT CAUGHT" if status == 0 else f"NOT RUN (pytest ended with {status})"
    _say(f"{mutation.name:40} {said:12} {mutation.test.rpartition('/')[2]}")
    return caught


def _run(copy: Path, tests: list[str], within_s: float) -> int:
    """Pytest's exit status for ``tests`` in ``copy``; no byte code is kept, for an equally long file of the same
    second would look unchanged."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    run = subprocess.run(command, cwd=copy, capture_output=True, timeout=within_s, check=False)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
