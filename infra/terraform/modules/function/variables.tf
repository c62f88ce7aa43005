variable "project" {
  description = "The id of the project."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Where the function runs."
  type        = string
  nullable    = false
}

variable "name" {
  description = "The name of the function, as its folder is called."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{1,25}[a-z0-9]$", var.name))
    error_message = "name: a function must be 3 to 27 lower-case letters, digits and underscores, because its account is called after it."
  }
}

variable "archives" {
  description = "Its archives in the folder of archives, of which there must be one: NAME-HASH.zip."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.archives) == 1
    error_message = "archives: of each function there must be one, named by its hash: run `make package` first."
  }
}

variable "source_in" {
  description = "The folder of the archives, and the bucket they go to."
  type        = object({ folder = string, bucket = string })
  nullable    = false
}

variable "build" {
  description = "How it is built: the runtime, the id of the account that builds, the repository of the image, and where images of it are."
  type        = object({ runtime = string, account = string, repository = string, images = string })
  nullable    = false
}

variable "resources" {
  description = "What an instance has, how many requests it handles at once and how long one may take, and how many instances there are."
  type = object({
    memory          = string
    timeout_seconds = number
    concurrency     = optional(number, 8)
    min_instances   = optional(number, 0)
    max_instances   = number
  })
  nullable = false

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.resources.memory))
    error_message = "resources.memory: must be as in 512Mi or 1Gi."
  }
  validation {
    condition     = var.resources.timeout_seconds >= 10 && var.resources.timeout_seconds <= 600
    error_message = "resources.timeout_seconds: must be 10 to 600: Pub/Sub waits no longer."
  }
}

variable "asgi" {
  description = "For an ASGI application, which is a service of Cloud Run itself: how long a connection may stay open, and how many requests an instance handles at once."
  type        = object({ timeout_seconds = number, concurrency = optional(number, 80) })
  default     = null

  validation {
    condition     = var.asgi == null ? true : var.asgi.timeout_seconds >= 10 && var.asgi.timeout_seconds <= 3600
    error_message = "asgi.timeout_seconds: must be 10 to 3600: Cloud Run allows no more."
  }
}

variable "environment" {
  description = "Its environment, without secrets."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "secrets" {
  description = "Its secrets: the id in Secret Manager of each environment variable."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "triggers" {
  description = "What it is called by: a push subscription each, by its name."
  type = map(object({
    topic                = string
    dead_letter_topic    = string
    filter               = optional(string)
    ack_deadline_seconds = number
    retention_seconds    = optional(number, 604800)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for trigger in values(var.triggers) : trigger.ack_deadline_seconds >= 10 && trigger.ack_deadline_seconds <= 600])
    error_message = "triggers: ack_deadline_seconds must be 10 to 600."
  }
  validation {
    condition     = alltrue([for trigger in values(var.triggers) : length(coalesce(trigger.filter, "-")) <= 256])
    error_message = "triggers: a filter must be at most 256 characters."
  }
}

variable "retry" {
  description = "What happens to a message that fails."
  type = object({
    minimum_backoff_seconds = number
    maximum_backoff_seconds = number
    max_delivery_attempts   = number
  })
  nullable = false

  validation {
    condition     = var.retry.max_delivery_attempts >= 5 && var.retry.max_delivery_attempts <= 100
    error_message = "retry.max_delivery_attempts: must be 5 to 100."
  }
}

variable "push_account" {
  description = "The address of the service account that Pub/Sub calls it as."
  type        = string
  nullable    = false
}

variable "push_audience" {
  description = "Whom the token of a push is for, where the function checks it by itself; where none is given, its address."
  type        = string
  default     = null
}

variable "pubsub_agent" {
  description = "Pub/Sub's own account, as a member."
  type        = string
  nullable    = false
}

variable "rights" {
  description = "What it may do: topics it publishes to, tables it reads and writes, datasets of which it reads every table, a role on the documents, whether it writes metrics, whether it reads them."
  type = object({
    publishes = map(string)
    reads     = set(string)
    datasets  = optional(set(string), [])
    writes    = set(string)
    store     = optional(object({ role = string, database = string }))
    metrics   = bool
    charts    = optional(bool, false)
  })
  nullable = false
}

variable "invokers" {
  description = "Who may call it besides Pub/Sub."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "ingress" {
  description = "From where it can be reached."
  type        = string
  default     = "ALLOW_INTERNAL_ONLY"
  nullable    = false
}

variable "vpc_connector" {
  description = "A connector to private addresses, or none."
  type        = string
  default     = null
}

variable "kms_key" {
  description = "A key that encrypts it, or none."
  type        = string
  default     = null
}
