"""Parts of `scripts/prove people`: how long enrolment takes, and what hostile hands make of the documents of people."""
