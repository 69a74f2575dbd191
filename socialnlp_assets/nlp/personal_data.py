"""Personal data in texts: found, and replaced by what kind it is of.

E-mail addresses, telephone numbers, bank accounts, payment cards, Italian tax codes. Numbers are taken for telephone
numbers where libphonenumber knows them in a country of the text's languages and they are written as one writes such a
number there; those that count, date or name something else stay. Names and user names are not found here.
`benchmarks/personal_data.py` measures both errors.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

REGIONS = {"it": ("IT",), "fr": ("FR", "RW"), "en": ("GB", "US", "RW", "KE"), "sw": ("TZ", "KE", "RW")}
LEAST_DIGITS, MOST_DIGITS = 9, 15  # of a telephone number as one writes it within its country; of any
_EMAIL = re.compile(
    r"(?<![\w.+%@-])[\w.+%'-]{1,64}(?:\s?[\[(]\s?(?:at|chiocciola|arobase)\s?[\])]\s?|@)"
    r"(?:[^\W_](?:[\w-]{0,62}[^\W_])?(?:\.|\s?[\[(]\s?(?:dot|punto|point|nukta)\s?[\])]\s?)){1,8}[^\W\d_]{2,24}(?![\w@-])",
    re.IGNORECASE,
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,4})?(?!\w)", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w./=-])[2-6]\d{3}(?:[ -]?\d{4,6}){2,3}(?:[ -]?\d{1,4})?(?![\w-])")
_CARD_KINDS = re.compile(r"4\d{12}(?:\d{3})?|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12}")
_TAX_CODE = re.compile(r"(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<!\d[.,:/-])(?<![\w+@#€$£=&?/_%-])(?:\+|\(\+?)?\d(?:[ \u00a0.\-‐–/()]{0,2}\d){8,16}(?![\w%€$£]|[.,:]\d)"
    r"|(?<=wa\.me/)\+?\d{9,15}(?!\d)"
)
_DATE_OR_HOURS = re.compile(
    r"(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:19|20)?\d{2}(?![./-]?\d)"
    r"|(?:19|20)\d{2}([./-])\d{1,2}\2\d{1,2}(?!\d)"
    r"|\d{1,2}\.\d{2}\s?[-–]\s?\d{1,2}\.\d{2}(?![./-]?\d)|(?:19|20)\d{2}\s?[-–/]\s?(?:19|20)\d{2}(?![./-]?\d)"
)
_AMOUNT = re.compile(
    r"\s?(?:k?wh?|mwh?|gwh|smc|mc|m3|m³|volts?|v|euros?|eur|€|\$|usd|frw|rwf|francs?|kes|ksh|tzs|tsh|shilingi|gb|punti"
    r"|points)\b",
    re.IGNORECASE,
)
_OTHER_NAME = re.compile(  # what a number is the name of that is nobody's telephone
    r"(?:order|ordine|commande|agizo|oda|invoice|fattura|bolletta|bill|facture|ankara|bili|ticket|tiketi|pratica|dossier|"
    r"contratto|contract|contrat|mkataba|customer|cliente|client|mteja|meter|contatore|compteur|mita|codice|code|"
    r"kodi|ref|reference|riferimento|référence|rejea|kumbukumbu|tracking|spedizione|colis|pod|pdr|p\.?\s?iva|iva|vat|serial|"
    r"matricol[ae]|matricule|case|protocollo|conto|account|compte|akaunti|reading|lettura|relevé|usomaji|token|tokeni|id|n[°º.]|nr\.?|"
    r"no\.?|num\.?|#)\W{0,3}(?:(?:number|numero|numéro|namba|nambari|no|nr|n|id|is|è|est|ni|di|de|del|ya)\b\W{0,3}){0,3}$",
    re.IGNORECASE,
)
_CALLED = re.compile(  # said of telephones alone
    r"(?<!\w)(?:tel|tél|phone|fax|cell|mobile|portable|whats|call|chiam|appel|simu|piga|nipigi|sms|text|scrivimi)"
    r"[^\d]{0,30}$",
    re.IGNORECASE,
)
_WITHOUT_PLUS = re.compile(r"(?:25[0-9]|39|33|44)\d{9,10}")  # as messengers show them
_AMERICAN = re.compile(r"\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}")


def replace_personal_data(text: str, languages: Iterable[str]) -> tuple[str, Counter[str]]:
    """`text` with `[email]`, `[phone]`, `[iban]`, `[card]` and `[tax code]` for what they stand for, and how many of
    each. `languages` say in which countries' ways a telephone number may be written.

    >>> replace_personal_data("Call +39 340 123 4567 or mail anna@example.com", ["it"])[0]
    'Call [phone] or mail [email]'
    """
    counts: Counter[str] = Counter()

    def replace(kind: str, pattern: re.Pattern[str], holds: Callable[[str], bool]) -> None:
        nonlocal text

        def placeholder(found: re.Match[str]) -> str:
            if not holds(found[0]):
                return found[0]
            counts[kind] += 1
            return f"[{kind}]"

        text = pattern.sub(placeholder, text)

    if "@" in text or "[" in text or "(" in text:
        replace("email", _EMAIL, lambda _: True)
    if re.search(r"\d\d", text):
        replace("iban", _IBAN, _is_iban)
        replace("card", _CARD, _is_card)
        replace("tax code", _TAX_CODE, lambda _: True)
        text, phones = _without_phones(text, languages)
        counts["phone"] += phones
    return text, +counts


def _without_phones(text: str, languages: Iterable[str]) -> tuple[str, int]:
    regions = list(dict.fromkeys(region for language in languages for region in REGIONS.get(language, ())))
    pieces: list[str] = []
    end = count = 0
    for found in _NUMBER.finditer(text):
        before, after = text[max(0, found.start() - 40) : found.start()], text[found.end() : found.end() + 12]
        span = _phone(found[0], before, after, regions)
        if span:
            pieces += [text[end : found.start() + span[0]], "[phone]"]
            end = found.start() + span[1]
            count += 1
    return "".join([*pieces, text[end:]]), count


def _phone(written: str, before: str, after: str, regions: list[str]) -> tuple[int, int] | None:
    """Where in `written`, which may hold other numbers too, a telephone number is."""
    starts = [0, *(gap.end() for gap in re.finditer(r"[ \u00a0](?=[\d+(])", written))]
    ends = [len(written), *(gap.start() for gap in reversed(list(re.finditer(r"[ \u00a0]", written))))]
    for start in starts:
        for end in ends:
            number = written[start:end]
            if end <= start or _DATE_OR_HOURS.match(number):
                continue
            if _is_phone(number, before + written[:start], written[end:] + after, regions):
                return start, end
    return None


def _is_phone(number: str, before: str, after: str, regions: list[str]) -> bool:
    digits = re.sub(r"\D", "", number)
    if not LEAST_DIGITS <= len(digits) <= MOST_DIGITS or _AMOUNT.match(after):
        return False
    if number.lstrip("(").startswith("+") or digits.startswith("00"):
        return _is_possible("+" + re.sub(r"^00|\(0\)", "", number).replace("+", ""), None)
    called = _CALLED.search(before) is not None
    if not called and _OTHER_NAME.search(before):
        return False
    if _WITHOUT_PLUS.fullmatch(digits) and _is_valid("+" + digits, None):
        return True
    is_one = _is_possible if called else _is_valid
    return any(_as_written_in(region, number, digits, called) and is_one(digits, region) for region in regions)


def _as_written_in(region: str, number: str, digits: str, called: bool) -> bool:
    """Whether people write a telephone number so: with the zero that one dials, in Italy a mobile without."""
    if region == "US":
        return _AMERICAN.fullmatch(number) is not None
    if region == "IT":
        return digits[0] in "03" or digits.startswith("80")
    return digits[0] == "0" or (called and len(digits) == LEAST_DIGITS)


def _is_valid(number: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def _is_possible(number: str, region: str | None) -> bool:
    """Whether there may be such a number, of one that can hardly be anything else: new ranges, made up ones."""
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


def _is_iban(written: str) -> bool:
    """ISO 13616's check: the number's remainder by 97 is 1."""
    account = re.sub(r"[ -]", "", written).upper()
    return 15 <= len(account) <= 34 and int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1


def _is_card(written: str) -> bool:
    """ISO 7812's check (Luhn), and the length and the first digits of an issuer."""
    digits = re.sub(r"\D", "", written)
    sums = [int(d) if n % 2 == 0 else sum(divmod(2 * int(d), 10)) for n, d in enumerate(reversed(digits))]
    return _CARD_KINDS.fullmatch(digits) is not None and sum(sums) % 10 == 0
