"""Makes the golden files beside it: what RE2, DuckDB and TensorFlow say to the same questions.

    pip install google-re2==1.1.20251105 duckdb==2.0.1
    python make.py
    pip install tensorflow==2.16.2     # in an environment of its own, if need be
    python make.py replace
"""

import json
import random
import sys

random.seed(7)

PATTERNS = [
    "", "a", "a*", "a+?", "a|ab", "(ab|a)(c|bcd)", "^a", "b$", "^$", "a{2}", "a{1,2}?", "(a*)*", "(a|b)*c", ".", ".*",
    r"\d+", r"\w+", r"\s", r"\D", r"\W+", r"\S+", r"\bab\b", r"a\b", r"[^\W\d_]+", r"[\s\d]+",
    "(?i)ä", "(?i)STRASSE", "(?i)k", "(?i)[a-z]+", r"(?i)\w+", "(?s)a.b", "a.b", "(?m)^b$", "(?U)a+", "(?U)a+?",
    "[[:alpha:]]+", "[[:^digit:]]", "[^a]", "[a-cä-ü]", r"\pL+", r"\p{Lu}", r"\P{L}", r"\x{e4}", r"\x41", r"\.",
    "(a)?(b)?", "(?:a(b)?)+", "(?P<x>a)b", "(^|[^a])b", r"(\w+)@(\w+)\.com", "()", "(a|)+", "a**", "x*y*", "(?i)(?-i)A",
]
TEXTS = [
    "", "a", "b", "ab", "abc", "abcd", "aab", "aaaa", "A", "Ä", "ä", "äb", "a\nb", "b\na", "a b", " ab ", "ab_1", "a-b",
    "12", "a1b2", "٣", "K", "K", "ſ", "STRASSE", "straße", "🚕", "a🚕b", "x@y.com", "me@example.com, you@x.com", "\t\n\v",
    "\u00a0", "xyyx", "ba", "cab", ".", "ab ab", "é", "e\u0301", "aXbXc",
]
LETTERS = ["a", "b", "ä", ".", r"\w", r"\d", "[ab]", "[^a]", "(a)", "(b|a)", "(?:ab)", "^", "$", r"\b", "🚕"]
REPEATS = ["", "", "", "*", "+", "?", "*?", "{2}", "{0,1}"]


def some_pattern():
    parts = (random.choice(LETTERS) + random.choice(REPEATS) for _ in range(random.randint(1, 5)))
    return "".join(parts)


def regexps():
    import re2

    cases = []
    for pattern in PATTERNS + [some_pattern() for _ in range(150)]:
        try:
            compiled = re2.compile(pattern)
        except re2.error:
            continue
        rows = []
        for text in TEXTS if pattern in PATTERNS else random.sample(TEXTS, 8):
            found = compiled.search(text)
            rows.append({
                "text": text,
                "full": compiled.fullmatch(text) is not None,
                "groups": [found.group(n) for n in range(compiled.groups + 1)] if found else None,
            })
        cases.append({"pattern": pattern, "rows": rows})
    return cases


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
PARTS = ["year", "isoyear", "quarter", "month", "week", "day", "dow", "isodow", "doy", "hour", "minute", "second"]
PERIODS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"]


def times(db):
    cases = []
    for zone in ZONES:
        db.execute(f"SET TimeZone = '{zone}'")
        seconds = [random.randrange(-1_500_000_000, 2_100_000_000) for _ in range(30)]
        # The hours in which clocks are set.
        seconds += [1711846800 + n * 900 for n in range(-8, 9)] + [1729990800 + n * 900 for n in range(-8, 9)]
        seconds += [1710054000 + n * 900 for n in range(-8, 9)] + [1730613600 + n * 900 for n in range(-8, 9)]
        for place, second in enumerate(seconds):
            parts = ", ".join(f"date_part('{part}', t)::BIGINT" for part in PARTS)
            periods = ", ".join(f"epoch(date_trunc('{period}', t)::TIMESTAMPTZ)::BIGINT" for period in PERIODS)
            row = db.execute(f"SELECT {parts}, {periods} FROM (SELECT to_timestamp({second}) AS t)").fetchone()
            # DuckDB takes the second of two hours with one name for both; we tell them apart.
            periods = row[len(PARTS) :] if place < 30 else row[len(PARTS) : -3]
            cases.append({"zone": zone, "time": second, "parts": row[: len(PARTS)], "periods": periods})
    return cases


def formats(db):
    db.execute("SET TimeZone = 'UTC'")
    cases = []
    for format in ["%Y-%m-%d", "%d.%m.%Y %H:%M", "%m/%d/%y", "%Y%m%d%H%M%S", "%d %b %Y", "%A, %d %B %Y", "%I:%M %p %d/%m/%Y",
                   "%Y-%j", "%H:%M:%S %Y-%m-%d"]:
        for _ in range(10):
            second = random.randrange(0, 1_900_000_000)
            text = db.execute(f"SELECT strftime(make_timestamp({second}::BIGINT * 1000000), ?)", [format]).fetchone()[0]
            if random.random() < 0.3:
                text = random.choice([text + "x", "x" + text, text.replace("1", "9"), ""])
            read = db.execute("SELECT epoch(try_strptime(?, ?))::BIGINT", [text, format]).fetchone()[0]
            cases.append({"format": format, "text": text, "time": read})
    return cases


def texts(db):
    alphabet = ["a", "b", "c", "A", "ä", "é", "e\u0301", "ﬁ", " ", "-", "🚕", "ß", "İ"]
    some = ["", "kitten", "sitting", "Crème brûlée", "Ångström", "łódź", "Việt Nam", "MARTHA", "MARHTA"]
    some += ["".join(random.choices(alphabet, k=random.randint(0, 12))) for _ in range(150)]
    cases = []
    for text in some:
        other = random.choice(some)
        columns = {
            "strip_accents": "strip_accents($1)",
            "nfc": "nfc_normalize($1)",
            "levenshtein": "levenshtein($1, $2)",
            # Of two empty texts it is 0 there.
            "jaro_winkler": "CASE WHEN $1 = '' AND $2 = '' THEN 1.0 ELSE jaro_winkler_similarity($1, $2) END",
            "strpos": "strpos($1, 'a')",
            "split_part": "split_part($1, ' ', 2)",
            "split_part_last": "split_part($1, 'a', -1)",
            "lpad": "lpad($1, 5, 'xy')",
            "rpad": "rpad($1, 5, 'ä')",
            "like": "$1 LIKE '%a_b%'",
            "ilike": "$1 ILIKE 'a%Ä%'",
        }
        query = "SELECT " + ", ".join(columns.values()) + ", $2"
        row = db.execute(query, [text, other]).fetchone()
        cases.append({"a": text, "b": other, "results": dict(zip(columns, row))})
    return cases


def write(name, value):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


def replaced():
    """Adds what TensorFlow replaces, whose RE2 counts empty matches as RE2 does, and not as Python."""
    import tensorflow as tf

    with open("re2.json", encoding="utf-8") as file:
        cases = json.load(file)
    for case in cases:
        texts = [row["text"] for row in case["rows"]]
        for row, text in zip(case["rows"], tf.strings.regex_replace(texts, case["pattern"], r"<\0>").numpy()):
            row["replaced"] = text.decode()
    return cases


if __name__ == "__main__" and sys.argv[1:] == ["replace"]:
    write("re2.json", replaced())
elif __name__ == "__main__":
    import duckdb

    db = duckdb.connect()
    write("re2.json", regexps())
    write("duckdb_times.json", times(db))
    write("duckdb_formats.json", formats(db))
    write("duckdb_texts.json", texts(db))
