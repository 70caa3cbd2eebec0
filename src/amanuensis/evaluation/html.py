"""The report as one HTML page that can be mailed: numbers, bars, worst lines with pictures, confusions.

The page holds pictures and texts of the data: whether it may be passed on is for the data's licence to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from amanuensis.evaluation.corrections import CorrectionReport
from amanuensis.evaluation.corrections_html import corrections_shown
from amanuensis.evaluation.pieces import bar, differences, glyph, percent, picture, reliability_plot
from amanuensis.evaluation.reliability import Level, Reliability
from amanuensis.evaluation.report import Report, ScoredLine, Summary
from amanuensis.evaluation.style import STYLE
from amanuensis.metrics import TextScores, Tokenizer
from amanuensis.recognition import write_atomically

_NUM_CONFUSIONS = 48
_NUM_ROWS = 12
_WORDS: dict[Tokenizer, str] = {
    "whitespace": "Words are split at white space.",
    "punctuation": "Words are split at white space, and punctuation marks are words of their own.",
}


def write_html(
    report: Report, path: Path | str, *, worst: int = 40, corrections: CorrectionReport | None = None
) -> None:
    """Write `html_report` to a file, which appears whole or not at all."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_atomically(Path(path), html_report(report, worst=worst, corrections=corrections).encode())


def html_report(report: Report, *, worst: int = 40, corrections: CorrectionReport | None = None) -> str:
    """A self-contained page.

    Args:
        report: what to show.
        worst: how many of the worst lines to show with their pictures; those are read from the data again.
        corrections: what the correction of the results did, to be shown too.
    """
    model = escape(report.results.model)
    sections = [
        _heading(report, model),
        _cards(report),
        _sets(report),
        corrections_shown(corrections) if corrections else "",
        _failures(report.failed),
        _worst_lines(report.lines, worst),
        _confusions(report),
        _confidence(report),
        _groups("Pages", "page", report.pages),
        _groups("Writers", "writer", report.writers),
        _footer(report),
    ]
    body = "\n".join(section for section in sections if section)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{model}: evaluation</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _heading(report: Report, model: str) -> str:
    split = f"split <b>{escape(report.results.split)}</b> · " if report.results.split else ""
    method = str(report.results.decoder.get("method", ""))
    decoder = f" · read by {escape(method)}" if method else ""
    sets = f"{len(report.sets)} data set{'s' * (len(report.sets) != 1)}"
    return f'<h1>{model}</h1><p class="quiet">{split}{sets} · {report.total.scores.n:,} lines{decoder}</p>'


def _cards(report: Report) -> str:
    total = report.total
    scores, folded = total.scores, total.folded
    cards = [
        _card("character error rate", percent(scores.cer), "%", _interval_told(total)),
        _card("word error rate", percent(scores.wer), "%", f"{scores.words.length:,} words"),
        _card("lines with an error", percent(scores.ser), "%", f"{scores.wrong_lines:,} of {scores.n:,}"),
        _card("folded CER", percent(folded.cer), "%", "case and punctuation ignored"),
    ]
    if total.seconds:
        speed = f"{scores.n / total.seconds:.1f}"
        cards.append(_card("speed", speed, "lines/s", f"{total.seconds:,.0f} s, with loading"))
    if report.failed:
        cards.append(
            _card("not read", f"{len(report.failed):,}", "lines", "counted as wrong", kind="card bad")
        )
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(what: str, number: str, unit: str, note: str, *, kind: str = "card") -> str:
    return (
        f'<div class="{kind}"><span>{what}</span><b>{number} <i class="unit">{unit}</i></b>'
        f"<small>{note}</small></div>"
    )


def _interval_told(summary: Summary) -> str:
    if summary.cer_interval is None:
        return "one page: no interval"
    told = f"95&nbsp;%: {_range(summary.cer_interval)}"
    if summary.cer_interval_writers is not None:
        told += f"<br>writers: {_range(summary.cer_interval_writers)}"
    return told


def _range(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"


def _sets(report: Report) -> str:
    ends = [(summary.cer_interval or (0.0, 0.0))[1] for summary in report.sets.values()]
    largest = max([*ends, *(summary.scores.cer for summary in report.sets.values())], default=0.0)
    rows = [_set_row(escape(name), summary, largest) for name, summary in report.sets.items()]
    if len(report.sets) > 1:
        rows.append(_set_row("all", report.total, largest, kind=' class="total"'))
    if report.without is not None:
        left_out = escape(", ".join(report.left_out))
        rows.append(_set_row(f"all without {left_out}", report.without, largest, kind=' class="rest"'))
    head = (
        '<tr><th>data set</th><th>lines</th><th class="bar">CER, with 95 % interval</th><th>CER %</th>'
        "<th>interval</th><th>WER %</th><th>SER %</th><th>folded CER %</th></tr>"
    )
    return f'<h2>Data sets</h2><div class="scroll"><table>{head}{"".join(rows)}</table></div>'


def _set_row(name: str, summary: Summary, largest: float, *, kind: str = "") -> str:
    scores = summary.scores
    cells = [
        f'<td class="bar">{bar(scores.cer, summary.cer_interval, largest=largest)}</td>',
        *(
            f"<td>{cell}</td>"
            for cell in (
                percent(scores.cer),
                _range(summary.cer_interval) or "–",
                percent(scores.wer),
                percent(scores.ser),
                percent(summary.folded.cer),
            )
        ),
    ]
    return f"<tr{kind}><td>{name}</td><td>{scores.n:,}</td>{''.join(cells)}</tr>"


def _worst_lines(lines: Sequence[ScoredLine], worst: int) -> str:
    wrong = [line for line in lines if line.error is None and line.scores.wrong_lines]
    wrong.sort(key=lambda line: (-line.scores.characters.edits, -line.scores.cer, line.sample.key))
    if not wrong:
        return ""
    told = (
        "The lines that cost most: by the number of wrong characters. What was missed is green, what was "
        "read instead is red."
    )
    return f"<h2>Worst lines</h2><p>{told}</p>{''.join(_figure(line) for line in wrong[:worst])}"


def _figure(line: ScoredLine) -> str:
    written, read = differences(line.reference, line.hypothesis)
    edits = line.scores.characters
    facts = [line.sample.key, f"{edits.edits} of {edits.length} characters wrong"]
    facts += [f"writer {line.sample.writer}"] if line.sample.writer else []
    facts += [f"confidence {percent(line.confidence)} %"] if line.confidence is not None else []
    return (
        f"<figure>{picture(line.sample.image)}"
        f'<dl><dt>written</dt><dd dir="auto">{written}</dd><dt>read</dt><dd dir="auto">{read}</dd></dl>'
        f"<figcaption>{escape(' · '.join(facts))}</figcaption></figure>"
    )


def _confusions(report: Report) -> str:
    counts = report.confusions
    if not counts:
        return ""
    shown = counts.most_common(_NUM_CONFUSIONS)
    items = (
        f"<li>{glyph(written)}<span>→</span>{glyph(read)}<span>{count:,}</span></li>"
        for (written, read), count in shown
    )
    share = sum(count for _, count in shown) / counts.total()
    told = (
        f"What was written and what was read instead, most frequent first; ∅ is nothing, ␣ a space. "
        f"These are {percent(share)}&nbsp;% of {counts.total():,} errors."
    )
    return f'<h2>Confusions</h2><p>{told}</p><ul class="confusions">{"".join(items)}</ul>'


_CLAIMS: dict[Level, str] = {
    "characters": "characters right",
    "words": "words right",
    "lines": "characters right",
}


def _confidence(report: Report) -> str:
    levels = report.reliability
    if not levels:
        return ""
    told = (
        "A dot is a fifteenth of all claims, from doubtful to sure. On the dashed line a confidence says how many "
        "are right; below it the model claims too much, above it too little. A line's confidence is about the "
        "share of its characters; what was missed counts in lines alone."
    )
    plots = "".join(_calibration(level, of_level) for level, of_level in levels.items())
    return f'<h2>Can the confidence be believed?</h2><p>{told}</p><div class="plot">{plots}</div>'


def _calibration(level: Level, told: Reliability) -> str:
    """One plot and what it comes to."""
    plot = reliability_plot(told.bins, claims=level, right=_CLAIMS[level])
    error = "–" if told.error is None else percent(told.error)
    between = f" (95&nbsp;%: {_range(told.interval)})" if told.interval else ""
    return (
        f'<div class="calibration">{plot}<p>{told.n:,} {level}: confidence and truth lie <b>{error}</b> '
        f"points apart on average{between}, the expected calibration error.</p></div>"
    )


def _groups(title: str, what: str, groups: Mapping[str, TextScores]) -> str:
    if len(groups) < 2:
        return ""
    largest = max(scores.cer for scores in groups.values())
    rows = [
        f"<tr><td>{escape(name)}</td><td>{scores.n:,}</td>"
        f'<td class="bar">{bar(scores.cer, None, largest=largest)}</td>'
        f"<td>{percent(scores.cer)}</td><td>{percent(scores.wer)}</td><td>{percent(scores.ser)}</td></tr>"
        for name, scores in groups.items()
    ]
    head = (
        f'<tr><th>{what}</th><th>lines</th><th class="bar">CER</th><th>CER %</th>'
        "<th>WER %</th><th>SER %</th></tr>"
    )
    return f"<h2>{title}</h2><p>{len(groups):,} in all, worst first.</p>{_table(head, rows)}"


def _table(head: str, rows: Sequence[str], *, kind: str = "plain") -> str:
    """A table of which only the first rows are seen until somebody asks for the others."""

    def table(some: Sequence[str]) -> str:
        return f'<div class="scroll"><table class="{kind}">{head}{"".join(some)}</table></div>'

    if len(rows) <= _NUM_ROWS:
        return table(rows)
    rest = (
        f"<details><summary>the other {len(rows) - _NUM_ROWS:,}</summary>{table(rows[_NUM_ROWS:])}</details>"
    )
    return table(rows[:_NUM_ROWS]) + rest


def _failures(failed: Sequence[ScoredLine]) -> str:
    if not failed:
        return ""
    rows = [
        f"<tr><td>{escape(line.sample.key)}</td><td>{escape(line.error or '')}</td></tr>" for line in failed
    ]
    return f"<h2>Not read</h2>{_table('<tr><th>line</th><th>reason</th></tr>', rows, kind='failed')}"


def _footer(report: Report) -> str:
    normalization = report.results.normalization
    spacing = ", white space collapsed" if normalization.collapse_whitespace else ""
    told = [
        "Rates are edits over reference length, summed over all lines and divided once; they may exceed "
        f"100&nbsp;%. {_WORDS[report.tokenizer]} Both sides are compared in the model's own spelling "
        f"({normalization.form}{spacing}). Folded rates ignore case and punctuation.",
        "Intervals are bootstraps over whole pages (lines where the page is unknown), and over whole writers "
        "where there are at least ten. One page tells nothing about others, so it has no interval.",
        "A line that could not be read counts as read empty.",
    ]
    if report.num_unused:
        told.append(f"{report.num_unused:,} results belong to no line scored here.")
    return f'<footer class="quiet">{"".join(f"<p>{sentence}</p>" for sentence in told)}</footer>'
