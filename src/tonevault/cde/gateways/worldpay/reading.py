"""What Worldpay's answers mean: each outcome and each recorded event as one of the port's values. Pure."""

from dataclasses import replace
from typing import Final

from tonevault.cde.gateway import Authorisation, Check, Code, GatewayAnswer, Kind, Verdict
from tonevault.cde.gateways.worldpay import codes
from tonevault.cde.gateways.worldpay.queries import Record
from tonevault.plumbing.https_line import Reply, Silence

UNREACHED: Final = GatewayAnswer(Verdict.FAILED, code=Code.PROCESSING_ERROR)
SILENT: Final = GatewayAnswer(Verdict.UNKNOWN)
CALLED_OFF: Final = GatewayAnswer(Verdict.FAILED, code=Code.CANCELED)
REFUSED: Final = {
    Kind.CAPTURE: Code.NOT_CAPTURABLE,
    Kind.VOID: Code.NOT_VOIDABLE,
    Kind.REFUND: Code.NOT_REFUNDABLE,
}
"""Why a follow-up that Worldpay would not do was declined."""
CHALLENGES: Final = frozenset(
    {"3dsDeviceDataRequired", "3dsChallenged", "3dsAuthenticationFailed", "3dsUnavailable"}
)


def silence(reply: Reply | Silence) -> GatewayAnswer | None:
    """The answer where nobody gave one that can be believed, else None."""
    if reply is Silence.NOT_SENT:
        return UNREACHED
    if isinstance(reply, Silence) or reply.status >= 500:
        return SILENT
    return None


def payment(reply: Reply, request: Authorisation) -> GatewayAnswer:
    """The outcome of a payment request that was answered."""
    if reply.status >= 300:
        return GatewayAnswer(Verdict.FAILED, code=codes.error(reply))
    card = request.card
    code_check, postal_check, address_check = codes.checks(
        reply,
        code=card.security_code is not None,
        postal_code=card.billing.postal_code is not None,
        address=card.billing.address_line is not None,
    )
    answer = GatewayAnswer(
        Verdict.DECLINED,
        gateway_reference=_text(reply, "paymentId") or request.reference,
        security_code_check=code_check,
        postal_code_check=postal_check,
        address_check=address_check,
        scheme_reference=_text(reply, "scheme", "reference") or _text(reply, "schemeReference"),
    )
    match reply.get("outcome"):
        case "sentForSettlement":
            return replace(answer, verdict=Verdict.APPROVED)
        case "authorized":
            return replace(answer, verdict=Verdict.APPROVED, taken=False)
        case "refused":
            advice = codes.ADVICE.get(str(reply.get("advice", "code")))
            return replace(answer, code=codes.refusal(reply.get("refusalCode")), final=advice)
        case "sentForCancellation":
            return mismatched(answer)
        case "fraudHighRisk":
            return replace(answer, code=Code.ACQUIRER_REJECTED)
        case str() as outcome if outcome in CHALLENGES:
            return replace(answer, code=Code.AUTHENTICATION_REQUIRED)
        case _:
            return SILENT


def has_mismatch(answer: GatewayAnswer) -> bool:
    """Whether the issuer approved although something that was given does not match: Worldpay cancels such a payment itself."""
    checks = (answer.security_code_check, answer.postal_code_check, answer.address_check)
    return answer.verdict is Verdict.APPROVED and Check.FAILED in checks


def mismatched(answer: GatewayAnswer) -> GatewayAnswer:
    """The decline that a mismatch is."""
    return replace(answer, verdict=Verdict.DECLINED, code=_mismatch(answer))


def let_go(record: Record, answer: GatewayAnswer, why: Code) -> GatewayAnswer:
    """The decline of a payment that was held, did not match, and is held no more. What was taken all the same stays taken."""
    if (
        answer.verdict is Verdict.UNKNOWN
        or record.has("sale", "Succeeded")
        or record.has("settlement", "Requested")
    ):
        return answer
    return replace(answer, verdict=Verdict.DECLINED, code=why, taken=True)


def _mismatch(answer: GatewayAnswer) -> Code:
    if answer.security_code_check is Check.FAILED:
        return Code.INCORRECT_SECURITY_CODE
    if answer.postal_code_check is Check.FAILED:
        return Code.POSTAL_CODE_MISMATCH
    if answer.address_check is Check.FAILED:
        return Code.ADDRESS_MISMATCH
    return Code.ACQUIRER_REJECTED


def recorded(record: Record) -> GatewayAnswer:
    """How a payment ended by its events. One that was cancelled, by Worldpay for a mismatch or by us, took nothing."""
    for stem in ("authorization", "sale"):
        if record.has(stem, "Succeeded"):
            answer = GatewayAnswer(
                Verdict.APPROVED,
                gateway_reference=record.payment_id,
                scheme_reference=record.scheme_reference,
                taken=not record.is_held,
            )
            if record.has("cancellation", "Requested") and not record.has(
                "cancellation", "Failed", "TimedOut"
            ):
                return replace(answer, verdict=Verdict.DECLINED, code=Code.ACQUIRER_REJECTED)
            return answer
        if record.has(stem, "Refused"):
            code = next((each.code for each in record.events if each.code is not None), None)
            return GatewayAnswer(Verdict.DECLINED, record.payment_id, codes.refusal(code))
        if record.has(stem, "Failed", "TimedOut"):
            return GatewayAnswer(Verdict.FAILED, record.payment_id, Code.PROCESSING_ERROR)
    return SILENT


def followed(record: Record, kind: Kind, reference: str) -> GatewayAnswer | None:
    """How a capture, refund or void of ours stands; None where Worldpay has none."""
    event = record.follow_up(kind, reference)
    if event is None:
        return None
    if event.ending in ("Failed", "TimedOut"):
        return GatewayAnswer(Verdict.DECLINED, record.payment_id, REFUSED[kind])
    return GatewayAnswer(Verdict.APPROVED, record.payment_id)


def _text(reply: Reply, *path: str) -> str | None:
    found = reply.get(*path)
    return found if isinstance(found, str) and found else None
