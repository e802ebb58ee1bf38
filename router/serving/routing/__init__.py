"""The service ChannelRouter: single cases, batches and streams."""
