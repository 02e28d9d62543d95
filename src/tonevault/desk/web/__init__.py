"""What every route shares: problem documents, validation without echo, pages, limits. Knows no domain of the desk."""
