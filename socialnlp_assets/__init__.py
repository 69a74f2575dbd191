"""socialnlp_assets: an hourly, asset-based data platform for listening to what people say about a company."""
