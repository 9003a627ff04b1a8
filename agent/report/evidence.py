"""The parts of a report that others can check: versions, policies by hash, the ledger's proof and its checkpoints."""

from __future__ import annotations

from agent.crypto import fingerprint
from agent.policy.bundle import PolicyDocument
from agent.report.document import Block, Code, Note, Section, Table, Terms, Text, Tone
from agent.report.facts import DeviceFacts, Proof
from agent.report.rules import ROWS, document_of
from agent.report.saying import Saying


def verdict(say: Saying, device: DeviceFacts) -> Note:
    """Whether a device's ledger verifies, and up to where."""
    w, proof = say.words, device.proof
    if proof.verified is None:
        return Note(
            Tone.BAD, w.unverified.format(device=device.device), w.unverified_text.format(fault=proof.fault or "")
        )
    last = proof.last
    if last is None or proof.verified.key is None:
        return Note(Tone.WAIT, w.unsigned.format(device=device.device), w.unsigned_text)
    key = fingerprint(bytes.fromhex(proof.verified.key))
    unsigned = proof.verified.unsigned
    text = w.verified_text.format(
        last=say.number(last.size - 1) if last.size else w.none,
        time=say.minute(last.time_ms),
        behind=w.behind[min(unsigned, 2)].format(n=say.number(unsigned)),
    )
    whose = (w.verified_key if proof.named else w.verified_own_key).format(key=key)
    held = w.space + w.held.format(n=proof.held) if proof.held else ""
    return Note(Tone.GOOD, w.verified.format(device=device.device), text + w.space + whose + held)


def versions(say: Saying, device: DeviceFacts) -> Section:
    """Software and policies that ran, and what the latest policy at hand declares."""
    w = say.words
    blocks = list[Block]()
    if device.starts:
        rows = tuple(
            (Code(each.version), say.minute(each.time_ms), str(each.position)) for each in device.starts[:ROWS]
        )
        more = len(device.starts) - len(rows)
        blocks.append(Table(w.versions_table, w.versions_head, rows, w.more.format(n=say.number(more)) if more else ""))
    else:
        blocks.append(Text(w.no_starts))
    if device.policies:
        blocks.append(
            Table(
                w.policies_table,
                w.policies_head,
                tuple(
                    (
                        str(each.version),
                        say.minute(each.time_ms),
                        Code(each.sha256),
                        w.at_hand if each.document is not None else w.not_at_hand,
                        str(each.position),
                    )
                    for each in device.policies
                ),
            )
        )
    else:
        blocks.append(Text(w.no_policies))
    document = document_of(device)
    if document is not None:
        blocks += [Text(w.policy_terms_title.format(version=document.version)), Terms(_declared(say, document))]
    return Section(w.versions, 3, tuple(blocks))


def ledger(say: Saying, device: DeviceFacts) -> Section:
    """The ledger's proof, in figures that another copy can be compared with."""
    w, proof = say.words, device.proof
    blocks: list[Block] = [verdict(say, device)]
    if proof.verified is not None:
        blocks.append(Terms(_proof(say, device, proof)))
    elif device.first is not None:
        blocks.append(Terms(((w.ledger_terms["period"], _range(say, device)),)))
    if device.checkpoints:
        shown = device.checkpoints if len(device.checkpoints) <= 2 else (device.checkpoints[0], device.checkpoints[-1])
        blocks.append(
            Table(
                w.checkpoints_table,
                w.checkpoints_head,
                tuple((say.minute(each.time_ms), say.number(each.size), Code(each.root)) for each in shown),
                w.checkpoints_caption.format(n=say.number(len(device.checkpoints))),
            )
        )
    if device.first is None:
        blocks.append(Text(w.no_entries))
    if device.other:
        kinds = w.joint.join(f"{kind} {say.number(count)}" for kind, count in device.other.items())
        blocks.append(Note(Tone.WAIT, w.other_kinds, w.other_kinds_text.format(kinds=kinds)))
    days = None if proof.verified is None else proof.verified.dropped_days
    if days is not None:
        blocks.append(Text(w.dropped.format(n=say.number(device.dropped), age=w.day.format(n=days))))
    if device.undated:
        blocks.append(Text(w.undated.format(n=say.number(device.undated))))
    if device.steps_back:
        blocks.append(Text(w.steps_back.format(times=say.times(device.steps_back))))
    return Section(w.ledger, 3, tuple(blocks))


def _proof(say: Saying, device: DeviceFacts, proof: Proof) -> tuple[tuple[str, str], ...]:
    t, verified = say.words.ledger_terms, proof.verified
    assert verified is not None
    kinds = say.words.joint.join(f"{kind} {say.number(count)}" for kind, count in sorted(verified.kinds.items()))
    rows = [(t["size"], f"{say.number(verified.size)} ({kinds})" if kinds else say.number(verified.size))]
    if device.first is not None:
        rows.append((t["period"], _range(say, device)))
    rows += [(t["root"], Code(verified.root)), (t["checkpoints"], say.number(verified.checkpoints))]
    if verified.key is not None:
        rows.append((t["key"], Code(verified.key)))
    return tuple(rows)


def _range(say: Saying, device: DeviceFacts) -> str:
    assert device.first is not None and device.last is not None
    return say.words.range.format(first=say.number(device.first), last=say.number(device.last))


def _declared(say: Saying, document: PolicyDocument) -> tuple[tuple[str, str], ...]:
    w, t = say.words, say.words.policy_terms
    rows = [
        (t["profile"], w.profiles[document.profile]),
        (t["place"], w.places[document.place]),
        (t["purpose"], w.purposes[document.purpose]),
        (t["mode"], w.modes[document.mode]),
        (t["door"], document.door),
        (t["force"], f"{document.from_:%Y-%m-%d} – {document.until:%Y-%m-%d}"),
        (t["notice"], Code(f"{document.notice.version} {document.notice.sha256}")),
        (t["sign"], document.sign.id),
    ]
    assessment, filing = document.assessment, document.filing
    if assessment is not None:
        dates = f"{assessment.id}, {assessment.on:%Y-%m-%d} – {assessment.until:%Y-%m-%d}"
        rows += [(t["assessment"], dates), (t["assessment_sha256"], Code(assessment.sha256))]
    if filing is not None:
        rows.append((t["filing"], f"{filing.authority}, {filing.number}, {filing.filed:%Y-%m-%d}"))
    retention = document.retention
    rows += [
        (
            t["retention"],
            t["retention_text"].format(
                days=retention.max_days, idle=retention.max_idle_days, ledger=retention.ledger_days
            ),
        ),
        (t["models"], Code(" ".join(f"{each.role} {each.sha256}" for each in document.models))),
        (t["keys"], t["one_key"] if document.single_key else t["several_keys"]),
    ]
    return tuple(rows)
