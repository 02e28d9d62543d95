"""Asks custodians at the terminal for their passphrases. Nothing that is typed is shown, and nothing of it is repeated."""

import click

from tonevault.app.terminal_interrupts import ending_a_question
from tonevault.cde.keys.ceremonies import Person
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.cde.keys.model import MAX_PASSPHRASE, MIN_PASSPHRASE, PASSPHRASE_RULE


def ask(name: str, is_new: bool) -> Person:
    """The passphrase of a custodian; of one who is new, chosen and typed twice. Raises Stopped, KeyActRefusedError."""
    with ending_a_question():
        try:
            return Person(name, _chosen(name) if is_new else _hidden(f"{name}, your passphrase"))
        except UnicodeError:
            # The error itself would show what was typed.
            raise KeyActRefusedError(
                "passphrase: has characters that this terminal does not send as UTF-8; type it at another, or choose plain letters"
            ) from None


def _chosen(name: str) -> str:
    while True:
        chosen = _hidden(f"{name}, choose a passphrase of {MIN_PASSPHRASE} characters or more")
        if not MIN_PASSPHRASE <= len(chosen) <= MAX_PASSPHRASE:
            click.echo(f"{PASSPHRASE_RULE}; choose another.", err=True)
        elif _hidden(f"{name}, the same once more") == chosen:
            return chosen
        else:
            click.echo("The two differ; choose again.", err=True)


def _hidden(text: str) -> str:
    typed: str = click.prompt(text, hide_input=True, err=True)
    return typed
