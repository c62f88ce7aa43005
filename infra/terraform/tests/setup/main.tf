# Empty archives, so that tests need no `make package`; a plan reads only their names.

variable "functions" {
  description = "The functions."
  type        = set(string)
}

variable "folder" {
  description = "Where they go."
  type        = string
}

resource "terraform_data" "archives" {
  triggers_replace = var.functions

  provisioner "local-exec" {
    command = "mkdir -p \"$FOLDER\" && for name in $FUNCTIONS; do : >\"$FOLDER/$name-0123456789abcdef.zip\"; done"
    environment = {
      FOLDER    = var.folder
      FUNCTIONS = join(" ", var.functions)
    }
  }
}
