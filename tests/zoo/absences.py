"""Vacation programs, in many languages and with all manners: well-behaved, by subject only, mute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tests.zoo.beings import SOON, Being, Headers, re, threaded
from tests.zoo.world import Heard, Post

# How people are away: the subject and the words of programs in daily use, written anew.
WORDS = {
    "en": ("Out of office: back on Monday", "I am out of the office until Monday."),
    "ja": ("自動応答: 不在のお知らせ", "ただいま不在にしております。月曜日に戻ります。"),
    "de": ("Automatische Antwort: Urlaub", "Ich bin bis Montag nicht im Büro."),
    "fr": ("Réponse automatique : congés", "Je suis absent du bureau jusqu'à lundi."),
    "es": ("Respuesta automática: vacaciones", "Estoy fuera de la oficina hasta el lunes."),
    "it": ("Risposta automatica: ferie", "Sono fuori ufficio fino a lunedì."),
    "pt": ("Resposta automática: férias", "Estou fora do escritório até segunda-feira."),
    "nl": ("Automatisch antwoord: vakantie", "Ik ben tot maandag afwezig."),
    "sv": ("Autosvar: semester", "Jag är på semester till måndag."),
    "pl": ("Odpowiedź automatyczna: urlop", "Jestem na urlopie do poniedziałku."),
    "ru": ("Автоматический ответ: отпуск", "Я в отпуске до понедельника."),
    "zh": ("自动回复: 休假", "我正在休假,周一回来。"),
    "ko": ("자동 응답: 휴가", "월요일까지 휴가입니다."),
    "fi": ("Automaattinen vastaus: loma", "Olen lomalla maanantaihin asti."),
    "cs": ("Automatická odpověď: dovolená", "Jsem na dovolené do pondělí."),
    "uk": ("Автоматична відповідь: відпустка", "Я у відпустці до понеділка."),
}


@dataclass
class Absence(Being):
    """Somebody wrote to us and went away; the program answers every mail of ours."""

    language: str = "en"

    @property
    def words(self) -> tuple[str, str]:
        return WORDS[self.language]


class Polite(Absence):
    """As RFC 3834 wants it: declared, in the thread, from the null path."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        declared: Headers = {"Auto_Submitted": "auto-replied (vacation)"}
        yield self.post(re(heard), self.words[1], path="<>", **declared, **threaded(heard))


class Exchange(Absence):
    """Microsoft's: generated, asks for silence, a thread by its own header only."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        quiet: Headers = {"X_Auto_Response_Suppress": "All", "Auto_Submitted": "auto-generated"}
        yield self.post(self.words[0], self.words[1], path="<>", **quiet)


class BySubject(Absence):
    """No header at all, but a subject that says what it is."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(*self.words)


class Mute(Absence):
    """No header, no word in the subject, no thread: a person, as far as anybody can see."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(f"{self.words[1][:12]} ({self.count})", self.words[1])


class Stripped(Absence):
    """Answers under our subject, its headers lost on the way."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(re(heard), self.words[1], 3 * SOON)


class Old(Absence):
    """Precedence: bulk, as vacation(1) has done it since 1983."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(f"away: {heard.subject}", self.words[1], Precedence="bulk")


class Shouting(Absence):
    """X-Autoreply and its cousins, nothing else."""

    names: ClassVar[tuple[str, ...]] = ("X_Autoreply", "X_Autorespond", "X_Vacation")

    def answers(self, heard: Heard) -> Iterator[Post]:
        headers: Headers = {self.names[self.count % 3]: "yes"}
        yield self.post(re(heard), self.words[1], **headers)


class Forever(Absence):
    """Out of office on each mail, twice, and each time in other words."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        for n in range(2):
            yield self.post(f"{self.count * 2 + n} {self.words[1]}", f"{n} {self.words[1]}" * n)
