"""Channel router: recommends a mix of digital self-service and personal follow-up."""
