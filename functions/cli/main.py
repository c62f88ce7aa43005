"""The `aia` command: its options, and the module of each subcommand."""

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Final

import click

_COMMANDS: Final = {
    "backup": "functions.cli.backups",
    "channels": "functions.cli.channels",
    "check": "functions.cli.check.command",
    "compliance": "functions.cli.compliance",
    "costs": "functions.cli.costs",
    "dead-letters": "functions.cli.dead_letters",
    "coverage": "functions.cli.coverage",
    "demo": "infra.local.command",
    "dependencies": "functions.cli.dependencies",
    "doctor": "functions.cli.doctor.command",
    "drift": "functions.cli.drift.command",
    "intake": "functions.alert_intake.command",
    "local": "infra.local.command",
    "models": "functions.cli.models",
    "oncall": "functions.cli.oncall",
    "restore": "functions.cli.backups",
    "replay": "functions.cli.replay.command",
    "report": "functions.cli.report",
    "survey": "functions.cli.survey",
    "watch": "functions.cli.watch.command",
}
"""The module of each command, which has a function of its name."""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are used: none needs the imports of another."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(_COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--verbose", is_flag=True, help="Say more in the logs.")
@click.version_option(package_name="aia-monitoring")
def main(*, verbose: bool) -> None:
    """Monitoring and alerting for machine-learning platforms on Google Cloud."""
    # Programs installed beside this one (uv, perhaps Prometheus) are found without an activated environment.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(message)s")


if __name__ == "__main__":
    main()
