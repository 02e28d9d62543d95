"""A lost share made again from the two that are left. Refuses to write over a share, and to trust two that do not fit together."""

from tonevault.cde.custodies.file import sharing
from tonevault.cde.custodies.file.custody import join_shares, key_check
from tonevault.cde.custodies.file.share import SUFFIX, Holder, Passphrases, SharePaths
from tonevault.cde.custodies.file.share_file import read_share, require_long_passphrases, write_share
from tonevault.cde.key_custody import KeyCustodyError


def recover_shares(paths: SharePaths, lost: Holder, passphrases: Passphrases) -> tuple[str, ...]:
    """Write every share of `lost` that is missing from its folder; the ids of the keys it belongs to.

    The share is the one that was lost, bit for bit, so the two others stay as they are. Raises KeyCustodyError when a share of
    the two others is missing or does not fit, and when nothing is lost.
    """
    missing, left = missing_shares(paths, lost), _others(lost)
    require_long_passphrases(passphrases)
    recovered, faults = [], []
    for key_id in missing:
        try:
            _recover(paths, lost, left, key_id, passphrases)
            recovered.append(key_id)
        except KeyCustodyError as error:
            faults.append(error)
    # A rotation that was killed leaves a key with a share or two, which was never in force and hinders nobody.
    if not recovered:
        raise faults[0]
    return tuple(recovered)


def missing_shares(paths: SharePaths, lost: Holder) -> list[str]:
    """The ids of the keys that the two others have shares of and `lost` has none. Raises KeyCustodyError when there is none."""
    left = _others(lost)
    known = {
        path.name.removesuffix(SUFFIX) for holder in left for path in paths.of(holder).glob(f"*{SUFFIX}")
    }
    missing = sorted(key_id for key_id in known if not paths.share(lost, key_id).exists())
    if not missing:
        raise KeyCustodyError(
            f"no share of {lost.words} is missing from {paths.of(lost)}; to replace a damaged one, move it away first"
            if known
            else f"no share lies in {paths.of(left[0])} or {paths.of(left[1])}; "
            f"put the shares of {left[0].words} and {left[1].words} there"
        )
    return missing


def _others(lost: Holder) -> tuple[Holder, ...]:
    return tuple(holder for holder in Holder if holder is not lost)


def _recover(
    paths: SharePaths, lost: Holder, left: tuple[Holder, ...], key_id: str, passphrases: Passphrases
) -> None:
    key = join_shares(paths, left, key_id, passphrases)
    try:
        check = key_check(key)
    finally:
        key[:] = bytes(len(key))
    shares = {holder.value: read_share(paths, holder, key_id, passphrases)[0] for holder in left}
    body = sharing.rebuild(shares, lost.value)
    write_share(paths, lost, key_id, check, body=body, passphrases=passphrases)
