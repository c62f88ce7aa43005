"""Removes secrets from texts that people read. In doubt it removes too much: a redacted word loses little."""

import re

HIDDEN = "[hidden]"
_LONGEST = 10_000
"""Characters that are looked at; a longer text is cut before the word in which that falls."""

_QUOTE = r"\\{0,3}[\"']"
# Up to the same quote again, or to the end where it is missing; a quote behind a backslash belongs to the value.
_QUOTED = rf"(?P<quote>{_QUOTE})(?:(?!(?P=quote))(?:\\.|.))*(?P=quote)?"
_IS = rf"(?:{_QUOTE})?(?:\s*(?:=>|[:=>]|%3[ad])\s*|\s+(?:is|was)\s+|\s+(?={_QUOTE}))"
# A share or a shift is no secret, whatever is measured: "prompt_tokens: 12.5% of the rows", "output_token: 0.57 sd up".
_MEASURE = r"-?\d{1,9}(?:\.\d{1,9})?(?: ?%| sd\b)(?![\w%])"
_NO_MEASURE = rf"(?!{_MEASURE})"
_NAMES = (
    r"pass(?:word|wd|phrase|code)?|pwd?|secret|token|credential|signature|sig|jwt|otp|auth|session[_-]?id|sid"
    r"|(?:api|access|account|private|client|encryption|master|shared|signing|subscription|service)[_-]?key|key"
)

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A private key, also a truncated one, or one whose line breaks are escaped as \n.
    (
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
            re.DOTALL,
        ),
        HIDDEN,
    ),
    # Headers whose values have spaces in them: to the end of the line where they are not quoted.
    (
        re.compile(rf"(?is)\b((?:proxy-)?authorization|(?:set-)?cookie)({_IS})(?:{_QUOTED}|[^\r\n]+)"),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|negotiate)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(?i)\b(basic|digest)\s+(?=[^\s\"']*(?-i:[A-Z\d=]))[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    # What stands before the @ of an address: scheme://user:password@host, and user:password@host.
    (re.compile(r"(://)(?:[^\s/?#\"']{1,300}|[^\s/:@\"']{0,100}:[^\s\"']{1,300})@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?<![\w/.-])[\w.-]{1,60}:[^\s@/\"']{1,200}@(?=[\w(\[])"), f"{HIDDEN}@"),
    # name=value, name: value, "name": "value", --name value, <name>value; the name may be part of a longer one.
    (
        re.compile(
            rf"(?is)((?<![a-z])(?:[\w.-]{{0,40}}[_.-])?(?:{_NAMES})s?(?:[_-][\w-]{{0,20}})?{_IS}){_NO_MEASURE}(?:{_QUOTED}|\S+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            rf"((?:[a-z\d]{{1,30}})(?:Password|Secret|Token|Key|Credential|Signature)s?(?i:{_IS})){_NO_MEASURE}(?:{_QUOTED}|\S+)",
            re.DOTALL,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(rf"(?i)(--?(?:[\w-]{{0,40}}-)?(?:{_NAMES})\s+)\S+"), rf"\1{HIDDEN}"),
    # Secrets by their format.
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?"), HIDDEN),  # JSON web tokens
    (re.compile(r"\bya29\.[\w.-]+|\b1//[\w-]{20,}|\bAIza[\w-]{30,}|\bGOCSPX-[\w-]+"), HIDDEN),  # Google
    (re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}"), HIDDEN),  # Amazon
    (re.compile(r"\b(?:gh[pousr]_\w{16,}|github_pat_\w+|glpat-[\w-]+|npm_\w{16,}|pypi-[\w-]{16,})"), HIDDEN),
    (re.compile(r"\bxox[a-z]-[\w-]+|\bxapp-[\w-]+|\bhooks\.slack\.com/[\w/]+"), HIDDEN),  # Slack
    (
        re.compile(r"\b(?:[sr]k|pk|whsec)_(?:live_|test_)?\w{16,}|\bsk-[\w-]{16,}|\bSG\.[\w.-]{16,}|\bhf_\w{16,}"),
        HIDDEN,
    ),
)
# Random words: long, of letters and digits.
_RANDOM: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(?=[a-z]*\d)(?=\d*[a-z])[a-z\d]{32,}\b|\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z\d]{32,}\b"), HIDDEN),
    (re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{32,}"), HIDDEN),
    (
        re.compile(
            # but a name as Google has them: in us-central1/trainingPipelines/1234567890123456789, what follows the dash
            r"(?<![A-Za-z\d+/])(?![a-z]{1,20}\d{1,2}/[a-z][A-Za-z]{4,40}/\d+\b)(?=[^\s\d]{0,60}\d)(?=[^\sa-z]{0,60}[a-z])(?=[^\sA-Z]{0,60}[A-Z])[A-Za-z\d+/]{40,}={0,2}"
        ),
        HIDDEN,
    ),
)

# Every rule needs one of these, or a long word; most texts have none, and looking for them is much cheaper than the rules.
_HINTS = (
    *("pass", "pw", "secret", "token", "credential", "sig", "jwt", "otp", "auth", "session", "sid", "key", "cookie"),
    *("bearer", "negotiate", "basic", "digest", "@", "eyj", "ya29", "1//", "aiza", "gocspx"),
    *(
        "akia",
        "asia",
        "abia",
        "acca",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat",
        "npm_",
        "pypi",
        "xox",
        "xapp",
        "hooks.slack",
    ),
    *("sk_", "rk_", "pk_", "whsec_", "sk-", "sg.", "hf_"),
)
_LONG_WORD = 32
_SECRET_NAME = re.compile(
    r"(?i)passw(?:or)?d|passphrase|\bpwd?\b|pwd|secret|token|(?:api|access|private)[_-]?key|credentials?|authorization|cookie"
    r"|signature"
)
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@(?![\w.-]*gserviceaccount\.com\b)(?:[\w-]{1,63}\.)+[a-zA-Z]{2,}\b")
_UUID = re.compile(r"(?i)\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b")
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_HEXADECIMAL = re.compile(r"(?i)\b(?:0x[\da-f]+|(?=[a-f]*\d)[\da-f]{7,})\b")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACE = re.compile(r"\s+")


def redact(text: str) -> str:
    """The text without anything that is or may be a secret.

    That is: private keys, credentials of requests and addresses, values that are named as secrets, tokens that can be
    recognised by their format, and long random-looking words.

    >>> redact("GET https://shop:hunter2@shop.example/v1?token=abc123 401")
    'GET https://[hidden]@shop.example/v1?token=[hidden] 401'
    >>> redact('{"user": "ann", "password": "hunter2"}')
    '{"user": "ann", "password": [hidden]}'
    """
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition(" ")[0]
    return _ruled(text, _RULES + _RANDOM)


def redact_address(text: str) -> str:
    """A web address without anything that is or may be a secret; long ids of pages are kept.

    >>> redact_address("https://wiki.example/Runbook-0f1e2d3c4b5a69788796a5b4c3d2e1f0?token=abc123")
    'https://wiki.example/Runbook-0f1e2d3c4b5a69788796a5b4c3d2e1f0?token=[hidden]'
    """
    return _ruled(text, _RULES)


def _ruled(text: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    if not _is_hinted(text):
        return text
    for pattern, instead in rules:
        text = pattern.sub(instead, text)
    return text


def _is_hinted(text: str) -> bool:
    if not text.isascii():  # some letters of other scripts are ours in the other case, as the Kelvin sign is
        return True
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS) or any(len(word) >= _LONG_WORD for word in text.split())


def is_secret(name: str) -> bool:
    """Whether the value of that name is a secret.

    >>> is_secret("API_KEY"), is_secret("pod")
    (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def redact_named(name: str, text: str) -> str:
    """The text of that name without anything that is or may be a secret: nothing is left of it where the name says that it is one.

    >>> redact_named("api_token", "hunter2"), redact_named("prompt_tokens", "0.57 sd up"), redact_named("pod", "password=hunter2")
    ('[hidden]', '0.57 sd up', 'password=[hidden]')
    """
    return HIDDEN if is_secret(name) and not re.match(_MEASURE, text) else redact(text)


def pattern_of(text: str) -> str:
    """One line that is the same for messages which differ only in numbers, ids, instants and people.

    Pass redacted text: a secret must be whole to be recognised.

    >>> pattern_of("order 4711 of ann@example.com: timeout after 3.2 s")
    'order # of [e-mail]: timeout after # s'
    """
    line = _EMAIL.sub("[e-mail]", _line(text))
    for noise in (_UUID, _INSTANT, _HEXADECIMAL, _NUMBER):
        line = noise.sub("#", line)
    return "".join(character for character in _SPACE.sub(" ", line).strip() if character.isprintable())


def _line(text: str) -> str:
    """The first non-empty line; of a Python traceback the last, which names the error."""
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    return lines[-1] if lines[0].startswith("Traceback (most recent call last)") else lines[0]
