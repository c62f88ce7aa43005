"""`aia completion`: what a shell needs to complete commands, options, ids and names. It is click's own."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_AIA_COMPLETE"


@click.command(
    epilog='For bash, add eval "$(aia completion bash)" to ~/.bashrc; for zsh, eval "$(aia completion zsh)" to ~/.zshrc, after compinit; '
    "for fish, run aia completion fish > ~/.config/fish/completions/aia.fish."
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the completion of commands, options, and the ids and names that the system has, for SHELL.

    At each press of the key the shell asks `aia`, and `aia` the API, two seconds at most.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"SHELL: must be one of {', '.join(_SHELLS)}, got {shell!r}")
    click.echo(kind(context.find_root().command, {}, "aia", _VARIABLE).source())
