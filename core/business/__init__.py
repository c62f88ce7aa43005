"""Business estimates: revenue forecasts, customer lifetime value, market share, ROI and stakeholder satisfaction.

Import each part from its own module: `core.business.forecast.forecast` is a function in a module of the same name, and only
the modules that need scipy import it.
"""
