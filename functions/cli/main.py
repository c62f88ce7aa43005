"""The `aia` command: its options, and the module of each subcommand."""

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem

_COMMANDS: Final = {
    "ack": ("functions.cli.incidents", "Acknowledge an incident: you own it, and escalation stops."),
    "actions": ("functions.cli.actions", "List automated actions, and approve or reject them."),
    "backup": ("functions.cli.backups", "Back up the tables and the documents of the store."),
    "channels": ("functions.cli.channels", "List the notification channels, and test one of them."),
    "check": ("functions.cli.check.command", "Check the settings of a deployment."),
    "completion": ("functions.cli.completion", "Print the completion of commands for bash, zsh or fish."),
    "compliance": ("functions.cli.compliance", "Answer items of the CIS Google Cloud benchmark."),
    "costs": ("functions.cli.costs", "List recommendations that lower costs, record decisions."),
    "coverage": ("functions.cli.coverage", "Show what is monitored, alerted, charted and reporting."),
    "dead-letters": ("functions.cli.dead_letters", "List messages that could not be handled, send one again."),
    "demo": ("infra.local.command", "Run the main job once, and check every step of it."),
    "dependencies": ("functions.cli.dependencies", "List the dependencies found in traces."),
    "doctor": ("functions.cli.doctor.command", "Check a deployment with Google: APIs, roles, tables."),
    "drift": ("functions.cli.drift.command", "Compare two CSV or parquet files."),
    "explain": ("functions.cli.explain", "Explain an incident, from the findings to the messages."),
    "halt": ("functions.cli.actions", "Halt an automated action, or all of them."),
    "incidents": ("functions.cli.incidents", "List incidents, show one, and answer for it."),
    "intake": ("functions.alert_intake.command", "Try how alerts of other systems are read."),
    "local": ("infra.local.command", "Run the whole system on this machine."),
    "models": ("functions.cli.models", "List and change monitored models, and their versions."),
    "oncall": ("functions.cli.oncall", "Show who is on call now, and until when."),
    "pipelines": ("functions.cli.pipelines", "Show pipelines with their newest runs, also live."),
    "probes": ("functions.cli.probes", "Show probes with their newest results."),
    "replay": ("functions.cli.replay.command", "Replay what happened with other settings."),
    "report": ("functions.cli.report", "Show a weekly report, write it as a page, or send it."),
    "restore": ("functions.cli.backups", "Restore a backup."),
    "resume": ("functions.cli.actions", "Resume an automated action that was halted, or all."),
    "serve": ("infra.container.command", "Serve functions as the container image does."),
    "silence": ("functions.cli.silences", "Mute notifications of some targets for a time."),
    "silences": ("functions.cli.silences", "List the active silences."),
    "survey": ("functions.cli.survey", "Upload answers to surveys, and make links to a question."),
    "tokens": ("functions.cli.tokens", "List the tokens of the API, create and revoke one."),
    "unsilence": ("functions.cli.silences", "End the silences of a pattern."),
    "watch": ("functions.cli.watch.command", "Monitor the model whose predictions are in a file."),
}
"""The module of each command, which has a function of its name, and what the list of commands says of it."""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are used: none needs the imports of another, and the list none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(_COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=_COMMANDS[name][1]) for name in names), *options]


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--verbose", is_flag=True, help="Write more detailed logs.")
@click.version_option(package_name="aia-monitoring")
def main(*, verbose: bool) -> None:
    """Monitoring and alerting for machine-learning platforms on Google Cloud."""
    # Programs installed beside this one (uv, perhaps Prometheus) are found without an activated environment.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(message)s")


if __name__ == "__main__":
    main()
