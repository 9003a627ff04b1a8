// Wire names in words for people. A test holds these lists against the enums of the agent.

import { PROVISIONS } from "./provisions.js";

// What is wrong, and why that refuses.
export const GROUNDS = {
  "no-policy": ["No policy", "The device has no signed policy yet."],
  "policy-not-in-force": ["Policy not in force", "The signed policy has not begun or has ended."],
  "clock-untrusted": ["Clock not trusted", "The device waits for a fresh signed time."],
  "lease-expired": ["Permission not fresh", "The site has not confirmed the policy lately."],
  "stopped": ["Stopped", "A stop order is in force."],
  "place-private": ["Private space", "No camera may look here."],
  "purpose-unfit": ["Purpose does not fit", "This purpose is not allowed at this kind of place."],
  "necessity-missing": ["Necessity not stated", "The policy does not say why it takes faces, or no longer."],
  "basis-unfit": ["No legal basis", "Neither consent nor another basis holds here."],
  "mode-unjustified": ["Mode not justified", "The policy gives no reason for searching among many."],
  "mode-blind": ["Camera is closed", "The policy keeps the camera shut."],
  "assessment-missing": ["No impact assessment", "Nobody has signed for what recognition does to people here."],
  "assessment-stale": ["Assessment out of date", "It is too old, or something has happened since."],
  "assessment-unfit": ["Assessment of something else", "What runs is not what was assessed."],
  "notice-incomplete": ["Notice not complete", "People are not told all that they must be told."],
  "notice-mismatch": ["Sign and notice differ", "The sign refers to another notice than the one in force."],
  "alternative-missing": ["No other way in", "No way without a face is known to work."],
  "retention-too-long": ["Kept too long", "Templates would be kept longer than allowed."],
  "filing-overdue": ["Filing overdue", "So many people are enrolled that the authority should know by now."],
  "location-unknown": ["Position unknown", "The device cannot tell where it is."],
  "in-zone": ["Inside a no-recognition zone", "The device stands too near to an excluded place."],
  "view-unknown": ["View unknown", "A no-recognition zone is near, and nobody has said how the camera looks at it."],
  "device-moved": ["Device was moved", "Nobody has attested where it stands now."],
  "sign-missing": ["Sign missing", "The sign is covered, gone, or not where it was attested."],
  "sign-forbids": ["A sign forbids it", "A no-recognition sign is in view, or a card that may be anybody's."],
  "model-not-allowed": ["Model not allowed", "What would run is not what the policy names."],
  "output-not-allowed": ["Model tells too much", "A model would put out more than it may."],
  "keys-not-sealed": ["Keys not sealed", "The device's keys are not protected as they must be."],
  "ledger-unwritable": ["Ledger cannot be written", "Without an audit trail there is no recognition."],
  "view-mismatch": ["View does not match", "The picture is not of the size that was commissioned."],
  "no-frames": ["No picture", "The camera gives no frames."],
  "no-consent": ["No consent", "There is no consent in force."],
  "stock-unfiled": ["Not filed for more", "More people than were filed for may not be enrolled."],
};

// What is met when the ground is absent.
export const OBLIGATIONS = {
  "policy-not-in-force": "The policy is in force",
  "clock-untrusted": "The clock is trusted",
  "lease-expired": "The permission is fresh",
  "stopped": "No stop order",
  "place-private": "Not a private space",
  "purpose-unfit": "The purpose fits the place",
  "necessity-missing": "The necessity is stated",
  "basis-unfit": "The legal basis holds",
  "mode-unjustified": "The mode is justified",
  "assessment-missing": "Its impact is assessed",
  "assessment-stale": "The assessment is in date",
  "assessment-unfit": "The assessment is of this",
  "notice-incomplete": "The notice is complete",
  "notice-mismatch": "The sign names the notice",
  "alternative-missing": "Another way in works",
  "retention-too-long": "Kept no longer than allowed",
  "filing-overdue": "Filings are made",
  "location-unknown": "The position is known",
  "in-zone": "Clear of every zone",
  "view-unknown": "Its view of zones is known",
  "device-moved": "The device was not moved",
  "sign-missing": "The sign is in its place",
  "sign-forbids": "No sign forbids it",
  "model-not-allowed": "Models as the policy names",
  "output-not-allowed": "Models tell no traits",
  "keys-not-sealed": "Keys are protected",
  "ledger-unwritable": "The ledger can be written",
};

// What a state of an obligation is marked with.
export const MARKS = { "met": "✓", "unmet": "✗", "unknown": "?", "not-binding": "–" };

// The provision that an obligation serves under the policy's profile; without a policy the strictest is meant.
export const provision = (profile, ground) => PROVISIONS[profile ?? "strict"]?.[ground] ?? "";

// Words, sign, kind.
export const OUTCOMES = {
  "match": ["Door opened: face", "✓", "opens"],
  "no-match": ["Not recognised", "–", "neutral"],
  "pass-accepted": ["Door opened: pass", "✓", "opens"],
  "pass-refused": ["Pass refused", "!", "refuses"],
  "too-late": ["Decided too late", "!", "refuses"],
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
export const PASSES_CLOSED = ["no-policy", "place-private", "mode-blind", "no-frames", "view-mismatch"];
