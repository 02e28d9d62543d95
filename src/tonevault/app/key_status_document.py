"""`tonevault keys status --json`: one object whose names stay. It holds names, states, ages and counts, and no key."""

from datetime import UTC, datetime

from tonevault.app.key_status import KeyStatus
from tonevault.cde.keys.census import AccountLine, KekLine
from tonevault.cde.keys.model import Ceremony, Custodian


def status_document(status: KeyStatus) -> dict[str, object]:
    """Times are RFC 3339 in UTC, ages whole days; what is not known or does not apply is null."""
    return {
        "at": _moment(status.at),
        "custody": {
            "kind": status.settings.custody,
            "before": status.settings.custody_before,
            "works": status.custody_fault is None,
            "fault": status.custody_fault,
        },
        "key_encrypting_keys": [_kek(status, line) for line in status.census.keks],
        "unregistered_keys": status.strangers,
        "account_keys": [_key(status, line) for line in status.census.keys],
        "custodians": [_custodian(status, each) for each in status.custodians],
        "waiting_ceremonies": [_ceremony(each) for each in status.waiting],
    }


def _kek(status: KeyStatus, line: KekLine) -> dict[str, object]:
    kek, remark = line.kek, status.of_kek(line)
    return {
        "key_id": kek.key_id,
        "custody": kek.custody.value,
        "state": kek.state.value,
        "made_at": _moment(kek.made_at),
        "retired_at": None if kek.retired_at is None else _moment(kek.retired_at),
        "age_days": line.age(status.at).days,
        "cryptoperiod_days": status.kek_period.days,
        "with_custody": None if status.there is None else kek.key_id in status.there,
        "wraps": line.wraps,
        "remark": remark and remark.value,
    }


def _key(status: KeyStatus, line: AccountLine) -> dict[str, object]:
    remark = status.of_key(line)
    return {
        "account": line.account,
        "purpose": line.purpose.value,
        "epoch": line.epoch,
        "state": "in_force" if line.in_force else "superseded",
        "made_at": _moment(line.made_at),
        "age_days": (status.at - line.made_at).days,
        "cryptoperiod_days": status.key_period.days,
        "cards": line.cards,
        "remark": remark and remark.value,
    }


def _custodian(status: KeyStatus, custodian: Custodian) -> dict[str, object]:
    locked = status.is_locked(custodian) and custodian.locked_until
    return {"name": custodian.name, "locked_until": _moment(locked) if locked else None}


def _ceremony(ceremony: Ceremony) -> dict[str, object]:
    return {
        "ceremony_id": ceremony.ceremony_id,
        "act": ceremony.act.value,
        "subject": ceremony.subject,
        "state": ceremony.state.value,
        "proposer": ceremony.proposer,
        "approver": ceremony.approver,
        "proposed_at": _moment(ceremony.proposed_at),
        "expires_at": _moment(ceremony.expires_at),
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
