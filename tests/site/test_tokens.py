"""Entering cards and PINs: what the policy holds afterwards, what is refused, and that no token is told or kept."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.cli import main
from agent.errors import ConfigError
from agent.gallery.named import Known, Names, digest
from agent.policy.bundle import PolicyDocument
from agent.policy.document import read
from agent.site.edit import Document, opened
from agent.site.tokens import MEMORY_KIB, PASSES, with_token, without_tokens
from agent.token import Token, TokenKind, TokenWay
from agent.units import DoorId, SubjectId
from tests.policy.given import NOW_S, document
from tests.site.given import Operator, Said

CARD, PIN = "04A2B3C4D5E6F7", "482913"


def policy() -> Document:
    return opened(json.dumps(document()).encode())


def entered(before: Document, kind: TokenKind = TokenKind.CARD, text: str = CARD, **changes: object) -> Document:
    named = {"subject": "p-1", "doors": ["main"], "until_s": NOW_S + 900} | changes
    return with_token(before, kind, text, **named)  # type: ignore[arg-type]


def test_a_device_names_the_person_of_an_entry() -> None:
    made = entered(entered(policy()), TokenKind.PIN, PIN, subject="p-2", opens=True)
    tokens = read(json.dumps(made).encode(), PolicyDocument, "policy.json").tokens
    assert tokens is not None and (tokens.passes, tokens.memory_kib) == (PASSES, MEMORY_KIB)
    found = [
        Names().judge(Token(kind, text, TokenWay.SERIAL), tokens, DoorId("main"), NOW_S, 0, one_to_one=True)
        for kind, text in ((TokenKind.CARD, CARD), (TokenKind.PIN, PIN))
    ]
    assert found == [Known(SubjectId("p-1"), False), Known(SubjectId("p-2"), True)]
    assert CARD not in json.dumps(made) and PIN not in json.dumps(made)


def test_each_policy_has_a_salt_of_its_own_and_keeps_it() -> None:
    one, other = entered(policy())["tokens"], entered(policy())["tokens"]
    assert one["salt"] != other["salt"] and one["entries"][0]["digest"] != other["entries"][0]["digest"]
    again = entered(entered(policy()), TokenKind.PIN, PIN)["tokens"]
    assert {each["digest"] for each in again["entries"]} == {
        digest(kind, text, bytes.fromhex(again["salt"]), PASSES, MEMORY_KIB)
        for kind, text in ((TokenKind.CARD, CARD), (TokenKind.PIN, PIN))
    }


def test_the_same_token_again_replaces_its_entry_and_somebody_else_s_is_refused() -> None:
    made = entered(entered(policy()), doors=["main", "side"], until_s=NOW_S + 9)
    (entry,) = made["tokens"]["entries"]
    assert entry["doors"] == ["main", "side"]
    with pytest.raises(ConfigError, match="names somebody else already") as caught:
        entered(made, subject="p-2")
    assert CARD not in str(caught.value) and "p-1" not in str(caught.value)


@pytest.mark.parametrize(
    "kind, text, changes, rule",
    [
        (TokenKind.CARD, "04a2b3c4", {}, "--kind card: a card is"),
        (TokenKind.PIN, "123", {}, "--kind pin: "),
        (TokenKind.PIN, "12345", {"opens": True}, "--opens: a PIN that opens by itself has at least 6"),
        (TokenKind.PIN, PIN, {"subject": "Anna"}, "--subject: a pseudonym"),
        (TokenKind.PIN, PIN, {"doors": []}, "tokens.entries.0.doors"),
    ],
)
def test_what_cannot_be_entered_is_named_without_the_token(
    kind: TokenKind, text: str, changes: dict[str, object], rule: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        entered(policy(), kind, text, **changes)
    assert rule in str(caught.value) and text not in str(caught.value)


def test_whoever_is_forgotten_has_no_token_left() -> None:
    made = entered(entered(entered(policy()), TokenKind.PIN, PIN), TokenKind.PIN, "112233", subject="p-2")
    left = without_tokens(made, "p-1")["tokens"]["entries"]
    assert [each["subject"] for each in left] == ["p-2"]
    for before, subject in ((policy(), "p-1"), (made, "p-3")):
        with pytest.raises(ConfigError, match="knows no card or PIN"):
            without_tokens(before, subject)


@pytest.fixture
def operator(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    made = Operator(tmp_path, capsys, monkeypatch)
    made.makes_a_site()
    return made


class TestCommand:
    @staticmethod
    def types(operator: Operator, *words: str) -> Said:
        """`doorward pass …` as the operator types it, with nobody at the terminal."""
        operator._monkeypatch.setattr(sys, "argv", ["doorward", "pass", *words])
        operator._monkeypatch.setattr(sys, "stdin", io.StringIO(""))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = operator._capsys.readouterr()
        return Said(code, said.out, said.err)

    @staticmethod
    def file(operator: Operator, text: str | bytes = CARD, mode: int = 0o600) -> str:
        path = operator.folder / "token"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return str(path)

    def test_a_token_is_entered_published_and_forgotten(self, operator: Operator) -> None:
        enter = ("token", "--site", operator.dir, "--subject", "p-1", "--kind", "card")
        said = self.types(operator, *enter, "--days", "30", "--token-file", self.file(operator, f"{CARD}\r\nno more"))
        assert said.code == 0 and "changed; see 'doorward site diff" in said.out and CARD not in said.out + said.err
        (entry,) = json.loads(operator.copy.read_bytes())["tokens"]["entries"]
        assert (entry["subject"], entry["doors"], entry["opens"]) == ("p-1", ["main"], False)
        until = read(operator.copy.read_bytes(), PolicyDocument, "policy.json").tokens
        assert until is not None
        assert abs(until.entries[0].until.timestamp() - time.time() - 30 * 86_400) < 60
        said_difference = operator.does("diff", operator.dir)
        assert "tokens" in said_difference and entry["digest"] not in said_difference
        assert "policy version 2" in operator.does("publish", operator.dir)
        assert self.types(operator, "forget", "--site", operator.dir, "--subject", "p-1").code == 0
        assert json.loads(operator.copy.read_bytes())["tokens"]["entries"] == []

    @pytest.mark.parametrize(
        "text, mode, rule",
        [
            (CARD, 0o644, "others may read this token; run 'chmod 600' on it"),
            (b"\xff\xfe", 0o600, "not UTF-8 text"),
            ("0815", 0o600, "--kind card: "),
        ],
    )
    def test_a_file_that_does_not_do_is_one_line(
        self, operator: Operator, text: str | bytes, mode: int, rule: str
    ) -> None:
        before = operator.copy.read_bytes()
        file = self.file(operator, text, mode)
        said = self.types(
            operator, "token", "--site", operator.dir, "--subject", "p-1", "--kind", "card", "--token-file", file
        )
        assert (said.code, said.out) == (2, "") and rule in said.err and len(said.err.splitlines()) == 1
        assert operator.copy.read_bytes() == before

    def test_a_file_that_is_not_there_and_no_terminal(self, operator: Operator) -> None:
        enter = ("token", "--site", operator.dir, "--subject", "p-1", "--kind", "pin")
        said = self.types(operator, *enter, "--token-file", str(operator.folder / "none"))
        assert said.code == 2 and "name a file with a token" in said.err
        said = self.types(operator, *enter)
        assert said.code == 2 and said.err == "doorward: token: no terminal to ask at; give --token-file\n"

    def test_typed_at_a_terminal_it_is_not_shown(self, operator: Operator) -> None:
        command = [sys.executable, "-c", "from agent.cli import main; main()", "pass", "token"]
        far, near = pty.openpty()
        running = subprocess.Popen(
            [*command, "--site", operator.dir, "--subject", "p-1", "--kind", "pin"],
            stdin=near, stdout=near, stderr=near, start_new_session=True, env=os.environ | {"PYTHONPATH": os.getcwd()},
        )  # fmt: skip
        os.close(near)
        shown = b""
        for asked in (b"The pin", b"Once more"):
            while asked not in shown:
                shown += os.read(far, 1000)
            time.sleep(0.3)
            os.write(far, PIN.encode() + b"\n")
        while b"changed" not in shown:
            shown += os.read(far, 1000)
        assert running.wait(20) == 0
        os.close(far)
        assert PIN.encode() not in shown
        assert len(json.loads(operator.copy.read_bytes())["tokens"]["entries"]) == 1
