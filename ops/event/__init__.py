"""The event file: one YAML that says what an event is, and what is worked out from it.

``load`` reads and checks it, ``compiled`` and ``write`` make an inventory of it, ``capacity`` and ``cost`` a plan. Here
is arithmetic on a file: no host is asked and nothing is deployed.
"""

from ops.event.capacity import CapacityPlan, capacity
from ops.event.compile import Inventory, compiled, write
from ops.event.cost import CostPlan, cost
from ops.event.load import load
from ops.event.model import Event, Host

__all__ = [
    "CapacityPlan",
    "CostPlan",
    "Event",
    "Host",
    "Inventory",
    "capacity",
    "compiled",
    "cost",
    "load",
    "write",
]
