"""The authority's side: build, sign and publish the site repository."""
