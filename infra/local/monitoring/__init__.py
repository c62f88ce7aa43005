"""A local server for the part of the Cloud Monitoring API that the functions use.

It speaks `google.monitoring.v3.MetricService` over gRPC to Google's own clients, refuses what the API refuses, and
shows the newest points to Prometheus at `/metrics`. So the functions write metrics in one way only, wherever they run.

    rules       validation, as in the API
    series      descriptors and time series
    service     the methods, as gRPC calls them
    filters     the filter language
    exposition  the newest points as Prometheus reads them
    server      both ports, started and stopped together
"""
