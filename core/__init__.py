"""What is true without a cloud: decisions as pure functions of their arguments."""
