// Made from the policy's profiles: profile -> ground -> provision, and what that is in Chinese, [article,
// what it asks for]. See tests/dashboard/test_words.py.
export const PROVISIONS = {
 "strict": {
  "policy-not-in-force": "house rule: only a signed policy, in its time",
  "clock-untrusted": "house rule: nothing that expires can be judged without a trusted clock",
  "lease-expired": "house rule: only a current policy, so that a withdrawal cannot be held back",
  "stopped": "house rule: a stop order narrows at once",
  "place-private": "Measures art. 13: never inside a private space",
  "purpose-unfit": "Measures art. 13, PIPL art. 26: in a public place for public security only",
  "necessity-missing": "Measures art. 4: a specific purpose and sufficient necessity",
  "basis-unfit": "Measures art. 6: separate consent, or another basis that the law names",
  "mode-unjustified": "Measures art. 4: least impact; 1:N must be justified",
  "assessment-missing": "Measures art. 9: an impact assessment beforehand, with its four heads",
  "assessment-stale": "Measures art. 9: a new assessment after a change or a major incident",
  "assessment-unfit": "Measures art. 9: the assessment is of what really runs",
  "notice-incomplete": "Measures art. 5: a full, plain and accessible notice",
  "notice-mismatch": "Measures art. 5: changes of the notice are announced: sign and notice agree",
  "alternative-missing": "Draft of 2023: other means are preferred; Measures art. 10: never the only way",
  "retention-too-long": "Measures art. 8: kept for the shortest time",
  "filing-overdue": "Draft of 2023: register above 10,000 people",
  "location-unknown": "house rule: unknown is refused",
  "in-zone": "Measures art. 13: a reasonable area",
  "view-unknown": "Measures art. 13: a reasonable area",
  "device-moved": "house rule: a device that was moved stands at a place that nobody attested",
  "tampered": "Measures art. 14: intrusion detection",
  "sign-missing": "Measures art. 13: a prominent sign",
  "sign-forbids": "house rule: anyone may narrow",
  "model-not-allowed": "house rule: only models that the policy names, by hash",
  "output-not-allowed": "Draft of 2023: no analysis of origin, belief, health or class",
  "model-failed": "house rule: a model that failed on a frame rests before it sees another",
  "keys-not-sealed": "Measures art. 14: encryption and access control",
  "ledger-unwritable": "Measures art. 14: security audit",
  "gallery-too-large": "house rule: 1:N only among as many as its threshold was measured for",
  "pad-missing": "house rule: what the policy asks for to tell prints and screens runs, or nothing does"
 },
 "cn-2025": {
  "policy-not-in-force": "house rule: only a signed policy, in its time",
  "clock-untrusted": "house rule: nothing that expires can be judged without a trusted clock",
  "lease-expired": "house rule: only a current policy, so that a withdrawal cannot be held back",
  "stopped": "house rule: a stop order narrows at once",
  "place-private": "Measures art. 13: never inside a private space",
  "purpose-unfit": "Measures art. 13, PIPL art. 26: in a public place for public security only",
  "necessity-missing": "Measures art. 4: a specific purpose and sufficient necessity",
  "basis-unfit": "Measures art. 6: separate consent, or another basis that the law names",
  "mode-unjustified": "Measures art. 4: least impact; 1:N must be justified",
  "assessment-missing": "Measures art. 9: an impact assessment beforehand, with its four heads",
  "assessment-stale": "Measures art. 9: a new assessment after a change or a major incident",
  "assessment-unfit": "Measures art. 9: the assessment is of what really runs",
  "notice-incomplete": "Measures art. 5: a full, plain and accessible notice",
  "notice-mismatch": "Measures art. 5: changes of the notice are announced: sign and notice agree",
  "alternative-missing": "Measures art. 10: never the only way",
  "retention-too-long": "Measures art. 8: kept for the shortest time",
  "filing-overdue": "Measures art. 15: filing within 30 working days",
  "location-unknown": "house rule: unknown is refused",
  "in-zone": "Measures art. 13: a reasonable area",
  "view-unknown": "Measures art. 13: a reasonable area",
  "device-moved": "house rule: a device that was moved stands at a place that nobody attested",
  "tampered": "Measures art. 14: intrusion detection",
  "sign-missing": "Measures art. 13: a prominent sign",
  "sign-forbids": "house rule: anyone may narrow",
  "model-not-allowed": "house rule: only models that the policy names, by hash",
  "output-not-allowed": "house rule: nothing but box, landmarks, quality, liveness, embedding",
  "model-failed": "house rule: a model that failed on a frame rests before it sees another",
  "keys-not-sealed": "Measures art. 14: encryption and access control",
  "ledger-unwritable": "Measures art. 14: security audit",
  "gallery-too-large": "house rule: 1:N only among as many as its threshold was measured for",
  "pad-missing": "house rule: what the policy asks for to tell prints and screens runs, or nothing does"
 },
 "cn-2023-draft": {
  "policy-not-in-force": "house rule: only a signed policy, in its time",
  "clock-untrusted": "house rule: nothing that expires can be judged without a trusted clock",
  "lease-expired": "house rule: only a current policy, so that a withdrawal cannot be held back",
  "stopped": "house rule: a stop order narrows at once",
  "place-private": "Measures art. 13: never inside a private space",
  "purpose-unfit": "Measures art. 13, PIPL art. 26: in a public place for public security only",
  "necessity-missing": "Measures art. 4: a specific purpose and sufficient necessity",
  "basis-unfit": "Measures art. 6: separate consent, or another basis that the law names",
  "mode-unjustified": "Measures art. 4: least impact; 1:N must be justified",
  "assessment-missing": "Measures art. 9: an impact assessment beforehand, with its four heads",
  "assessment-stale": "Measures art. 9: a new assessment after a change or a major incident",
  "assessment-unfit": "Measures art. 9: the assessment is of what really runs",
  "notice-incomplete": "Measures art. 5: a full, plain and accessible notice",
  "notice-mismatch": "Measures art. 5: changes of the notice are announced: sign and notice agree",
  "alternative-missing": "Draft of 2023: other means are preferred; Measures art. 10: never the only way",
  "retention-too-long": "Measures art. 8: kept for the shortest time",
  "filing-overdue": "Draft of 2023: register above 10,000 people",
  "location-unknown": "house rule: unknown is refused",
  "in-zone": "Measures art. 13: a reasonable area",
  "view-unknown": "Measures art. 13: a reasonable area",
  "device-moved": "house rule: a device that was moved stands at a place that nobody attested",
  "tampered": "Measures art. 14: intrusion detection",
  "sign-missing": "Measures art. 13: a prominent sign",
  "sign-forbids": "house rule: anyone may narrow",
  "model-not-allowed": "house rule: only models that the policy names, by hash",
  "output-not-allowed": "Draft of 2023: no analysis of origin, belief, health or class",
  "model-failed": "house rule: a model that failed on a frame rests before it sees another",
  "keys-not-sealed": "Measures art. 14: encryption and access control",
  "ledger-unwritable": "Measures art. 14: security audit",
  "gallery-too-large": "house rule: 1:N only among as many as its threshold was measured for",
  "pad-missing": "house rule: what the policy asks for to tell prints and screens runs, or nothing does"
 },
 "eu-gdpr": {
  "policy-not-in-force": "house rule: only a signed policy, in its time",
  "clock-untrusted": "house rule: nothing that expires can be judged without a trusted clock",
  "lease-expired": "house rule: only a current policy, so that a withdrawal cannot be held back",
  "stopped": "house rule: a stop order narrows at once",
  "place-private": "house rule: no camera in a private space",
  "necessity-missing": "GDPR art. 5(1)(b) and (c): purpose limitation and data minimisation",
  "basis-unfit": "GDPR art. 9(2): explicit consent, or another basis that the law names",
  "mode-unjustified": "GDPR art. 5(1)(c): data minimisation",
  "assessment-missing": "GDPR art. 35: an impact assessment",
  "assessment-stale": "GDPR art. 35(11): a review when the risk changes",
  "assessment-unfit": "GDPR art. 35: the assessment is of what really runs",
  "notice-incomplete": "GDPR art. 13: information where data are collected",
  "notice-mismatch": "GDPR art. 12, EDPB 3/2019: sign and notice are two layers of one text",
  "alternative-missing": "GDPR art. 7: consent is free only where refusing costs nothing",
  "retention-too-long": "GDPR art. 5(1)(e): storage limitation",
  "location-unknown": "house rule: unknown is refused",
  "in-zone": "house rule: no recognition in a no-recognition zone",
  "view-unknown": "house rule: what the camera sees of a zone is known, or unknown is refused",
  "device-moved": "house rule: a device that was moved stands at a place that nobody attested",
  "tampered": "house rule: a device that somebody has opened may not be what was attested",
  "sign-missing": "EDPB 3/2019: the key facts stand on a sign",
  "sign-forbids": "house rule: anyone may narrow",
  "model-not-allowed": "house rule: only models that the policy names, by hash",
  "output-not-allowed": "EU AI Act art. 5(1): no biometric categorisation, no emotions",
  "model-failed": "house rule: a model that failed on a frame rests before it sees another",
  "keys-not-sealed": "house rule: templates only under sealed keys",
  "ledger-unwritable": "house rule: what cannot be recorded does not happen",
  "gallery-too-large": "house rule: 1:N only among as many as its threshold was measured for",
  "pad-missing": "house rule: what the policy asks for to tell prints and screens runs, or nothing does"
 },
 "us-il-bipa": {
  "policy-not-in-force": "house rule: only a signed policy, in its time",
  "clock-untrusted": "house rule: nothing that expires can be judged without a trusted clock",
  "lease-expired": "house rule: only a current policy, so that a withdrawal cannot be held back",
  "stopped": "house rule: a stop order narrows at once",
  "place-private": "house rule: no camera in a private space",
  "basis-unfit": "BIPA 15(b): a written release",
  "notice-incomplete": "BIPA 15(a) and (b): a public policy, and purpose and length of time in writing",
  "notice-mismatch": "BIPA 15(b): the release is of what was told",
  "retention-too-long": "BIPA 15(a): destroyed within 3 years of the last interaction",
  "location-unknown": "house rule: unknown is refused",
  "in-zone": "house rule: no recognition in a no-recognition zone",
  "view-unknown": "house rule: what the camera sees of a zone is known, or unknown is refused",
  "device-moved": "house rule: a device that was moved stands at a place that nobody attested",
  "tampered": "house rule: a device that somebody has opened may not be what was attested",
  "sign-forbids": "house rule: anyone may narrow",
  "model-not-allowed": "house rule: only models that the policy names, by hash",
  "output-not-allowed": "house rule: nothing but box, landmarks, quality, liveness, embedding",
  "model-failed": "house rule: a model that failed on a frame rests before it sees another",
  "keys-not-sealed": "house rule: templates only under sealed keys",
  "ledger-unwritable": "house rule: what cannot be recorded does not happen",
  "gallery-too-large": "house rule: 1:N only among as many as its threshold was measured for",
  "pad-missing": "house rule: what the policy asks for to tell prints and screens runs, or nothing does"
 }
};
export const CHINESE_PROVISIONS = {
 "house rule: only a signed policy, in its time": [
  "内部规则",
  "只依据有效期内的签名策略"
 ],
 "house rule: nothing that expires can be judged without a trusted clock": [
  "内部规则",
  "没有可信时钟，就无法判断期限"
 ],
 "house rule: only a current policy, so that a withdrawal cannot be held back": [
  "内部规则",
  "只依据最新策略，以免撤回被拖延"
 ],
 "house rule: a stop order narrows at once": [
  "内部规则",
  "停止命令立即生效"
 ],
 "Measures art. 13: never inside a private space": [
  "《办法》第十三条",
  "不得设于私密空间内部"
 ],
 "Measures art. 13, PIPL art. 26: in a public place for public security only": [
  "《办法》第十三条、《个人信息保护法》第二十六条",
  "公共场所内仅限于维护公共安全"
 ],
 "Measures art. 4: a specific purpose and sufficient necessity": [
  "《办法》第四条",
  "特定的目的和充分的必要性"
 ],
 "Measures art. 6: separate consent, or another basis that the law names": [
  "《办法》第六条",
  "单独同意，或法律规定的其他依据"
 ],
 "Measures art. 4: least impact; 1:N must be justified": [
  "《办法》第四条",
  "对个人影响最小；1:N 须有理由"
 ],
 "Measures art. 9: an impact assessment beforehand, with its four heads": [
  "《办法》第九条",
  "事前进行影响评估，包括四项内容"
 ],
 "Measures art. 9: a new assessment after a change or a major incident": [
  "《办法》第九条",
  "发生变化或重大事件后重新评估"
 ],
 "Measures art. 9: the assessment is of what really runs": [
  "《办法》第九条",
  "评估的对象与实际运行一致"
 ],
 "Measures art. 5: a full, plain and accessible notice": [
  "《办法》第五条",
  "完整、清晰、易于获取的告知"
 ],
 "Measures art. 5: changes of the notice are announced: sign and notice agree": [
  "《办法》第五条",
  "告知事项变更须公示：告示与告知一致"
 ],
 "Draft of 2023: other means are preferred; Measures art. 10: never the only way": [
  "2023 年征求意见稿",
  "优先采用其他方式；《办法》第十条：不得作为唯一方式"
 ],
 "Measures art. 8: kept for the shortest time": [
  "《办法》第八条",
  "保存期限最短"
 ],
 "Draft of 2023: register above 10,000 people": [
  "2023 年征求意见稿",
  "超过一万人须备案"
 ],
 "house rule: unknown is refused": [
  "内部规则",
  "未知即拒绝"
 ],
 "Measures art. 13: a reasonable area": [
  "《办法》第十三条",
  "合理确定采集区域"
 ],
 "house rule: a device that was moved stands at a place that nobody attested": [
  "内部规则",
  "设备移动后，其所在位置无人证明"
 ],
 "Measures art. 14: intrusion detection": [
  "《办法》第十四条",
  "入侵检测"
 ],
 "Measures art. 13: a prominent sign": [
  "《办法》第十三条",
  "设置显著的提示标识"
 ],
 "house rule: anyone may narrow": [
  "内部规则",
  "任何人都可以要求收紧"
 ],
 "house rule: only models that the policy names, by hash": [
  "内部规则",
  "只使用策略以哈希值列出的模型"
 ],
 "Draft of 2023: no analysis of origin, belief, health or class": [
  "2023 年征求意见稿",
  "不分析种族、信仰、健康或社会阶层"
 ],
 "house rule: a model that failed on a frame rests before it sees another": [
  "内部规则",
  "在一帧上运行失败的模型，须停用一段时间后才能再处理画面"
 ],
 "Measures art. 14: encryption and access control": [
  "《办法》第十四条",
  "数据加密与访问控制"
 ],
 "Measures art. 14: security audit": [
  "《办法》第十四条",
  "安全审计"
 ],
 "house rule: 1:N only among as many as its threshold was measured for": [
  "内部规则",
  "1:N 的人数不超过阈值经过测量的范围"
 ],
 "house rule: what the policy asks for to tell prints and screens runs, or nothing does": [
  "内部规则",
  "策略要求的照片与屏幕检测须运行，否则不识别"
 ],
 "Measures art. 10: never the only way": [
  "《办法》第十条",
  "不得作为唯一方式"
 ],
 "Measures art. 15: filing within 30 working days": [
  "《办法》第十五条",
  "三十个工作日内备案"
 ],
 "house rule: nothing but box, landmarks, quality, liveness, embedding": [
  "内部规则",
  "只输出位置框、关键点、质量、活体和特征向量"
 ],
 "house rule: no camera in a private space": [
  "内部规则",
  "私密空间内不设摄像头"
 ],
 "GDPR art. 5(1)(b) and (c): purpose limitation and data minimisation": [
  "GDPR 第 5(1)(b)、(c) 条",
  "目的限制与数据最小化"
 ],
 "GDPR art. 9(2): explicit consent, or another basis that the law names": [
  "GDPR 第 9(2) 条",
  "明示同意，或法律规定的其他依据"
 ],
 "GDPR art. 5(1)(c): data minimisation": [
  "GDPR 第 5(1)(c) 条",
  "数据最小化"
 ],
 "GDPR art. 35: an impact assessment": [
  "GDPR 第 35 条",
  "影响评估"
 ],
 "GDPR art. 35(11): a review when the risk changes": [
  "GDPR 第 35(11) 条",
  "风险变化时复审"
 ],
 "GDPR art. 35: the assessment is of what really runs": [
  "GDPR 第 35 条",
  "评估的对象与实际运行一致"
 ],
 "GDPR art. 13: information where data are collected": [
  "GDPR 第 13 条",
  "收集数据时告知"
 ],
 "GDPR art. 12, EDPB 3/2019: sign and notice are two layers of one text": [
  "GDPR 第 12 条、EDPB 3/2019",
  "告示与告知是同一内容的两层"
 ],
 "GDPR art. 7: consent is free only where refusing costs nothing": [
  "GDPR 第 7 条",
  "拒绝没有代价，同意才是自愿"
 ],
 "GDPR art. 5(1)(e): storage limitation": [
  "GDPR 第 5(1)(e) 条",
  "存储限制"
 ],
 "house rule: no recognition in a no-recognition zone": [
  "内部规则",
  "禁止识别区域内不识别"
 ],
 "house rule: what the camera sees of a zone is known, or unknown is refused": [
  "内部规则",
  "须知道摄像头能看到区域的哪一部分，未知即拒绝"
 ],
 "house rule: a device that somebody has opened may not be what was attested": [
  "内部规则",
  "被打开过的设备可能已不是经过证明的设备"
 ],
 "EDPB 3/2019: the key facts stand on a sign": [
  "EDPB 3/2019",
  "要点写在告示上"
 ],
 "EU AI Act art. 5(1): no biometric categorisation, no emotions": [
  "欧盟《人工智能法》第 5(1) 条",
  "不作生物特征分类，不识别情绪"
 ],
 "house rule: templates only under sealed keys": [
  "内部规则",
  "模板只存于受保护的密钥之下"
 ],
 "house rule: what cannot be recorded does not happen": [
  "内部规则",
  "不能记录的事就不做"
 ],
 "BIPA 15(b): a written release": [
  "BIPA 15(b)",
  "书面许可"
 ],
 "BIPA 15(a) and (b): a public policy, and purpose and length of time in writing": [
  "BIPA 15(a)、(b)",
  "公开的政策，以及书面的目的与期限"
 ],
 "BIPA 15(b): the release is of what was told": [
  "BIPA 15(b)",
  "许可的内容与所告知的一致"
 ],
 "BIPA 15(a): destroyed within 3 years of the last interaction": [
  "BIPA 15(a)",
  "最后一次往来后三年内销毁"
 ]
};
