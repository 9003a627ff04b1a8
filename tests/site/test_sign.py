"""The sign: its token, its print, and its attestation, all from real files seen by the real readers."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.adapters.markers import ArucoReader, survey
from agent.adapters.qr import ZxingReader
from agent.crypto import SignSecret, sign_public
from agent.errors import ConfigError
from agent.gallery.passes import base45, judge
from agent.policy.bundle import PolicyDocument, Sign
from agent.policy.signage import FORBIDDING_MARKER, FORBIDDING_TEXT, SignWatch
from agent.site.passes import issue_pass
from agent.site.signs.attest import Look, Reads, mark_in, token_in
from agent.site.signs.fonts import family_for
from agent.site.signs.inspection import demand_own_signature, inspect
from agent.site.signs.making import Kind, make_refusing, make_sign, marker_of
from agent.site.signs.section import section, toml
from agent.site.signs.token import PREFIX, SignFault, SignToken, issue_token, judge_sign, terms_sha256
from agent.site.signs.typeset import lines_of, plain
from agent.units import Luma, Marker, QrText, SiteId
from tests.policy.given import NOW_S, iso, policy
from tests.site.mounted import (
    SECRET,
    SITE,
    TEXTS,
    Camera,
    Printed,
    centre,
    codes_of,
    policy_of,
    printed,
    seen,
)

DAY_S = 86_400
OTHER = SignSecret(b"\x08" * 32)
MARKER_7 = {"id": "sign-1", "marker": {"number": 7, "corners": [[2, 2], [9, 2], [9, 9], [2, 9]], "tolerance_px": 3}}


@cache
def document() -> PolicyDocument:
    return policy_of()


def token(changed: PolicyDocument | None = None, secret: SignSecret = SECRET, days: float = 30.0) -> str:
    """As the authority of the changed policy would print it."""
    told = changed or document()
    keys = (told.pass_keys[0].model_copy(update={"key": sign_public(secret).hex()}),)
    return issue_token(told.model_copy(update={"pass_keys": keys}), secret, marker=7, until_s=NOW_S + days * DAY_S)


def changed(**changes: Any) -> PolicyDocument:
    return policy_of(**changes)


FOREIGN: list[tuple[str, Callable[[], str], SignFault]] = [
    ("another site", lambda: token(changed(site="annex"), OTHER), SignFault.OTHER_SITE),
    ("another site's name under this key", lambda: token(changed(site="annex")), SignFault.OTHER_SITE),
    ("a key of one's own", lambda: token(secret=OTHER), SignFault.FORGED),
    ("another sign", lambda: token(changed(sign=MARKER_7 | {"id": "sign-2"})), SignFault.OTHER_SIGN),
    ("another notice", lambda: token(changed(texts={"en": TEXTS["en"]})), SignFault.OTHER_NOTICE),
    ("another purpose", lambda: token(changed(purpose="staff-entry")), SignFault.OTHER_TERMS),
    ("expired", lambda: token(days=-1.0), SignFault.EXPIRED),
    ("cut short", lambda: token()[:-1], SignFault.MALFORMED),
    ("longer", lambda: token() + "0", SignFault.MALFORMED),
    ("no Base45", lambda: token()[:-1] + "a", SignFault.MALFORMED),
    ("empty", lambda: PREFIX, SignFault.MALFORMED),
]


class TestToken:
    def test_it_says_whose_sign_it_is_and_until_when_and_fits_version_7(self) -> None:
        text = token()
        verdict = judge_sign(text, document(), NOW_S)
        assert isinstance(verdict, SignToken)
        assert verdict.marker == 7 and 0 <= verdict.until_s - (NOW_S + 30 * DAY_S) < 900
        assert len(text) == 178 and segno.make_qr(text, error="m", boost_error=False).version == 7
        assert len(verdict.notice) == len(verdict.terms) == 16

    @pytest.mark.parametrize("make, fault", [(make, fault) for _, make, fault in FOREIGN], ids=[f[0] for f in FOREIGN])
    def test_what_is_not_this_sign_s_is_refused_by_name(self, make: Callable[[], str], fault: SignFault) -> None:
        assert judge_sign(make(), document(), NOW_S) is fault

    def test_it_ends_at_its_quarter_of_an_hour(self) -> None:
        verdict = judge_sign(token(), document(), NOW_S)
        assert isinstance(verdict, SignToken)
        assert judge_sign(token(), document(), verdict.until_s - 0.1) == verdict
        assert judge_sign(token(), document(), verdict.until_s) is SignFault.EXPIRED

    @pytest.mark.parametrize("text", ["", "DW1:123", "DN1", "ds1:" + "0" * 174, "https://example.org", "DS1"])
    def test_other_codes_are_nobody_s_business(self, text: str) -> None:
        assert judge_sign(text, document(), NOW_S) is None

    def test_a_sign_is_no_pass_and_a_pass_no_sign(self) -> None:
        held = issue_pass(document(), SECRET, door="main", from_s=NOW_S, until_s=NOW_S + DAY_S)
        assert judge_sign(held, document(), NOW_S) is None
        assert judge_sign(PREFIX + held[4:], document(), NOW_S) is SignFault.MALFORMED
        as_pass = judge("DW1:" + token()[4:], document().pass_keys, SiteId(SITE), "main", NOW_S, {})  # type: ignore[arg-type]
        assert as_pass is not None and getattr(as_pass, "reason", None) is not None

    def test_a_key_that_the_policy_does_not_name_signs_nothing(self) -> None:
        with pytest.raises(ConfigError, match="does not name this key"):
            issue_token(document(), OTHER, marker=7, until_s=NOW_S)

    @settings(max_examples=300)
    @given(st.text(max_size=200), st.sampled_from(["", PREFIX]), st.floats(allow_nan=True, allow_infinity=True))
    def test_no_text_at_any_time_is_accepted_or_raises(self, text: str, prefix: str, now_s: float) -> None:
        assert not isinstance(judge_sign(prefix + text, document(), now_s), SignToken)

    @settings(max_examples=300)
    @given(st.data())
    def test_no_altered_token_is_accepted(self, data: st.DataObject) -> None:
        good = token()
        place = data.draw(st.integers(len(PREFIX), len(good) - 1))
        sign = data.draw(st.sampled_from(sorted(set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:") - {good[place]})))
        assert not isinstance(judge_sign(good[:place] + sign + good[place + 1 :], document(), NOW_S), SignToken)

    @settings(max_examples=200)
    @given(st.binary(min_size=116, max_size=116))
    def test_no_random_body_is_accepted(self, body: bytes) -> None:
        assert isinstance(judge_sign(PREFIX + base45(body), document(), NOW_S), SignFault)


class TestTerms:
    @pytest.mark.parametrize(
        "changes",
        [
            {"version": 9},
            {"until": iso(NOW_S + 9 * DAY_S)},
            {"margin_m": 9},
            {"sign": {"id": "sign-1", "marker": MARKER_7["marker"] | {"tolerance_px": 9}}},  # type: ignore[dict-item]
            {"devices": [{"id": "gate-2", "signing_key": "5" * 64, "box_key": "6" * 64}]},
            {"alternatives": [{"on": iso(NOW_S), "until": iso(NOW_S + 9 * DAY_S), "way": "staff"}]},
            {"retention": {"max_days": 30, "max_idle_days": 30, "ledger_days": 200}},
        ],
    )
    def test_what_promises_nothing_leaves_a_sign_as_it_is(self, changes: dict[str, Any]) -> None:
        assert terms_sha256(policy_of(**changes)) == terms_sha256(document())

    @pytest.mark.parametrize(
        "changes",
        [
            {"door": "side"},
            {"place": "business-premises"},
            {"purpose": "visitor-entry"},
            {"mode": "verify"},
            {"retention": {"max_days": 31, "max_idle_days": 30}},
            {"alternatives": []},
            {"attempt": document().attempt.model_dump(mode="json") | {"dwell_s": 0.6}},
        ],
    )
    def test_what_people_were_promised_needs_a_new_sign(self, changes: dict[str, Any]) -> None:
        assert terms_sha256(policy_of(**changes)) != terms_sha256(document())


@cache
def made(kind: Kind = "pdf", size: str = "A3") -> bytes:
    data, _ = make_sign(document(), SECRET, kind=kind, size=size, languages=["en", "zh-Hans"], now_s=NOW_S)
    return data


@cache
def sheet(size: str = "A3") -> Printed:
    return printed(made("pdf", size), size)


def drawn(told: PolicyDocument, *languages: str, size: str = "A3", **options: Any) -> str:
    """The text that a reader of the PDF finds, without line breaks."""
    data, _ = make_sign(told, SECRET, kind="pdf", size=size, languages=languages, now_s=NOW_S, **options)
    return text_of(data)


def text_of(data: bytes) -> str:
    return "".join(pypdfium2.PdfDocument(data)[0].get_textpage().get_text_bounded().split())


class TestMaking:
    @pytest.mark.parametrize("size", ["A3", "A4"])
    def test_the_print_says_everything_in_both_languages(self, size: str) -> None:
        text = text_of(made("pdf", size))
        for language in ("en", "zh-Hans"):
            for field, told in TEXTS[language].items():
                assert "".join(told.split()) in text, (language, field)
        for words in (
            "Facerecognitionatthisdoor",
            "此门使用人脸识别",
            "markedspace",
            "标记区域",
            "Validuntil2031-03-17",
        ):
            assert words in text
        assert f"{SITE}·sign-1·main" in text and document().notice.sha256[:16] in text

    @pytest.mark.parametrize("size", ["A3", "A4"])
    def test_mark_and_code_are_read_from_the_print(self, size: str) -> None:
        grey = sheet(size).grey
        frame = codes_of(np.ascontiguousarray(cv2.resize(grey, (640, 905))[425:]))
        assert [each.number for each in ArucoReader().markers(frame, None)] == [marker_of(document())]
        camera = Camera(1920, 1440, 0.7, centre(sheet(size).code_corners()))
        texts = ZxingReader().texts(codes_of(seen(sheet(size), camera, np.random.default_rng(1))))
        assert [type(judge_sign(each.text, document(), NOW_S)) for each in texts] == [SignToken]

    def test_the_mark_has_15_cm_on_a3_and_as_much_as_fits_on_a4(self) -> None:
        assert sheet("A3").mark == pytest.approx(150, abs=0.5)
        assert 70 <= sheet("A4").mark <= 100.5

    def test_the_svg_says_the_same_without_a_font(self, tmp_path: Path) -> None:
        svg = made("svg")
        assert b"<text" not in svg and b"font-family" not in svg
        assert svg.count("码头花园".encode()) == 1, "once, in its description"
        (tmp_path / "sign.svg").write_bytes(svg)
        shot = tmp_path / "sign.png"
        size = "--window-size=1122,1750"  # the page is 1587 high; the window's own height is not all shown
        command = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", size, f"--screenshot={shot}"]
        subprocess.run([*command, str(tmp_path / "sign.svg")], check=True, capture_output=True, timeout=60)
        shown = cv2.imread(str(shot), cv2.IMREAD_GRAYSCALE)
        assert shown is not None
        coarse = [
            np.asarray(cv2.resize(picture, (140, 198), interpolation=cv2.INTER_AREA), np.int16)
            for picture in (shown[:1587], sheet().grey)
        ]  # each draws edges in its own way
        assert np.abs(coarse[0] - coarse[1]).mean() <= 3.0

    def test_files_are_small_and_carry_language_and_title(self) -> None:
        assert len(made()) <= 120_000 and len(made("svg")) <= 600_000
        pdf = pypdfium2.PdfDocument(made())
        assert pdf.get_metadata_dict()["Title"] == "Face recognition at this door"
        assert b"/Lang (en)" in made() and b'xml:lang="en"' in made("svg")

    def test_one_language_fills_the_sheet_alone(self) -> None:
        text = drawn(document(), "zh-Hans", size="A4")
        assert "码头花园住宅合作社" in text and "Hofgarten" not in text

    def test_a_statute_shows_and_no_consent_is_claimed(self) -> None:
        law = "Security of Ports Act, section 4, paragraph 2"
        basis = {
            "kind": "statute", "law": law, "record_sha256": "8" * 64, "shown_on_sign": True,
            "on": iso(NOW_S - DAY_S), "until": iso(NOW_S + 5 * DAY_S),
        }  # fmt: skip
        told = policy_of(basis=basis)
        text = drawn(told, "en")
        assert "".join(law.split()) in text and "Onthelegalbasisnamedbelow" in text and "agreedtoit." not in text
        _, until_s = make_sign(told, SECRET, kind="svg", size="A3", languages=["en"], now_s=NOW_S)
        assert until_s == NOW_S + 5 * DAY_S, "no sign outlasts its legal basis"

    def test_one_to_one_asks_for_the_pass_first(self) -> None:
        assert "showyourpass" in drawn(policy_of(mode="verify"), "en")
        assert "showyourpass" not in drawn(document(), "en")

    def test_the_date_in_the_policy_ends_the_sign(self) -> None:
        told = policy_of(sign=MARKER_7 | {"until": iso(NOW_S + 3 * DAY_S)})
        assert make_sign(told, SECRET, kind="svg", size="A3", languages=["en"], now_s=NOW_S)[1] == NOW_S + 3 * DAY_S
        with pytest.raises(ConfigError, match="is over"):
            make_sign(told, SECRET, kind="svg", size="A3", languages=["en"], now_s=NOW_S + 4 * DAY_S)

    def test_the_mark_s_number_is_the_policy_s_or_always_the_same(self) -> None:
        assert marker_of(policy_of(sign=MARKER_7)) == 7
        inspection = {"inspector": "desk", "inspected": iso(NOW_S), "until": iso(NOW_S + DAY_S)}
        numbers = {marker_of(policy_of(sign={"id": f"s-{n}", "inspection": inspection})) for n in range(60)}
        assert len(numbers) > 20 and max(numbers) < FORBIDDING_MARKER

    @pytest.mark.parametrize(
        "told, languages, options, words",
        [
            ({"mode": "pass"}, ("en",), {}, "recognises nobody"),
            ({}, ("fr",), {}, "has no texts in fr; it has en, zh-Hans"),
            ({"texts": {"en": TEXTS["en"], "fr": TEXTS["en"]}}, ("fr",), {}, "no fixed words in fr"),
            ({"texts": {"en": dict.fromkeys(TEXTS["en"], "See all of it. " * 130)}}, (), {"size": "A4"}, "too long"),
            ({"texts": {"en": TEXTS["en"] | {"rights": "راجع"}}}, (), {}, "of a script that is not set here"),
            ({}, ("zh-Hans",), {"font": Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")}, "has no letter"),
            ({}, ("en",), {"font": Path(__file__)}, "is no font that can be read"),
            ({"texts": {}}, (), {}, "notice.texts: is empty"),
            ({}, ("en", "de", "fr", "zh-Hans"), {}, "4 languages do not fit one sheet"),
        ],
    )
    def test_what_cannot_be_printed_is_one_line(
        self, told: dict[str, Any], languages: tuple[str, ...], options: dict[str, Any], words: str
    ) -> None:
        with pytest.raises(ConfigError, match=words) as error:
            drawn(policy_of(**told), *languages, **options)
        assert "\n" not in str(error.value)

    def test_a_machine_without_fonts_is_told_which_package_to_install(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="apt-get install fonts-wqy-microhei"):
            family_for("码", folders=[str(tmp_path)])

    def test_a_font_of_one_s_own_serves_and_its_bold_is_drawn_with_a_heavier_pen(self) -> None:
        dejavu = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
        own = family_for("door", dejavu)
        assert own.bold is None and own.face(True) is own.regular is own.face(False)
        installed = family_for("door", folders=[str(dejavu.parent)])
        assert installed.bold is not None and installed.face(True).file.path.name == "DejaVuSans-Bold.ttf"
        told = policy_of()
        svg, _ = make_sign(told, SECRET, kind="svg", size="A3", languages=["en"], now_s=NOW_S, font=dejavu)
        assert b"stroke-width" in svg

    def test_lines_break_as_each_script_wants_it(self) -> None:
        face = family_for("码 a").regular
        lines = lines_of("不同意的人不会被识别，也不会因此受到任何不利影响。", face, 3.0, 30.0)
        assert len(lines) == 3 and all(face.width(line, 3.0) <= 33.0 for line in lines)
        assert not any(line[0] in "，。" for line in lines)
        assert lines_of("one two three", face, 3.0, 12.0) == ["one two", "three"]
        assert "".join(lines_of("a" * 60, face, 3.0, 20.0)) == "a" * 60
        assert lines_of("", face, 3.0, 20.0) == []
        assert plain(" a\u0301b\n\tc\u200b ") == "\u00e1b c"


class TestRefusing:
    @pytest.mark.parametrize("size", ["A4", "A6"])
    def test_its_mark_and_code_are_what_devices_obey(self, size: str) -> None:
        data = make_refusing(kind="pdf", size=size, languages=["en", "zh-Hans", "de"], now_s=NOW_S)
        page = pypdfium2.PdfDocument(data)[0]
        grey = page.render(scale=900 / page.get_width(), grayscale=True).to_numpy()
        luma = np.full((1440, 1920), 120, np.uint8)
        luma[60 : 60 + grey.shape[0], 100 : 100 + grey.shape[1]] = grey.reshape(grey.shape[:2])
        frame = codes_of(luma)
        sighting = SignWatch().see(
            frame, ArucoReader(), policy(), [each.text for each in ZxingReader().texts(frame)], due=True
        )
        assert sighting.forbidding
        assert [each.number for each in ArucoReader().markers(frame, None)] == [FORBIDDING_MARKER]
        assert [each.text for each in ZxingReader().texts(frame)] == [FORBIDDING_TEXT]
        assert "禁止人脸识别" in text_of(data)

    def test_a_language_without_words_is_one_line(self) -> None:
        with pytest.raises(ConfigError, match="no fixed words in ja; there are in en"):
            make_refusing(kind="svg", size="A4", languages=["ja"], now_s=NOW_S)


def still(name: str, paper: Printed, number: int = 1, **changes: Any) -> Look:
    """A still of a camera with 1,920 pixels at 1.4 m, read as the command reads it."""
    options = {"distance_m": 1.4, "yaw": 12.0, "pitch": 4.0, "aim": centre(paper.mark_corners())} | changes
    covers = options.pop("covers", ())
    return look(name, seen(paper, Camera(1920, 1440, **options), np.random.default_rng(number), covers=covers))


def look(name: str, luma: Luma) -> Look:
    frame = codes_of(luma)
    return Look(name, survey(frame), ZxingReader().texts(frame))


@cache
def stills() -> tuple[Look, ...]:
    return tuple(still(f"{number}.jpg", sheet(), number) for number in range(4))


def attested(looks: tuple[Look, ...], told: PolicyDocument | None = None) -> Sign:
    found, read_at = token_in(looks, told or document(), NOW_S)
    return section(told or document(), found, mark_in(looks, found, read_at))


class TestAttesting:
    def test_a_mounted_sign_gives_the_section_by_which_the_watch_sees_it(self) -> None:
        made = attested(stills())
        assert made.marker is not None and made.marker.number == marker_of(document())
        assert made.notice_sha256 == document().notice.sha256 and made.inspection is None
        assert made.until is not None and made.until.timestamp() >= NOW_S + 365 * DAY_S
        paper = sheet()
        camera = Camera(640, 480, 1.4, centre(paper.mark_corners()), 12.0, 4.0)
        expected = camera.sees(paper.mark_corners()) - 0.5
        assert np.abs(np.array(made.marker.corners) - expected).max() <= 1.0
        rules = policy(view={"width": 640, "height": 480}, sign=made.model_dump(mode="json"))
        live = codes_of(seen(paper, camera, np.random.default_rng(9), light=0.5))
        assert SignWatch().see(live, ArucoReader(), rules, [], due=True).in_place
        moved = codes_of(seen(paper, replace(camera, off=(60.0, 0.0)), np.random.default_rng(9)))
        assert not SignWatch().see(moved, ArucoReader(), rules, [], due=True).in_place

    def test_the_section_reads_back_as_it_was_written(self) -> None:
        made = attested(stills())
        document = tomllib.loads(toml(made))["sign"]
        back = policy(view={"width": 640, "height": 480}, sign=_as_json(document))
        assert back.document.sign == made

    @pytest.mark.parametrize(
        "told, words",
        [
            ({"site": "annex"}, "another site's sign"),
            ({"sign": MARKER_7 | {"id": "sign-2"}}, "another sign of this site"),
            ({"texts": {"en": TEXTS["en"] | {"rights": "None."}}}, "another notice"),
            ({"purpose": "staff-entry"}, "other terms"),
            ({"pass_keys": [{"key": "4" * 64, "doors": ["main"], "until": iso(NOW_S)}]}, "forged or altered"),
        ],
    )
    def test_a_still_of_another_sign_is_refused_by_name(self, told: dict[str, Any], words: str) -> None:
        with pytest.raises(ConfigError, match=rf"0\.jpg: the sign is refused: .*{words}"):
            token_in(stills(), policy_of(**told), NOW_S)

    def test_an_expired_sign_is_refused_by_name(self) -> None:
        with pytest.raises(ConfigError, match="it has expired"):
            token_in(stills(), document(), NOW_S + 366 * DAY_S)

    @pytest.mark.parametrize("name, make, fault", FOREIGN, ids=[each[0] for each in FOREIGN])
    def test_a_code_in_view_that_does_not_hold_is_refused(
        self, name: str, make: Callable[[], str], fault: SignFault
    ) -> None:
        faked = tuple(replace(each, texts=(QrText(make(), each.texts[0].corners),)) for each in stills())
        with pytest.raises(ConfigError) as error:
            token_in(faked, document(), NOW_S)
        assert fault.value in str(error.value)

    def test_stills_without_a_code_say_what_to_do(self) -> None:
        with pytest.raises(ConfigError, match="no code of a sign can be read"):
            token_in(tuple(replace(each, texts=()) for each in stills()), document(), NOW_S)

    def test_one_readable_code_is_enough(self) -> None:
        blind = tuple(replace(each, texts=()) for each in stills()[1:])
        assert attested((stills()[0], *blind)).marker is not None

    def test_other_codes_in_view_are_nobody_s_business(self) -> None:
        first = stills()[0]
        menu = QrText("https://example.org/menu", first.texts[0].corners)
        assert attested((replace(first, texts=(menu, *first.texts)), *stills()[1:])) == attested(stills())

    def test_two_prints_at_once_are_refused(self) -> None:
        first = stills()[0]
        older = QrText(token(days=3.0), first.texts[0].corners)
        with pytest.raises(ConfigError, match="two prints"):
            token_in((replace(first, texts=(*first.texts, older)), *stills()[1:]), document(), NOW_S)

    @pytest.mark.parametrize(
        "change, words",
        [
            (lambda looks: looks[:2], "2 is too few"),
            (lambda looks: (looks[0], *(_with(each) for each in looks[1:])), "seen in 1 of 4 stills only"),
            (lambda looks: (_with(looks[0], *looks[0].markers * 2), *looks[1:]), "in view twice"),
            (
                lambda looks: tuple(_with(each, _shifted(each.markers[0], 0, -160)) for each in looks),
                "not on one sheet",
            ),
            (lambda looks: (*looks[:3], _with(looks[3], _shifted(looks[3].markers[0], 19, 0))), "differs by"),
        ],
    )
    def test_a_mark_that_cannot_be_measured_is_one_line(
        self, change: Callable[[tuple[Look, ...]], tuple[Look, ...]], words: str
    ) -> None:
        with pytest.raises(ConfigError, match=words):
            attested(change(stills()))

    def test_a_covered_mark_is_not_attested(self) -> None:
        x, y = sheet().mark_corners()[0]
        hidden = tuple(still(f"{n}.jpg", sheet(), n, covers=[(x + 40, y + 40, 70, 70)]) for n in range(3))
        found, read_at = token_in(hidden, document(), NOW_S)
        with pytest.raises(ConfigError, match="seen in 0 of 3"):
            mark_in(hidden, found, read_at)

    def test_the_same_reads_give_the_same_place(self) -> None:
        found, read_at = token_in(stills(), document(), NOW_S)
        reads: Reads = list(read_at)
        assert mark_in(stills(), found, reads) == mark_in(tuple(reversed(stills())), found, reads)


class TestInspection:
    def test_an_inspector_s_own_signature_holds_for_this_sign_notice_and_time_alone(self) -> None:
        signed = inspect(document(), OTHER, inspector="front-desk", now_s=NOW_S, until_s=NOW_S + DAY_S)
        found, _ = token_in(stills(), document(), NOW_S)
        made = section(document(), found, signed)
        assert made.marker is None and made.inspection == signed and signed.covers(NOW_S)
        good = policy_of(sign=made.model_dump(mode="json"))
        demand_own_signature(good)
        for change in (
            {"site": "annex"},
            {"sign": made.model_dump(mode="json") | {"id": "sign-2"}},
            {"sign": made.model_dump(mode="json") | {"notice_sha256": "b" * 64}},
            {"sign": {**made.model_dump(mode="json"), "inspection": _until(signed.model_dump(mode="json"), 2)}},
        ):
            with pytest.raises(ConfigError, match="not the inspector's"):
                demand_own_signature(policy_of(**({"sign": made.model_dump(mode="json")} | change)))

    def test_an_inspection_without_a_signature_is_the_authority_s_word_alone(self) -> None:
        demand_own_signature(policy_of(sign=MARKER_7))
        unsigned = {"inspector": "desk", "inspected": iso(NOW_S), "until": iso(NOW_S + DAY_S)}
        demand_own_signature(policy_of(sign={"id": "s", "inspection": unsigned}))


def _until(inspection: dict[str, Any], days: int) -> dict[str, Any]:
    return inspection | {"until": iso(NOW_S + days * DAY_S)}


def _with(look: Look, *markers: Marker) -> Look:
    return replace(look, markers=markers)


def _shifted(marker: Marker, dx: float, dy: float) -> Marker:
    return replace(marker, corners=tuple((x + dx, y + dy) for x, y in marker.corners))


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json(each) for name, each in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else value
