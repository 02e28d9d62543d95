"""Logging for both zones: one line an event, no locals in tracebacks, and long digit runs struck out as the last line of defence."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

DIGIT_RUN: Final = re.compile(r"\d(?:[ \t.,;:_/-]?\d){6,}")
"""Seven digits or more, separators allowed: nothing that Tonevault logs on purpose needs that many (times are ISO 8601, stamped later)."""
_ONE: Final = r"(?:\d|4[89]|5[0-7])(?!\w)"
SINGLE_DIGITS: Final = re.compile(rf"(?<!\w){_ONE}(?:[^\w\n]{{1,4}}{_ONE}){{6,}}")
"""The same as a list of single digits, or of their ASCII codes: what a container of keys would print as."""

_OCTET: Final = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ADDRESS: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}(?::\d{{1,5}})?"
NETWORK_ADDRESS: Final = re.compile(rf"{_ADDRESS}(?:[^\w\n]{{1,4}}{_ADDRESS})*")
"""IPv4, with or without a port, or a list of such. No card number is written in fours of at most three digits, each below 256."""


def strike_digits(text: str) -> str:
    """The text with every run of seven or more digits replaced, except IPv4 addresses. Ids are letters, so nothing of use is lost."""
    return DIGIT_RUN.sub(_struck, SINGLE_DIGITS.sub(_struck, text))


def _struck(run: re.Match[str]) -> str:
    return run[0] if NETWORK_ADDRESS.fullmatch(run[0]) else "[digits]"


def _strike(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = strike_digits(value)
        elif not isinstance(value, bool | int | float | type(None)) or (
            isinstance(value, int) and abs(value) > 999_999
        ):
            event[name] = strike_digits(str(value))
    return event


def set_up_logging(*, level: str = "INFO", json: bool = False) -> None:
    """Send structlog and the standard library's loggers through one pipe to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        # show_locals would print the frames' variables, where a card may stand while it is at work.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )
        if json
        else structlog.processors.format_exc_info,
        _strike,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    # Alembic tells at INFO which kind of database it looks at, several times at each start.
    logging.getLogger("alembic").setLevel(max(logging.WARNING, logging.getLevelName(level)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose events are words and whose values are keyword arguments."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
