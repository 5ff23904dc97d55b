"""Celery's ``worker`` and ``beat`` without plug-ins: ``python -m workers.celery --app=workers.app worker``.

``python -m celery`` does the same, and loads the commands of every plug-in before it runs one of its own: Flower's,
with its web server, costs each process 11 MB (``VmRSS`` of beat: 72 against 61) and a part of every start.
"""

import click
from celery.app.utils import find_app
from celery.bin.base import CLIContext
from celery.bin.beat import beat
from celery.bin.worker import worker


@click.group()
@click.option("--app", required=True, help="The module of the Celery application.")
@click.pass_context
def celery(context: click.Context, app: str) -> None:
    """Run a part of Celery."""
    context.obj = CLIContext(app=find_app(app), no_color=False, workdir=None)


celery.add_command(worker)
celery.add_command(beat)

if __name__ == "__main__":
    celery(auto_envvar_prefix="CELERY")
