"""Everything that the desk can do, put together from its ports. Chooses no adapter: the process's wiring hands them in."""

from dataclasses import dataclass

from tonevault.boundary.secure_zone import SecureZone
from tonevault.desk.calls.service import CallService
from tonevault.desk.customers.service import CustomerService
from tonevault.desk.events.hub import EventHub
from tonevault.desk.events.service import EventService
from tonevault.desk.idempotency.service import IdempotencyService
from tonevault.desk.ingest import Ingest
from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.desk.link import SecureLink
from tonevault.desk.payments.charges import ChargeService
from tonevault.desk.payments.mirror import PaymentMirror
from tonevault.desk.payments.operations import OperationService
from tonevault.desk.payments.tokens import TokenService
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.log_ins import LogInService
from tonevault.desk.people.passwords import Passwords
from tonevault.desk.people.service import PeopleService
from tonevault.desk.platform import Platform
from tonevault.desk.reconciliations.service import ReconciliationService
from tonevault.desk.recordings.service import RecordingService
from tonevault.desk.schedules.service import ScheduleService
from tonevault.desk.sessions.live import LiveSessions
from tonevault.desk.sessions.mirror import SessionMirror
from tonevault.desk.sessions.policy import PolicyOf, every_brand
from tonevault.desk.sessions.reconcile import SessionReconciler
from tonevault.desk.sessions.service import SessionService
from tonevault.desk.splits.service import SplitService
from tonevault.desk.sweep import Sweeper
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import Entropy
from tonevault.plumbing.sql import Database


@dataclass(frozen=True, slots=True)
class DeskServices:
    """What routes and pages call. `ingest.run()` and `sweeper.run()` are the two tasks that the process keeps running."""

    people: PeopleService
    log_ins: LogInService
    guard: Guard
    customers: CustomerService
    calls: CallService
    sessions: SessionService
    tokens: TokenService
    charges: ChargeService
    operations: OperationService
    reconciliations: ReconciliationService
    schedules: ScheduleService
    splits: SplitService
    events: EventService
    idempotency: IdempotencyService
    recordings: RecordingService
    link: SecureLink
    ingest: Ingest
    sweeper: Sweeper


def make_services(
    database: Database,
    zone: SecureZone,
    *,
    platform: Platform,
    clock: Clock,
    entropy: Entropy,
    secret: bytes,
    secure_cookies: bool = True,
    passwords: Passwords | None = None,
    policy_of: PolicyOf = every_brand,
) -> DeskServices:
    """`secret`: at least 32 random bytes, the same for every node and every start; without it keys and log-ins open nothing.

    `policy_of` says what an account's captures take.
    `secure_cookies` is to be false only where the desk is served over plain HTTP on the loopback.
    """
    digests = KeyedDigest(secret)
    passwords = passwords or Passwords()
    audit = AuditLog(digests, clock)
    events = EventService(database, clock, entropy, EventHub())
    people = PeopleService(database, clock, entropy, digests, audit=audit, passwords=passwords)
    log_ins = LogInService(database, clock, entropy, digests, audit=audit, passwords=passwords)
    recordings = RecordingService(database, platform, clock)
    payments = PaymentMirror(events)
    live = LiveSessions()
    mirror = SessionMirror(
        database, clock, events=events, payments=payments, recordings=recordings, live=live
    )
    sessions = SessionService(
        database,
        zone,
        clock,
        events=events,
        mirror=mirror,
        recordings=recordings,
        live=live,
        audit=audit,
        policy_of=policy_of,
    )
    reconciler = SessionReconciler(database, zone, clock, mirror)
    tokens = TokenService(database, zone, events, payments, audit)
    charges = ChargeService(database, zone, clock, events=events, mirror=payments, tokens=tokens, audit=audit)
    operations = OperationService(database, zone, clock, events=events, mirror=payments, audit=audit)
    schedules = ScheduleService(
        database, clock, entropy, events=events, charges=charges, tokens=tokens, audit=audit
    )
    splits = SplitService(
        database, clock, entropy, events=events, charges=charges, operations=operations, audit=audit
    )
    reconciliations = ReconciliationService(database, zone, events=events, audit=audit)
    calls = CallService(database, zone, clock, events, audit)
    idempotency = IdempotencyService(database, clock, entropy, digests)
    link = SecureLink(clock)
    ingest = Ingest(
        zone,
        link,
        calls=calls,
        sessions=mirror,
        reconciler=reconciler,
        charges=charges,
        operations=operations,
        tokens=tokens,
        reconciliations=reconciliations,
        events=events,
        entropy=entropy,
    )
    sweeper = Sweeper(
        clock,
        link,
        recordings=recordings,
        sessions=mirror,
        reconciler=reconciler,
        charges=charges,
        operations=operations,
        schedules=schedules,
        splits=splits,
        idempotency=idempotency,
        log_ins=log_ins,
    )
    return DeskServices(
        people=people,
        log_ins=log_ins,
        guard=Guard(people, log_ins, secure_cookies=secure_cookies),
        customers=CustomerService(database, clock, events),
        calls=calls,
        sessions=sessions,
        tokens=tokens,
        charges=charges,
        operations=operations,
        reconciliations=reconciliations,
        schedules=schedules,
        splits=splits,
        events=events,
        idempotency=idempotency,
        recordings=recordings,
        link=link,
        ingest=ingest,
        sweeper=sweeper,
    )
