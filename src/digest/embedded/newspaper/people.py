"""The invented readers of the demo: twenty-five who get a digest, and five who paused or left."""

from __future__ import annotations

from dataclasses import dataclass

from digest.models.audience import SubscriptionStatus, TextSize

LOS_ANGELES = "America/Los_Angeles"
BOSTON = "America/New_York"
PARIS = "Europe/Paris"
BEIRUT = "Asia/Beirut"
YEREVAN = "Asia/Yerevan"


@dataclass(frozen=True, slots=True)
class Person:
    """A reader. `language` says which of the two digests they get."""

    name: str
    address: str
    language: str
    zone: str
    text_size: TextSize = TextSize.NORMAL
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE


_LARGE = TextSize.LARGE

READERS: tuple[Person, ...] = (
    Person("Araxie Kerovpents", "araxie@quince-street.example", "en", LOS_ANGELES, _LARGE),
    Person("Marcus Whitlow-Hale", "m.whitlow@harborpost.example", "en", BOSTON),
    Person("Nazeni Ohanig", "nazeni.ohanig@example.org", "en", BOSTON, _LARGE),
    Person("Solange Derpré", "solange@atelier-derpre.example", "en", PARIS),
    Person("Vicken Tashbanian", "vicken@tashbanian.example", "en", LOS_ANGELES),
    Person("Hermine Shahuments", "hermine@squareknights.test", "en", BOSTON),
    Person("Joan Peabrook", "joan.peabrook@example.org", "en", LOS_ANGELES, _LARGE),
    Person("Hagop Lusadaran", "hagop@lusadaran.example", "en", BEIRUT),
    Person("Diego Marquina-Bedrosents", "diego@soundpost.example", "en", LOS_ANGELES),
    Person("Lena Voskuni", "lena.voskuni@lowertown.test", "en", BOSTON),
    Person("Étienne Moulinard", "etienne@moulinard.example", "en", PARIS),
    Person("Sossi Paregham", "sossi@paregham.example", "en", BEIRUT),
    Person("Raffi Noubarjian", "raffi+footbridge@example.org", "en", LOS_ANGELES),
    Person("Grace Tollefsen-Aram", "grace@northlight.example", "en", BOSTON, _LARGE),
    Person("Tatul Hovvani", "tatul.hovvani@smallmuseum.test", "en", YEREVAN),
    Person("Մարո Բակունցի", "maro@hin-bak.example", "hy", YEREVAN, _LARGE),
    Person("Համազասպ Սեղանյան", "hamazasp@hin-bak.example", "hy", YEREVAN, _LARGE),
    Person("Անի Անձրևյան", "ani@chorrord-hark.example", "hy", YEREVAN),
    Person("Կարպիս Արևշատյան", "karpis@arevshat-purr.example", "hy", BEIRUT),
    Person("Արուսյակ Լարյան", "arusyak.laryan@example.org", "hy", YEREVAN),
    Person("Հայկանուշ Ասեղյան", "haykanush@aseghyan.example", "hy", LOS_ANGELES, _LARGE),
    Person("Միրեյ Քաղցրունի", "mireille@amandiers.test", "hy", PARIS),
    Person("Զարեհ Թղթարյան", "zareh@dzularan.example", "hy", BOSTON),
    Person("Նռնենի Վարդուտյան", "nrneni@varduts.test", "hy", LOS_ANGELES),
    Person("Ռուբիկ Պողպատյան", "rubik@zhamagorts.example", "hy", YEREVAN),
)

ABSENT: tuple[Person, ...] = (
    Person(
        "Perouz Ashughian", "perouz@seaside-row.example", "en", LOS_ANGELES, status=SubscriptionStatus.PAUSED
    ),
    Person("Colin Ferriby", "colin.ferriby@example.org", "en", BOSTON, status=SubscriptionStatus.ENDED),
    Person("Nadège Quillan", "nadege@quillan.example", "en", PARIS, status=SubscriptionStatus.PAUSED),
    Person("Գրիշա Ճամփորդյան", "grisha@verin-aygi.test", "hy", YEREVAN, status=SubscriptionStatus.PAUSED),
    Person("Լիզա Հեռունի", "liza.heruni@example.org", "hy", BEIRUT, status=SubscriptionStatus.ENDED),
)


def people() -> tuple[Person, ...]:
    """Everybody, those who read the paper first."""
    return READERS + ABSENT
