"""The fixed words of a sign by language; everything else on it is the notice's own text.

Plain words, no coaxing (Measures art. 12): a sign tells, it does not advertise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    by_consent: str
    by_statute: str
    who: str
    purpose: str
    necessity: str
    data: str
    kept: str
    effect: str
    rights: str
    complaint: str
    alternative: str
    basis: str
    marked: str
    """With `{seconds}`: how a person opts in where the door recognises by the face alone (1:N)."""
    marked_with_pass: str
    """The same where a pass names the person first (1:1)."""
    outside: str
    valid: str
    """With `{date}`."""
    code: str
    mark: str
    refusing: str
    refusing_text: str
    hold: str
    alone: str
    """Title of one person's own card; its two texts follow."""
    alone_text: str
    alone_else: str


WORDS: Final[Mapping[str, Words]] = {
    "en": Words(
        title="Face recognition at this door",
        by_consent="Only for people who agreed to it. Nobody has to.",
        by_statute="On the legal basis named below.",
        who="Who answers for it",
        purpose="What for",
        necessity="Why faces",
        data="What happens to your data",
        kept="How long it is kept",
        effect="What it means for you",
        rights="Your rights, and whom to ask",
        complaint="Where to complain",
        alternative="Without your face",
        basis="Legal basis",
        marked="Step into the marked space only if you want to be recognised, and look at the camera for {seconds} s.",
        marked_with_pass="If you want to be recognised, show your pass, step into the marked space, "
        "and look at the camera for {seconds} s.",
        outside="Whoever stays outside it is not recognised.",
        valid="Valid until {date}",
        code="Signed code: says which notice this sign stands for.",
        mark="The camera looks for this mark. Without it, nobody is recognised.",
        refusing="No face recognition",
        refusing_text="While a Doorward camera sees this sign, it recognises nobody.",
        hold="Hold it so that the camera sees the whole square.",
        alone="Do not recognise me",
        alone_text="A Doorward camera that sees this card leaves alone whoever holds it before their chest.",
        alone_else="While it cannot tell whose card it is, it recognises nobody.",
    ),
    "zh-Hans": Words(
        title="此门使用人脸识别",
        by_consent="仅识别已同意的人。任何人都可以不同意。",
        by_statute="依据下列法律规定。",
        who="由谁负责",
        purpose="处理目的",
        necessity="为何使用人脸",
        data="如何处理您的信息",
        kept="保存期限",
        effect="对您的影响",
        rights="您的权利与联系方式",
        complaint="投诉途径",
        alternative="不使用人脸的方式",
        basis="法律依据",
        marked="只有愿意被识别时，才请站入标记区域，面向摄像头停留 {seconds} 秒。",
        marked_with_pass="愿意被识别时，请先出示通行码，再站入标记区域，面向摄像头停留 {seconds} 秒。",
        outside="站在区域外的人不会被识别。",
        valid="有效期至 {date}",
        code="签名二维码：说明本告示对应哪一份告知内容。",
        mark="摄像头须看到此标记；看不到时不识别任何人。",
        refusing="禁止人脸识别",
        refusing_text="Doorward 摄像头看到本标志期间，不识别任何人。",
        hold="请举起卡片，让摄像头看到整个方块。",
        alone="请勿识别我",
        alone_text="Doorward 摄像头看到本卡时，不识别将其举在胸前的人。",
        alone_else="无法判断持卡人时，不识别任何人。",
    ),
    "de": Words(
        title="Gesichtserkennung an dieser Tür",
        by_consent="Nur für Menschen, die zugestimmt haben. Niemand muss.",
        by_statute="Auf der unten genannten Rechtsgrundlage.",
        who="Wer verantwortlich ist",
        purpose="Wozu",
        necessity="Warum Gesichter",
        data="Was mit Ihren Daten geschieht",
        kept="Wie lange sie bleiben",
        effect="Was es für Sie bedeutet",
        rights="Ihre Rechte, und wen Sie fragen",
        complaint="Wo Sie sich beschweren",
        alternative="Ohne Ihr Gesicht",
        basis="Rechtsgrundlage",
        marked="Treten Sie nur in die markierte Fläche, wenn Sie erkannt werden möchten, "
        "und sehen Sie {seconds} s in die Kamera.",
        marked_with_pass="Wenn Sie erkannt werden möchten: Pass zeigen, in die markierte Fläche treten, "
        "{seconds} s in die Kamera sehen.",
        outside="Wer außerhalb bleibt, wird nicht erkannt.",
        valid="Gültig bis {date}",
        code="Signierter Code: sagt, für welchen Hinweis dieses Schild steht.",
        mark="Die Kamera sucht dieses Zeichen. Ohne es wird niemand erkannt.",
        refusing="Keine Gesichtserkennung",
        refusing_text="Solange eine Doorward-Kamera dieses Schild sieht, erkennt sie niemanden.",
        hold="So halten, dass die Kamera das ganze Quadrat sieht.",
        alone="Mich nicht erkennen",
        alone_text="Eine Doorward-Kamera, die diese Karte sieht, lässt in Ruhe, wer sie vor der Brust hält.",
        alone_else="Solange sie nicht weiß, wessen Karte es ist, erkennt sie niemanden.",
    ),
}
