// Wire names in words for people. A test holds this list against the enums of the agent.

export const GROUNDS = {
  "no-policy": ["No policy", "The device has no signed policy yet.", "Measures art. 4"],
  "policy-not-in-force": ["Policy not in force", "The signed policy has not begun or has ended.", "Measures art. 4"],
  "clock-untrusted": ["Clock not trusted", "The device waits for a fresh signed time.", "Measures art. 8"],
  "lease-expired": ["Permission not fresh", "The site has not confirmed the policy lately.", "Measures art. 14"],
  "stopped": ["Stopped", "A stop order is in force.", "anyone may narrow"],
  "place-private": ["Private space", "No camera may look here.", "Measures art. 13"],
  "purpose-unfit": ["Purpose does not fit", "This purpose is not allowed at this kind of place.", "Measures art. 13"],
  "mode-unjustified": ["Mode not justified", "The policy gives no reason for searching among many.", "Measures art. 4"],
  "location-unknown": ["Position unknown", "The device cannot tell where it is.", "Measures art. 13"],
  "in-zone": ["Inside a no-recognition zone", "The device stands too near to an excluded place.", "Measures art. 13"],
  "sign-missing": ["Sign missing", "The sign is covered, gone, or not where it was attested.", "Measures art. 13"],
  "sign-forbids": ["A sign forbids it", "A no-recognition sign is in view.", "anyone may narrow"],
  "model-not-allowed": ["Model not allowed", "What would run is not what was assessed.", "Measures art. 9"],
  "keys-not-sealed": ["Keys not sealed", "The device's keys are not protected as they must be.", "Measures art. 14"],
  "ledger-unwritable": ["Ledger cannot be written", "Without an audit trail there is no recognition.", "Measures art. 14"],
  "view-mismatch": ["View does not match", "The picture is not of the size that was commissioned.", "Measures art. 13"],
  "no-frames": ["No picture", "The camera gives no frames.", "Measures art. 14"],
  "no-consent": ["No consent", "There is no consent in force.", "Measures art. 6"],
};

// What is met when the ground is absent.
export const OBLIGATIONS = {
  "no-policy": "A signed policy is there",
  "policy-not-in-force": "The policy is in force",
  "clock-untrusted": "The clock is trusted",
  "lease-expired": "The permission is fresh",
  "stopped": "No stop order",
  "place-private": "Not a private space",
  "purpose-unfit": "The purpose fits the place",
  "mode-unjustified": "The mode is justified",
  "location-unknown": "The position is known",
  "in-zone": "Clear of every zone",
  "sign-missing": "The sign is in its place",
  "sign-forbids": "No sign forbids it",
  "model-not-allowed": "Models as assessed",
  "keys-not-sealed": "Keys are protected",
  "ledger-unwritable": "The ledger can be written",
  "view-mismatch": "The view is the commissioned one",
  "no-frames": "The camera gives frames",
  "no-consent": "Consent is in force",
};

// Words, sign, kind.
export const OUTCOMES = {
  "match": ["Door opened: face", "✓", "opens"],
  "no-match": ["Not recognised", "–", "neutral"],
  "pass-accepted": ["Door opened: pass", "✓", "opens"],
  "pass-refused": ["Pass refused", "!", "refuses"],
  "sealed": ["Decision, outcome sealed", "•", "neutral"],
};

export const STATES = {
  "waiting": ["Waiting for the device", "Nothing has been heard from it yet."],
  "online": ["Recognition is permitted", "Every obligation is met. Only who steps into the attempt region and has agreed is recognised."],
  "refused": ["Recognition is refused", ""],
  "offline": ["Device offline", "Its link has left the network. What was last heard is below."],
  "recogniser-lost": ["Recogniser lost", "The link runs, the process with the camera does not. Nothing is recognised."],
  "no-broker": ["No live data", ""],
  "no-link": ["Link process gone", "This page no longer hears the device. It tries again by itself."],
};

export const BROKER = {
  "connecting": "The device is connecting to the broker.",
  "connected": "The device is connected to the broker; this page is not yet.",
  "unreachable": "The broker cannot be reached. Decisions are kept in the device until it can.",
  "tls-refused": "The broker's or the device's certificate is refused. Decisions are kept in the device.",
  "not-authorised": "The broker refuses the device's name or password. Decisions are kept in the device.",
  "refused": "The broker refuses the device. Decisions are kept in the device.",
};

// So long after it was made a decision may be acted on; its event says only until when.
export const ACT_WITHIN_S = 30;

// Grounds under which no camera may be open, so that a pass cannot be read by it either.
export const PASSES_CLOSED = ["place-private", "no-policy", "no-frames", "view-mismatch"];
