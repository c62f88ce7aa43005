"""Business: what a source of revenue will earn, what customers are worth, how each group of people is served.

Every part is a module of its own and is imported from there: `core.business.forecast.forecast` is a function in a module
of the same name, and only the modules that need scipy cost its import.
"""
