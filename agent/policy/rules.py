"""Every obligation: one enum member, one small function, in the order in which the gate asks.

Rules: a function returns True (met), False (unmet) or None (unknown). Only True is met; an exception is unmet under the
same ground. The policy's profile says which obligations bind and why (profiles.py); forbid wins, unknown refuses. To
add a rule, add a `Ground`, a row in the profiles, and a function decorated with the ground; its place in the file is
its place in the order. Leaves out: holds (hold.py) and what concerns one face (attempt.py, the gallery's consent).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.policy.circumstances import Circumstances
from agent.policy.declared import Consented, Head, Way
from agent.policy.fields import Mode, Place
from agent.policy.filing import deadline
from agent.policy.grounds import Ground
from agent.policy.law import FOUND, RANGE_UNKNOWN_M, Law, Obligation, Rule, obligation
from agent.policy.location import Gnss
from agent.policy.places import fit

ALLOWED_OUTPUTS: Final = frozenset({"box", "landmarks", "quality", "liveness", "embedding"})
"""All that a model may put out. There is no word here for any trait of a person."""
_DAY_S: Final = 86_400


@obligation(Ground.CLOCK_UNTRUSTED, "the clock is trusted", "let the device reach its site, or set its clock right")
def clock_trusted(law: Law, here: Circumstances) -> bool | None:
    return here.surroundings.unix_s is not None


@obligation(Ground.POLICY_NOT_IN_FORCE, "a signed policy is in its time", "publish a policy whose time has begun")
def policy_in_force(law: Law, here: Circumstances) -> bool | None:
    now = here.surroundings.unix_s
    return None if now is None else law.policy.in_force(now)


@obligation(Ground.LEASE_EXPIRED, "the site's signed lease is fresh", "run 'doorward site renew'; look at the network")
def lease_in_force(law: Law, here: Circumstances) -> bool | None:
    now, until = here.surroundings.unix_s, here.surroundings.lease_until_s
    return None if now is None or until is None else now < until


@obligation(Ground.STOPPED, "no stop order is in force", "wait for its end, or publish a policy that lifts it by id")
def not_stopped(law: Law, here: Circumstances) -> bool | None:
    stopped = here.surroundings.stopped
    return None if stopped is None else not stopped


@obligation(Ground.PLACE_PRIVATE, "the place is no private space", "take the camera away; use a way without a camera")
def place_not_private(law: Law, here: Circumstances) -> bool | None:
    return law.policy.document.place is not Place.PRIVATE_SPACE


@obligation(Ground.PURPOSE_UNFIT, "the purpose is fit for the place", "correct place, purpose or mode; or no faces")
def purpose_fits_place(law: Law, here: Circumstances) -> bool | None:
    document = law.policy.document
    return fit(document.place, document.purpose, document.mode)


@obligation(Ground.NECESSITY_MISSING, "the necessity is stated and in date", "state why it takes faces (necessity)")
def necessity_stated(law: Law, here: Circumstances) -> bool | None:
    necessity, now = law.policy.document.necessity, here.surroundings.unix_s
    return False if necessity is None else None if now is None else necessity.covers(now)


@obligation(Ground.BASIS_UNFIT, "the legal basis holds", "go by consent, or sign a dated record shown on the sign")
def basis_holds(law: Law, here: Circumstances) -> bool | None:
    basis, now = law.policy.document.basis, here.surroundings.unix_s
    if isinstance(basis, Consented):
        return True
    return None if now is None else basis.shown_on_sign and basis.covers(now)


@obligation(
    Ground.MODE_UNJUSTIFIED, "the mode compares faces and is justified", "justify 1:N (identify), or use verify"
)
def mode_justified(law: Law, here: Circumstances) -> bool | None:
    document = law.policy.document
    return document.mode is Mode.VERIFY or (document.mode is Mode.IDENTIFY and document.identify is not None)


@obligation(Ground.ASSESSMENT_MISSING, "an impact assessment has its four heads", "assess, and sign its record")
def assessment_present(law: Law, here: Circumstances) -> bool | None:
    assessment = law.policy.document.assessment
    return assessment is not None and set(assessment.heads) == set(Head)


@obligation(
    Ground.ASSESSMENT_STALE, "the assessment is in date, after any incident", "assess again, and sign its record"
)
def assessment_fresh(law: Law, here: Circumstances) -> bool | None:
    assessment, now = law.policy.document.assessment, here.surroundings.unix_s
    if assessment is None or now is None:
        return None
    made_s, most = assessment.on.timestamp(), law.profile.assessment_days
    young = most is None or now < made_s + most * _DAY_S
    return young and assessment.covers(now) and (law.incident_s is None or law.incident_s < made_s)


@obligation(
    Ground.ASSESSMENT_UNFIT, "the assessment is of what runs", "assess purpose, mode, models and zones as they are"
)
def assessment_fits(law: Law, here: Circumstances) -> bool | None:
    document, models = law.policy.document, here.surroundings.models
    if document.assessment is None or models is None:
        return None
    scope = document.assessment.scope
    return (
        (scope.purpose, scope.mode) == (document.purpose, document.mode)
        and set(scope.models) == models.hashes(attacks=document.pad is not None)
        and set(scope.zones) == {zone.id for zone in document.zones}
    )


@obligation(
    Ground.NOTICE_INCOMPLETE, "the notice is complete and accessible", "fill in its texts and an accessible form"
)
def notice_complete(law: Law, here: Circumstances) -> bool | None:
    notice = law.policy.document.notice
    return len(notice.texts) >= law.profile.languages and bool(notice.accessible) and law.policy.notice_is_its_hash


@obligation(
    Ground.NOTICE_MISMATCH, "the sign refers to this notice", "mount a sign of the present notice and attest it"
)
def notice_on_sign(law: Law, here: Circumstances) -> bool | None:
    document = law.policy.document
    return document.sign.notice_sha256 == document.notice.sha256


@obligation(Ground.ALTERNATIVE_MISSING, "a way in without a face works", "offer a pass or staff, try it, and sign that")
def alternative_works(law: Law, here: Circumstances) -> bool | None:
    document, now = law.policy.document, here.surroundings.unix_s
    if now is None:
        return None
    passes = here.surroundings.codes_read is True and any(
        document.door in key.doors and now < key.until.timestamp() for key in document.pass_keys
    )
    return any(each.covers(now) and (each.way is not Way.PASS or passes) for each in document.alternatives)


@obligation(Ground.RETENTION_TOO_LONG, "templates are kept no longer than allowed", "shorten retention")
def retention_short(law: Law, here: Circumstances) -> bool | None:
    return not law.profile.laxer(law.policy.document.retention)


@obligation(Ground.FILING_OVERDUE, "a filing duty is kept", "file with the authority, and sign the filing's record")
def filing_kept(law: Law, here: Circumstances) -> bool | None:
    around, filing, most = here.surroundings, law.policy.document.filing, law.profile.filing_at
    if most is None:
        return True
    if around.stock is None:
        return None
    if around.stock < most or (filing is not None and around.stock <= filing.covers_people):
        return True
    if around.crossed_s is None or around.unix_s is None:
        return None
    return not deadline(around.crossed_s).passed(around.unix_s)


@obligation(
    Ground.GALLERY_TOO_LARGE,
    "the threshold is for a gallery of this size",
    "publish an operating point that covers so many (search), or compare with one person only (verify)",
)
def gallery_covered(law: Law, here: Circumstances) -> bool | None:
    return law.covers(here.surroundings.stock)


def room_for_one_more(law: Law, stock: int | None) -> bool:
    """Whether one more person may be enrolled: below the threshold, or within what was filed (Measures art. 15).

    None, a stock that could not be counted, is too many.
    """
    filing, most = law.policy.document.filing, law.profile.filing_at
    if most is None:
        return True
    return stock is not None and (stock < most or (filing is not None and stock < filing.covers_people))


@obligation(
    Ground.LOCATION_UNKNOWN, "the position is attested or known with its error", "wait for a fix, or have it surveyed"
)
def location_known(law: Law, here: Circumstances) -> bool | None:
    location = law.policy.document.location
    if not isinstance(location, Gnss):
        return True
    fix = here.surroundings.fix
    if fix is None or law.spot(here) is None:
        return None
    return 0 <= here.captured_ns - fix.taken_ns <= location.max_age_s * 1e9


@obligation(
    Ground.IN_ZONE, "position and view are clear of every zone in force", "move or turn the device, or correct zones"
)
def outside_zones(law: Law, here: Circumstances) -> bool | None:
    spot, document = law.spot(here), law.policy.document
    if spot is None:
        return None
    if law.reached(spot, document.margin_m, here):
        return False
    # What a camera sees of which nobody knows how it looks is the next rule's question.
    return True if document.pose is None else law.clear(here)


@obligation(
    Ground.VIEW_UNKNOWN, "what the camera sees of a zone near it is known", "measure the camera's pose, and sign it"
)
def view_known(law: Law, here: Circumstances) -> bool | None:
    spot, document = law.spot(here), law.policy.document
    if document.pose is not None:
        return True if spot is None or law.clear(here) is not None else None
    return None if spot is None else not law.reached(spot, document.margin_m + RANGE_UNKNOWN_M, here)


@obligation(Ground.DEVICE_MOVED, "the device has not been moved", "mount it as it was attested, or attest it anew")
def not_moved(law: Law, here: Circumstances) -> bool | None:
    moved = here.surroundings.moved
    return None if moved is None else not moved


@obligation(Ground.TAMPERED, "the housing is closed", "look at the device before closing it; look at its contact")
def not_tampered(law: Law, here: Circumstances) -> bool | None:
    tampered = here.surroundings.tampered
    return None if tampered is None else not tampered


@obligation(Ground.SIGN_MISSING, "the sign is in place", "put the sign back, or have it inspected")
def sign_in_force(law: Law, here: Circumstances) -> bool | None:
    sign, now = law.policy.document.sign, here.surroundings.unix_s
    if sign.until is not None and (now is None or now >= sign.until.timestamp()):
        return None if now is None else False
    inspection = sign.inspection
    if inspection is not None and now is not None and inspection.covers(now):
        return True
    return None if here.sign is None else here.sign.in_place


@obligation(
    Ground.SIGN_FORBIDS,
    "no no-recognition sign is in view, and no such card that may be anybody's",
    "find out who asks not to be recognised, and why",
)
def no_forbidding_sign(law: Law, here: Circumstances) -> bool | None:
    return None if here.sign is None else not here.sign.forbidding


@obligation(Ground.MODEL_NOT_ALLOWED, "the policy names both models", "run 'doorward models verify'; name their hashes")
def models_allowed(law: Law, here: Circumstances) -> bool | None:
    models, policy = here.surroundings.models, law.policy
    if models is None:
        return None
    return policy.allows_model("detector", models.detector) and policy.allows_model("embedder", models.embedder)


@obligation(Ground.PAD_MISSING, "prints and screens are looked for as asked", "name the hash of a model of role pad")
def attacks_looked_for(law: Law, here: Circumstances) -> bool | None:
    return law.looks_for_attacks(here.surroundings.models)


@obligation(Ground.OUTPUT_NOT_ALLOWED, "models tell nothing of a person's traits", "use models without other outputs")
def outputs_allowed(law: Law, here: Circumstances) -> bool | None:
    models = here.surroundings.models
    return None if models is None else bool(models.outputs) and models.outputs <= ALLOWED_OUTPUTS


@obligation(Ground.MODEL_FAILED, "no model has failed of late", "wait; then see to memory and 'models verify'")
def models_work(law: Law, here: Circumstances) -> bool | None:
    return here.surroundings.models_work


@obligation(Ground.KEYS_NOT_SEALED, "the keys are sealed", "give the device a key source that opens")
def keys_sealed(law: Law, here: Circumstances) -> bool | None:
    return here.surroundings.keys_sealed


@obligation(Ground.LEDGER_UNWRITABLE, "the ledger can be written", "free disk space; replace a failing disk")
def ledger_writable(law: Law, here: Circumstances) -> bool | None:
    return here.surroundings.ledger_writable


OBLIGATIONS: Final[tuple[Obligation, ...]] = tuple(FOUND)


def unmet(law: Law | None, here: Circumstances, among: Sequence[Obligation] = OBLIGATIONS) -> tuple[Ground, ...]:
    """Every unmet ground in the gate's order; empty means that all obligations are met."""
    if law is None:
        return (Ground.NO_POLICY,)
    return tuple(each.ground for each in among if law.binds(each.ground) and answer(each.rule, law, here) is not True)


def answer(rule: Rule, law: Law, here: Circumstances) -> bool | None:
    """What a rule says; anything but True refuses."""
    try:
        return rule(law, here)
    except Exception:  # an exception in a rule is a refusal under the rule's own ground, never a crash and never a skip
        return False
