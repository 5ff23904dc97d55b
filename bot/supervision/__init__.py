"""Running the whole installation on one machine: what ``make run`` does.

``up`` keeps one supervisord, supervisord keeps the processes, and every process dies with its parent.
"""
