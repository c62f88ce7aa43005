"""What is generated from the declarations of the settings: the tables of their guide, and their JSON Schema."""
