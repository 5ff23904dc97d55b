"""The AI bot as members see it: what they write to it becomes a JSON callback, and its answers are shown (§4)."""

import secrets
from collections.abc import Callable, Mapping
from functools import partial

from simulator.aibot.bodies import ONE_TO_ONE_KINDS, WITH_UPLOAD, Bodies, mentions, new_msgid, with_mention_space
from simulator.aibot.bubbles import Bubbles
from simulator.aibot.events import Events
from simulator.aibot.in_progress import Admission, InProgress
from simulator.aibot.replies import Asked, BotReply, read_reply
from simulator.aibot.response_urls import ResponseUrls
from simulator.aibot.sealed_reply import BadReply, open_reply
from simulator.aibot.streams import MAX_ANSWER_BYTES, Streams
from simulator.chats import Chats
from simulator.delivery import Deliveries
from simulator.entries import Delivery, Entry, Quote
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.media import Media
from simulator.posting import Posting, Unpostable
from simulator.rules import Rules
from simulator.sealing import JsonSealer
from simulator.settings import BotSettings
from simulator.task_ids import TaskIds
from simulator.trace import Trace
from simulator.uploads import Uploads

_ASKED: Mapping[str, Asked] = {
    "enter_chat": "enter_chat",
    "template_card_event": "template_card_event",
    "feedback_event": "feedback_event",
}
"""Events with answers of their own, by name."""


class Bot:
    """The bot's side of the chats; see :class:`simulator.posting.Posting` for what members do.

    ``quote`` makes what a quoting entry shows of the quoted one.
    """

    def __init__(
        self,
        settings: BotSettings,
        *,
        rules: Rules,
        journal: Journal,
        chats: Chats,
        faults: Faults,
        trace: Trace,
        media: Media,
        uploads: Uploads,
        clock: Callable[[], float],
        quote: Callable[[Entry], Quote],
    ) -> None:
        self.name = settings.name
        self.first_callback_url = settings.callback_url
        self.sealer = JsonSealer(token=settings.token, encoding_aes_key=settings.encoding_aes_key, clock=clock)
        self._task_ids = TaskIds(rules)
        self.response_urls = ResponseUrls(
            rules=rules, chats=chats, media=media, task_ids=self._task_ids, clock=clock, quote=quote
        )
        self.deliveries = Deliveries(
            target="bot_callback",
            sealer=self.sealer,
            callback_url=settings.callback_url,
            rules=rules,
            journal=journal,
            chats=chats,
            faults=faults,
            trace=trace,
            replies=self,
            max_answer_bytes=MAX_ANSWER_BYTES,
        )
        self._rules = rules
        self._journal = journal
        self._chats = chats
        self._bubbles = Bubbles(chats, uploads, self._task_ids)
        self._bodies = Bodies(bot_id=settings.bot_id, key=self.sealer.key, rules=rules, media=media, uploads=uploads)
        self._in_progress = InProgress(rules)
        self._events = Events(
            bodies=self._bodies,
            bubbles=self._bubbles,
            rules=rules,
            journal=journal,
            chats=chats,
            response_urls=self.response_urls,
            clock=clock,
        )
        self._streams = Streams(
            callback_url=lambda: self.deliveries.callback_url,
            sealer=self.sealer,
            bodies=self._bodies,
            rules=rules,
            journal=journal,
            bubbles=self._bubbles,
            faults=faults,
            trace=trace,
            clock=clock,
            ended=self._end,
        )

    @property
    def waiting(self) -> int:
        """Callbacks not yet ended, held ones included."""
        return self.deliveries.waiting + self._in_progress.held

    def start(self) -> None:
        """Begin to make callbacks."""
        self.deliveries.start()
        self._streams.timers.start()

    def close(self) -> None:
        """Stop making callbacks."""
        self._streams.timers.close()
        self.deliveries.close()

    def clear(self) -> None:
        """Forget streams, urls and what is in progress."""
        self._streams.clear()
        self._in_progress.clear()
        self._events.clear()
        self._task_ids.clear()
        self.response_urls.clear()

    def post(self, posting: Posting, quote: Quote | None) -> Entry | None:
        """Show what a member did in the chat and let the bot hear of it, if it may (rule 26).

        ``None``: it did not happen, because ``enter_chat`` comes once a day (rule 31). Raises :class:`Unpostable`.
        """
        if posting.type == "event":
            found = self._events.post(posting)
            if found:
                entry, plain = found
                self.deliveries.post(entry, plain, title=entry.content, once=entry.content == "template_card_event")
                return entry
            return None
        return self._post_message(posting, quote)

    def take(self, entry: Entry, nonce: str, body: bytes) -> str:
        """Show the answer ``body`` to the callback of ``entry``; a faulty one is written down and shown to nobody."""
        plain = ""
        try:
            plain = open_reply(body, sealer=self.sealer, nonce=nonce)
            reply = read_reply(plain, _asked(entry), self._rules)
            if reply and self._chats.claim_answer(entry):
                self._show(entry, reply)
            elif reply:
                self._journal.rule(6, "passive_reply_not_shown", entry.request_id, entry)
        except BadReply as error:
            self._journal.rule(error.rule, str(error), entry.request_id, entry, **error.details)
        self._end_if_done(entry)
        return plain

    def lost(self, entry: Entry) -> None:
        """No answer will come: the message is no longer in progress."""
        self._end_if_done(entry)

    def _post_message(self, posting: Posting, quote: Quote | None) -> Entry:
        self._check(posting)
        unheard = self._unheard(posting)
        content = posting.content if not posting.chat else with_mention_space(posting.content, self.name)
        body = self._bodies.content(posting.type, content, posting.upload, posting.fields)
        entry = self._chats.add(
            member=posting.member,
            peer="bot",
            chat=posting.chat,
            via="member",
            type=posting.type,
            content=posting.content,
            fields=dict(posting.fields),
            upload=posting.upload.summary() if posting.upload else None,
            quote=quote,
            msg_id=new_msgid(),
            request_id=secrets.token_hex(16),
            delivery=None if unheard else Delivery(),
        )
        if unheard:
            self._journal.rule(26, unheard, entry.request_id, entry)
            return entry
        plain = self._bodies.message(entry, body, posting.quote, self.response_urls.issue(entry))
        start = partial(self.deliveries.post, entry, plain, title=posting.type)
        self._in_progress.enter(entry.member, entry.id, start=start, wait=partial(self._wait, entry))
        return entry

    def _wait(self, entry: Entry, admission: Admission) -> None:
        self._journal.rule(28, f"message_{admission}", entry.request_id, entry)
        self._chats.deliver(entry, state=admission)

    def _unheard(self, posting: Posting) -> str:
        """Why the bot does not hear of a message (rule 26), empty if it does."""
        if not posting.chat:
            return ""
        if posting.type in ONE_TO_ONE_KINDS:
            return "only_one_to_one"
        return "" if mentions(posting.content, self.name) else "not_mentioned"

    def _check(self, posting: Posting) -> None:
        if posting.type in WITH_UPLOAD and not posting.upload:
            raise Unpostable("upload is missing")
        if posting.type in ("image", "mixed") and posting.upload and not posting.upload.is_picture:
            raise Unpostable("the upload is no picture")
        if posting.type in ("voice", "mixed") and not posting.content:
            raise Unpostable("content is missing")

    def _show(self, entry: Entry, reply: BotReply) -> None:
        self._bubbles.check(reply.card)
        if reply.update:
            self._events.update_card(entry, reply)
        elif reply.stream:
            if reply.stream.cut:
                self._journal.rule(27, "stream_cut", entry.request_id, entry)
            self._streams.begin(entry, reply)
        elif reply.card:
            self._bubbles.card(entry, reply.card)
        else:
            self._bubbles.text(entry, reply.text)

    def _end_if_done(self, entry: Entry) -> None:
        if not self._streams.follows(entry):
            self._end(entry)

    def _end(self, entry: Entry) -> None:
        self._in_progress.leave(entry.member, entry.id)


def _asked(entry: Entry) -> Asked:
    return _ASKED.get(entry.content, "event") if entry.type == "event" else "message"
