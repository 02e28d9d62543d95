"""Which call a dialog belongs to, and which addresses the far ends of live dialogs have, so that they are admitted while they last."""

from collections import Counter
from dataclasses import dataclass

from tonevault.cde.edge.call import Call
from tonevault.cde.edge.leg import MAX_FORKS, CallLeg
from tonevault.cde.wire.sip.dialog import Dialog, DialogId
from tonevault.cde.wire.sip.errors import SipError
from tonevault.cde.wire.sip.message import Response
from tonevault.kernel.ids import CallId


@dataclass(frozen=True, slots=True)
class DialogEntry:
    """One dialog, its call and leg, and the hosts of its far end when it was last looked at."""

    call: Call
    leg: CallLeg
    dialog: Dialog
    hosts: frozenset[str]


class DialogTable:
    """All dialogs of all calls, early ones included."""

    def __init__(self) -> None:
        self._entries: dict[DialogId, DialogEntry] = {}
        self._of_call: dict[CallId, set[DialogId]] = {}
        self._hosts: Counter[str] = Counter()

    def enter(self, call: Call, leg: CallLeg, dialog: Dialog) -> None:
        """Remember a dialog; again after its far end named a new Contact."""
        self._drop(dialog.id)
        hosts = frozenset({dialog.remote_target.host, dialog.next_hop.host})
        self._entries[dialog.id] = DialogEntry(call, leg, dialog, hosts)
        self._of_call.setdefault(call.id, set()).add(dialog.id)
        self._hosts.update(hosts)

    def find(self, name: DialogId) -> DialogEntry | None:
        """The dialog that an incoming request names."""
        return self._entries.get(name)

    def is_far_end(self, host: str) -> bool:
        """Whether a remembered dialog's peer is at this address."""
        return host in self._hosts

    def fork(self, call: Call, leg: CallLeg, response: Response) -> Dialog | None:
        """The dialog of a dialled leg that a response belongs to, made when it is new.

        None for a response without a To tag or Contact, and for early dialogs beyond MAX_FORKS.
        """
        tag = response.to.tag
        if tag is None:
            return None
        dialog = leg.forks.get(tag)
        if dialog is None and (len(leg.forks) < MAX_FORKS or response.is_success):
            try:
                dialog = Dialog.as_caller(leg.invite, response)
            except SipError:
                return None
            leg.forks[tag] = dialog
            self.enter(call, leg, dialog)
        return dialog

    def forget(self, call: Call) -> None:
        """Drop all dialogs of a call."""
        for name in self._of_call.pop(call.id, set()):
            self._drop(name)

    def _drop(self, name: DialogId) -> None:
        entry = self._entries.pop(name, None)
        if entry is None:
            return
        self._hosts.subtract(entry.hosts)
        for host in entry.hosts:
            if self._hosts[host] <= 0:
                del self._hosts[host]
