"""Whole collections: a journal that lets every run go on where it was, shards, workers, Ray."""

from amanuensis.jobs.collection import Order, Summary, Watch, read_collection
from amanuensis.jobs.journal import Plan
from amanuensis.jobs.listing import Listing, natural_order
from amanuensis.jobs.ray_engine import RayEngine
from amanuensis.jobs.shards import Shard
from amanuensis.jobs.status import Failure, Status, read_status
from amanuensis.jobs.tasks import Engine, Outcome, PageOutput, PageTask, ReadPage, Work
from amanuensis.jobs.workers import LocalEngine

__all__ = [
    "Engine",
    "Failure",
    "Listing",
    "LocalEngine",
    "Order",
    "Outcome",
    "PageOutput",
    "PageTask",
    "Plan",
    "RayEngine",
    "ReadPage",
    "Shard",
    "Status",
    "Summary",
    "Watch",
    "Work",
    "natural_order",
    "read_collection",
    "read_status",
]
