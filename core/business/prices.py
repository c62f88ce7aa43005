"""List prices that estimates are made with, in US dollars; those of a bill are in `infra/costs/prices.py`, which has these as well."""

from collections.abc import Sequence
from dataclasses import dataclass

SCAN_DOLLARS_PER_TIB = 6.25
"""BigQuery, bytes scanned on demand (https://cloud.google.com/bigquery/pricing, 2026-11-29)."""
TIB = 2.0**40


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    """A machine type of Vertex AI training, on which the tasks of a pipeline run.

    Attributes:
        name: as in `e2-standard-4`.
        vcpus: of it.
        memory_gib: GiB of it.
        dollars_per_hour: its list price.
    """

    name: str
    vcpus: int
    memory_gib: float
    dollars_per_hour: float

    @property
    def family(self) -> str:
        """As in `e2-standard`: the types of a family differ in their size alone."""
        return self.name.rpartition("-")[0]


def _family(name: str, sizes: Sequence[int], gib_of_a_vcpu: float, dollars_of_a_vcpu: float) -> dict[str, MachineType]:
    machines = [
        MachineType(
            name=f"{name}-{vcpus}",
            vcpus=vcpus,
            memory_gib=vcpus * gib_of_a_vcpu,
            dollars_per_hour=vcpus * dollars_of_a_vcpu,
        )
        for vcpus in sizes
    ]
    return {machine.name: machine for machine in machines}


MACHINE_TYPES = {
    **_family("e2-standard", (4, 8, 16, 32), 4.0, 0.154126276 / 4),
    **_family("n1-standard", (4, 8, 16, 32, 64, 96), 3.75, 0.21849885 / 4),
}
"""Vertex AI custom training in us-central1 (https://cloud.google.com/vertex-ai/pricing, 2026-09-08): the list price of the types of four vCPUs, in
proportion to the vCPUs of the others of a family, as Compute Engine prices them."""
