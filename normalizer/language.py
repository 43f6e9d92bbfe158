"""The language of a text: by its script, or by a small model that says nothing when it is unsure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MAX_TEXT = 2000
# A few sentences are enough for the model, and it is slow on more.
MAX_MODEL = 400
# Below this the model guesses: it takes `OK` for Afrikaans.
MIN_LETTERS = 20
SURE = 0.9
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "sk", "hu", "ro",
    "tr", "id", "vi", "et", "lv", "lt", "sl", "hr", "ca",
)  # fmt: skip

_KANA = re.compile(r"[\u3041-\u30fa\u30fc-\u30ff\uff66-\uff9f]")
_NOT_LATIN = re.compile(r"[\u0370-\u1dff\u3000-\uffff]")
_SCRIPTS = (
    ("ko", re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]{6}")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]{3}")),
    ("ar", re.compile(r"[\u0600-\u06ff]{2}")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
)
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_UKRAINIAN = re.compile(r"[іїєґ]", re.IGNORECASE)
_NO_LETTERS = "0123456789.,;:!?()[]{}<>\"'*_-+=/\\|#~`$%&^"


def detect(text: str) -> str:
    """An ISO 639-1 code, or nothing. Kana means Japanese, whatever else stands there."""
    sample = text[:MAX_TEXT]
    if sample.isascii():
        return _by_model(sample)
    if not _NOT_LATIN.search(sample):
        return _by_model(sample)
    if _KANA.search(sample):
        return "ja"
    for language, script in _SCRIPTS:
        if script.search(sample):
            return language
    cyrillic = len(_CYRILLIC.findall(sample))
    if cyrillic >= 4:
        return "uk" if _UKRAINIAN.search(sample) else "ru"
    return _by_model(sample)


def _by_model(text: str) -> str:
    words = [word for word in text[:MAX_MODEL].split() if "@" not in word and "://" not in word]
    plain = " ".join(filter(None, (word.strip(_NO_LETTERS) for word in words)))
    if len(plain) < MIN_LETTERS or plain.count(" ") < 2:
        return ""
    return _classified(plain.lower())


@lru_cache(maxsize=1024)
def _classified(text: str) -> str:
    language, probability = _model().classify(text)
    return str(language) if probability >= SURE else ""


@lru_cache(maxsize=1)
def _model() -> LanguageIdentifier:
    """Loaded once a process, and only when a text in Latin script needs it."""
    from py3langid.langid import (
        MODEL_FILE,
        LanguageIdentifier,
    )

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(list(LANGUAGES))
    return model
