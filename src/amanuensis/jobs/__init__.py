"""Whole collections: a journal that lets every run go on where it was, shards, workers, Ray."""

from amanuensis.jobs.collection import Order, Summary, Watch, read_collection
from amanuensis.jobs.journal import BEGUN, Plan, moment_begun
from amanuensis.jobs.line_reading import CorrectionChoice, LineReading
from amanuensis.jobs.listing import Listing, natural_order
from amanuensis.jobs.ray_engine import RayEngine
from amanuensis.jobs.reading import PageReading
from amanuensis.jobs.shards import Shard
from amanuensis.jobs.status import Failure, Status, read_status
from amanuensis.jobs.tasks import Engine, Outcome, PageOutput, PageTask, ReadPage, Work
from amanuensis.jobs.workers import LocalEngine

__all__ = [
    "BEGUN",
    "CorrectionChoice",
    "Engine",
    "Failure",
    "LineReading",
    "Listing",
    "LocalEngine",
    "Order",
    "Outcome",
    "PageOutput",
    "PageReading",
    "PageTask",
    "Plan",
    "RayEngine",
    "ReadPage",
    "Shard",
    "Status",
    "Summary",
    "Watch",
    "Work",
    "moment_begun",
    "natural_order",
    "read_collection",
    "read_status",
]
