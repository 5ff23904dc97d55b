"""Personal data in messages: found by :func:`find`, masked and put back by :class:`Masker`.

Meant to be used so:

- **A call to a language model.** One ``Masker`` a conversation and turn, made with a secret of the installation and
  the ``known`` of the turn before; ``mask`` for every text of the prompt (question, history, what was read from a
  file), ``unmask`` for what comes back, and ``known`` stored with the conversation. Values of earlier turns cannot be
  put back unless somebody kept ``values``; their placeholders then stay, which is what masked history shows too.
- **What is kept** (records, traces, tickets, cache, index): ``mask`` before it is written, by the same masker.
- **A report of an adverse event** may need the value: store ``masker.values`` encrypted with the case, nowhere else.
- **Log lines**: :mod:`bot.safety.personal_data.logs` is a processor for structlog.
- Approved knowledge names the company's own telephones and addresses: give them as ``allowed``.

Everything here is a pure function of its arguments, without I/O but for the word lists, which are read on first use.
"""

from bot.safety.personal_data.finder import find, predict_spans, value_key
from bot.safety.personal_data.masker import Masker
from bot.safety.personal_data.spans import Kind, Span

__all__ = ["Kind", "Masker", "Span", "find", "predict_spans", "value_key"]
