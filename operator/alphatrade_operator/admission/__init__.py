"""What the API server itself enforces: admission policies as data, which the chart of definitions installs."""
