"""monitoring.yaml as typed settings: what is watched, when, how strictly, and who hears of it."""

from core.settings.alert_intake import AlertIntakeSettings
from core.settings.alert_rules import AlertRuleSettings
from core.settings.alert_senders import AlertSender
from core.settings.business import (
    Billing,
    Business,
    Cost,
    Customers,
    Exposures,
    MarketTable,
    Orders,
    Rates,
    SharedCost,
    Spending,
)
from core.settings.capacity import CapacityResource, CapacitySettings, Crosses, Scaling
from core.settings.channels import Channel
from core.settings.command_intake import Account, CommandIntake, MailLinks, PagerdutyWebhooks, SlackApp
from core.settings.experience import ExperienceSettings
from core.settings.generation import Embedding, Generation, Prices
from core.settings.models import Features, Label, Model, Performance, Quality, Reference, Retraining, Sensitivity, Task
from core.settings.network import Address
from core.settings.opentelemetry import OpenTelemetry
from core.settings.partners import Partner
from core.settings.people import (
    Category,
    Hours,
    Override,
    People,
    Person,
    Rotation,
    Route,
    Stakeholder,
    Tier,
    When,
)
from core.settings.pipelines import PipelineSettings
from core.settings.probes import DnsProbe, Expect, HttpProbe, Probe, TcpProbe, TlsProbe
from core.settings.promotion import GuardRail, Mode, Promotion, UnitOutcome
from core.settings.registry import MlflowRegistry, Registry, VertexRegistry
from core.settings.reports import ReportSchedule
from core.settings.response import (
    ActionName,
    Automation,
    Deed,
    ImpactPolicy,
    Limits,
    Maintenance,
    Playbook,
    Policy,
    Resource,
    Revenue,
    Rule,
)
from core.settings.returns import ModelReturn, Returns
from core.settings.security import DetectionName, SecuritySettings
from core.settings.surveys import Surveys
from core.settings.training import Parameter, TrainingPipeline
from core.settings.types import Dependency, Settings, parse, parse_model
from core.settings.upkeep import Upkeep
from core.settings.warehouse import WarehouseSettings

__all__ = [
    "Account",
    "ActionName",
    "Address",
    "AlertIntakeSettings",
    "AlertRuleSettings",
    "AlertSender",
    "Automation",
    "Billing",
    "Business",
    "CapacityResource",
    "CapacitySettings",
    "Category",
    "Channel",
    "CommandIntake",
    "Cost",
    "Crosses",
    "Customers",
    "Deed",
    "Dependency",
    "DetectionName",
    "DnsProbe",
    "Embedding",
    "Expect",
    "ExperienceSettings",
    "Exposures",
    "Features",
    "Generation",
    "GuardRail",
    "Hours",
    "HttpProbe",
    "ImpactPolicy",
    "Label",
    "Limits",
    "MailLinks",
    "Maintenance",
    "MarketTable",
    "MlflowRegistry",
    "Mode",
    "Model",
    "ModelReturn",
    "OpenTelemetry",
    "Orders",
    "Override",
    "PagerdutyWebhooks",
    "Parameter",
    "Partner",
    "People",
    "Performance",
    "Person",
    "PipelineSettings",
    "Playbook",
    "Policy",
    "Prices",
    "Probe",
    "Promotion",
    "Quality",
    "Rates",
    "Reference",
    "Registry",
    "ReportSchedule",
    "Resource",
    "Retraining",
    "Returns",
    "Revenue",
    "Rotation",
    "Route",
    "Rule",
    "Scaling",
    "SecuritySettings",
    "Sensitivity",
    "Settings",
    "SharedCost",
    "SlackApp",
    "Spending",
    "Stakeholder",
    "Surveys",
    "Task",
    "TcpProbe",
    "Tier",
    "TlsProbe",
    "TrainingPipeline",
    "UnitOutcome",
    "Upkeep",
    "VertexRegistry",
    "WarehouseSettings",
    "When",
    "parse",
    "parse_model",
]
