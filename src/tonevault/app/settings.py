"""The whole configuration as one tree. docs/configuration.md documents every field; a test keeps the two together."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from tonevault.app.gateway_settings import (
    BraintreeSettings,
    GatewayName,
    GenericSettings,
    StripeSettings,
    Timeout,
    WorldpaySettings,
    shortcoming,
)
from tonevault.app.key_settings import KeySettings
from tonevault.boundary.interface import MIN_TOKEN_CHARS
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import ACCOUNT_PATTERN
from tonevault.kernel.money import MINOR_DIGITS
from tonevault.plumbing.settings import Secret, Settings

LISTENER: Final = re.compile(r"^(udp|tcp|tls):(\[[0-9A-Fa-f:]+\]|[0-9A-Za-z.-]+):(\d{1,5})$")
ADDRESS: Final = re.compile(r"^(\[[0-9A-Fa-f:]+\]|[0-9A-Za-z.-]+):(\d{1,5})$")
MIN_MEDIA_PORTS: Final = 8
"""A call takes four UDP ports: RTP and RTCP for each leg."""


def _listener(text: str) -> str:
    match = LISTENER.match(text)
    if match is None or not 0 <= int(match[3]) <= 65_535:
        raise ValueError(
            "must be TRANSPORT:ADDRESS:PORT with transport udp, tcp or tls, for example udp:0.0.0.0:5060"
        )
    return text


def _address(text: str) -> str:
    match = ADDRESS.match(text)
    if match is None or not 0 <= int(match[2]) <= 65_535:
        raise ValueError("must be ADDRESS:PORT, for example 127.0.0.1:8080")
    return text


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address of this machine, for example 10.0.0.5") from None


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("must be an IP address or network, for example 10.0.0.0/8") from None


def _sip_uri(text: str) -> str:
    if not re.match(r"^sips?:(?:[^@\s]+@)?(?:[^@\s:;\[\]]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?(?:;[^\s]+)?$", text):
        raise ValueError("must be a SIP URI, for example sip:agents@10.0.0.20:5060;transport=tcp")
    return text


def _slug(text: str) -> str:
    if not re.fullmatch(ACCOUNT_PATTERN, text):
        raise ValueError("must be small letters and hyphens, at most 32, for example acme-uk")
    return text


Listener = Annotated[str, AfterValidator(_listener)]
HostPort = Annotated[str, AfterValidator(_address)]
IpAddress = Annotated[str, AfterValidator(_ip)]
Network = Annotated[str, AfterValidator(_network)]
SipUriText = Annotated[str, AfterValidator(_sip_uri)]
Slug = Annotated[str, AfterValidator(_slug)]
"""Letters and hyphens only: a name in an id position can hold no digit."""


def _time_zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("must be a zone of the IANA list, for example Europe/London")
    return text


TimeZoneName = Annotated[str, AfterValidator(_time_zone)]
SrtpWish = Literal["off", "accept", "require"]


class LogSettings(Settings):
    """How both zones log."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    json_lines: bool = False


class SipSettings(Settings):
    """The edge's signalling."""

    listen: Annotated[tuple[Listener, ...], Field(min_length=1)] = (
        "udp:127.0.0.1:5060",
        "tcp:127.0.0.1:5060",
    )
    advertise: IpAddress | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    peer_ca: Path | None = None
    unverified_hosts: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _tls_is_whole(self) -> "SipSettings":
        if any(each.startswith("tls:") for each in self.listen) and not (
            self.certificate and self.private_key
        ):
            raise ValueError("a tls listener needs certificate and private_key (PEM files)")
        return self


class MediaSettings(Settings):
    """The relays."""

    address: IpAddress = "127.0.0.1"
    advertise: IpAddress | None = None
    first_port: Annotated[int, Field(ge=1024, le=65_534)] = 20_000
    last_port: Annotated[int, Field(ge=1024, le=65_535)] = 21_999
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    max_calls: Annotated[int, Field(ge=1, le=64_000)] | None = None
    worker_memory_mb: Annotated[int, Field(ge=128, le=1_048_576)] | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> "MediaSettings":
        if ipaddress.ip_address(self.address).is_unspecified and self.advertise is None:
            raise ValueError(
                f"advertise: must be set where address is {self.address}, which no phone can reach"
            )
        return self

    @model_validator(mode="after")
    def _enough_ports(self) -> "MediaSettings":
        if self.last_port - self.first_port + 1 < MIN_MEDIA_PORTS:
            raise ValueError(
                f"first_port to last_port must span at least {MIN_MEDIA_PORTS} ports; a call takes four"
            )
        return self


class RouteSettings(Settings):
    """Which trunk reaches which contact-centre address."""

    name: Slug
    account: Slug
    peers: Annotated[tuple[Network, ...], Field(min_length=1)]
    to: SipUriText
    match: Annotated[str, Field(max_length=128)] = "*"
    customer: Literal["caller", "callee"] = "caller"
    mask: Literal["talk", "hush"] = "talk"
    customer_header: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")] | None = None
    max_calls: Annotated[int, Field(ge=1, le=100_000)] = 1000
    transport: Literal["udp", "tcp", "tls"] | None = None
    blocked_headers: tuple[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")], ...] = ()
    g711_first: bool = False
    customer_srtp: SrtpWish = "accept"
    agent_srtp: SrtpWish = "accept"
    srtp_over_plain_sip: bool = False

    @property
    def dials_over_tls(self) -> bool:
        """Whether the route leads on over TLS."""
        return self.to.startswith("sips:") or ";transport=tls" in self.to.lower()

    @property
    def dialled_srtp(self) -> tuple[str, SrtpWish]:
        """The setting for the leg that the edge dials, by its name, and its value."""
        if self.customer == "caller":
            return "agent_srtp", self.agent_srtp
        return "customer_srtp", self.customer_srtp

    @property
    def caller_srtp(self) -> tuple[str, SrtpWish]:
        """The same for the leg on which calls come in."""
        if self.customer == "caller":
            return "customer_srtp", self.customer_srtp
        return "agent_srtp", self.agent_srtp

    @model_validator(mode="after")
    def _keys_go_over_tls(self) -> "RouteSettings":
        name, wish = self.dialled_srtp
        if wish == "require" and not self.dials_over_tls and not self.srtp_over_plain_sip:
            raise ValueError(
                f"{name}: its keys go over TLS alone; add ;transport=tls to `to`, or set srtp_over_plain_sip"
            )
        return self


class RecordingSettings(Settings):
    """Local recordings of masked audio."""

    calls: Literal["none", "all"] = "none"
    directory: Path | None = None

    @model_validator(mode="after")
    def _have_a_place(self) -> "RecordingSettings":
        if self.calls == "all" and self.directory is None:
            raise ValueError('directory: must be set where calls is "all"')
        return self


class WebhookSettings(Settings):
    """Where gateways' webhooks arrive: HTTPS here, or plain HTTP behind a proxy of this machine."""

    listen: HostPort | None = None
    certificate: Path | None = None
    private_key: Path | None = None

    @model_validator(mode="after")
    def _tls_is_whole(self) -> "WebhookSettings":
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key go together (PEM files); give both or neither")
        if self.listen is not None and self.certificate is None and not _is_loopback(self.listen):
            raise ValueError(
                "listen: without a certificate must be on the loopback, behind a proxy that speaks TLS"
            )
        return self


def _is_loopback(listen: str) -> bool:
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class SecureSettings(Settings):
    """The secure zone: one process and its relay workers."""

    database: str | None = None
    database_password: Secret | None = None
    socket: Path | None = None
    keys: KeySettings = KeySettings()
    sip: SipSettings = SipSettings()
    media: MediaSettings = MediaSettings()
    recordings: RecordingSettings = RecordingSettings()
    webhooks: WebhookSettings = WebhookSettings()
    drain_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    routes: tuple[RouteSettings, ...] = ()


class DeskSettings(Settings):
    """The desk zone: merchant API and panel."""

    listen: HostPort = "127.0.0.1:8080"
    database: str | None = None
    database_password: Secret | None = None
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/]+$")] | None = None
    recording_webhook: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    recording_webhook_secret: Secret | None = None

    @model_validator(mode="after")
    def _webhook_is_whole(self) -> "DeskSettings":
        if (self.recording_webhook is None) != (self.recording_webhook_secret is None):
            raise ValueError(
                "recording_webhook and recording_webhook_secret go together; give both or neither"
            )
        return self


class AccountSettings(Settings):
    """A merchant."""

    id: Slug
    name: Annotated[str, Field(min_length=1, max_length=100)]
    currency: str = "GBP"
    country_code: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")] | None = None
    gateway: GatewayName = "simulator"
    gateway_timeout_s: Timeout = 20.0
    stripe: StripeSettings = StripeSettings()
    braintree: BraintreeSettings = BraintreeSettings()
    worldpay: WorldpaySettings = WorldpaySettings()
    generic: GenericSettings = GenericSettings()
    brands: tuple[Brand, ...] = tuple(Brand)
    postal_code: bool = False
    time_zone: TimeZoneName = "UTC"
    verify_cards: bool = False
    token_unused_days: Annotated[int, Field(ge=1, le=3650)] | None = None

    @model_validator(mode="after")
    def _gateway_is_whole(self) -> "AccountSettings":
        tables = {
            "stripe": self.stripe,
            "braintree": self.braintree,
            "worldpay": self.worldpay,
            "generic": self.generic,
        }
        if wrong := shortcoming(self.gateway, tables.get(self.gateway)):
            raise ValueError(wrong)
        return self

    @model_validator(mode="after")
    def _known_currency(self) -> "AccountSettings":
        if self.currency not in MINOR_DIGITS:
            raise ValueError(
                "currency: not an ISO 4217 code that Tonevault charges in; write for example GBP, EUR or USD"
            )
        return self


class TonevaultSettings(Settings):
    """The configuration file."""

    data_dir: Path = Path("var")
    boundary_secret: Secret | None = None
    log: LogSettings = LogSettings()
    secure: SecureSettings = SecureSettings()
    desk: DeskSettings = DeskSettings()
    accounts: tuple[AccountSettings, ...] = ()

    @field_validator("boundary_secret")
    @classmethod
    def _secret_is_long(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < MIN_TOKEN_CHARS:
            raise ValueError(
                f"holds fewer than {MIN_TOKEN_CHARS} characters; make one with `openssl rand -hex 32`, or leave the "
                "setting out where one machine runs both zones"
            )
        return secret

    @model_validator(mode="after")
    def _routes_lead_to_accounts(self) -> "TonevaultSettings":
        known = {each.id for each in self.accounts}
        if len(known) != len(self.accounts):
            raise ValueError("accounts: each id may stand once")
        names = [each.name for each in self.secure.routes]
        if len(set(names)) != len(names):
            raise ValueError("secure.routes: each name may stand once")
        for place, route in enumerate(self.secure.routes):
            if route.account not in known:
                raise ValueError(f"secure.routes[{place}].account: is not the id of an [[accounts]] table")
        return self
