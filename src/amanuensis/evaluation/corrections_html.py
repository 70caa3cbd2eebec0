"""The part of the HTML report that shows what a correction did: a table by data set, and lines like Table IV's."""

from __future__ import annotations

from html import escape

from amanuensis.evaluation.corrections import CorrectedLine, CorrectionReport, CorrectionScores
from amanuensis.evaluation.pieces import differences, percent


def corrections_shown(report: CorrectionReport) -> str:
    """The section of a report."""
    facts = report.facts
    time = facts.get("milliseconds_per_line")
    took = f" It took {time:.1f} ms of CPU time a line." if time else ""
    oracle = " <b>with the answers in it</b> (an oracle, no score)" if facts.get("oracle") else ""
    rows = [_row(escape(name), scores) for name, scores in report.sets.items()]
    if len(report.sets) > 1:
        rows.append(_row("all", report.total, kind=' class="total"'))
    head = (
        "<tr><th>data set</th><th>lines changed</th><th>CER % before</th><th>after</th><th>difference, 95 %</th>"
        "<th>WER % before</th><th>after</th><th>words rescued</th><th>harmed</th><th>harm rate %</th>"
        "<th>unknown words %</th></tr>"
    )
    kind, theta = (escape(str(facts.get(name))) for name in ("kind", "theta"))
    told = (
        f"Corrected by <b>{kind}</b>{oracle} where it is surer than {theta}."
        f"{took} Rescued words were wrong before and are right now; the harm rate is right words made "
        "wrong over right words. The interval of the difference is paired, over pages."
    )
    samples = "".join(map(_sample, report.samples))
    examples = f"<p>The greatest gains, then the greatest losses:</p>{samples}" if samples else ""
    return f'<h2>Correction</h2><p>{told}</p><div class="scroll"><table>{head}{"".join(rows)}</table></div>{examples}'


def _row(name: str, scores: CorrectionScores, *, kind: str = "") -> str:
    difference, harm = scores.difference, scores.harm
    interval = (
        "" if difference.interval is None else " to ".join(f"{100 * end:+.2f}" for end in difference.interval)
    )
    cells = (
        f"{scores.changed:,} of {scores.n:,}",
        percent(scores.characters_before.rate),
        percent(scores.characters.rate),
        interval or "–",
        percent(scores.words_before.rate),
        percent(scores.words.rate),
        f"{harm.rescued:,}",
        f"{harm.harmed:,} of {harm.right:,}",
        f"{100 * harm.harm_rate:.2f}",
        "–" if scores.unknown is None else percent(scores.unknown),
    )
    return f"<tr{kind}><td>{name}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _sample(line: CorrectedLine) -> str:
    """Ground truth, initial prediction, corrected prediction: what is not as written is marked."""
    written = escape(line.reference)
    before, after = (differences(line.reference, text)[1] for text in (line.before, line.after))
    return (
        f'<figure><dl><dt>written</dt><dd dir="auto">{written}</dd><dt>read</dt><dd dir="auto">{before}</dd>'
        f'<dt>corrected</dt><dd dir="auto">{after}</dd></dl><figcaption>{escape(line.sample.key)}</figcaption></figure>'
    )
