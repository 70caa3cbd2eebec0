"""The model card: one README that the Hugging Face hub and an archivist can both read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amanuensis.recognition import MathConfig, TextConfig

_EXAMPLES = {"text": "lines/", "math": "formula.png"}
_FORMULA_LIMITS = (
    "## Limits\n\nIt reads one formula a picture, of the symbols above: no matrices, no several lines, no words. On "
    "other pictures its confidence is low but never zero. Strokes, where there are any, read better than photos."
)


def model_card(config: TextConfig | MathConfig) -> str:
    """Markdown with the hub's front matter; every number in it comes from `config.scores`."""
    sections = [
        _front_matter(config),
        f"# {config.name}\n\n{config.description or 'A handwriting recognition model of amanuensis.'}",
        f"Read with it: `amanuensis transcribe {_EXAMPLES[config.task]} -m {config.name}`",
        _facts(config),
        _data(config),
        *(_scores(split, config.scores[split]) for split in _splits(config.scores)),
        _limits(config) if isinstance(config, TextConfig) else _FORMULA_LIMITS,
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(config: TextConfig | MathConfig) -> str:
    languages = "".join(f"\n- {language}" for language in config.languages)
    licence = config.licence.lower() or "other"
    return (
        f"---\nlanguage:{languages or ' []'}\nlicense: {licence}\nlibrary_name: amanuensis\n"
        "tags:\n- handwritten-text-recognition\n- htr\n- onnx\npipeline_tag: image-to-text\n---"
    )


def _facts(config: TextConfig | MathConfig) -> str:
    rows = {
        **(_facts_of_lines(config) if isinstance(config, TextConfig) else _facts_of_formulas(config)),
        "Licence of the weights": config.licence or "not stated",
        "Made with": ", ".join(f"{name} {version}" for name, version in config.versions.items()),
    }
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {key} | {value} |" for key, value in rows.items())


def _facts_of_lines(config: TextConfig) -> dict[str, str]:
    return {
        "Task": "lines of handwriting to text",
        "Network": f"{config.architecture.name}, {config.parameters:,} parameters in training",
        "Input": f"grey, {config.image.height} px high, "
        + (f"{config.image.width} px wide" if config.image.width else "any width"),
        "Alphabet": f"{len(config.vocabulary)} characters",
        "Text normalization": config.normalization.form,
        "Languages": ", ".join(config.languages) or "not stated",
    }


def _facts_of_formulas(config: MathConfig) -> dict[str, str]:
    scale = "" if config.image.scale == 1 else f", at {config.image.scale:g} of that size"
    return {
        "Task": "handwritten formulas to LaTeX",
        "Network": f"{config.architecture.name}, {config.parameters:,} parameters in training",
        "Input": f"white strokes on black, symbols {config.image.symbol_height:g} px high{scale}; ink, bitmap or photo",
        "Tokens": f"{len(config.vocabulary)}",
    }


def _data(config: TextConfig | MathConfig) -> str:
    if not config.data:
        return ""
    rows = "\n".join(f"- {data.name} ({data.licence})" for data in config.data)
    return f"## Trained on\n\nThe train splits of\n\n{rows}"


def _splits(scores: Mapping[str, Any]) -> list[str]:
    """Test splits first, then validation; parity is no split."""
    return [
        *sorted(name for name in scores if name.startswith("test")),
        *(["val"] if "val" in scores else []),
    ]


def _scores(split: str, report: Mapping[str, Any]) -> str:
    name = "Validation" if split == "val" else split.capitalize()
    if "exprate" in report:
        return f"## {name}\n\n{_formula_scores(report)}"
    rows = [_row("all", report), *(_row(name, of_set) for name, of_set in report.get("sets", {}).items())]
    table = "| set | lines | CER | 95 % interval |\n| --- | --- | --- | --- |\n" + "\n".join(rows)
    told = "Greedy, no lexicon, no language model; CER is edits over characters, summed."
    return f"## {name} lines\n\n{told}\n\n{table}{_confidence(report)}"


def _confidence(report: Mapping[str, Any]) -> str:
    """How far confidences and truth lie apart; "" if it was not measured."""
    if not (errors := report.get("ece")):
        return ""
    told = ", ".join(f"{100 * error:.1f} of {level}" for level, error in errors.items())
    return f"\n\nConfidence and truth lie apart by so many points on average (expected calibration error): {told}."


def _row(name: str, report: Mapping[str, Any]) -> str:
    interval = report.get("cer_interval")
    shown = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
    return f"| {name} | {report['n']} | {report['cer']:.4f} | {shown} |"


def _formula_scores(report: Mapping[str, Any]) -> str:
    names = {
        "exprate": "ExpRate (tokens)",
        "exprate_1": "at most 1 error",
        "exprate_2": "at most 2 errors",
        "exprate_tree": "ExpRate (layout tree)",
        "wer": "token error rate",
    }
    rows = [f"| {told} | {report[key]:.4f} |" for key, told in names.items() if report.get(key) is not None]
    beam = report.get("beam", 1)
    search = "Greedy" if beam == 1 else f"Beam of {beam}"
    head = f"{search}, no language model, {report['n']} formulas.\n\n| | |\n| --- | --- |\n"
    return head + "\n".join(rows)


def _limits(config: TextConfig) -> str:
    told = (
        "its confidences were calibrated on validation lines of its own sets, and claim too much where it is far from "
        "home"
        if config.calibration
        else "it cannot say so reliably: its confidences are the network's own"
    )
    return (
        f"## Limits\n\nIt reads single lines of the hands, times and languages above; others read worse, and {told}. "
        "Fine-tune it on some dozen lines of your own, or more:\n"
        f"`amanuensis train --from {config.name} --data my-lines`."
    )
