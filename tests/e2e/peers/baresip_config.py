"""What one baresip phone is made of: its transport, codecs and answering, and the files baresip reads it from."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.e2e.peers.ports import LOOPBACK, PortBlock

_MODULE_PATH = "/usr/lib/baresip/modules"

# aufile ends the call when its file ends (call.c, audio_error_handler), so every source is followed by this much
# silence: longer than pytest's time limit for a test.
TAIL_S = 200.0

# A call that nobody answers is given up by the phone itself after this time.
_RING_S = 60


class Transport(StrEnum):
    """How SIP travels; the value is the URI parameter."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Answer(StrEnum):
    """What the phone does with an incoming call."""

    BY_HAND = "manual"
    AT_ONCE = "auto"


class MediaSecurity(StrEnum):
    """Plain RTP, or SRTP with SDES keys in the SDP (RFC 4568), which the phone then insists upon."""

    NONE = ""
    SDES = "srtp-mand"


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """The choices of a test. `codecs` are baresip's names in order of preference, with rate and channels where they are not 8000/1."""

    transport: Transport = Transport.UDP
    answer: Answer = Answer.AT_ONCE
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    packet_ms: int = 20
    media_security: MediaSecurity = MediaSecurity.NONE
    display_name: str = ""
    outbound_proxy: str = ""

    @property
    def source_rate_hz(self) -> int:
        """At which the phone is fed: that of G.722, because baresip's resampler takes 1477 Hz down by 20 dB on its way there."""
        return 16_000 if any(codec.startswith("g722/") for codec in self.codecs) else 8_000


@dataclass(frozen=True, slots=True)
class PhonePorts:
    """The ports of one phone, all from its own block. baresip listens for TLS on its SIP port plus one."""

    block: PortBlock

    @property
    def sip(self) -> int:
        return self.block.port(0)

    @property
    def tls(self) -> int:
        return self.block.port(1)

    @property
    def control(self) -> int:
        return self.block.port(2)

    @property
    def keyboard(self) -> int:
        return self.block.port(3)


# Codecs that are modules of their own.
_WIDE_CODECS = ("g722", "opus")


def _config_lines(
    ports: PhonePorts, source: str, certificate_path: Path | None, settings: PhoneSettings
) -> list[str]:
    rtp = ports.block.rtp_ports
    wide = [name for name in _WIDE_CODECS if any(one.startswith(f"{name}/") for one in settings.codecs)]
    lines = [
        "poll_method epoll",
        f"sip_listen {LOOPBACK}:{ports.sip}",
        f"net_interface {LOOPBACK}",
        f"call_local_timeout {_RING_S}",
        "call_max_calls 8",
        f"audio_source aufile,{source}",
        f"rtp_ports {rtp.start}-{rtp.stop - 1}",
        # No jitter buffer: what is recorded is what arrived, packet by packet.
        "jitter_buffer_delay 0",
        f"module_path {_MODULE_PATH}",
        *(f"module {name}.so" for name in ("g711", "sndfile", "aufile", "cons", "srtp", *wide)),
        *((f"ausrc_srate {settings.source_rate_hz}", "ausrc_channels 1") if wide else ()),
        "module_tmp account.so",
        *(f"module_app {name}.so" for name in ("ctrl_tcp", "menu")),
        f"ctrl_tcp_listen {LOOPBACK}:{ports.control}",
        f"cons_listen {LOOPBACK}:{ports.keyboard}",
        "menu_bell no",
        "ringback_disabled yes",
        "statmode_default off",
        # Relative, because sndfile cuts a path off after 127 characters; the phone runs in its own folder.
        "snd_path .",
    ]
    if certificate_path is not None:
        lines.append(f"sip_certificate {certificate_path}")
    return lines


def _account_line(user: str, ports: PhonePorts, settings: PhoneSettings) -> str:
    name = f'"{settings.display_name}" ' if settings.display_name else ""
    port = ports.tls if settings.transport is Transport.TLS else ports.sip
    parameters = [
        "regint=0",
        f"answermode={settings.answer}",
        f"audio_codecs={','.join(settings.codecs)}",
        f"ptime={settings.packet_ms}",
    ]
    if settings.media_security is not MediaSecurity.NONE:
        parameters.append(f"mediaenc={settings.media_security}")
    if settings.outbound_proxy:
        parameters.append(f'outbound="{settings.outbound_proxy}"')
    # Without a transport: baresip appends the parameters of its own address to every URI that it dials.
    address = f"<sip:{user}@{LOOPBACK}:{port}>"
    return f"{name}{address};{';'.join(parameters)}"


def write_configuration(
    folder: Path,
    user: str,
    ports: PhonePorts,
    settings: PhoneSettings,
    *,
    source: str,
    certificate_path: Path | None,
) -> None:
    """Writes baresip's `config`, `accounts` and an empty `contacts` (without which it invents some)."""
    config = _config_lines(ports, source, certificate_path, settings)
    (folder / "config").write_text("\n".join(config) + "\n", encoding="utf-8")
    (folder / "accounts").write_text(_account_line(user, ports, settings) + "\n", encoding="utf-8")
    (folder / "contacts").write_text("", encoding="utf-8")
