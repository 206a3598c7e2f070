"""Run lessons, build notebooks from their sources, calibrate, show."""
