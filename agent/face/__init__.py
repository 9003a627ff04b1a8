"""From a permitted frame to one template: detect, track, check quality, align, embed."""
