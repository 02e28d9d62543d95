"""Sets the demo up, keeps it running until Ctrl-C, and clears it away."""

import asyncio
import errno
import os
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

import click

from tonevault.app.databases import upgrade_zones
from tonevault.app.demo.customer import Customer, DemoCard
from tonevault.app.demo.desk_link import DeskLink
from tonevault.app.demo.phone_page import PhonePage
from tonevault.app.demo.place import ACCOUNT, HOST, NoFreePortError, Place, find_place, write_configuration
from tonevault.app.embedded import places, prepare_boundary
from tonevault.app.people import provisioning
from tonevault.app.settings import TonevaultSettings
from tonevault.app.supervisor import Supervisor, both_zones
from tonevault.app.web_server import WebServer
from tonevault.cde.gateways.simulator.cards import CARDS
from tonevault.desk.people.model import Role, Scope
from tonevault.desk.refusal import Refusal
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.settings import SettingsError, load
from tonevault.testing.softphone import PhoneCall, Softphone
from tonevault.testing.softphone.sound import voice

LOGIN: Final = "agent"


async def run_demo(port: int, data_dir: Path | None) -> int:
    """Run until stopped; answers the exit code."""
    try:
        place = find_place(port)
    except NoFreePortError as error:
        raise click.ClickException(str(error)) from None
    with ExitStack() as stack:
        folder = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tonevault-demo-")))
        _make(folder)
        return await _Demo(folder.absolute(), place).run()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason:
        raise SettingsError(
            [
                f"--data-dir: {folder} cannot be written ({reason}); choose a folder of your own, or leave it out"
            ]
        )


class _Demo:
    """One performance: two phones, two zones, one page for the customer's phone."""

    def __init__(self, folder: Path, place: Place) -> None:
        self._folder = folder
        self._place = place
        self._agent_calls: list[PhoneCall] = []
        self._agent = Softphone("agent", f"udp:{HOST}:0", on_call=self._on_agent_call)
        self._customer_phone = Softphone("customer", f"udp:{HOST}:0")

    async def run(self) -> int:
        async with AsyncExitStack() as stack:
            for phone in (self._agent, self._customer_phone):
                await phone.start()
                stack.push_async_callback(phone.stop)
            config = write_configuration(self._folder, self._place, self._agent.uri)
            settings = load(TonevaultSettings, config, {})
            prepare_boundary(places(settings))
            upgrade_zones(settings, "both")
            link, key = await self._people(settings)
            supervisor = Supervisor(both_zones(config))
            zones = asyncio.create_task(supervisor.run())
            stack.push_async_callback(self._stop, supervisor, zones)
            await self._play(key, link, zones)
        return supervisor.exit_code

    async def _play(self, key: str, link: str, zones: "asyncio.Task[int]") -> None:
        desk = DeskLink(f"http://{HOST}:{self._place.desk}", key)
        edge = f"sip:pay@{HOST}:{self._place.sip}"
        customer = Customer(self._customer_phone, edge, _cards())
        page = PhonePage(customer, self._latest_agent_call, link.partition("/login")[0] + "/panel")
        server = WebServer(page.app(), HOST, self._place.phone_page, "the customer's phone page")
        serving = asyncio.create_task(server.serve())
        story = asyncio.create_task(self._tell_story(desk, customer, link))
        try:
            await asyncio.wait({zones, story, serving}, return_when=asyncio.FIRST_COMPLETED)
            if story.done():
                story.result()
        finally:
            story.cancel()
            server.stop()
            await customer.hang_up()
            await asyncio.gather(serving, story, return_exceptions=True)
            await desk.close()

    async def _tell_story(self, desk: DeskLink, customer: Customer, link: str) -> None:
        await desk.ready()
        await desk.add_customer()
        await customer.dial()
        click.echo(
            f"""
Tonevault demo: a live call is up, and the customer has a test card at hand.

  The agent's panel       {link}
  The customer's phone    http://{HOST}:{self._place.phone_page}/

In the panel choose the call, press Start, then Capture beside a field: the customer keys it, and you
see dots where digits would be. Choose another card, or key by hand, on the customer's phone.
What the agent heard is a WAV there: voices, and a beep for every key. Ctrl-C ends the demo.
"""
        )
        await desk.follow(customer)

    async def _people(self, settings: TonevaultSettings) -> tuple[str, str]:
        """A log-in link that works once, and an API key for the customer's robot."""
        async with provisioning(settings) as desk:
            account = AccountId(ACCOUNT)
            try:
                await desk.people.add_user(account, LOGIN, "Demo agent", Role.ADMIN)
            except Refusal as refusal:
                if refusal.code != "login_taken":
                    raise
            ticket = await desk.log_ins.make_ticket(account, LOGIN)
            _, key = await desk.people.create_api_key(account, "demo", list(Scope))
        return f"http://{HOST}:{self._place.desk}/login?ticket={ticket.text}", key.text

    def _on_agent_call(self, call: PhoneCall) -> None:
        self._agent_calls.append(call)
        call.say(voice("agent"))

    def _latest_agent_call(self) -> PhoneCall | None:
        return self._agent_calls[-1] if self._agent_calls else None

    async def _stop(self, supervisor: Supervisor, zones: "asyncio.Task[int]") -> None:
        supervisor.stop()
        await zones


def _cards() -> tuple[DemoCard, ...]:
    """The simulator's documented test cards."""
    return tuple(DemoCard(card.brand.title, card.number, card.outcome.story) for card in CARDS)
