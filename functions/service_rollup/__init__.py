"""Operations of services by minute, and their metrics, from the telemetry of applications."""
