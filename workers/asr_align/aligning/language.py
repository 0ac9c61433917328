"""Which language a text is in, where its caller does not say: by its commonest words."""

import re
from collections.abc import Mapping

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_COMMON: Mapping[str, str] = {
    "en": "the of and to in a is that it was for on are with as at by this but from they you",
    "de": "der die das und ist nicht ein eine mit auf dem den im zu von sich als auch wir es",
    "fr": "le la les des est et un une dans que pour sur qui pas avec du au il nous plus se",
    "es": "el la los las de y en que un una con por para del se es su al no más como lo",
    "it": "il lo la gli che di e un una per con non sono della del al si come più nel è",
    "pt": "o a os as de que e um uma não com para em do da no na se por mais como é",
    "nl": "de het een en van is dat niet op te zijn voor met aan er maar om ook als bij",
}
_UNKNOWN = "en"


def language_of(code: str | None, text: str) -> str:
    """The primary subtag in small letters: of the code ("de-AT" is "de"), else the likeliest of the text."""
    primary = (code or "").strip().replace("_", "-").split("-")[0].lower()
    return primary if primary.isalpha() and 2 <= len(primary) <= 3 else _guessed(text)


def _guessed(text: str) -> str:
    found = [word.lower() for word in _WORD.findall(text[:20_000])]
    common = {language: frozenset(words.split()) for language, words in _COMMON.items()}
    scores = {language: sum(word in known for word in found) for language, known in common.items()}
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] else _UNKNOWN
