"""What ``python -m bot doctor`` looks at: one module a subject, each giving :class:`~bot.finding.Finding` objects.

Nothing here changes the installation: what is tried is undone, and what a platform would notice is not tried.
"""
