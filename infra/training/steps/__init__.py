"""The steps of a training as plain functions: a component of the pipeline reads its inputs, calls one, and writes its outputs.

The archive of a component holds these modules, and what they import of `core` and `functions/adapters`.
"""
