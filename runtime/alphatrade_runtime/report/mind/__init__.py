"""What a run's page says of its understanding loop; nothing here is loaded for a run without one."""
