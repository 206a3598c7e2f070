"""The book: the course as static pages that need no network, `build/site`."""
