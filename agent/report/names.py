"""Grounds of refusal, and what is met in their absence, in the report's languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.policy.grounds import Ground

_NAMES: Final[Mapping[Ground, tuple[str, str]]] = {
    Ground.NO_POLICY: ("No policy", "没有策略"),
    Ground.POLICY_NOT_IN_FORCE: ("Policy not in force", "策略未生效"),
    Ground.CLOCK_UNTRUSTED: ("Clock not trusted", "时钟不可信"),
    Ground.LEASE_EXPIRED: ("Permission not fresh", "许可未及时更新"),
    Ground.STOPPED: ("Stopped", "已下令停止"),
    Ground.PLACE_PRIVATE: ("Private space", "私密空间"),
    Ground.PURPOSE_UNFIT: ("Purpose does not fit the place", "目的与场所不符"),
    Ground.NECESSITY_MISSING: ("Necessity not stated", "未说明必要性"),
    Ground.BASIS_UNFIT: ("No legal basis", "没有合法依据"),
    Ground.MODE_UNJUSTIFIED: ("Mode not justified", "识别方式缺少理由"),
    Ground.MODE_BLIND: ("Camera is closed", "摄像头关闭"),
    Ground.ASSESSMENT_MISSING: ("No impact assessment", "没有影响评估"),
    Ground.ASSESSMENT_STALE: ("Assessment out of date", "影响评估已过时"),
    Ground.ASSESSMENT_UNFIT: ("Assessment of something else", "影响评估与实际不符"),
    Ground.NOTICE_INCOMPLETE: ("Notice not complete", "告知不完整"),
    Ground.NOTICE_MISMATCH: ("Sign and notice differ", "告示与告知不一致"),
    Ground.ALTERNATIVE_MISSING: ("No other way in", "没有其他通行方式"),
    Ground.RETENTION_TOO_LONG: ("Kept too long", "保存时间过长"),
    Ground.FILING_OVERDUE: ("Filing overdue", "备案逾期"),
    Ground.LOCATION_UNKNOWN: ("Position unknown", "位置未知"),
    Ground.IN_ZONE: ("Inside a no-recognition zone", "位于禁止识别区域"),
    Ground.VIEW_UNKNOWN: ("View of a zone unknown", "拍摄范围未知"),
    Ground.DEVICE_MOVED: ("Device was moved", "设备被移动"),
    Ground.TAMPERED: ("Housing open", "外壳被打开"),
    Ground.SIGN_MISSING: ("Sign missing", "告示缺失"),
    Ground.SIGN_FORBIDS: ("A sign forbids it", "有禁止识别的标志"),
    Ground.MODEL_NOT_ALLOWED: ("Model not allowed", "模型未获许可"),
    Ground.OUTPUT_NOT_ALLOWED: ("Model tells too much", "模型输出过多"),
    Ground.MODEL_FAILED: ("A model failed", "模型运行失败"),
    Ground.KEYS_NOT_SEALED: ("Keys not sealed", "密钥未受保护"),
    Ground.LEDGER_UNWRITABLE: ("Ledger cannot be written", "账本无法写入"),
    Ground.VIEW_MISMATCH: ("Picture of another size", "画面尺寸不符"),
    Ground.NO_FRAMES: ("No picture", "没有画面"),
    Ground.NO_CONSENT: ("No consent", "没有同意"),
    Ground.STOCK_UNFILED: ("Not filed for more people", "超出备案人数"),
    Ground.GALLERY_TOO_LARGE: ("Too many for one threshold", "人数超出阈值适用范围"),
    Ground.PAD_MISSING: ("No attack detection", "缺少活体检测"),
}
_MET: Final[Mapping[Ground, tuple[str, str]]] = {
    Ground.CLOCK_UNTRUSTED: ("The clock is trusted", "时钟可信"),
    Ground.POLICY_NOT_IN_FORCE: ("The policy is in force", "策略有效"),
    Ground.LEASE_EXPIRED: ("The permission is fresh", "许可及时更新"),
    Ground.STOPPED: ("No stop order", "没有停止命令"),
    Ground.PLACE_PRIVATE: ("Not a private space", "不是私密空间"),
    Ground.PURPOSE_UNFIT: ("The purpose fits the place", "目的与场所相符"),
    Ground.NECESSITY_MISSING: ("The necessity is stated", "已说明必要性"),
    Ground.BASIS_UNFIT: ("The legal basis holds", "合法依据有效"),
    Ground.MODE_UNJUSTIFIED: ("The mode is justified", "识别方式有理由"),
    Ground.ASSESSMENT_MISSING: ("Its impact is assessed", "已作影响评估"),
    Ground.ASSESSMENT_STALE: ("The assessment is in date", "影响评估未过时"),
    Ground.ASSESSMENT_UNFIT: ("The assessment is of this", "影响评估与实际相符"),
    Ground.NOTICE_INCOMPLETE: ("The notice is complete", "告知完整"),
    Ground.NOTICE_MISMATCH: ("The sign names the notice", "告示与告知一致"),
    Ground.ALTERNATIVE_MISSING: ("Another way in works", "另有通行方式可用"),
    Ground.RETENTION_TOO_LONG: ("Kept no longer than allowed", "保存不超过期限"),
    Ground.FILING_OVERDUE: ("Filings are made", "已按期备案"),
    Ground.GALLERY_TOO_LARGE: ("The threshold fits the gallery", "阈值适用于登记人数"),
    Ground.PAD_MISSING: ("Prints and screens are looked for", "按策略检测照片与屏幕"),
    Ground.LOCATION_UNKNOWN: ("The position is known", "位置已知"),
    Ground.IN_ZONE: ("Clear of every zone", "在所有禁止区域之外"),
    Ground.VIEW_UNKNOWN: ("Its view of zones is known", "对区域的拍摄范围已知"),
    Ground.DEVICE_MOVED: ("The device was not moved", "设备未被移动"),
    Ground.TAMPERED: ("The housing is closed", "外壳完好"),
    Ground.SIGN_MISSING: ("The sign is in its place", "告示在位"),
    Ground.SIGN_FORBIDS: ("No sign forbids it", "没有禁止识别的标志"),
    Ground.MODEL_NOT_ALLOWED: ("Models as the policy names", "模型与策略相符"),
    Ground.OUTPUT_NOT_ALLOWED: ("Models tell no traits", "模型不输出个人特征"),
    Ground.MODEL_FAILED: ("Models run without failure", "模型运行正常"),
    Ground.KEYS_NOT_SEALED: ("Keys are protected", "密钥受保护"),
    Ground.LEDGER_UNWRITABLE: ("The ledger can be written", "账本可写入"),
}

ENGLISH_GROUNDS: Final[Mapping[Ground, str]] = {ground: names[0] for ground, names in _NAMES.items()}
CHINESE_GROUNDS: Final[Mapping[Ground, str]] = {ground: names[1] for ground, names in _NAMES.items()}
ENGLISH_OBLIGATIONS: Final[Mapping[Ground, str]] = {ground: names[0] for ground, names in _MET.items()}
CHINESE_OBLIGATIONS: Final[Mapping[Ground, str]] = {ground: names[1] for ground, names in _MET.items()}
