"""`aia doctor`: what would fail, stay silent or cost too much in a project of Google Cloud, asked of Google itself."""
