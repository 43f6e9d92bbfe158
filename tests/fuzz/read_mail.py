"""`make fuzz`: octets that make the reader raise, take a second, or lose text; FUZZ_SECONDS long."""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from pathlib import Path
from time import process_time

import atheris

with atheris.instrument_imports(include=["normalizer"]):
    from normalizer.email.forms import Places, find, head_of
    from tests.normalizer.email.mail import reading

from tests.fuzz.seeds import WORDS, seeds

HERE = Path(__file__).resolve().parents[2] / "var" / "fuzz"
PATIENCE = 1.0  # seconds of processor time, with the instruments on
HANGS = 30  # seconds by the clock, after which libFuzzer itself ends the process
LARGEST = 32 * 1024
FORM = Places(("header", "From"), ("body", "Name"), ("header", "Subject"), {"to": ("body", "To")})


class Finding(Exception):
    """What the reader promised and did not keep."""


def one(data: bytes) -> None:
    """Read one mail; whatever is raised here, libFuzzer saves the input."""
    began = process_time()
    message = reading(data)
    find(FORM, head_of(data), message.text)
    took = process_time() - began
    if took > PATIENCE:
        raise Finding(f"reading took {took:.2f} s")
    if "".join(message.text[s.start : s.end] for s in message.spans) != message.text:
        raise Finding("the labels do not cover the text")


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word)


def _prepared() -> tuple[Path, Path]:
    """The folder that inputs grow in, with the samples, and the dictionary."""
    corpus, words = HERE / "corpus", HERE / "words"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        (corpus / sha256(seed).hexdigest()[:20]).write_bytes(seed)
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
    return corpus, words


def main() -> None:
    corpus, words = _prepared()
    seconds = int(os.environ.get("FUZZ_SECONDS", "600"))
    options = (
        f"-max_total_time={seconds}",
        f"-timeout={HANGS}",
        f"-max_len={LARGEST}",
        "-len_control=0",  # long mails from the first minute: that is where time is lost
        f"-artifact_prefix={HERE}/",
        f"-dict={words}",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
    )
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
