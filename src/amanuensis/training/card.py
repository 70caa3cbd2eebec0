"""The model card: one README that the Hugging Face hub and an archivist can both read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amanuensis.recognition import ModelConfig


def model_card(config: ModelConfig) -> str:
    """Markdown with the hub's front matter; every number in it comes from `config.scores`."""
    sections = [
        _front_matter(config),
        f"# {config.name}\n\n{config.description or 'A handwriting recognition model of amanuensis.'}",
        f"Read with it: `amanuensis transcribe lines/ -m {config.name}`",
        _facts(config),
        _data(config),
        *(_scores(split, config.scores[split]) for split in ("test", "val") if split in config.scores),
        _limits(config),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(config: ModelConfig) -> str:
    languages = "".join(f"\n- {language}" for language in config.languages)
    licence = config.licence.lower() or "other"
    return (
        f"---\nlanguage:{languages or ' []'}\nlicense: {licence}\nlibrary_name: amanuensis\n"
        "tags:\n- handwritten-text-recognition\n- htr\n- onnx\npipeline_tag: image-to-text\n---"
    )


def _facts(config: ModelConfig) -> str:
    rows = {
        "Task": "lines of handwriting to text",
        "Network": f"{config.architecture.name}, {config.parameters:,} parameters in training",
        "Input": f"grey, {config.image.height} px high, "
        + (f"{config.image.width} px wide" if config.image.width else "any width"),
        "Alphabet": f"{len(config.vocabulary)} characters",
        "Text normalization": config.normalization.form,
        "Languages": ", ".join(config.languages) or "not stated",
        "Licence of the weights": config.licence or "not stated",
        "Made with": ", ".join(f"{name} {version}" for name, version in config.versions.items()),
    }
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {key} | {value} |" for key, value in rows.items())


def _data(config: ModelConfig) -> str:
    if not config.data:
        return ""
    rows = "\n".join(f"- {data.name} ({data.licence})" for data in config.data)
    return f"## Trained on\n\nThe train splits of\n\n{rows}"


def _scores(split: str, report: Mapping[str, Any]) -> str:
    name = {"test": "Test", "val": "Validation"}[split]
    rows = [_row("all", report), *(_row(name, of_set) for name, of_set in report.get("sets", {}).items())]
    table = "| set | lines | CER | 95 % interval |\n| --- | --- | --- | --- |\n" + "\n".join(rows)
    return f"## {name} lines\n\nGreedy, no lexicon, no language model; CER is edits over characters, summed.\n\n{table}"


def _row(name: str, report: Mapping[str, Any]) -> str:
    interval = report.get("cer_interval")
    shown = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
    return f"| {name} | {report['n']} | {report['cer']:.4f} | {shown} |"


def _limits(config: ModelConfig) -> str:
    return (
        "## Limits\n\nIt reads single lines of the hands, times and languages above; others read worse, and it cannot "
        "say so reliably: its confidences are the network's own. Fine-tune it on some hundred lines of your own:\n"
        f"`amanuensis train finetune --from {config.name} --set 'data.paths=[\"my-lines\"]'`."
    )
