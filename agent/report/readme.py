"""The README of a bundle, in English and Chinese: what is in it, how to check it, who may see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.report.period import Period

_TEXT: Final = """\
Evidence of face recognition at {site}, {first} to {last} ({zone})
================================================================

report.html is the report: open it in any browser, it asks the network for nothing.
The other files are what it was made from:

  devices/NAME/ledger.jsonl       every entry that the device's ledger keeps, one a line, oldest first
  devices/NAME/checkpoints.jsonl  what the device signed about it: number of entries, root, time
  devices/NAME/held.jsonl         such statements that were kept elsewhere
  devices/NAME/device.json        the device's public keys
  policies/HASH.json              policies that were in force, as far as they were at hand
  bundle.json                     what was asked for

To check all of it without the device and without the network:

  doorward ledger verify THIS.zip --policy policy.json

It takes the device's key from a policy that YOU have from the site, so that nobody can swap ledger and key
together; without --policy compare the fingerprint that it prints. Every entry is hashed again (RFC 9162), every
signature is checked, every policy is held against its hash, and report.html and this file are made again and
compared. What nothing covers is named.

No name, pseudonym, picture, template or score is in here; who was concerned stands as a salted commitment, which
only the device's own key opens. But the ledger has exact times of decisions at the door, which the report does
not tell: give this bundle only to who may know them.

本压缩包是 {site} 人脸识别的证据。report.html 为报告，用任何浏览器打开即可，不访问网络。
其他文件是报告的依据：设备账本的全部记录、设备签名的检查点、设备公钥、当时生效的策略，以及报告的请求。
无需设备、无需网络即可校验：

  doorward ledger verify THIS.zip --policy policy.json

请使用您自己从该站取得的策略文件。其中没有姓名、假名、图像、模板或分数；但账本含有门口决定的准确时间，
而报告不列出这些时间：请只交给有权知悉的人。

Files / 文件:
{files}
"""


def readme(site: str, period: Period, files: Sequence[str]) -> str:
    names = "".join(f"  {name}\n" for name in files)
    return _TEXT.format(site=site, first=period.first, last=period.last, zone=period.zone, files=names.rstrip("\n"))
