"""Bytes of strangers to documents, in a process of their own.

The border is narrow: :class:`~bot.media.parsing.sandbox.Sandbox` takes a file and gives a
:class:`~bot.media.parsing.sections.Parsed`, or says in one word why not. What stands behind it (parsers, decoders, the
reader of pictures) is written in C, reads what anybody may send, and is imported by nothing but the child process.
"""
