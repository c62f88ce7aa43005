variable "project" {
  description = "The id of the project. One project holds one such system: names of topics and tables are fixed."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project: must be the id of a project, 6 to 30 lower-case letters, digits and hyphens, not its number or name."
  }
}

variable "region" {
  description = "Where everything runs and is kept."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]{1,2}$", var.region))
    error_message = "region: must be a region, as in europe-west1: not a zone and not a multi-region."
  }
}

variable "packages" {
  description = "The folder of the archives that `make package` writes; where none is given, build/packages."
  type        = string
  default     = null
}

variable "settings" {
  description = "The settings that are in the archives; where none are given, infra/monitoring.yaml."
  type        = string
  default     = null
}

variable "prediction_datasets" {
  description = "Datasets whose tables models of `aia models apply` may use, as dataset or project.dataset. Tables that the settings name are granted one by one."
  type        = set(string)
  default     = ["telemetry"]
  nullable    = false

  validation {
    condition     = alltrue([for name in var.prediction_datasets : can(regex("^([a-z][a-z0-9-]{4,28}[a-z0-9]\\.)?[A-Za-z0-9_]+$", name))])
    error_message = "prediction_datasets: must be dataset or project.dataset."
  }
}

variable "alerts" {
  description = "The folder of the alert rules; where none is given, infra/alerts."
  type        = string
  default     = null
}

variable "alert_profile" {
  description = "Which alert rules become policies: all, or essential, which are those of severity critical and those about the notification path."
  type        = string
  default     = "all"
  nullable    = false

  validation {
    condition     = contains(["all", "essential"], var.alert_profile)
    error_message = "alert_profile: must be all or essential."
  }
}

variable "dashboards" {
  description = "The folder of the dashboards; where none is given, dashboards/ beside infra/."
  type        = string
  default     = null
}

variable "environment" {
  description = "What $${NAME} in the settings stands for, where it is no secret. AIA_API_URL, AIA_PROBE_NETWORKS and AIA_WAREHOUSE_ADDRESS are known already."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "environment: names must be upper-case letters, digits and underscores."
  }
  validation {
    condition     = length(setintersection(keys(var.environment), ["GOOGLE_CLOUD_PROJECT", "AIA_STORE", "AIA_LOCATION", "AIA_API_URL", "AIA_COMMAND_INTAKE_URL", "AIA_PUSH_AUDIENCE", "AIA_PUSH_ACCOUNT"])) == 0
    error_message = "environment: GOOGLE_CLOUD_PROJECT, AIA_STORE, AIA_LOCATION, AIA_API_URL, AIA_COMMAND_INTAKE_URL, AIA_PUSH_AUDIENCE and AIA_PUSH_ACCOUNT follow from the deployment."
  }
  validation {
    condition     = alltrue([for name in keys(var.environment) : !can(regex("(PASSWORD|TOKEN|SECRET|_KEY|WEBHOOK_URL)$", name))])
    error_message = "environment: a password, a token, a key or the address of a webhook is a secret: name it in `secrets`, so that it stays out of the Terraform state."
  }
}

variable "secrets" {
  description = "The names of environment variables whose values are in Secret Manager. Their values are set outside (docs/deploy.md)."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.secrets : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "secrets: names must be upper-case letters, digits and underscores."
  }
}

variable "api_users" {
  description = "Who may use the api and its page: members of IAM, as in group:ml-on-call@example.com."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.api_users : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):.+", member))])
    error_message = "api_users: must be members as user:, group:, serviceAccount:, domain:, principal: or principalSet: name them. The api is never public."
  }
}

variable "api_ingress" {
  description = "From where the api can be reached; ALLOW_INTERNAL_AND_GCLB where a load balancer with Identity-Aware Proxy stands before it."
  type        = string
  default     = "ALLOW_ALL"
  nullable    = false

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_AND_GCLB", "ALLOW_INTERNAL_ONLY"], var.api_ingress)
    error_message = "api_ingress: must be ALLOW_ALL, ALLOW_INTERNAL_AND_GCLB or ALLOW_INTERNAL_ONLY."
  }
}

variable "api_url" {
  description = "The address of the page where a load balancer stands before it, as https://aia.example.com; where none is given, its own."
  type        = string
  default     = null

  validation {
    condition     = var.api_url == null || can(regex("^https://[^/]+[^/]$", var.api_url))
    error_message = "api_url: must be an https address without a path, as in https://aia.example.com."
  }
}

variable "publishers" {
  description = "Who else may publish, by topic: applications to telemetry, OpenTelemetry Collectors to otlp, other systems to alerts or findings; members of IAM."
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.publishers), ["telemetry", "otlp", "alerts", "findings"])) == 0
    error_message = "publishers: topics must be telemetry, otlp, alerts or findings: on the others only functions speak."
  }
  validation {
    condition     = alltrue([for member in flatten([for members in values(var.publishers) : tolist(members)]) : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):.+", member))])
    error_message = "publishers: must be members as user:, group:, serviceAccount:, domain:, principal: or principalSet: name them."
  }
}

variable "organization" {
  description = "Number of the organisation whose sign-ins are read; null for none. It takes roles/logging.configWriter on the organisation."
  type        = string
  default     = null

  validation {
    condition     = var.organization == null || can(regex("^[0-9]+$", var.organization))
    error_message = "organization: must be the number of an organisation."
  }
}

variable "log_secret_reads" {
  description = "Whether reads of secrets are logged. False where the audit config of secretmanager.googleapis.com is managed elsewhere."
  type        = bool
  default     = true
  nullable    = false
}

variable "alert_intake_public" {
  description = "Whether alert_intake takes webhooks from the network. It then asks for a token by itself: AIA_INTAKE_TOKEN must be in `secrets`."
  type        = bool
  default     = false
  nullable    = false
}

variable "notification_emails" {
  description = "Who hears by e-mail, directly from Cloud Monitoring, when this system itself does not work."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.notification_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "notification_emails: must be addresses, as in ml-on-call@example.com."
  }
}

variable "watchdog_email" {
  description = "The address of a service that expects a message every half an hour and calls people when it stays away."
  type        = string
  default     = null

  validation {
    condition     = var.watchdog_email == null || can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.watchdog_email))
    error_message = "watchdog_email: must be an address, as in 1234@hc-ping.example.com."
  }
}

variable "direct_channels" {
  description = "Further channels for the same, made outside because their tokens would stand in the state: their display names by type."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for type in keys(var.direct_channels) : contains(["slack", "pagerduty"], type)])
    error_message = "direct_channels: types must be slack or pagerduty; addresses belong to notification_emails."
  }
}

variable "runbooks_url" {
  description = "The address of the folder of the runbooks, as https://github.com/example/aia/blob/main/docs/runbooks; without it alerts and dashboards name the path only."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.runbooks_url == "" || can(regex("^https://.+[^/]$", var.runbooks_url))
    error_message = "runbooks_url: must be an https address without a slash at its end."
  }
}

variable "hosts" {
  description = "Names by which the api and the alert_intake are reached besides Google's own and that of AIA_API_URL, as alerts.example.com."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for host in var.hosts : can(regex("^[a-z0-9.-]+$", host))])
    error_message = "hosts: must be names of hosts in small letters, without a port."
  }
}

variable "iap_audience" {
  description = "The audience of the assertions of Identity-Aware Proxy before the api, as /projects/NUMBER/global/backendServices/ID; the api then answers nobody without one."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.iap_audience == "" || startswith(var.iap_audience, "/projects/")
    error_message = "iap_audience: must begin with /projects/."
  }
}

variable "id_token_audience" {
  description = "The audience of Google's identity tokens by which the api knows people and service accounts, besides Identity-Aware Proxy; usually its URL."
  type        = string
  default     = ""
  nullable    = false
}

variable "action_accounts" {
  description = "The e-mail addresses of the service accounts that actions need to act as: of services that are restarted, of pipelines that run again."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.action_accounts : can(regex("^[a-z0-9-]+@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$", email))])
    error_message = "action_accounts: must be addresses of service accounts, NAME@PROJECT.iam.gserviceaccount.com; not the default accounts, which may do too much."
  }
}

variable "runtime" {
  description = "The runtime of the functions; the requirements in the archives are locked for it."
  type        = string
  default     = "python311"
  nullable    = false

  validation {
    condition     = can(regex("^python3(1[1-9])$", var.runtime))
    error_message = "runtime: must be python311 or newer."
  }
}

variable "max_instances" {
  description = "How many instances of a function there are at most."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 100 && floor(var.max_instances) == var.max_instances
    error_message = "max_instances: must be a whole number, 1 to 100."
  }
}

variable "min_instances" {
  description = "How many instances of a function always run, by its name, so that no page waits for one to start; about 10 $ a month each."
  type        = map(number)
  default     = { alert_intake = 1, incident_router = 1 }
  nullable    = false

  validation {
    condition     = alltrue([for count in values(var.min_instances) : count >= 0 && count <= 10 && floor(count) == count])
    error_message = "min_instances: must be whole numbers, 0 to 10."
  }
}

variable "database" {
  description = "The name of the Firestore database."
  type        = string
  default     = "aia-store"
  nullable    = false

  validation {
    condition     = can(regex("^([a-z][a-z0-9-]{2,61}[a-z0-9]|\\(default\\))$", var.database))
    error_message = "database: must be 4 to 63 lower-case letters, digits and hyphens, or (default)."
  }
}

variable "database_location" {
  description = "Where the database is, for regions that Firestore is not in; where none is given, the region."
  type        = string
  default     = null
}

variable "scheduler_region" {
  description = "Where the schedules are, for regions that Cloud Scheduler is not in; where none is given, the region."
  type        = string
  default     = null
}

variable "protect" {
  description = "Whether tables, the database and buckets with something in them are kept from being deleted. False to take the system down."
  type        = bool
  default     = true
  nullable    = false
}

variable "long_lookback" {
  description = "Whether there are policies of the rules that look back for more than 25 hours, which Cloud Monitoring offers as a preview."
  type        = bool
  default     = true
  nullable    = false
}

variable "role_suffix" {
  description = "What the names of roles end with. Google keeps the name of a deleted role for more than a month: to apply anew within it, give another one."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9]{0,16}$", var.role_suffix))
    error_message = "role_suffix: must be at most 16 letters and digits."
  }
}

variable "kms_key" {
  description = "A key of Cloud KMS in the region that encrypts everything; where none is given, Google's own keys do."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key: must be projects/P/locations/REGION/keyRings/R/cryptoKeys/K."
  }
}

variable "vpc_connector" {
  description = "A Serverless VPC Access connector for functions that reach private addresses, as caches of flush_cache; projects/P/locations/L/connectors/C."
  type        = string
  default     = null

  validation {
    condition     = var.vpc_connector == null || can(regex("^projects/[^/]+/locations/[^/]+/connectors/[^/]+$", var.vpc_connector))
    error_message = "vpc_connector: must be projects/P/locations/L/connectors/C."
  }
}

variable "availability_goal" {
  description = "The share of requests that the api, the intake and the router must answer, over 28 days."
  type        = number
  default     = 0.99
  nullable    = false

  validation {
    # Errors alone burn the budget 1 / (1 - goal) times too fast: with a lower goal never 14.4 times, which calls people.
    condition     = var.availability_goal >= 0.94 && var.availability_goal <= 0.9999
    error_message = "availability_goal: must be 0.94 to 0.9999; below, not even errors alone use up the budget fast enough for the alert."
  }
}

variable "budget" {
  description = "A monthly budget that people are told of at 50, 90 and 100 per cent: {billing_account, amount, currency}."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string, "USD")
  })
  default = null

  validation {
    condition     = var.budget == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account: must be as in 012345-6789AB-CDEF01."
  }
  validation {
    condition     = var.budget == null || try(var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount, false)
    error_message = "budget.amount: must be a whole number of at least 1."
  }
  validation {
    condition     = var.budget == null || can(regex("^[A-Z]{3}$", var.budget.currency))
    error_message = "budget.currency: must be a currency by three letters, as in EUR."
  }
}

variable "settling_seconds" {
  description = "How long a first apply waits for Google's own accounts, and until grants count. 0 waits for nothing."
  type = object({
    accounts = optional(number, 60)
    grants   = optional(number, 120)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for seconds in values(var.settling_seconds) : try(seconds >= 0 && seconds <= 900 && floor(seconds) == seconds, false)])
    error_message = "settling_seconds: must be whole numbers from 0 to 900."
  }
}

variable "template_repositories" {
  description = "Whether the Kubeflow repositories that retraining.pipeline.template names in this project are created; false where they exist."
  type        = bool
  default     = true
}
