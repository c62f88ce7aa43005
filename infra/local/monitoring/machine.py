"""The free disk and memory of this machine, under the names of Prometheus' node exporter, so that capacity has a resource to forecast.

Memory is read of Linux only; elsewhere there is none of it.

References:
    https://github.com/prometheus/node_exporter, collectors filesystem and meminfo.
"""

import shutil
from pathlib import Path

_MEMORY = Path("/proc/meminfo")
_NAMES = ("MemAvailable", "MemTotal")
_KILOBYTE = 1024


def exposition(data: Path) -> str:
    """The gauges in Prometheus' text format.

    Args:
        data: the folder whose file system counts.
    """
    disk = shutil.disk_usage(data)
    mounted = next(folder for folder in (data.resolve(), *data.resolve().parents) if folder.is_mount())
    labels = f'{{mountpoint="{mounted}"}}'
    gauges = {f"node_filesystem_avail_bytes{labels}": disk.free, f"node_filesystem_size_bytes{labels}": disk.total}
    gauges |= {f"node_memory_{name}_bytes": bytes_ for name, bytes_ in _memory().items()}
    return "".join(f"# TYPE {name.partition('{')[0]} gauge\n{name} {value}\n" for name, value in gauges.items())


def _memory() -> dict[str, int]:
    try:
        lines = _MEMORY.read_text().splitlines()
    except OSError:
        return {}
    values = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
    return {name: int(values[name][0]) * _KILOBYTE for name in _NAMES if name in values}
