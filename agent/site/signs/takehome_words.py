"""The fixed words of the sheet that a person takes home, by language; the rest on it is receipt and notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.policy.fields import AgeBand, Purpose


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    subtitle: str
    person: str
    """Before the pseudonym."""
    guardian: str
    age: str
    purpose: str
    time: str
    """Heading; `span` with `{start}` and `{end}`."""
    span: str
    where: str
    transmission: str
    sent: str
    kept_here: str
    withdraw: str
    routes: str
    code: str
    data: str
    kept: str
    effect: str
    alternative: str
    rights: str
    complaint: str
    who: str
    record: str
    """With `{id}` and `{notice}`."""
    purposes: Mapping[Purpose, str]
    ages: Mapping[AgeBand, str]


_ENTRY: Final = (
    Purpose.RESIDENT_ENTRY,
    Purpose.STAFF_ENTRY,
    Purpose.GUEST_ENTRY,
    Purpose.VISITOR_ENTRY,
    Purpose.PUPIL_ENTRY,
    Purpose.IDENTITY_CHECK,
    Purpose.PAYMENT,
    Purpose.BOARDING,
    Purpose.DISPENSER,
    Purpose.PUBLIC_SECURITY,
)


def _purposes(*words: str) -> Mapping[Purpose, str]:
    return dict(zip(_ENTRY, words, strict=True))


def _ages(*words: str) -> Mapping[AgeBand, str]:
    return dict(zip(AgeBand, words, strict=True))


TAKE_HOME: Final[Mapping[str, Words]] = {
    "en": Words(
        title="Your consent to face recognition",
        subtitle="Keep this sheet. You can take your consent back at any time, without giving a reason.",
        person="Who agreed",
        guardian="with guardian",
        age="age",
        purpose="What you agreed to",
        time="From when until when",
        span="{start} to {end} (UTC); it may end earlier, see below how long data are kept",
        where="Where",
        transmission="Whether your template leaves the place where it is made",
        sent="You agreed: it is sent, sealed, to the devices named above, and to no others.",
        kept_here="No. It stays in the device in which it was made.",
        withdraw="How to take it back",
        routes="Hold the code on this sheet before the camera; or ask the operator; or write to the contact below.",
        code="Showing this code to the camera at a door ends your consent there and erases your template there, at "
        "once and without a network. At other doors show it again, or ask the operator. It opens nothing. "
        "Whoever has this sheet can do so for you.",
        data="What happens to your data",
        kept="How long it is kept",
        effect="What it means for you",
        alternative="Without your face",
        rights="Your rights, and whom to ask",
        complaint="Where to complain",
        who="Who answers for it",
        record="Record {id}; notice {notice}",
        purposes=_purposes(
            "Opening the door to residents", "Opening the door to staff", "Opening the door to guests",
            "Opening the door to visitors", "Opening the door to pupils", "Checking an identity", "Paying", "Boarding",
            "Using a dispenser", "Public security",
        ),
        ages=_ages("under 14", "14 to 15", "16 to 17", "adult", "not told"),
    ),
    "zh-Hans": Words(
        title="您对人脸识别的同意",
        subtitle="请保留本页。您可随时撤回同意，无需说明理由。",
        person="同意人",
        guardian="监护人",
        age="年龄",
        purpose="您所同意的用途",
        time="有效期间",
        span="{start} 至 {end}（UTC）；可能提前结束，见下文保存期限",
        where="适用地点",
        transmission="您的模板是否会离开制作地点",
        sent="您已同意：加密后仅发送至上述设备，不发送至其他设备。",
        kept_here="不会。仅保存在制作它的设备内。",
        withdraw="如何撤回",
        routes="将本页二维码出示给摄像头；或告知运营方；或联系下方联系人。",
        code="向某处门口的摄像头出示此码，即在该处撤回您的同意并删除该处模板，立即生效，无需网络。"
        "其他门口请再次出示，或告知运营方。此码不能开门。持有本页者均可代您撤回。",
        data="如何处理您的信息",
        kept="保存期限",
        effect="对您的影响",
        alternative="不使用人脸的方式",
        rights="您的权利与联系方式",
        complaint="投诉途径",
        who="由谁负责",
        record="记录 {id}；告知 {notice}",
        purposes=_purposes(
            "为住户开门", "为员工开门", "为宾客开门", "为访客开门", "为学生开门", "核验身份", "支付", "登机",
            "使用自助取物设备", "公共安全",
        ),
        ages=_ages("未满十四周岁", "十四至十五周岁", "十六至十七周岁", "成年", "未说明"),
    ),
    "de": Words(
        title="Ihre Einwilligung in Gesichtserkennung",
        subtitle="Bewahren Sie dieses Blatt auf. Sie können jederzeit widerrufen, ohne Angabe von Gründen.",
        person="Wer eingewilligt hat",
        guardian="mit Erziehungsberechtigten",
        age="Alter",
        purpose="Worin Sie eingewilligt haben",
        time="Von wann bis wann",
        span="{start} bis {end} (UTC); es kann früher enden, siehe unten, wie lange Daten bleiben",
        where="Wo",
        transmission="Ob Ihre Vorlage den Ort verlässt, an dem sie entsteht",
        sent="Sie haben zugestimmt: Sie wird versiegelt an die oben genannten Geräte gesandt und an keine anderen.",
        kept_here="Nein. Sie bleibt in dem Gerät, in dem sie entstanden ist.",
        withdraw="Wie Sie widerrufen",
        routes="Den Code dieses Blatts vor die Kamera halten; oder den Betreiber bitten; "
        "oder an die Stelle unten schreiben.",
        code="Wer diesen Code der Kamera an einer Tür zeigt, beendet dort Ihre Einwilligung und löscht dort Ihre "
        "Vorlage, sofort und auch ohne Netz. An anderen Türen noch einmal zeigen oder den Betreiber bitten. "
        "Er öffnet nichts. Wer dieses Blatt hat, kann das für Sie tun.",
        data="Was mit Ihren Daten geschieht",
        kept="Wie lange sie bleiben",
        effect="Was es für Sie bedeutet",
        alternative="Ohne Ihr Gesicht",
        rights="Ihre Rechte, und wen Sie fragen",
        complaint="Wo Sie sich beschweren",
        who="Wer verantwortlich ist",
        record="Beleg {id}; Hinweis {notice}",
        purposes=_purposes(
            "Der Bewohnerschaft die Tür öffnen", "Dem Personal die Tür öffnen", "Gästen die Tür öffnen",
            "Besuch die Tür öffnen", "Schülerinnen und Schülern die Tür öffnen", "Eine Identität prüfen", "Bezahlen",
            "An Bord gehen", "Einen Automaten benutzen", "Öffentliche Sicherheit",
        ),
        ages=_ages("unter 14", "14 bis 15", "16 bis 17", "erwachsen", "nicht gesagt"),
    ),
}  # fmt: skip
