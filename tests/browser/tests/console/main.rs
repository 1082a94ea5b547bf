//! The console in a real Chromium, against the real binary.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

mod pages;
