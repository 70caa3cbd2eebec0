"""Sequences of tokens for property tests: what a network may write, and formulas as they should be."""

from hypothesis import strategies as st

SYMBOLS = [
    "x",
    "A",
    "1",
    "0",
    ".",
    "-",
    "<",
    "[",
    "]",
    "(",
    "|",
    "\\alpha",
    "\\sin",
    "\\sum",
    "\\lim",
    "\\prime",
    "\\{",
]
STRUCTURE = ["{", "}", "^", "_", "'", "\\frac", "\\sqrt", "\\limits"]
NO_SYMBOLS = ["", "&", "%", "$", "\\left", "\\\\", "<unk>", "a b", "\\begin", "~"]

tokens_of_a_network = st.lists(st.sampled_from(SYMBOLS + STRUCTURE * 2), max_size=40).map(tuple)
anything = st.lists(
    st.sampled_from(SYMBOLS + STRUCTURE * 2 + NO_SYMBOLS) | st.text(max_size=2), max_size=40
).map(tuple)


@st.composite
def captions(draw, depth=3):
    """A well-formed caption by construction, without a word of the grammar under test."""
    parts = draw(
        st.lists(
            st.sampled_from(["symbol", "group", "scripts", "limits", "frac", "sqrt", "index"]), max_size=3
        )
    )
    return tuple(token for part in parts for token in _part(draw, part if depth else "symbol", depth - 1))


def _part(draw, part, depth):
    def braced():
        return ("{", *draw(captions(depth)), "}")

    symbol = draw(st.sampled_from(SYMBOLS))
    match part:
        case "symbol":
            made = (symbol,)
        case "group":
            made = braced()
        case "frac":
            made = ("\\frac", *braced(), *braced())
        case "sqrt":
            made = ("\\sqrt", *braced())
        case "index":
            made = ("\\sqrt", "[", *(braced() if draw(st.booleans()) else ("n", "+", "1")), "]", *braced())
        case "limits":
            made = (
                draw(st.sampled_from(["\\sum", "\\lim"])),
                "\\limits",
                draw(st.sampled_from("_^")),
                *braced(),
            )
        case "scripts":
            base = braced() if draw(st.booleans()) else (symbol,)
            sub, sup, primes = ("_", *braced()), ("^", *braced()), ("'",) * draw(st.integers(1, 2))
            high = [sup, primes, primes + sup]
            made = base + draw(st.sampled_from([sub, sub + primes + sup, sup + sub, primes + sub, *high]))
    return made
