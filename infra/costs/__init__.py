"""What the system costs a month on Google Cloud, reckoned from the settings, a workload and list prices."""
