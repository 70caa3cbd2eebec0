"""Pictures of lines: load them safely, prepare them by a model's own spec, vary them for training."""

from amanuensis.images.augmentation import AUGMENTATIONS, Augmentation, Chance, augment
from amanuensis.images.formula import FormulaSpec, Measured, normalize_formula, prepare_formula
from amanuensis.images.load import frame_sizes, image_resolution, image_size, load_image, num_frames
from amanuensis.images.pagelike import looks_like_page
from amanuensis.images.polarity import dark_on_light, is_light_on_dark
from amanuensis.images.spec import (
    IMAGE_SPECS,
    ImageSpec,
    normalize_contrast,
    pad_to_spec,
    prepare,
    resize_to_spec,
    scale_of,
)
from amanuensis.images.windows import stitch, window_starts

__all__ = [
    "AUGMENTATIONS",
    "IMAGE_SPECS",
    "Augmentation",
    "Chance",
    "FormulaSpec",
    "ImageSpec",
    "Measured",
    "augment",
    "dark_on_light",
    "frame_sizes",
    "image_resolution",
    "image_size",
    "is_light_on_dark",
    "load_image",
    "looks_like_page",
    "normalize_contrast",
    "normalize_formula",
    "num_frames",
    "pad_to_spec",
    "prepare",
    "prepare_formula",
    "resize_to_spec",
    "scale_of",
    "stitch",
    "window_starts",
]
