"""Faults striking a running installation under load, and the proof that nothing acknowledged is lost.

:mod:`.ledger` writes as many people and keeps what they wrote and saw; :mod:`.processes`, :mod:`.moments` and
:mod:`.surroundings` are the faults; :mod:`.campaign` lets them strike; :mod:`.verdict` judges every message afterwards.
"""
