"""A proxy in front of the edge, as operators run it: Debian's Kamailio takes TLS in, spreads calls, and stays in the dialog."""

from pathlib import Path
from typing import Self

from tests.e2e.peers.certificate import make_certificate
from tests.e2e.peers.ports import LOOPBACK, claim_block
from tests.e2e.peers.process import PeerProcess

_START_TIMEOUT_S = 15.0

_CONFIGURATION = """#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=1
tcp_children=2
enable_tls=yes
tcp_accept_no_cl=no
listen=tls:{host}:{tls}
listen=udp:{host}:{udp}

loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "dispatcher.so"
loadmodule "tls.so"

modparam("tls", "certificate", "{certificate}")
modparam("tls", "private_key", "{key}")
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "verify_certificate", 0)
modparam("tls", "require_certificate", 0)
modparam("dispatcher", "list_file", "{folder}/dispatcher.list")
modparam("rr", "enable_full_lr", 1)

request_route {{
    if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (has_totag()) {{
        if (!loose_route()) {{
            if (is_method("ACK") && t_check_trans()) {{ t_relay(); }}
            exit;
        }}
        xlog("L_NOTICE", "within a dialog: $rm\\n");
        t_relay();
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    t_check_trans();
    record_route();
    if (!ds_select_dst("1", "4")) {{ sl_send_reply("503", "No Edge"); exit; }}
    xlog("L_NOTICE", "a call for the edge at $du\\n");
    t_relay();
}}
"""


class Kamailio:
    """One proxy. `start` it with the edge's address, `stop` it."""

    def __init__(self, folder: Path) -> None:
        self.name = "kamailio"
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._block = claim_block()
        self._process: PeerProcess | None = None

    @property
    def tls_port(self) -> int:
        return self._block.port(0)

    def start(self, edge: str) -> Self:
        """Starts it with the edge's SIP URI as the one destination of its dispatcher."""
        certificate = make_certificate(self._folder, "kamailio")
        (self._folder / "dispatcher.list").write_text(f"1 {edge}\n")
        configuration = self._folder / "kamailio.cfg"
        configuration.write_text(
            _CONFIGURATION.format(
                host=LOOPBACK,
                tls=self.tls_port,
                udp=self._block.port(1),
                folder=self._folder,
                certificate=certificate.certificate_path,
                key=certificate.key_path,
            )
        )
        command = ["kamailio", "-DD", "-E", "-f", str(configuration), "-Y", str(self._folder)]
        command += ["-m", "32", "-M", "4", "-P", str(self._folder / "kamailio.pid")]
        self._process = PeerProcess(self.name, command, self._folder)
        self._process.wait_until("TLS listener", self._listens, _START_TIMEOUT_S)
        return self

    def stop(self) -> None:
        """Ends it with its children."""
        if self._process is not None:
            self._process.stop()
        self._block.release()

    def uri(self, user: str) -> str:
        """What a phone dials to reach the edge through the proxy."""
        return f"sip:{user}@{LOOPBACK}:{self.tls_port};transport=tls"

    def log(self) -> str:
        """What passed, by its own account: methods and destinations alone."""
        return self._process.log() if self._process else ""

    def masked_log(self) -> str:
        return self._process.masked_log() if self._process else ""

    def _listens(self) -> bool | None:
        """Whether the kernel lists its port as a TCP socket that listens."""
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            _, address, _, state, *_ = line.split()
            if address.endswith(f":{self.tls_port:04X}") and state == "0A":
                return True
        return None
